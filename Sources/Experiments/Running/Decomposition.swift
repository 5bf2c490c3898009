// A trained dense operator as a tensorized one: where fine-tuning begins.

import Operators
import PDEData

extension TrainedModel {
  /// Factorizes the spectral weights of a dense FNO and writes the result as a model, which `train` begins with.
  ///
  /// - Parameters:
  ///   - rank: A fraction or a number of parameters lets the singular values choose the ranks.
  ///   - joint: Whether the weights of all layers are one tensor.
  /// - Returns: The ranks, and how far the weights are from what they were.
  /// - Throws: ``ExperimentError`` where there is nothing to factorize, or ranks do not fit.
  public func decompose(
    _ factorization: Factorization, rank: TensorRank, joint: Bool = false, to output: String,
    existing policy: ExistingOutput = .refuse, watch: Watch = Watch()
  ) throws -> WeightDecomposition {
    try TextFile.check(output, policy)
    try DistinctFiles.require(output: output, inputs: [path])
    let module: any NeuralOperator<Float> =
      (normalized.model as? PatchedOperator<Float>)?.base ?? normalized.model
    guard let dense = module as? FNO<Float> else {
      throw ExperimentError(
        .invalidData, "\(path): a \(description.model.kind.rawValue) has no spectral weights to factorize")
    }
    do {
      let (model, decomposition) = try dense.decomposed(factorization, rank: rank, joint: joint) {
        try watch.check()
        watch.onProgress($0, $1)
      }
      var description = description
      description.model = description.model.withFNO(decomposition.configuration)
      // Parameters have the same names on patches as on the whole.
      let result = NormalizedOperator<Float>(
        model, inputNormalizer: normalized.inputNormalizer, outputNormalizer: normalized.outputNormalizer)
      try TrainedModel(path: output, description, result).write(to: output)
      return decomposition
    } catch let error as ConfigurationError {
      throw ExperimentError(.invalidData, "\(path): \(error.key): expected \(error.reason)")
    }
  }
}

extension WeightDecomposition {
  /// `‖W − Ŵ‖ / ‖W‖` of every layer and of all together.
  public var errors: [(part: String, error: Double)] {
    layerErrors.enumerated().map { ("layer \($0)   ", $1) } + [("all layers", error)]
  }

  /// The ranks and what they save, in words.
  public var sizes: String {
    "ranks       \(ranks.map(String.init).joined(separator: " ")): \(parameters.dense) to "
      + "\(parameters.factorized) parameters in the spectral weights"
  }

  /// `{"factorization":…,"ranks":[…],"error":…,"layer_errors":[…],"dense_parameters":…,"factorized_parameters":…}`.
  public var json: JSONValue {
    [
      "factorization": .text(configuration.factorization.rawValue),
      "joint": .boolean(configuration.jointFactorization), "ranks": .list(ranks.map(JSONValue.integer)),
      "error": .real(error), "layer_errors": .list(layerErrors.map(JSONValue.real)),
      "dense_parameters": .integer(parameters.dense),
      "factorized_parameters": .integer(parameters.factorized),
    ]
  }
}

/// What the command line says of a factorization, read as a configuration would be.
public struct DecompositionRequest: Sendable {
  public let factorization: Factorization
  public let rank: TensorRank

  private struct Section: Decodable {
    var factorization: Factorization
    var rank: TensorRank

    enum CodingKeys: String, CodingKey, CaseIterable { case factorization, rank }
  }

  /// - Parameters:
  ///   - rank: A fraction, or ranks; empty where a number of parameters is given.
  /// - Throws: ``ExperimentError`` that names the option.
  public init(factorization: String, rank: [String], parameters: Int?) throws {
    var document = ConfigurationDocument()
    try document.set("factorization", to: factorization, origin: "--factorization")
    if let parameters {
      try document.set("rank", to: ["parameters": parameters], origin: "--rank-parameters")
    } else {
      let text = rank.count == 1 ? rank[0] : "[\(rank.joined(separator: ", "))]"
      try document.set("rank=\(text)", origin: "--rank")
    }
    let section = try document.decode(Section.self)
    (self.factorization, self.rank) = (section.factorization, section.rank)
  }
}

extension ModelConfiguration {
  /// With another FNO in the place of this one.
  fileprivate func withFNO(_ configuration: FNOConfiguration) -> ModelConfiguration {
    var result = ModelConfiguration.fno(configuration)
    result.channels = channels
    guard case .multigrid(let multigrid, _) = self else { return result }
    return .multigrid(multigrid, result)
  }
}
