// Models of DeepXDE (the Python library): their weights and constructor arguments, read.

import Foundation
import Operators
import PDEData

/// Interchange with DeepXDE on PyTorch: a `state_dict` of `DeepONetCartesianProd` as safetensors, and the arguments of
/// its constructor as JSON.
public enum DeepXDEInterchange {
  /// Reads a DeepONet of DeepXDE; the fields it takes and gives are raw, its query points the data's coordinates.
  ///
  /// - Throws: `CheckpointError` that names parameters that are missing, unexpected or of another shape;
  ///   ``ExperimentError`` that names an argument.
  public static func load(weights: String, configuration: String, fields: FieldMapping) throws -> TrainedModel
  {
    let arguments: DeepONetConfiguration
    do {
      arguments = try DeepONetConfiguration(deepXDEJSON: TextFile.data(configuration))
    } catch let error as ConfigurationError {
      throw ExperimentError(.invalidData, "\(configuration): \(error)")
    }
    let model = ModelConfiguration.deepONet(arguments)
    let module = model.makeModel(seed: nil)
    try SafetensorsFile(path: weights).restoreParameters(of: module)
    return TrainedModel(
      path: weights, ModelDescription(model: model, fields: fields),
      NormalizedOperator(
        module, inputNormalizer: .identity(channels: arguments.inChannels),
        outputNormalizer: .identity(channels: arguments.outChannels)))
  }

  /// Reads a DeepONet of DeepXDE and writes it as a checkpoint that `predict` uses.
  public static func `import`(
    weights: String, configuration: String, fields: FieldMapping, to output: String,
    existing policy: ExistingOutput = .refuse
  ) throws {
    try TextFile.check(output, policy)
    try load(weights: weights, configuration: configuration, fields: fields).write(to: output)
  }
}
