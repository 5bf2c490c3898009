// The few things about files that NetCDF-C does not do.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

package enum FileSystem {
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  package static func isFolder(_ path: String) -> Bool {
    var information = stat()
    return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
  }

  /// Whether there is something that is neither a file nor a folder: a device, a pipe.
  package static func isSpecial(_ path: String) -> Bool {
    var information = stat()
    guard stat(path, &information) == 0 else { return false }
    return ![S_IFREG, S_IFDIR].contains(information.st_mode & S_IFMT)
  }

  static func size(_ path: String) -> Int? {
    var information = stat()
    return stat(path, &information) == 0 ? Int(information.st_size) : nil
  }

  /// The folder in which a file is.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Bytes that the file system of a file or folder has left for this user.
  static func freeBytes(_ path: String) -> Int? {
    var information = statvfs()
    guard statvfs(path, &information) == 0 else { return nil }
    return Int(clamping: UInt64(information.f_bavail) * UInt64(information.f_frsize))
  }

  /// Throws where the disk has less room than a new file of so many bytes at `path` needs.
  static func requireRoom(_ bytes: Int, at path: String) throws(DatasetError) {
    guard let free = freeBytes(folder(of: path)), free < bytes else { return }
    throw DatasetError(
      .readWriteFailed, path: path,
      "cannot be written: it needs \(bytes) bytes, and the disk has only \(free) left")
  }

  static func remove(_ path: String) { _ = unlink(path) }

  static func rename(_ source: String, to target: String) throws(DatasetError) {
    #if canImport(Glibc)
      let status = Glibc.rename(source, target)
    #else
      let status = Darwin.rename(source, target)
    #endif
    guard status == 0 else {
      throw DatasetError(.cannotCreate, path: target, "cannot be created: \(DatasetError.text(errno))")
    }
  }

  /// Takes the blocks of a sparse file from the disk now, so that a full disk is known before hours of work.
  /// File systems that cannot do so find out later.
  static func reserve(_ path: String) throws(DatasetError) {
    #if os(Linux)
      guard let bytes = size(path), bytes > 0 else { return }
      let descriptor = open(path, O_RDWR)
      guard descriptor >= 0 else { return }
      defer { close(descriptor) }
      let status = posix_fallocate(descriptor, 0, off_t(bytes))
      guard [ENOSPC, EDQUOT, EFBIG].contains(status) else { return }
      throw DatasetError(
        .readWriteFailed, path: path,
        "writing failed: the \(bytes) bytes of the dataset do not fit on the disk (\(DatasetError.text(status)))"
      )
    #endif
  }
}

/// Keeps other processes from writing the same file, until it is released. Readers are not kept out.
final class WriterLock: Sendable {
  private let descriptor: Int32

  /// Throws where another writer has the file. File systems without locks are taken at their word.
  init(path: String) throws(DatasetError) {
    descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw DatasetError(.cannotCreate, path: path, "cannot be written: \(DatasetError.text(errno))")
    }
    #if os(Linux)
      // A lock of the open file description: closing another descriptor of the file does not release it.
      let setOpenFileLock: Int32 = 37
      var lock = flock()
      lock.l_type = Int16(F_WRLCK)
      lock.l_whence = Int16(SEEK_SET)
      if fcntl(descriptor, setOpenFileLock, &lock) != 0, errno == EAGAIN || errno == EACCES {
        close(descriptor)
        throw DatasetError(.cannotCreate, path: path, "is being written by another process")
      }
    #endif
  }

  deinit { close(descriptor) }
}
