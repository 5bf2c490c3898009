// Files as the system sees them: read at a place, replaced as a whole.

import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file open for reading at any place.
final class FileSource {
  let path: String
  let byteCount: Int
  private let descriptor: Int32

  init(path: String) throws {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw errno == ENOENT
        ? CheckpointError.notFound(file: path) : .unreadable(file: path, reason: systemReason())
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw CheckpointError.unreadable(file: path, reason: "it is not a file")
    }
    self.path = path
    self.descriptor = descriptor
    byteCount = Int(status.st_size)
  }

  deinit { close(descriptor) }

  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws {
    guard let base = target.baseAddress else { return }
    var done = 0
    while done < target.count {
      let count = pread(descriptor, base + done, target.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw CheckpointError.unreadable(file: path, reason: systemReason()) }
      guard count > 0 else {
        throw CheckpointError.truncated(file: path, bytes: offset + done, expected: offset + target.count)
      }
      done += count
    }
  }

  func read(at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      try read(
        at: offset,
        into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
      initialized = count
    }
  }
}

/// A file that appears as a whole or not at all: written beside its place as `NAME.partial`, brought to the disk,
/// then renamed. Where writing fails what was there before is untouched.
struct ReplacementFile: ~Copyable {
  private let path: String
  private let draft: String
  private let descriptor: Int32
  private var isInPlace = false

  init(path: String) throws {
    self.path = path
    draft = path + ".partial"
    descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw CheckpointError.cannotCreate(file: path, reason: systemReason()) }
  }

  /// Appends bytes, or overwrites those at `offset`.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) throws {
    try writeAll(bytes, to: descriptor, at: offset, file: path)
  }

  func write(_ bytes: [UInt8], at offset: Int? = nil) throws {
    try bytes.withUnsafeBytes { try write($0, at: offset) }
  }

  /// Puts the file in its place.
  consuming func commit() throws {
    guard fsync(descriptor) == 0, rename(draft, path) == 0 else {
      throw CheckpointError.writeFailed(file: path, reason: systemReason())
    }
    isInPlace = true
    // The new name itself reaches the disk with its folder; where a file system cannot do that, nothing is lost
    // but the order of two writes.
    let folder = (path as NSString).deletingLastPathComponent
    let directory = open(folder.isEmpty ? "." : folder, O_RDONLY | O_CLOEXEC)
    guard directory >= 0 else { return }
    fsync(directory)
    close(directory)
  }

  deinit {
    close(descriptor)
    if !isInPlace { unlink(draft) }
  }
}

/// A file that lines are added to.
struct AppendedFile: ~Copyable {
  private let path: String
  private let descriptor: Int32

  init(path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw CheckpointError.cannotCreate(file: path, reason: systemReason()) }
  }

  func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try writeAll($0, to: descriptor, at: nil, file: path) }
  }

  deinit { close(descriptor) }
}

private func writeAll(
  _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int?, file: String
) throws {
  guard let base = bytes.baseAddress else { return }
  var done = 0
  while done < bytes.count {
    let count =
      if let offset {
        pwrite(descriptor, base + done, bytes.count - done, off_t(offset + done))
      } else {
        write(descriptor, base + done, bytes.count - done)
      }
    if count < 0, errno == EINTR { continue }
    guard count > 0 else { throw CheckpointError.writeFailed(file: file, reason: systemReason()) }
    done += count
  }
}

private func systemReason() -> String { String(cString: strerror(errno)) }
