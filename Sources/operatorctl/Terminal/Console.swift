// Results on standard output; messages and progress on standard error.

import Experiments
import Logging
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

enum Console {
  static let log = Logger(label: "operatorctl")

  /// Whether somebody looks at a terminal.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  private static let progressWidth = Mutex(0)

  static func prepare() {
    LoggingSystem.bootstrap { _ in TerseLogHandler() }
  }

  static func error(_ message: String) { writeLine("operatorctl: error: \(message)") }

  /// A line on standard error; a progress bar that stands there is replaced.
  static func writeLine(_ line: String) {
    progressWidth.withLock { width in
      writeAll((width > 0 ? "\r\u{1B}[K" : "") + line + "\n", to: STDERR_FILENO)
      width = 0
    }
  }

  /// The line that is overwritten by the next; on terminals only.
  static func progress(_ line: String) {
    guard isTerminal else { return }
    progressWidth.withLock { width in
      writeAll("\r\u{1B}[K" + line.prefix(columns - 1), to: STDERR_FILENO)
      width = line.count
    }
  }

  static func endProgress() {
    progressWidth.withLock { width in
      if width > 0 { writeAll("\r\u{1B}[K", to: STDERR_FILENO) }
      width = 0
    }
  }

  private static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// A result, on standard output.
  static func result(_ text: String) throws {
    endProgress()
    guard !writeAll(text + "\n", to: STDOUT_FILENO) else { return }
    // Who closed the pipe has read enough.
    guard errno != EPIPE else { return }
    throw ExperimentError(
      .readWriteFailed, "standard output: writing failed: \(String(cString: strerror(errno)))")
  }

  /// Makes sure that results have arrived.
  static func finish() throws {
    endProgress()
    guard close(STDOUT_FILENO) != 0, errno != EBADF, errno != EPIPE else { return }
    throw ExperimentError(
      .readWriteFailed, "standard output: writing failed: \(String(cString: strerror(errno)))")
  }

  @discardableResult
  private static func writeAll(_ text: String, to descriptor: Int32) -> Bool {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      bytes = bytes.dropFirst(count)
    }
    return true
  }
}

/// Log messages as lines on standard error; what is more than information says so.
struct TerseLogHandler: LogHandler {
  var logLevel = Logger.Level.info
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    switch event.level {
    case .warning: Console.writeLine("operatorctl: warning: \(event.message)")
    case .error, .critical: Console.error("\(event.message)")
    default: Console.writeLine("\(event.message)")
    }
  }
}
