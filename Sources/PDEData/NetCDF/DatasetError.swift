// What goes wrong with a file of data, told with the file and the variable.

import CNetCDF

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A failure with a file of data: its kind, the file, the variable where one is concerned, and what to expect.
public struct DatasetError: CategorizedError, Hashable {
  public let category: ErrorCategory
  public let path: String
  public let variable: String?
  public let message: String

  public init(_ category: ErrorCategory, path: String, variable: String? = nil, _ message: String) {
    self.category = category
    self.path = path
    self.variable = variable
    self.message = message
  }

  public var description: String {
    variable.map { "\(path): variable \($0): \(message)" } ?? "\(path): \(message)"
  }
}

extension DatasetError {
  /// What a call was about to do, which decides what its failure means.
  enum Operation {
    case open, update, create, inquire, read, write
  }

  /// The error for a status that NetCDF-C returned (positive: an `errno`).
  init(status: Int32, during operation: Operation, path: String, variable: String? = nil) {
    let (category, message) = Self.explain(status, operation, path)
    self.init(category, path: path, variable: variable, message)
  }

  private static func explain(
    _ status: Int32, _ operation: Operation, _ path: String
  ) -> (ErrorCategory, String) {
    switch operation {
    case .open, .update: explainOpen(status, path, isUpdate: operation == .update)
    case .create: explainCreate(status, path)
    case .inquire, .read:
      switch status {
      case NC_EFILTER, NC_ENOFILTER:
        (
          .invalidData,
          "is compressed by a filter that NetCDF-C does not have (LZF?); `h5repack -f NONE` writes it without"
        )
      case NC_EHDFERR, NC_ETRUNC, NC_EATTMETA, NC_EDIMMETA, NC_EVARMETA, NC_EFILEMETA, NC_ERANGE:
        (.invalidData, "cannot be read: the file is truncated or damaged (\(text(status)))")
      case NC_ECHAR: (.invalidData, "holds text where numbers were expected")
      default: (.readWriteFailed, "reading failed: \(text(status))")
      }
    case .write:
      if let free = FileSystem.freeBytes(path), free < 1 << 20 {
        (.readWriteFailed, "writing failed: no space left on the disk")
      } else {
        (.readWriteFailed, "writing failed: \(text(status))")
      }
    }
  }

  private static func explainCreate(_ status: Int32, _ path: String) -> (ErrorCategory, String) {
    let folder = FileSystem.folder(of: path)
    guard FileSystem.exists(folder) else {
      return (.cannotCreate, "cannot be created: there is no folder \(folder)")
    }
    if access(folder, W_OK) == 0, let free = FileSystem.freeBytes(folder), free < 1 << 16 {
      return (.readWriteFailed, "cannot be created: no space left on the disk")
    }
    return (.cannotCreate, "cannot be created: \(text(status))")
  }

  private static func explainOpen(_ status: Int32, _ path: String, isUpdate: Bool) -> (ErrorCategory, String)
  {
    var information = stat()
    guard stat(path, &information) == 0 else { return (.missingInput, text(errno)) }
    guard information.st_mode & S_IFMT != S_IFDIR else { return (.missingInput, "is a folder, not a file") }
    guard access(path, R_OK) == 0 else { return (.missingInput, text(errno)) }
    if isUpdate, access(path, W_OK) != 0 { return (.cannotCreate, "cannot be written: \(text(errno))") }
    if information.st_size == 0 { return (.invalidData, "is empty, not a NetCDF file") }
    let isHDF5 = beginning(path, 8) == [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
    if isHDF5 || status == NC_ETRUNC {
      return (
        .invalidData,
        "is truncated or damaged\(isUpdate ? ", or open elsewhere" : ""): its header is NetCDF's, the rest cannot be read"
      )
    }
    return (.invalidData, "is not a NetCDF file")
  }

  private static func beginning(_ path: String, _ count: Int) -> [UInt8] {
    guard let file = fopen(path, "rb") else { return [] }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: count)
    let read = fread(&bytes, 1, count, file)
    return Array(bytes.prefix(read))
  }

  /// The library's or the system's own words for a status.
  static func text(_ status: Int32) -> String {
    if status > 0 { return strerror(status).map { String(cString: $0) } ?? "error \(status)" }
    return nc_strerror(status).map { String(cString: $0) } ?? "NetCDF error \(status)"
  }
}
