// A trained dense operator with its spectral weights factorized: where fine-tuning begins.

import Autodiff
import Spectral
import Tensors

/// How a dense operator's weights were factorized.
public struct WeightDecomposition: Sendable {
  /// Of the factorized operator; its ranks are stated.
  public let configuration: FNOConfiguration
  public let ranks: [Int]
  /// For each layer `‖W − Ŵ‖ / ‖W‖`, Frobenius norms.
  public let layerErrors: [Double]
  /// The same of all layers together.
  public let error: Double
  /// Real numbers in the spectral weights before and after.
  public let parameters: (dense: Int, factorized: Int)
}

extension FNO {
  /// The operator with its dense spectral weights approximated by factors: Tucker by HOSVD and HOOI, CP by
  /// alternating least squares, a tensor train by TT-SVD; everything else as it is.
  ///
  /// Ranks for a fraction or a number of parameters are chosen from the singular values (``RankSelection``), the same
  /// for all layers, so that the budget is not exceeded.
  ///
  /// - Parameter onProgress: Called before every piece of work, with the layers done and all of them; what it throws
  ///   ends the work.
  /// - Throws: ``ConfigurationError`` for weights that are factorized already and ranks that do not fit;
  ///   `LinearAlgebraError`.
  public func decomposed(
    _ factorization: Factorization, rank: TensorRank, joint: Bool = false,
    onProgress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws -> (model: FNO, decomposition: WeightDecomposition) {
    guard configuration.factorization == .dense else {
      throw ConfigurationError(
        key: "factorization",
        reason: "dense weights, but they are \(configuration.factorization.rawValue) already"
      )
    }
    guard factorization != .dense else {
      throw ConfigurationError(key: "factorization", reason: "tucker, cp or tt, not dense")
    }
    var target = configuration
    target.factorization = factorization
    target.jointFactorization = joint
    target.rank = rank
    let known = Dictionary(uniqueKeysWithValues: parameters.map { ($0.path, $0.parameter) })
    let weights = try (0..<configuration.layers).map { layer -> ComplexArray in
      let path = "fno_blocks.convs.\(layer).weight.tensor"
      guard let parameter = known[path] else {
        throw ConfigurationError(key: path, reason: "is missing")
      }
      return ComplexArray(shape: parameter.shape, values: parameter.canonicalValues.map(Double.init))
    }
    let arrays = joint ? [ComplexArray(stacking: weights)] : weights
    let ranks = try Self.ranks(of: arrays, target)
    target.rank = .ranks(ranks)
    if let problem = target.problem { throw ConfigurationError(key: "rank", reason: problem) }

    let model = FNO(target, seed: nil)
    var tensors: [String: (shape: [Int], values: [Double])] = [:]
    var approximations: [ComplexArray] = []
    for (index, array) in arrays.enumerated() {
      let (factors, approximation) = try Self.factors(of: array, factorization, ranks) {
        try onProgress(index, arrays.count)
      }
      approximations.append(approximation)
      let path = "fno_blocks.convs." + (joint ? "weight" : "\(index).weight")
      for (name, shape, values) in factors { tensors["\(path).\(name)"] = (shape, values) }
    }
    for (path, parameter) in model.parameters {
      if let factor = tensors[path] {
        precondition(factor.shape == parameter.shape, "\(path) is \(factor.shape), not \(parameter.shape)")
        parameter.setCanonicalValues(factor.values.map { Element($0) })
      } else if let own = known[path] {
        parameter.value = own.value
      }
    }
    return (model, Self.report(target, ranks, weights, approximations))
  }

  private static func ranks(of arrays: [ComplexArray], _ target: FNOConfiguration) throws -> [Int] {
    let (shape, factorization, copies) = (target.factorizedShape, target.factorization, arrays.count)
    let budget: Int
    switch target.rank {
    case .ranks: return try target.spectralRanks()
    case .fraction(let fraction):
      _ = try target.spectralRanks()
      let numbers = fraction * Double(2 * copies * shape.reduce(1, *))
      budget = try TensorRank.budget(Int(numbers), factorization, shape, copies: copies)
    case .parameters(let count):
      budget = try TensorRank.budget(count, factorization, shape, copies: copies)
    }
    switch factorization {
    case .dense: return []
    case .cp: return [min(budget / (1 + shape.reduce(0, +)), TensorRank.cpBound(shape))]
    case .tucker:
      return RankSelection.tucker(
        try arrays.map { try TuckerForm(exactly: $0) }, shape: shape, budget: budget)
    case .tt: return try RankSelection.train(arrays, shape: shape, budget: budget)
    }
  }

  private static func factors(
    of array: ComplexArray, _ factorization: Factorization, _ ranks: [Int], _ beforeSweep: () throws -> Void
  ) throws -> (tensors: [(name: String, shape: [Int], values: [Double])], approximation: ComplexArray) {
    switch factorization {
    case .dense:
      preconditionFailure("a dense weight has no factors")
    case .tucker:
      let form = try TuckerForm(array, ranks: ranks, beforeSweep: beforeSweep)
      return (form.tensors, form.reconstructed)
    case .cp:
      let form = try CanonicalForm(array, rank: ranks[0], beforeSweep: beforeSweep)
      return (form.tensors, form.reconstructed)
    case .tt:
      try beforeSweep()
      let form = try TensorTrainForm(array, ranks: ranks)
      return (form.tensors, form.reconstructed)
    }
  }

  private static func report(
    _ configuration: FNOConfiguration, _ ranks: [Int], _ weights: [ComplexArray],
    _ approximations: [ComplexArray]
  ) -> WeightDecomposition {
    let size = 2 * (weights.first?.count ?? 0)
    let joined = approximations.flatMap(\.values)
    var (errors, norms): ([Double], [Double]) = ([], [])
    for (layer, weight) in weights.enumerated() {
      let own = ComplexArray(shape: weight.shape, values: Array(joined[layer * size..<(layer + 1) * size]))
      errors.append(weight.sumOfSquaredDifferences(from: own))
      norms.append(max(weight.sumOfSquares, .leastNormalMagnitude))
    }
    let shape = configuration.factorizedShape
    return WeightDecomposition(
      configuration: configuration, ranks: ranks,
      layerErrors: zip(errors, norms).map { ($0 / $1).squareRoot() },
      error: (errors.reduce(0, +) / norms.reduce(0, +)).squareRoot(),
      parameters: (
        weights.count * size,
        2 * approximations.count * TensorRank.count(ranks, configuration.factorization, shape)
      ))
  }
}
