// Factorized spectral weights: joint ones, gradients, and decompositions of dense ones.

import Autodiff
import Operators
import Tensors
import Testing

private func configuration(
  _ modes: [Int] = [6, 5], width: Int = 4, layers: Int = 2, separable: Bool = false
) -> FNOConfiguration {
  var result = FNOConfiguration(modes: modes, inChannels: 2, outChannels: 1, width: width)
  result.layers = layers
  result.separable = separable
  return result
}

private func input(_ grid: [Int]) -> Tensor<Double> {
  Tensor<Double>.normal([2, 2] + grid, from: RandomStream(seed: 1, purpose: "tensorized"))
}

private func output(_ model: FNO<Double>, _ input: Tensor<Double>) -> Tensor<Double> {
  let tape = Tape<Double>(recording: false)
  return model(Variable(constant: input), at: GridPositions(uniform: Array(input.shape[2...])), on: tape)
    .value
}

private func distance(_ a: Tensor<Double>, _ b: Tensor<Double>) -> Double {
  (a.sumOfSquaredDifferences(from: b) / b.sumOfSquares()).squareRoot()
}

@Suite struct TensorizedOperatorTests {
  static let fullRanks: [(Factorization, joint: Bool, ranks: [Int])] = [
    (.tucker, false, [4, 4, 6, 3]), (.tucker, true, [2, 4, 4, 6, 3]), (.tt, false, [1, 4, 16, 3, 1]),
    (.tt, true, [1, 2, 8, 18, 3, 1]),
  ]

  /// With full ranks a decomposition is the operator itself.
  @Test(arguments: fullRanks)
  func fullRanksLoseNothing(factorization: Factorization, joint: Bool, ranks: [Int]) throws {
    let dense = FNO<Double>(configuration())
    let (model, report) = try dense.decomposed(factorization, rank: .ranks(ranks), joint: joint)
    #expect(report.error <= 1e-13 && report.layerErrors.allSatisfy { $0 <= 1e-13 })
    let field = input([9, 8])
    #expect(distance(output(model, field), output(dense, field)) <= 1e-12)
  }

  /// So is that of separable weights and in other dimensions.
  @Test func separableAndOtherDimensions() throws {
    for (configuration, ranks, grid) in [
      (configuration(separable: true), [2, 4, 6, 3], [8, 8]), (configuration([8]), [2, 4, 4, 5], [10]),
      (configuration([4, 3, 4]), [2, 4, 4, 4, 3, 3], [6, 5, 6]),
    ] {
      let dense = FNO<Double>(configuration)
      let (model, report) = try dense.decomposed(.tucker, rank: .ranks(ranks), joint: true)
      #expect(report.error <= 1e-13)
      #expect(distance(output(model, input(grid)), output(dense, input(grid))) <= 1e-12)
    }
  }

  /// The factors that an operator is made of are found again: CP-ALS on weights of its rank.
  @Test(arguments: [false, true])
  func sumsOfFewTermsAreFound(joint: Bool) throws {
    var tensorized = configuration()
    tensorized.factorization = .cp
    tensorized.rank = .ranks([2])
    tensorized.jointFactorization = joint
    let dense = try densified(FNO<Double>(tensorized), tensorized)
    let (_, report) = try dense.decomposed(.cp, rank: .ranks([3]), joint: joint)
    #expect(report.error <= 0.02, "\(report.error)")
  }

  /// A dense operator with the weights of a factorized one, from its response to single modes being linear: here simply
  /// the decomposition's inverse, written out.
  private func densified(_ model: FNO<Double>, _ tensorized: FNOConfiguration) throws -> FNO<Double> {
    var plain = tensorized
    plain.factorization = .dense
    plain.jointFactorization = false
    let dense = FNO<Double>(plain)
    let factors = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.path, $0.parameter) })
    let rank = 2
    for (path, parameter) in dense.parameters {
      guard path.hasSuffix("weight.tensor"), let layer = Int(path.split(separator: ".")[2]) else { continue }
      let joint = tensorized.jointFactorization
      let prefix = "fno_blocks.convs.\(joint ? "" : "\(layer).")weight"
      let shape = parameter.shape
      func factor(_ axis: Int, _ row: Int, _ r: Int) throws -> (Double, Double) {
        let values = try #require(factors["\(prefix).factors.factor_\(axis)"]).canonicalValues
        return (values[2 * (row * rank + r)], values[2 * (row * rank + r) + 1])
      }
      let strides = Tensor<Double>.strides(of: shape)
      var values: [Double] = []
      for place in 0..<shape.reduce(1, *) {
        var (re, im) = (0.0, 0.0)
        for r in 0..<rank {
          var product = joint ? try factor(0, layer, r) : (1.0, 0.0)
          for axis in shape.indices {
            let f = try factor(axis + (joint ? 1 : 0), place / strides[axis] % shape[axis], r)
            product = (product.0 * f.0 - product.1 * f.1, product.0 * f.1 + product.1 * f.0)
          }
          (re, im) = (re + product.0, im + product.1)
        }
        values += [re, im]
      }
      parameter.setCanonicalValues(values)
    }
    for (path, parameter) in dense.parameters where !path.hasSuffix("weight.tensor") {
      if let own = factors[path] { parameter.value = own.value }
    }
    // The factorized operator and the written-out one are the same function.
    #expect(distance(output(dense, input([9, 8])), output(model, input([9, 8]))) <= 1e-12)
    return dense
  }

  /// More numbers, less error; a budget is kept; the total is that of the layers.
  @Test(arguments: [Factorization.tucker, .cp, .tt])
  func budgetsAreSpent(factorization: Factorization) throws {
    let dense = FNO<Double>(configuration())
    var last = Double.infinity
    for part in [0.2, 0.4, 0.8] {
      let (_, report) = try dense.decomposed(factorization, rank: .fraction(part))
      #expect(Double(report.parameters.factorized) <= part * Double(report.parameters.dense))
      #expect(report.error < last && report.error < 1)
      #expect(
        report.error <= report.layerErrors.max() ?? 0 && report.error >= report.layerErrors.min() ?? 0)
      last = report.error
    }
  }

  /// Ranks are spent where the singular values are: an axis along which the weights do not change needs rank 1.
  @Test func coreShapesFollowTheSingularValues() throws {
    let dense = FNO<Double>(configuration())
    for (path, parameter) in dense.parameters where path.hasSuffix("weight.tensor") {
      let shape = parameter.shape
      let values = (0..<shape.reduce(1, *)).flatMap { place -> [Double] in
        // Not dependent on the second mode axis.
        let x = Double(place / shape[3])
        return [(3.7 * x * x).remainder(dividingBy: 2), (1.3 * x * x).remainder(dividingBy: 2)]
      }
      parameter.setCanonicalValues(values)
    }
    for factorization in [Factorization.tucker, .tt] {
      let (_, report) = try dense.decomposed(factorization, rank: .parameters(900))
      #expect(report.ranks[3] == 1, "\(factorization) \(report.ranks)")
      #expect(report.parameters.factorized <= 900)
    }
  }

  /// Modes that are not in use leave no singular vectors to begin terms with: more terms still leave a smaller error.
  @Test func unusedModesDoNotStopCanonicalForms() throws {
    let dense = FNO<Double>(configuration())
    for (path, parameter) in dense.parameters where path.hasSuffix("weight.tensor") {
      let shape = parameter.shape
      var values = parameter.canonicalValues
      for place in 0..<values.count / 2
      where place / shape[3] % shape[2] >= 2 || place % shape[3] >= 2 {
        (values[2 * place], values[2 * place + 1]) = (0, 0)
      }
      parameter.setCanonicalValues(values)
    }
    let errors = try [2, 4, 8].map { try dense.decomposed(.cp, rank: .ranks([$0])).decomposition.error }
    #expect(errors[1] < 0.95 * errors[0] && errors[2] < 0.95 * errors[1], "\(errors)")
  }

  @Test func whatCannotBeDecomposedIsRefused() throws {
    let dense = FNO<Double>(configuration())
    let (tensorized, _) = try dense.decomposed(.tucker, rank: .fraction(0.3))
    #expect(throws: ConfigurationError.self) { try tensorized.decomposed(.cp, rank: .fraction(0.3)) }
    for rank in [TensorRank.ranks([9, 9, 9, 9]), .ranks([0, 1, 1, 1]), .fraction(0), .parameters(3)] {
      #expect(throws: ConfigurationError.self) { try dense.decomposed(.tucker, rank: rank) }
    }
  }

  /// Gradients of joint factors against central differences, both ways to contract.
  @Test(arguments: [Factorization.tucker, .cp, .tt], [ContractionKind.factorized, .reconstructed])
  func gradientsOfJointFactors(factorization: Factorization, contraction: ContractionKind) throws {
    var joint = configuration([4, 4], width: 3)
    joint.factorization = factorization
    joint.jointFactorization = true
    joint.rank = .fraction(0.4)
    joint.contraction = contraction
    let model = FNO<Double>(joint)
    let field = input([6, 5])
    let target = Tensor<Double>.normal([2, 1, 6, 5], from: RandomStream(seed: 2, purpose: "tensorized"))
    let positions = GridPositions(uniform: [6, 5])
    func loss() -> Double {
      let tape = Tape<Double>(recording: false)
      return tape.relativeL2(model(Variable(constant: field), at: positions, on: tape), target).value
        .scalarValue
    }
    let tape = Tape<Double>()
    tape.backward(from: tape.relativeL2(model(tape.variable(field), at: positions, on: tape), target))
    for (path, parameter) in model.parameters where path.hasPrefix("fno_blocks.convs.weight") {
      let gradient = try #require(parameter.canonicalGradient)
      let values = parameter.canonicalValues
      var (difference, norm) = (0.0, 0.0)
      for index in stride(from: 0, to: values.count, by: max(1, values.count / 12)) {
        func shifted(_ step: Double) -> Double {
          var changed = values
          changed[index] += step
          parameter.setCanonicalValues(changed)
          return loss()
        }
        let step = 1e-3
        let numeric =
          (8 * (shifted(step) - shifted(-step)) - (shifted(2 * step) - shifted(-2 * step))) / (12 * step)
        difference += (numeric - gradient[index]) * (numeric - gradient[index])
        norm += numeric * numeric
      }
      parameter.setCanonicalValues(values)
      #expect(difference.squareRoot() <= 1e-6 * max(norm.squareRoot(), 1e-3), "\(path)")
    }
  }

  /// What begins at random has the standard deviation of dense weights: 1/√width.
  @Test func jointFactorsBeginAsLargeAsDenseWeights() throws {
    var joint = configuration([8, 8], width: 16, layers: 4)
    joint.factorization = .tucker
    joint.jointFactorization = true
    joint.rank = .fraction(0.3)
    let model = FNO<Double>(joint)
    let names = model.parameters.map(\.path).filter { $0.contains("convs") }
    #expect(names.contains("fno_blocks.convs.weight.core") && names.contains("fno_blocks.convs.3.bias"))
    // |W|² over layers and modes, by the strengths of the modes.
    let square = model.modeStrengths()[1].reduce(0, +) / Double(4 * 16 * 16 * 8 * 5)
    #expect(square > 0.2 / 16 && square < 5.0 / 16, "\(square * 16)")
  }
}
