// The one door to NetCDF-C, which is not thread-safe: every call passes this lock.

import CNetCDF
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

enum NetCDFLibrary {
  private static let lock: Mutex<Void> = {
    // HDF5 would lock files that are being written against readers (a dataset can be read while it is made) and
    // refuses to open files on network file systems without locks. Writers exclude one another by a lock of
    // their own, see `DatasetWriter`. What the user has set stays.
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0)
    // After a write that failed on a full disk, HDF5's cleaning up at the end of the process would crash. Nothing
    // is left to it: files are closed by their owners.
    _ = symbol("H5dont_atexit", as: (@convention(c) () -> Int32).self)?()
    return Mutex(())
  }()

  /// Runs one call (or several that belong together) alone; returns the status they gave.
  static func call(_ body: () -> Int32) -> Int32 {
    lock.withLock { _ in
      _ = silenceHDF5?(0, nil, nil)
      return body()
    }
  }

  /// `H5Eset_auto2`: NetCDF-C turns off HDF5's own printing of errors in the thread that first came, a thread-safe
  /// HDF5 keeps that setting for each thread.
  private static let silenceHDF5 = symbol(
    "H5Eset_auto2", as: (@convention(c) (Int64, OpaquePointer?, OpaquePointer?) -> Int32).self)

  /// HDF5 is looked up at run time, since NetCDF-C can be built without it.
  private static func symbol<Function>(_ name: String, as type: Function.Type) -> Function? {
    dlsym(dlopen(nil, RTLD_LAZY), name).map { unsafeBitCast($0, to: type) }
  }
}

/// NetCDF's types of numbers and text.
public enum NetCDFType: Int32, Sendable, Hashable, CaseIterable {
  case int8 = 1
  case character = 2
  case int16 = 3
  case int32 = 4
  case float32 = 5
  case float64 = 6
  case uint8 = 7
  case uint16 = 8
  case uint32 = 9
  case int64 = 10
  case uint64 = 11
  case string = 12

  public var isNumeric: Bool { self != .character && self != .string }
  public var isFloatingPoint: Bool { self == .float32 || self == .float64 }

  /// Bytes of one value; of a string, those of its pointer.
  public var size: Int {
    switch self {
    case .int8, .uint8, .character: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64, .string: 8
    }
  }

  /// The name as NumPy spells it.
  public var name: String {
    self == .character ? "char" : "\(self)"
  }
}
