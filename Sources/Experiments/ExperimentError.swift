// What can go wrong above the floors that have errors of their own.

import PDEData

/// A failure with its kind and one line for people that names the file, variable or key and what was expected.
public struct ExperimentError: CategorizedError, Hashable {
  public let category: ErrorCategory
  public let message: String

  public init(_ category: ErrorCategory, _ message: String) {
    self.category = category
    self.message = message
  }

  public var description: String { message }
}
