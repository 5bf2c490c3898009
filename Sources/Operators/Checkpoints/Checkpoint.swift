// A model as a file: parameters, normalizers and the configuration to rebuild it from.

import Autodiff
import Foundation
import Tensors

/// What this program calls its own files.
public enum CheckpointFormat {
  /// `format` in the metadata.
  public static let name = "operators"
  /// `format_version` in the metadata: the newest that is read, and the one that is written.
  public static let version = 1

  /// Refuses a file of ours that a later version wrote: what it holds may mean something else.
  static func check(_ metadata: [String: String], file: String) throws {
    guard metadata["format"] == name, let version = metadata["format_version"].flatMap({ Int($0) }) else {
      return
    }
    guard version <= Self.version else {
      throw CheckpointError.newerFormat(file: file, version: version, supported: Self.version)
    }
  }

  static let optimizerPrefix = "optimizer."
  static let normalizerPrefix = "normalizer."
}

/// A checkpoint opened for reading.
///
/// A safetensors file: each parameter under its path, in its canonical shape (complex ones as `C64`), normalizers
/// under `normalizer.input` and `normalizer.output`, an optimizer's memory under `optimizer.NAME.PATH`. In the
/// metadata: `format`, `format_version`, `kind`, `configuration`, `normalizers`, `digest` (see
/// ``SafetensorsDigest``), and for a training checkpoint `training_state`, each but the plain words in JSON.
public struct Checkpoint {
  public enum Kind: String, Sendable {
    /// What is needed to predict.
    case model
    /// And what is needed to go on training.
    case training
  }

  public let file: SafetensorsFile
  public let kind: Kind
  /// JSON of everything needed to build the model anew.
  public let configuration: String
  public let inputNormalizer: Normalizer
  public let outputNormalizer: Normalizer

  /// Opens a checkpoint and verifies its digest.
  ///
  /// - Throws: ``CheckpointError``.
  public init(path: String) throws {
    file = try SafetensorsFile(path: path)
    _ = try Self.metadata("format", of: file) { $0 == CheckpointFormat.name ? $0 : nil }
    _ = try Self.metadata("format_version", of: file) { Int($0) }
    kind = try Self.metadata("kind", of: file, Kind.init)
    configuration = try Self.metadata("configuration", of: file) { $0 }
    let normalizers: NormalizerDescriptions = try Self.decoded("normalizers", of: file)
    inputNormalizer = try Normalizer(normalizers.input, role: "input", in: file)
    outputNormalizer = try Normalizer(normalizers.output, role: "output", in: file)
  }

  /// The configuration as a value.
  public func decodedConfiguration<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
    try Self.decoded("configuration", of: file)
  }

  /// Sets every parameter of a model; the file must hold these parameters, in these shapes, and no others.
  ///
  /// - Throws: ``CheckpointError``; the model is then as it was.
  public func restoreParameters(of module: some Module) throws {
    try file.restoreParameters(of: module) { name in
      name.hasPrefix(CheckpointFormat.optimizerPrefix) || name.hasPrefix(CheckpointFormat.normalizerPrefix)
    }
  }

  /// Where training was; nil for a model's checkpoint.
  public func trainingState() throws -> TrainingState? {
    kind == .training ? try Self.decoded("training_state", of: file) : nil
  }

  /// Gives an optimizer what it remembered.
  public func restore<Element: Scalar>(_ optimizer: Optimizer<Element>, stepCounts: [Int]) throws {
    guard stepCounts.count == optimizer.stepCounts.count else {
      throw CheckpointError.badMetadata(
        file: file.path, key: "training_state", reason: "counts the steps of other parameters")
    }
    try optimizer.restore(stepCounts: stepCounts) { name, path, parameter in
      try file.values(for: parameter, named: "\(CheckpointFormat.optimizerPrefix)\(name).\(path)")
    }
  }

  private static func metadata<Value>(
    _ key: String, of file: SafetensorsFile, _ parse: (String) throws -> Value?
  ) throws -> Value {
    guard let text = file.metadata[key] else {
      throw CheckpointError.badMetadata(
        file: file.path, key: key, reason: "missing: this is not a checkpoint of this program")
    }
    guard let value = try parse(text) else {
      throw CheckpointError.badMetadata(file: file.path, key: key, reason: "'\(text)' is not understood")
    }
    return value
  }

  private static func decoded<Value: Decodable>(_ key: String, of file: SafetensorsFile) throws -> Value {
    try metadata(key, of: file) { text in
      do {
        return try CheckpointJSON.decoder.decode(Value.self, from: Data(text.utf8))
      } catch {
        throw CheckpointError.badMetadata(
          file: file.path, key: key, reason: "cannot be understood (\(CheckpointJSON.reason(error)))")
      }
    }
  }
}

// MARK: - Writing

extension SafetensorsContents {
  /// A checkpoint of a model: its parameters, normalizers and configuration.
  ///
  /// - Parameters:
  ///   - configuration: JSON of everything needed to build the model anew.
  ///   - values: The parameters' values in the model's order where they are not the present ones.
  public init<Element: Scalar>(
    checkpointOf normalized: NormalizedOperator<Element>, configuration: String,
    values: [Tensor<Element>]? = nil
  ) throws {
    let normalizers = NormalizerDescriptions(
      input: NormalizerDescription(normalized.inputNormalizer),
      output: NormalizerDescription(normalized.outputNormalizer))
    self.init(metadata: [
      "format": CheckpointFormat.name,
      "format_version": String(CheckpointFormat.version),
      "kind": Checkpoint.Kind.model.rawValue,
      "configuration": configuration,
      "normalizers": try CheckpointJSON.text(normalizers),
    ])
    for (index, (path, parameter)) in normalized.model.parameters.enumerated() {
      let value = values?[index] ?? parameter.value
      add(path, like: parameter) { parameter.canonical(value) }
    }
    normalized.inputNormalizer.add(role: "input", to: &self)
    normalized.outputNormalizer.add(role: "output", to: &self)
  }

  /// Makes it a checkpoint from which training goes on.
  mutating func add<Element: Scalar>(_ state: TrainingState, _ optimizer: Optimizer<Element>) throws {
    metadata["kind"] = Checkpoint.Kind.training.rawValue
    metadata["training_state"] = try CheckpointJSON.text(state)
    optimizer.forEachState { name, path, parameter, values in
      add("\(CheckpointFormat.optimizerPrefix)\(name).\(path)", like: parameter, values: values)
    }
  }

  private mutating func add<Element: Scalar>(
    _ name: String, like parameter: Parameter<Element>, values: @escaping () -> [Element]
  ) {
    if parameter.isComplex {
      addComplex(name, shape: parameter.shape, values: values)
    } else {
      add(name, shape: parameter.shape, values: values)
    }
  }
}

/// JSON as checkpoints hold it.
enum CheckpointJSON {
  // Losses may be infinite, which JSON has no numbers for.
  static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }

  static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  static func reason(_ error: any Error) -> String {
    func place(_ context: DecodingError.Context) -> String {
      context.codingPath.map(\.stringValue).joined(separator: ".")
    }
    return switch error {
    case DecodingError.keyNotFound(let key, let context):
      "'\((context.codingPath + [key]).map(\.stringValue).joined(separator: "."))' is missing"
    case DecodingError.typeMismatch(_, let context): "'\(place(context))' is of the wrong type"
    case DecodingError.valueNotFound(_, let context): "'\(place(context))' has no value"
    case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
      "'\(place(context))' has an impossible value"
    default: "it is not JSON"
    }
  }
}

/// The normalizers a checkpoint holds.
private struct NormalizerDescriptions: Codable {
  var input: NormalizerDescription
  var output: NormalizerDescription
}
