// Patches: neuraloperator's, their inverse, boundaries, and training through them.

import Autodiff
import Foundation
import Operators
import Tensors
import Testing

private func multigrid(
  _ levels: Int, _ overlap: [Double] = [0], _ boundary: MultigridConfiguration.Boundary = .periodic,
  _ coarsening: MultigridConfiguration.Coarsening = .subsample,
  solve: Bool = false
) -> MultigridConfiguration {
  var result = MultigridConfiguration(levels: levels)
  result.coarseSolve = solve
  result.overlap = overlap
  result.boundary = boundary
  result.coarsening = coarsening
  return result
}

private func field(_ shape: [Int], seed: UInt64 = 1) -> Tensor<Double> {
  Tensor<Double>.normal(shape, from: RandomStream(seed: seed, purpose: "patches"))
}

private func patches<E>(_ patching: MultigridPatching, _ input: Tensor<E>) -> [Tensor<E>] {
  let tape = Tape<E>(recording: false)
  let pyramid = patching.pyramid(Variable(constant: input), on: tape)
  return (0..<patching.patchCount).map { patching.patch($0, of: pyramid, on: tape).value }
}

/// A model that looks at one point at a time: patches change nothing but its inputs.
private final class Pointwise: NeuralOperator {
  let weight: Parameter<Double>
  let activation: Activation

  init(outputs: Int = 2, inputs: Int = 4) {
    activation = .gelu
    weight = Parameter(shape: [outputs, inputs])
    weight.setCanonicalValues((0..<outputs * inputs).map { sin(Double($0) + 1) })
  }

  /// One output: the sum of the inputs with these weights.
  init(weights: [Double]) {
    activation = .identity
    weight = Parameter(shape: [1, weights.count])
    weight.setCanonicalValues(weights)
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Double>) throws -> Void) rethrows {
    try body("weight", weight)
  }

  func callAsFunction(
    _ input: Variable<Double>, at positions: GridPositions, on tape: Tape<Double>
  ) -> Variable<Double> {
    tape.channelMix(input, weight: tape.variable(weight), activation: activation)
  }
}

@Suite struct MultigridTests {
  /// Every patch of every level, bit for bit.
  @Test(arguments: GoldenFile.all(prefix: "multigrid_"))
  func goldenPatches(path: String) throws {
    let file = try SafetensorsFile(path: path)
    let levels = try #require(Int(file.metadata["levels"] ?? ""))
    let part = try #require(Double(file.metadata["padding_fraction"] ?? ""))
    let input: Tensor<Float> = try file.tensor("input")
    let expected: Tensor<Float> = try file.tensor("patches")
    let patching = MultigridPatching(multigrid(levels, [part]), shape: Array(input.shape[2...]))
    let own = patches(patching, input)
    let size = expected.count / expected.shape[0]
    for sample in 0..<input.shape[0] {
      for (index, patch) in own.enumerated() {
        let place = (sample * patching.patchCount + index) * size
        #expect(Array(patch.shape[1...]) == Array(expected.shape[1...]))
        #expect(
          Array(patch.values[sample * size..<(sample + 1) * size])
            == Array(expected.values[place..<place + size]))
      }
    }
  }

  /// Cut and put together again, a field is itself: any dimension, margins along one axis only, other boundaries, sizes
  /// that patches do not divide.
  @Test(arguments: [
    ([16], [0.1]), ([16, 32], [0, 0.125]), ([16, 16, 16], [0.0625]), ([17, 30], [0.1]), ([9], [0.25]),
  ])
  func stitchingUndoesCutting(shape: [Int], overlap: [Double]) {
    for boundary in MultigridConfiguration.Boundary.allCases {
      for levels in 1...2 {
        let configuration = multigrid(levels, overlap, boundary, .average)
        guard MultigridPatching.problem(shape: shape, configuration) == nil else {
          #expect(boundary == .periodic)
          continue
        }
        let patching = MultigridPatching(configuration, shape: shape)
        let input = field([2, 1] + shape)
        let tape = Tape<Double>(recording: false)
        let parts = patches(patching, input).map { patch in
          // The finest level comes first.
          let size = patch.shape[2...].reduce(1, *)
          let stride = (levels + 1) * size
          let values: [Double] = Array(patch.values[..<size] + patch.values[stride..<stride + size])
          return Variable(constant: Tensor(values, shape: [2, 1] + patch.shape[2...]))
        }
        #expect(patching.stitched(parts, on: tape).value.values == input.values, "\(boundary) \(levels)")
      }
    }
  }

  /// A constant is a constant at every level; a line goes on as mirrored or as the end value.
  @Test func boundaries() {
    let line = Tensor((0..<8).map(Double.init), shape: [1, 1, 8])
    for (boundary, expected) in [
      (MultigridConfiguration.Boundary.periodic, [6.0, 7, 0, 1, 2, 3, 4, 5]),
      (.reflect, [2, 1, 0, 1, 2, 3, 4, 5]),
      (.replicate, [0, 0, 0, 1, 2, 3, 4, 5]),
    ] {
      let patching = MultigridPatching(multigrid(1, [0.25], boundary), shape: [8])
      #expect(Array(patches(patching, line)[0].values[..<8]) == expected)
      let constant = Tensor(repeating: 3.0, shape: [1, 1, 12])
      let average = MultigridPatching(multigrid(1, [0.25], boundary, .average), shape: [12])
      #expect(patches(average, constant).allSatisfy { $0.values.allSatisfy { abs($0 - 3) <= 1e-15 } })
    }
  }

  /// Subsampling folds the highest wave into a constant; averages take it out first.
  @Test func averagesTakeOutWhatACoarseGridCannotHold() {
    let wave = Tensor((0..<16).map { $0 % 2 == 0 ? 1.0 : -1 }, shape: [1, 1, 16])
    func coarse(_ coarsening: MultigridConfiguration.Coarsening) -> [Double] {
      let patch = patches(MultigridPatching(multigrid(1, [0], .periodic, coarsening), shape: [16]), wave)[0]
      return Array(patch.values[8...])
    }
    #expect(coarse(.subsample).allSatisfy { $0 == 1 })
    #expect(coarse(.average).allSatisfy { abs($0) <= 1e-15 })
  }

  /// The gradient of a loss of the whole through patches that are computed twice is that of a model that sees all of it.
  @Test(arguments: [MultigridConfiguration.Boundary.periodic, .reflect, .replicate], [false, true])
  func gradientsThroughPatches(
    boundary: MultigridConfiguration.Boundary, solve: Bool
  ) throws {
    let configuration = multigrid(1, [0.25], boundary, .average, solve: solve)
    let model = PatchedOperator(
      Pointwise(inputs: configuration.patchChannels(inputs: 2, outputs: 2)),
      outChannels: 2, configuration)
    let parameter = try #require(model.parameters.first?.parameter)
    let (input, target) = (field([2, 2, 8]), field([2, 2, 8], seed: 2))
    let positions = GridPositions(uniform: [8])
    func loss(_ input: Tensor<Double>, _ tape: Tape<Double>) -> Variable<Double> {
      tape.relativeL2(model(tape.variable(input), at: positions, on: tape), target)
    }
    let tape = Tape<Double>()
    let x = tape.variable(input)
    tape.backward(from: tape.relativeL2(model(x, at: positions, on: tape), target))
    let gradients = (try #require(tape.gradient(of: x)).values, try #require(parameter.canonicalGradient))
    func numeric(_ value: (Double) -> Double) -> Double {
      (8 * (value(1e-3) - value(-1e-3)) - (value(2e-3) - value(-2e-3))) / 12e-3
    }
    for index in 0..<input.count {
      let difference = numeric { step in
        var values = input.values
        values[index] += step
        return loss(Tensor(values, shape: input.shape), Tape(recording: false)).value.scalarValue
      }
      #expect(abs(difference - gradients.0[index]) <= 1e-8)
    }
    let values = parameter.canonicalValues
    for index in 0..<values.count {
      let difference = numeric { step in
        var changed = values
        changed[index] += step
        parameter.setCanonicalValues(changed)
        return loss(input, Tape(recording: false)).value.scalarValue
      }
      parameter.setCanonicalValues(values)
      #expect(abs(difference - gradients.1[index]) <= 1e-8)
    }
  }

  /// An operator that gives back half of its own picture and takes half of the guess away leaves half of the field plus
  /// a quarter of what the coarse points give at all others: cubics through every fourth point, which are cubics
  /// themselves where the domain ends, beyond the last of those points too.
  @Test func coarseSolutionsAreInterpolatedByCubics() {
    func output(_ input: Tensor<Double>, _ levels: Int, _ boundary: MultigridConfiguration.Boundary)
      -> [Double]
    {
      let weights = [0.5] + [Double](repeating: 0, count: levels) + [-0.5]
      let model = PatchedOperator(
        Pointwise(weights: weights), outChannels: 1, multigrid(levels, [0.125], boundary, solve: true))
      let positions = GridPositions(uniform: [input.count])
      return model(Variable(constant: input), at: positions, on: Tape(recording: false)).value.values
    }
    func cubic(_ x: Double) -> Double { ((0.3 * x - 1) * x + 0.5) * x + 2 }
    let input = Tensor((0..<32).map { cubic(Double($0) / 8) }, shape: [1, 1, 32])
    for boundary in [MultigridConfiguration.Boundary.reflect, .replicate] {
      let own = output(input, 2, boundary)
      #expect(zip(own, input.values).allSatisfy { abs($0 - 0.75 * $1) <= 1e-12 }, "\(boundary)")
    }
    // Fourth order on a wave, whose ends meet.
    let errors = [32, 64].map { count in
      let wave = Tensor((0..<count).map { sin(2 * .pi * Double($0) / Double(count)) }, shape: [1, 1, count])
      return zip(output(wave, 1, .periodic), wave.values).map { abs($0 - 0.75 * $1) }.max() ?? 0
    }
    #expect((15...17).contains(errors[0] / errors[1]))
  }

  /// The operator of the patches first solves for the coarse picture at every level, without a guess, then corrects.
  @Test func theOperatorSolvesThenCorrects() {
    let (own, coarser, guess) = (0.5, -0.25, 2.0)
    let model = PatchedOperator(
      Pointwise(weights: [own, coarser, guess]), outChannels: 1, multigrid(1, [0.25], .replicate, solve: true)
    )
    let input = Tensor(repeating: 3.0, shape: [1, 1, 8, 8])
    let output = model(
      Variable(constant: input), at: GridPositions(uniform: [8, 8]), on: Tape(recording: false))
    let solution = 3 * (own + coarser)
    let expected = solution + (solution + guess * solution)
    #expect(output.value.values.allSatisfy { abs($0 - expected) <= 1e-14 })
  }

  /// Level 0 is the operator itself; an FNO on patches works in every dimension.
  @Test func operatorsOnPatches() {
    let base = FNO<Double>(FNOConfiguration(modes: [4, 4], inChannels: 1, outChannels: 1, width: 4))
    let input = field([2, 1, 16, 16])
    let positions = GridPositions(uniform: [16, 16])
    let tape = Tape<Double>(recording: false)
    let whole = base(Variable(constant: input), at: positions, on: tape).value
    let same = PatchedOperator(base, outChannels: 1, multigrid(0, [0.1]))(
      Variable(constant: input), at: positions, on: tape
    )
    .value
    #expect(same.values == whole.values)
    for shape in [[32], [16, 16], [16, 16, 16]] {
      let modes = shape.map { _ in 4 }
      let model = FNO<Double>(FNOConfiguration(modes: modes, inChannels: 6, outChannels: 1, width: 4))
      let output = PatchedOperator(model, outChannels: 1, multigrid(2, [0.0625]))(
        Variable(constant: field([1, 2] + shape)), at: GridPositions(uniform: shape), on: tape)
      #expect(output.shape == [1, 1] + shape && output.value.values.allSatisfy(\.isFinite))
    }
  }

  @Test func whatCannotBeCutSaysWhatCould() {
    #expect(
      MultigridPatching.problem(shape: [64, 85], multigrid(2))
        == "an axis of 85 points cannot be cut by 2 levels: 80 or 96 points could")
    #expect(MultigridPatching.problem(shape: [3], multigrid(1))?.hasSuffix(": 4 points could") == true)
    #expect(MultigridPatching.problem(shape: [85], multigrid(2, [0], .reflect)) == nil)
    #expect(MultigridPatching.problem(shape: [17], multigrid(2, [0], .reflect)) == nil)
    #expect(
      MultigridPatching.problem(shape: [17], multigrid(6, [0], .reflect))
        == "an axis of 17 points cannot be cut by 6 levels: 2048 and more points could")
    for (configuration, key) in [
      (multigrid(-1), "levels"), (multigrid(9), "levels"), (multigrid(1, [0.1, 0.1, 0.1]), "overlap"),
      (multigrid(1, [-0.1]), "overlap"), (multigrid(1, [.nan]), "overlap"), (multigrid(1, []), "overlap"),
    ] {
      #expect(configuration.problem(dimensions: 2)?.hasPrefix("multigrid.\(key)") == true)
    }
  }
}
