// What kind of failure an error is, so that a command can end with the exit code its callers expect.

/// The kind of a failure; the raw value is the exit code of a command that ends with it (`sysexits.h`).
public enum ErrorCategory: Int32, Sendable, Hashable, CaseIterable {
  /// A parameter or option that does not exist or is out of its range.
  case usage = 64
  /// Data that are not what they should be: not NetCDF, truncated, of another shape, not finite.
  case invalidData = 65
  /// A file that is to be read is missing or may not be read.
  case missingInput = 66
  /// A solver that did not converge, or values that ceased to be finite.
  case numericalFailure = 70
  /// A file that is to be written cannot be created, or already exists.
  case cannotCreate = 73
  /// Reading or writing failed on the way: a full disk, a failing device.
  case readWriteFailed = 74
  /// Stopped on request, after a clean and resumable stop.
  case interrupted = 130
}

/// An error that knows its ``ErrorCategory`` and describes itself in one line for people.
public protocol CategorizedError: Error, CustomStringConvertible, Sendable {
  var category: ErrorCategory { get }
}

/// A parameter that an equation does not have, or whose value is out of range.
public struct ParameterError: CategorizedError, Hashable {
  /// The parameter as the command line spells it, without dashes.
  public let parameter: String
  public let message: String

  public init(_ parameter: String, _ message: String) {
    self.parameter = parameter
    self.message = message
  }

  public var category: ErrorCategory { .usage }
  public var description: String { "--\(parameter): \(message)" }
}
