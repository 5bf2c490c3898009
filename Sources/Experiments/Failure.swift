// Any error as the exit code and the one line that a command ends with.

import Operators
import PDEData

/// What a command reports when it fails.
public struct Failure: Sendable {
  /// See ``ErrorCategory``.
  public let exitCode: Int32
  /// One line that names the file, variable or key and what was expected.
  public let message: String

  public init(_ error: any Error) {
    exitCode = Self.category(of: error).rawValue
    message = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  private static func category(of error: any Error) -> ErrorCategory {
    switch error {
    case let error as any CategorizedError: error.category
    case let error as CheckpointError: category(of: error)
    case TrainingError.notFinite: .numericalFailure
    case is TrainingError, is ConfigurationError, is NormalizerError, is OperatorFitting: .invalidData
    default: .numericalFailure
    }
  }

  private static func category(of error: CheckpointError) -> ErrorCategory {
    switch error {
    case .notFound, .unreadable: .missingInput
    case .cannotCreate: .cannotCreate
    case .writeFailed: .readWriteFailed
    case .truncated, .damagedHeader, .digestMismatch, .newerFormat, .badMetadata, .missingParameter,
      .unexpectedParameter, .misshapenParameter:
      .invalidData
    }
  }
}
