// Models of neuraloperator (the Python library): their weights and constructor arguments, read and written.

import Foundation
import Operators
import PDEData
import Tensors

/// Interchange with neuraloperator: a `state_dict` as safetensors, and the arguments of its constructor as JSON.
public enum NeuralOperatorInterchange {
  /// Reads a neuraloperator model; the fields it takes and gives are raw.
  ///
  /// - Parameters:
  ///   - weights: A safetensors file with the names of neuraloperator's `state_dict`.
  ///   - configuration: A JSON file with the arguments of `FNO(…)`.
  ///   - fields: The variables that the channels are.
  /// - Throws: `CheckpointError` that names parameters that are missing, unexpected or of another shape;
  ///   ``ExperimentError`` that names an argument.
  public static func load(weights: String, configuration: String, fields: FieldMapping) throws -> TrainedModel
  {
    let arguments: FNOConfiguration
    do {
      arguments = try FNOConfiguration(neuralOperatorJSON: TextFile.data(configuration))
    } catch let error as ConfigurationError {
      throw ExperimentError(.invalidData, "\(configuration): \(error)")
    }
    let model = ModelConfiguration.fno(arguments)
    let module = model.makeModel(seed: nil)
    try SafetensorsFile(path: weights).restoreParameters(of: module)
    return TrainedModel(
      path: weights, ModelDescription(model: model, fields: fields),
      NormalizedOperator(
        module, inputNormalizer: .identity(channels: arguments.inChannels),
        outputNormalizer: .identity(channels: arguments.outChannels)))
  }

  /// Reads a neuraloperator model and writes it as a checkpoint that `predict` uses.
  public static func `import`(
    weights: String, configuration: String, fields: FieldMapping, to output: String,
    existing policy: ExistingOutput = .refuse
  ) throws {
    try TextFile.check(output, policy)
    try load(weights: weights, configuration: configuration, fields: fields).write(to: output)
  }

  /// Writes a model as neuraloperator reads it. Per-channel normalizations become part of the first and last layers:
  /// the exported model takes and gives raw fields.
  ///
  /// - Throws: ``ExperimentError`` with the reason where neuraloperator has no such model: normalization point by
  ///   point, positions other than j/n.
  public static func export(
    _ model: TrainedModel, weights: String, configuration: String, existing policy: ExistingOutput = .refuse
  ) throws {
    try TextFile.check(weights, policy)
    try TextFile.check(configuration, policy)
    try DistinctFiles.require(output: weights, inputs: [model.path, configuration])
    try DistinctFiles.require(output: configuration, inputs: [model.path])
    let arguments = try exportable(model)
    let folding = try NormalizationFolding(model)
    let json: Data
    do {
      json = try arguments.neuralOperatorJSON()
    } catch let error as ConfigurationError {
      throw ExperimentError(.invalidData, "\(model.path): cannot be exported: \(error)")
    }
    var contents = SafetensorsContents(metadata: ["format": "pt"])
    for (path, parameter) in model.normalized.model.parameters {
      let values = folding.values[path]
      if parameter.isComplex {
        contents.addComplex(path, shape: parameter.shape) { parameter.canonicalValues }
      } else {
        contents.add(path, shape: parameter.shape) { values ?? parameter.canonicalValues }
      }
    }
    try contents.write(to: weights)
    try TextFile.write(String(decoding: json, as: UTF8.self) + "\n", to: configuration)
  }

  /// The configuration with positions as neuraloperator has them.
  private static func exportable(_ model: TrainedModel) throws -> FNOConfiguration {
    if model.description.rollout != nil {
      throw ExperimentError(
        .invalidData,
        "\(model.path): cannot be exported: it steps through time, which no model of neuraloperator does")
    }
    switch model.description.model {
    case .fno(var configuration):
      guard configuration.positionalEmbedding == .grid else { return configuration }
      // On a periodic grid the positions are j/n, whatever its size.
      guard let grid = model.description.trainingGrid, grid.axes.allSatisfy(\.isPeriodic) else {
        let axes = model.description.trainingGrid?.axes.filter { !$0.isPeriodic } ?? []
        throw ExperimentError(
          .invalidData,
          "\(model.path): cannot be exported: it was trained with the positions of "
            + "\(axes.map { "\($0.placement) along \($0.name)" }.joined(separator: ", ")), and neuraloperator knows "
            + "only j/n; training with positional_embedding: uniform gives a model that can be")
      }
      configuration.positionalEmbedding = .uniform
      return configuration
    case .deepONet, .uNet, .factorizedFNO, .ensemble:
      throw ExperimentError(
        .invalidData,
        "\(model.path): cannot be exported: it is a \(model.description.model.kind.rawValue), and "
          + "neuraloperator reads only an fno or tfno")
    case .multigrid:
      throw ExperimentError(
        .invalidData,
        "\(model.path): cannot be exported: it works on patches, which neuraloperator cuts outside of its models"
      )
    }
  }
}

/// The parameters of the first and last linear maps with the normalizations of inputs and outputs worked in.
///
/// With `x → (x − μ)/σ` before the lifting `W x + b` (linear in the fields; positions come after them and are not
/// normalized), `W′ = W/σ` and `b′ = b − Σ_c W_c μ_c/σ_c`. With `y → σ y + μ` after the projection's last map,
/// `W′ = σ W` and `b′ = σ b + μ`.
struct NormalizationFolding {
  private(set) var values: [String: [Float]] = [:]

  init(_ model: TrainedModel) throws {
    let (input, output) = (model.normalized.inputNormalizer, model.normalized.outputNormalizer)
    for (role, normalizer) in [("inputs", input), ("outputs", output)]
    where normalizer.kind == .pointwiseGaussian {
      throw ExperimentError(
        .invalidData,
        "\(model.path): cannot be exported: its \(role) are normalized point by point, which no layer of "
          + "neuraloperator's can do")
    }
    let parameters = Dictionary(
      uniqueKeysWithValues: model.normalized.model.parameters.map { ($0.path, $0.parameter) })
    func real(_ path: String) throws -> (shape: [Int], values: [Double]) {
      guard let parameter = parameters[path] else {
        throw ExperimentError(
          .invalidData, "\(model.path): has no parameter \(path) to fold a normalization into")
      }
      return (parameter.shape, parameter.canonicalValues.map(Double.init))
    }
    if input.kind != .none {
      let (weight, bias) = ("lifting.fcs.0.weight", "lifting.fcs.0.bias")
      let rows = try real(weight).shape
      var (w, b) = (try real(weight).values, try real(bias).values)
      let (center, scale) = (input.center.values, input.scale(for: Float.self).values)
      for row in 0..<rows[0] {
        for channel in center.indices {
          let index = row * rows[1] + channel
          w[index] /= scale[channel]
          b[row] -= w[index] * center[channel]
        }
      }
      values[weight] = w.map(Float.init)
      values[bias] = b.map(Float.init)
    }
    if output.kind != .none {
      let last = parameters["projection.fcs.1.weight"] == nil ? 0 : 1
      let (weight, bias) = ("projection.fcs.\(last).weight", "projection.fcs.\(last).bias")
      let (shape, w) = try real(weight)
      let (_, b) = try real(bias)
      let (center, scale) = (output.center.values, output.scale(for: Float.self).values)
      values[weight] = w.enumerated().map { Float($0.element * scale[$0.offset / shape[1]]) }
      values[bias] = b.enumerated().map { Float($0.element * scale[$0.offset] + center[$0.offset]) }
    }
  }
}
