// What a pass of inference puts together once for all of its batches.

import Autodiff
import Operators
import Tensors
import Testing

@Suite struct PreparedWeightsTests {
  private static func model(
    _ factorization: Factorization, joint: Bool = false, separable: Bool = false,
    contraction: ContractionKind = .automatic
  ) -> FNO<Double> {
    var configuration = FNOConfiguration(modes: [6, 5], inChannels: 2, outChannels: 1, width: 4)
    configuration.layers = 2
    configuration.factorization = factorization
    configuration.rank = .fraction(0.4)
    configuration.jointFactorization = joint
    configuration.separable = separable
    configuration.contraction = contraction
    return FNO(configuration)
  }

  private static func field(_ grid: [Int]) -> Tensor<Double> {
    Tensor<Double>.normal([2, 2] + grid, from: RandomStream(seed: 1, purpose: "prepared weights"))
  }

  private static func output(
    _ model: FNO<Double>, _ grid: [Int], _ prepared: PreparedWeights<Double>? = nil
  ) -> Tensor<Double> {
    let tape = Tape(reusing: prepared)
    return model(Variable(constant: field(grid)), at: GridPositions(uniform: grid), on: tape).value
  }

  private static func distance(_ a: Tensor<Double>, _ b: Tensor<Double>) -> Double {
    (a.sumOfSquaredDifferences(from: b) / b.sumOfSquares()).squareRoot()
  }

  /// Doubles the spectral weights.
  private static func change(_ model: FNO<Double>) throws {
    let (_, core) = try #require(
      model.parameters.first { $0.path.contains("convs") && $0.path.contains("weight") })
    core.setCanonicalValues(core.canonicalValues.map { 2 * $0 })
  }

  /// The same predictions, on a grid with fewer modes, too, from weights that are put together in the first batch.
  @Test(arguments: [Factorization.tucker, .cp, .tt], [(false, false), (true, false), (false, true)])
  func aPassUsesTheWeightsOfItsFirstBatch(
    factorization: Factorization, _ kind: (joint: Bool, separable: Bool)
  ) throws {
    let model = Self.model(factorization, joint: kind.joint, separable: kind.separable)
    let prepared = PreparedWeights<Double>(batches: .max)
    let (fine, coarse) = (Self.output(model, [9, 8]), Self.output(model, [4, 4]))
    #expect(Self.distance(Self.output(model, [9, 8], prepared), fine) <= 1e-13)
    #expect(Self.distance(Self.output(model, [4, 4], prepared), coarse) <= 1e-13)
    try Self.change(model)
    #expect(Self.distance(Self.output(model, [9, 8], prepared), fine) <= 1e-13)
    let next = PreparedWeights<Double>(batches: .max)
    #expect(Self.distance(Self.output(model, [9, 8], next), fine) > 1e-6)
  }

  /// Nothing is kept where that takes more work, was not asked for, or more memory than there may be.
  @Test func nothingIsPutTogetherInVain() throws {
    for (model, prepared) in [
      (Self.model(.cp), PreparedWeights<Double>(batches: 1)),
      (Self.model(.cp, contraction: .factorized), PreparedWeights(batches: .max)),
      (Self.model(.cp), PreparedWeights(batches: .max, capacity: 100)),
    ] {
      let before = Self.output(model, [9, 8], prepared)
      try Self.change(model)
      let after = Self.output(model, [9, 8], prepared)
      #expect(Self.distance(after, before) > 1e-6)
      #expect(Self.distance(after, Self.output(model, [9, 8])) <= 1e-13)
    }
  }
}
