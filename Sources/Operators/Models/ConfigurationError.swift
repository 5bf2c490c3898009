// What is wrong with a configuration, in words for the person who wrote it.

/// A configuration that no model can be made of: which key, and what was expected.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  public let key: String
  public let reason: String

  public init(key: String, reason: String) {
    self.key = key
    self.reason = reason
  }

  public var description: String { "\(key): \(reason)" }
}
