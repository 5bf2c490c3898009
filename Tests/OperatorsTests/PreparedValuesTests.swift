// What a pass of inference puts together once for all of its batches.

import Autodiff
import Operators
import Tensors
import Testing

@Suite struct PreparedValuesTests {
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
    _ model: FNO<Double>, _ grid: [Int], _ prepared: PreparedValues<Double>? = nil
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
    let prepared = PreparedValues<Double>(batches: .max)
    let (fine, coarse) = (Self.output(model, [9, 8]), Self.output(model, [4, 4]))
    #expect(Self.distance(Self.output(model, [9, 8], prepared), fine) <= 1e-13)
    #expect(Self.distance(Self.output(model, [4, 4], prepared), coarse) <= 1e-13)
    try Self.change(model)
    #expect(Self.distance(Self.output(model, [9, 8], prepared), fine) <= 1e-13)
    let next = PreparedValues<Double>(batches: .max)
    #expect(Self.distance(Self.output(model, [9, 8], next), fine) > 1e-6)
  }

  /// Nothing is kept where that takes more work, was not asked for, or more memory than there may be.
  @Test func nothingIsPutTogetherInVain() throws {
    for (model, prepared) in [
      (Self.model(.cp), PreparedValues<Double>(batches: 1)),
      (Self.model(.cp, contraction: .factorized), PreparedValues(batches: .max)),
      (Self.model(.cp), PreparedValues(batches: .max, capacity: 100)),
    ] {
      let before = Self.output(model, [9, 8], prepared)
      try Self.change(model)
      let after = Self.output(model, [9, 8], prepared)
      #expect(Self.distance(after, before) > 1e-6)
      #expect(Self.distance(after, Self.output(model, [9, 8])) <= 1e-13)
    }
  }

  /// A trunk is asked once for the same points, for other points again.
  @Test func aPassComputesTheTrunkOnce() {
    var configuration = DeepONetConfiguration(inChannels: 1, outChannels: 2)
    configuration.sensors = [5]
    configuration.queryDimensions = 1
    configuration.branch = [6, 8]
    configuration.trunk = [7, 4]
    let model = DeepONet<Double>(configuration)
    let sensors = GridPositions(uniform: [5])
    let input = Tensor<Double>.normal([3, 1, 5], from: RandomStream(seed: 1, purpose: "prepared values"))
    func output(_ queries: Int, _ prepared: PreparedValues<Double>? = nil) -> [Double] {
      let points = GridPositions(scattered: [(0..<queries).map { Double($0) / 9 }])
      return model(Variable(constant: input), at: sensors, queries: points, on: Tape(reusing: prepared)).value
        .values
    }
    let prepared = PreparedValues<Double>(batches: 2)
    let (few, many) = (output(4), output(9))
    #expect(output(4, prepared) == few && output(9, prepared) == many)
    for (path, parameter) in model.parameters where path.hasPrefix("trunk") {
      parameter.setCanonicalValues(parameter.canonicalValues.map { 2 * $0 })
    }
    #expect(output(4, prepared) == few && output(9, prepared) == many)
    #expect(output(4) != few && output(9, PreparedValues(batches: 2)) != many)
  }
}
