// What can be wrong with a file of weights.

/// Why a checkpoint cannot be read or written. The description is one line that names the file and, where there
/// is one, the parameter.
public enum CheckpointError: Error, Equatable {
  /// There is no such file.
  case notFound(file: String)
  /// The system refused to open or read.
  case unreadable(file: String, reason: String)
  /// The file cannot be created: a missing folder, no permission.
  case cannotCreate(file: String, reason: String)
  /// Writing failed half-way (a full disk); what was there before is untouched.
  case writeFailed(file: String, reason: String)
  /// The file ends before the data that its header announces.
  case truncated(file: String, bytes: Int, expected: Int)
  /// No safetensors file, or one whose header contradicts itself.
  case damagedHeader(file: String, reason: String)
  /// Header or data are not those that were written.
  case digestMismatch(file: String)
  /// Written by a later version of this program.
  case newerFormat(file: String, version: Int, supported: Int)
  /// Metadata that this program writes are missing or make no sense.
  case badMetadata(file: String, key: String, reason: String)
  case missingParameter(file: String, parameter: String)
  case unexpectedParameter(file: String, parameter: String)
  case misshapenParameter(file: String, parameter: String, found: String, expected: String)
}

extension CheckpointError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFound(let file):
      "\(file): no such file"
    case .unreadable(let file, let reason):
      "\(file): cannot be read: \(reason)"
    case .cannotCreate(let file, let reason):
      "\(file): cannot be created: \(reason)"
    case .writeFailed(let file, let reason):
      "\(file): writing failed: \(reason)"
    case .truncated(let file, let bytes, let expected):
      "\(file): cut short: \(bytes) bytes where the header announces \(expected)"
    case .damagedHeader(let file, let reason):
      "\(file): not a valid safetensors file: \(reason)"
    case .digestMismatch(let file):
      "\(file): damaged: its digest is not that of its contents"
    case .newerFormat(let file, let version, let supported):
      "\(file): has format version \(version), this program reads up to \(supported): a newer one is needed"
    case .badMetadata(let file, let key, let reason):
      "\(file): metadata '\(key)': \(reason)"
    case .missingParameter(let file, let parameter):
      "\(file): lacks the parameter '\(parameter)'"
    case .unexpectedParameter(let file, let parameter):
      "\(file): holds the parameter '\(parameter)', which the model does not have"
    case .misshapenParameter(let file, let parameter, let found, let expected):
      "\(file): the parameter '\(parameter)' is \(found) where the model has \(expected)"
    }
  }
}
