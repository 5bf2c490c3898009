// What a file or a run folder holds, for people and for programs.

import Foundation
import Operators
import PDEData
import Tensors

/// What a dataset, a checkpoint, other weights or a run hold.
public struct Information: Sendable {
  /// An object whose `kind` is `dataset`, `model`, `training`, `weights` or `run`.
  public let json: JSONValue
  /// The same in lines for people.
  public let text: String

  /// - Throws: where there is no such file, or it is none of these.
  public init(path: String) throws {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    if exists, isFolder.boolValue {
      self = try Self.run(Run(folder: path))
    } else if exists, Self.isSafetensors(path) {
      self = try Self.weights(path)
    } else {
      self = try Self.dataset(DatasetReader(path: path))
    }
  }

  private init(_ json: JSONValue, _ lines: [String]) {
    self.json = json
    text = lines.joined(separator: "\n")
  }

  /// By its name, or else by how it begins: a length and an opening brace.
  private static func isSafetensors(_ path: String) -> Bool {
    if path.hasSuffix(".safetensors") { return true }
    guard let handle = FileHandle(forReadingAtPath: path), let head = try? handle.read(upToCount: 9) else {
      return false
    }
    return head.count == 9 && head[8] == UInt8(ascii: "{") && head[0] != 0x89
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  // MARK: Datasets

  private static func dataset(_ reader: DatasetReader) throws -> Information {
    func value(_ attribute: AttributeValue) -> JSONValue {
      switch attribute {
      case .text(let text): .text(text)
      case .strings(let texts): .list(texts.map(JSONValue.text))
      default:
        attribute.numbers.map { numbers in
          let values = numbers.map { number in
            Int(exactly: number).map { $0.magnitude < 1 << 53 ? .integer($0) : .real(number) }
              ?? JSONValue.real(number)
          }
          return values.count == 1 ? values[0] : .list(values)
        } ?? .null
      }
    }
    func attributes(_ attributes: [Attribute]) -> JSONValue {
      .object(attributes.map { (key: $0.name, value: value($0.value)) })
    }
    let variables = reader.variables.map { variable in
      let description: JSONValue = [
        "type": .text(variable.type.name),
        "dimensions": .list(variable.dimensions.map { .text($0.name) }),
        "shape": .list(variable.shape.map(JSONValue.integer)), "attributes": attributes(variable.attributes),
      ]
      return (key: variable.name, value: description)
    }
    let whole = try reader.usableSamples().count
    let json: JSONValue = [
      "kind": "dataset", "path": .text(reader.path), "samples": .integer(reader.sampleCount),
      "whole_samples": .integer(whole),
      "dimensions": .object(reader.dimensions.map { (key: $0.name, value: .integer($0.length)) }),
      "variables": .object(variables), "attributes": attributes(reader.attributes),
    ]
    var lines = [
      "\(reader.path): dataset, \(reader.sampleCount) samples"
        + (whole < reader.sampleCount ? ", \(whole) whole" : "")
    ]
    for variable in reader.variables {
      let label = variable.attributes["long_name"]?.text.map { "  \($0)" } ?? ""
      lines.append("  \(variable)\(label)")
    }
    for attribute in reader.attributes where !attribute.name.hasPrefix("_") {
      lines.append("  \(pad(attribute.name, 20)) \(attribute.value)")
    }
    return Information(json, lines)
  }

  // MARK: Weights

  private static func weights(_ path: String) throws -> Information {
    let file = try SafetensorsFile(path: path)
    guard file.metadata["format"] == CheckpointFormat.name else { return foreign(file) }
    let checkpoint = try Checkpoint(path: path)
    let description = try checkpoint.decodedConfiguration(as: ModelDescription.self)
    let count = description.model.makeModel(seed: nil).parameterCount
    var pairs: [(key: String, value: JSONValue)] = [
      ("kind", .text(checkpoint.kind.rawValue)), ("path", .text(path)), ("parameters", .integer(count)),
      ("configuration", .verbatim(checkpoint.configuration)),
      (
        "normalization",
        [
          "inputs": .text(checkpoint.inputNormalizer.kind.rawValue),
          "outputs": .text(checkpoint.outputNormalizer.kind.rawValue),
        ]
      ), ("tensors", tensors(file)),
    ]
    var lines = [
      "\(path): \(checkpoint.kind.rawValue) checkpoint", "  \(summary(description)), \(count) parameters",
    ]
    lines += description.model.composition.map { "  \($0)" }
    if let grid = description.trainingGrid { lines.append("  trained on \(grid)") }
    lines.append(
      "  normalization: inputs \(checkpoint.inputNormalizer.kind.rawValue), outputs "
        + checkpoint.outputNormalizer.kind.rawValue)
    if let state = try checkpoint.trainingState() {
      pairs.append(("epoch", .integer(state.position.epoch)))
      pairs.append(("epochs", .integer(state.configuration.epochs)))
      lines.append("  \(state.position.epoch) of \(state.configuration.epochs) epochs done")
    }
    return Information(.object(pairs), lines)
  }

  private static func foreign(_ file: SafetensorsFile) -> Information {
    let count = file.tensors.reduce(0) { $0 + $1.count }
    let json: JSONValue = [
      "kind": "weights", "path": .text(file.path), "parameters": .integer(count),
      "configuration": .object(
        file.metadata.sorted { $0.key < $1.key }.map { (key: $0.key, value: .text($0.value)) }),
      "tensors": tensors(file),
    ]
    let lines = file.tensors.map { "  \($0.name) \($0.type.rawValue) \($0.shape)" }
    return Information(json, ["\(file.path): weights of another program, \(count) numbers"] + lines)
  }

  private static func tensors(_ file: SafetensorsFile) -> JSONValue {
    .object(
      file.tensors.map { tensor in
        (
          key: tensor.name,
          value: ["type": .text(tensor.type.rawValue), "shape": .list(tensor.shape.map(JSONValue.integer))]
        )
      })
  }

  private static func summary(_ description: ModelDescription) -> String {
    func names(_ fields: [FieldSelection]) -> String { fields.map(\.description).joined(separator: " ") }
    let model = description.model
    return "\(model.kind.rawValue) on \(model.dimensions) axes, \(names(description.fields.inputs)) "
      + "(\(model.channels.inputs) channels) to \(names(description.fields.outputs)) "
      + "(\(model.channels.outputs) channels)"
  }

  // MARK: Runs

  private static func run(_ run: Run) throws -> Information {
    guard FileManager.default.fileExists(atPath: run.experiment) else {
      throw ExperimentError(
        .invalidData, "\(run.folder): expected a run folder, which has an experiment.yaml")
    }
    let experiment = try Experiment(ConfigurationDocument(contentsOf: run.experiment))
    // An ensemble may have kept fewer members than the experiment names.
    let hasModel = FileManager.default.fileExists(atPath: run.model)
    let model =
      hasModel
      ? try Checkpoint(path: run.model).decodedConfiguration(as: ModelDescription.self).model
      : experiment.model
    let count = model.makeModel(seed: nil).parameterCount
    var pairs: [(key: String, value: JSONValue)] = [
      ("kind", "run"), ("path", .text(run.folder)), ("parameters", .integer(count)),
      ("configuration", .verbatim(try JSONValue.json(experiment))),
    ]
    var lines = [
      "\(run.folder): run",
      "  \(model.kind.rawValue), \(count) parameters, trained on \(experiment.data.train)",
    ]
    lines += model.composition.map { "  \($0)" }
    if let progress = try progress(of: run) {
      pairs += progress.pairs
      lines += progress.lines.map { "  \($0)" }
    }
    if case .ensemble(let configuration) = experiment.model {
      let members = try configuration.members.indices.map { index in
        try progress(of: Run(folder: "\(run.memberFolder)/\(index)"))
      }
      pairs.append(("members", .list(members.map { $0.map { .object($0.pairs) } ?? .null })))
      for (index, member) in members.enumerated() {
        guard let member else { continue }
        lines.append("  member \(index + 1): \(member.lines.joined(separator: ", "))")
      }
    }
    return Information(.object(pairs), lines)
  }

  /// How far training has come; nil where there is no state of it.
  private static func progress(
    of run: Run
  ) throws -> (pairs: [(key: String, value: JSONValue)], lines: [String])? {
    guard FileManager.default.fileExists(atPath: run.checkpoint),
      let state = try Checkpoint(path: run.checkpoint).trainingState()
    else { return nil }
    var pairs: [(key: String, value: JSONValue)] = [
      ("epoch", .integer(state.position.epoch)), ("epochs", .integer(state.configuration.epochs)),
    ]
    var lines = ["\(state.position.epoch) of \(state.configuration.epochs) epochs done"]
    if let last = state.history.last {
      pairs.append(("training_loss", .real(last.trainingLoss)))
      lines.append("training loss \(last.trainingLoss)")
    }
    if let best = state.best {
      pairs.append(("best_epoch", .integer(best.epoch)))
      pairs.append(("best_validation_loss", .real(best.validationLoss)))
      lines.append("best validation loss \(best.validationLoss), epoch \(best.epoch)")
    }
    return (pairs, lines)
  }
}
