// A model from a run folder or a file, ready to be applied to datasets.

import Foundation
import Operators
import PDEData
import Tensors

/// A trained operator with what it knows of its inputs and outputs.
public final class TrainedModel {
  /// The file it was read from.
  public let path: String
  public let description: ModelDescription
  public let normalized: NormalizedOperator<Float>

  init(path: String, _ description: ModelDescription, _ normalized: NormalizedOperator<Float>) {
    self.path = path
    self.description = description
    self.normalized = normalized
  }

  /// Reads the model of a run folder (the best one), or a `.safetensors` file.
  ///
  /// - Throws: ``ExperimentError`` and `CheckpointError`: missing, cut short, damaged, of a newer format.
  public convenience init(path: String) throws {
    let checkpoint = try Checkpoint(path: try Self.file(path))
    try self.init(checkpoint)
  }

  convenience init(_ checkpoint: Checkpoint) throws {
    let path = checkpoint.file.path
    let description = try checkpoint.decodedConfiguration(as: ModelDescription.self)
    if let problem = description.model.problem {
      throw ExperimentError(.invalidData, "\(path): its configuration makes no model: \(problem)")
    }
    let model = description.makeModel(seed: nil)
    try checkpoint.restoreParameters(of: model)
    let normalized = NormalizedOperator(
      model, inputNormalizer: checkpoint.inputNormalizer, outputNormalizer: checkpoint.outputNormalizer)
    let channels = (inputs: description.model.channels.inputs, outputs: description.outputChannels)
    for (role, normalizer, count) in [
      ("input", checkpoint.inputNormalizer, channels.inputs),
      ("output", checkpoint.outputNormalizer, channels.outputs),
    ] where normalizer.channels != count {
      throw ExperimentError(
        .invalidData,
        "\(path): its \(role) normalizer has \(normalizer.channels) channels, its model \(count)")
    }
    self.init(path: path, description, normalized)
  }

  /// The file of a model given as a run folder or a file.
  static func file(_ path: String) throws -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue else {
      return path
    }
    let file = Run(folder: path).model
    guard FileManager.default.fileExists(atPath: file) else {
      throw ExperimentError(
        .missingInput, "\(path): expected a run with a model.safetensors, which comes with its first epoch")
    }
    return file
  }

  /// Parameters, a complex one counted twice.
  public var parameterCount: Int { normalized.model.parameterCount }

  /// Writes the model as a file of its own.
  func write(to path: String) throws {
    try SafetensorsContents(checkpointOf: normalized, configuration: JSONValue.json(description)).write(
      to: path)
  }

  /// Opens a dataset that the model can be applied to.
  ///
  /// - Returns: The data, and warnings about it.
  /// - Throws: `DatasetError`, or ``ExperimentError`` where its channels or axes are not those of the model.
  public func open(_ path: String, requiresOutputs: Bool) throws -> (data: OperatorData, warnings: [String]) {
    let reader = try DatasetReader(path: path)
    let isTimeAxis = description.fields.timeAs == .axis
    let data = try OperatorData(
      reader, description.fields, requiresOutputs: requiresOutputs,
      timeAxis: isTimeAxis ? description.trainingGrid?.axes.first : nil,
      separatesGrids: description.model.separatesGrids)
    try description.model.check(data, rollout: description.rollout, statedBy: "the model")
    var warnings: [String] = []
    switch normalized.model.fitting(at: data.positions, queries: data.outputPositions) {
    case .exact: break
    case .adapted(let what): warnings.append("\(path): \(what)")
    case .refused(let reason): throw ExperimentError(.invalidData, "\(path): the model \(reason)")
    }
    for coarse in description.model.coarseAxes(of: data.grid) {
      warnings.append(
        "\(path): axis \(coarse.axis) has \(coarse.points) points, fewer than the \(coarse.needed) that all of the "
          + "model's \(coarse.key) need: "
          + "the modes it has are used")
    }
    if data.skippedCount > 0 {
      warnings.append("\(path): \(data.skippedCount) samples that are not whole are left out")
    }
    return (data, warnings)
  }

  /// Samples that are worked on at once where nobody says: some million points.
  static func batchSize(for data: OperatorData) -> Int {
    min(
      32, max(1, (1 << 21) / max(data.grid.pointCount, data.outputGrid.pointCount, 1)),
      max(data.samples.count, 1))
  }
}

extension ModelConfiguration {
  /// Throws where the channels or axes of a dataset are not those of the model. Numbers of channels that are 0 are
  /// not known yet and fit all.
  /// A rollout's model gives one time of all those in the data.
  func check(_ data: OperatorData, rollout: RolloutLayout? = nil, statedBy owner: String) throws {
    let path = data.reader.path
    func names(_ selections: [FieldSelection]) -> String {
      selections.map(\.description).joined(separator: " ")
    }
    guard dimensions == 0 || data.grid.axes.count == dimensions else {
      throw ExperimentError(
        .invalidData,
        "\(path): \(names(data.mapping.inputs)) lie on \(data.grid.axes.count) axes, but \(owner) has \(dimensions)"
      )
    }
    if let problem = problem(grid: data.grid.shape) {
      throw ExperimentError(.invalidData, "\(path): \(problem)")
    }
    let found = data.outputs?.channelCount
    let outputs = rollout.map { $0.outChannels == found ? $0.components : found } ?? found
    let sides = [
      ("inputs", data.mapping.inputs, data.inputs.channelCount as Int?, channels.inputs),
      ("outputs", data.mapping.outputs, outputs, channels.outputs),
    ]
    for (role, selections, found, expected) in sides where found ?? expected != expected && expected != 0 {
      throw ExperimentError(
        .invalidData,
        "\(path): the \(role) \(names(selections)) make \(found ?? 0) channels, but \(owner) has \(expected)")
    }
  }
}
