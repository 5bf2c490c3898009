// Where wisdom outlives the process. POSIX calls: this floor does without Foundation.

import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A folder with one file of FFTW wisdom a precision, `fftw-wisdom-float32` and `fftw-wisdom-float64`.
///
/// A file is replaced as a whole (written beside and renamed), so that a reader never sees half of one. Wisdom is a
/// convenience: where reading or writing fails, plans are made without it.
public struct WisdomFolder: Sendable, Hashable {
  public let path: String

  public init(path: String) { self.path = path }

  /// `operators` in `$XDG_CACHE_HOME`, or in `~/.cache`; none where neither variable is an absolute path.
  public static var standard: WisdomFolder? {
    if let cache = environment("XDG_CACHE_HOME") { return WisdomFolder(path: cache + "/operators") }
    return environment("HOME").map { WisdomFolder(path: $0 + "/.cache/operators") }
  }

  private static func environment(_ name: String) -> String? {
    guard let value = getenv(name).map({ String(cString: $0) }), value.hasPrefix("/") else { return nil }
    return value
  }

  /// Whether files can be made in the folder, which is created (its parents too) if need be.
  public var isWritable: Bool {
    if access(path, W_OK | X_OK) == 0 { return true }
    var parent = ""
    for component in path.split(separator: "/") {
      parent += "/" + component
      mkdir(parent, 0o755)
    }
    return access(path, W_OK | X_OK) == 0
  }

  func file<Element: Scalar>(_ element: Element.Type) -> String { "\(path)/fftw-wisdom-\(Element.name)" }

  func read<Element: Scalar>(_ element: Element.Type) -> String? {
    guard let stream = fopen(file(element), "rb") else { return nil }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 14)
    while case let count = fread(&part, 1, part.count, stream), count > 0 {
      bytes.append(contentsOf: part[..<count])
    }
    return String(validating: bytes, as: UTF8.self)
  }

  func write<Element: Scalar>(_ text: String, _ element: Element.Type) {
    let target = file(element)
    let draft = "\(target).\(getpid())"
    guard let stream = fopen(draft, "wb") else { return }
    let bytes = Array(text.utf8)
    let written = fwrite(bytes, 1, bytes.count, stream)
    guard fclose(stream) == 0, written == bytes.count, rename(draft, target) == 0 else {
      unlink(draft)
      return
    }
  }
}
