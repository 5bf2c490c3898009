import Autodiff
import Spectral
import Tensors
import Testing

@Suite struct OperationTests {
  @Test(arguments: Activation.smooth)
  func channelMix(activation: Activation) {
    let x = scattered([2, 3, 5, 7], seed: 1)
    let (w, b) = (scattered([4, 3], seed: 2), scattered([4], seed: 3))
    let (a, g) = (scattered([2, 4, 5, 7], seed: 4), scattered([4], seed: 5))
    expectGradients(of: [x, w]) { $0.channelMix($1[0], weight: $1[1], activation: activation) }
    expectGradients(of: [x, w, b, a]) {
      $0.channelMix($1[0], weight: $1[1], bias: $1[2], addend: $1[3], activation: activation)
    }
    expectGradients(of: [x, w, a, g]) {
      $0.channelMix($1[0], weight: $1[1], addend: $1[2], gate: $1[3], activation: activation)
    }
  }

  @Test(arguments: Activation.smooth)
  func channelNetwork(activation: Activation) {
    let x = scattered([2, 3, 5, 7], seed: 1)
    let (w1, b1) = (scattered([6, 3], seed: 2), scattered([6], seed: 3))
    let (w2, b2) = (scattered([4, 6], seed: 4), scattered([4], seed: 5))
    let (a, g) = (scattered([2, 4, 5, 7], seed: 6), scattered([4], seed: 7))
    expectGradients(of: [x, w1, b1, w2, b2]) {
      $0.channelNetwork(
        $1[0], first: $1[1], firstBias: $1[2], second: $1[3], secondBias: $1[4], activation: activation)
    }
    expectGradients(of: [x, w1, b1, w2, b2, a, g]) {
      $0.channelNetwork(
        $1[0], first: $1[1], firstBias: $1[2], second: $1[3], secondBias: $1[4], addend: $1[5], gate: $1[6],
        activation: activation)
    }
  }

  @Test(arguments: Activation.allCases, [false, true])
  func fourierLayerTail(activation: Activation, savesMemory: Bool) {
    let (x, s) = (scattered([2, 3, 5, 7], seed: 1), scattered([2, 3, 5, 7], seed: 2))
    let w = scattered([3, 3, 1], seed: 3)
    let (w1, b1) = (scattered([4, 3], seed: 4), scattered([4], seed: 5))
    let (w2, b2, g) = (
      scattered([3, 4], seed: 6), scattered([3], seed: 7), scattered([1, 3, 1, 1], seed: 8)
    )
    let all = [x, s, w, w1, b1, w2, b2, g]
    for kind in 0..<3 {
      expectGradients(of: kind == 2 ? all : all.dropLast(), savesMemory: savesMemory) { tape, v in
        tape.fourierLayerTail(
          v[0], convolved: v[1], skip: v[2], first: v[3], firstBias: v[4], second: v[5], secondBias: v[6],
          around: kind == 0 ? .nothing : kind == 1 ? .input : .gatedInput(v[7]), activation: activation)
      }
    }
  }

  /// Rows of 128 KB are copied for the products, rows of 32 KB read where they lie: one sample of 128² points and the
  /// same points as four samples.
  @Test(arguments: [false, true])
  func rowsFarApartAreThoseNearby(isTail: Bool) {
    let (channels, pieces, points) = (5, 4, 4096)
    let whole = (0..<2).map { scattered([1, channels, pieces * points], seed: 40 + UInt64($0)) }
    func cut(_ field: Tensor<Double>) -> Tensor<Double> {
      let source = field.values
      let values = source.indices.map { index in
        let (piece, channel, point) = (index / (channels * points), index / points % channels, index % points)
        return source[(channel * pieces + piece) * points + point]
      }
      return Tensor(values, shape: [pieces, channels, points])
    }
    let shapes = [[channels, channels], [3, channels], [3], [channels, 3], [channels], [channels]]
    let weights = shapes.enumerated().map { scattered($1, seed: 50 + UInt64($0)) }
    func results(_ fields: [Tensor<Double>], gradient: Tensor<Double>) -> [Tensor<Double>] {
      let tape = Tape<Double>()
      let x = (fields + weights).map { tape.variable($0) }
      let output =
        isTail
        ? tape.fourierLayerTail(
          x[0], convolved: x[1], skip: x[2], first: x[3], firstBias: x[4], second: x[5], secondBias: x[6],
          around: .gatedInput(x[7]), activation: .gelu)
        : tape.channelNetwork(
          x[0], first: x[3], firstBias: x[4], second: x[5], secondBias: x[6], addend: x[1], gate: x[7])
      tape.backward(from: output, gradient: gradient)
      return [output.value] + x.compactMap { tape.gradient(of: $0) }
    }
    let gradient = scattered(whole[0].shape, seed: 60)
    let far = results(whole, gradient: gradient)
    let near = results(whole.map(cut), gradient: cut(gradient))
    #expect(far.count == near.count && far.count >= 8)
    for (far, near) in zip(far, near) {
      let far = far.shape == whole[0].shape ? cut(far) : far
      // Sums over 16,384 points in another order.
      let difference = zip(far.values, near.values).map { abs($0 - $1) }.max() ?? .infinity
      #expect(difference <= 1e-11)
    }
  }

  /// The fused end of a layer is the operations it consists of.
  @Test func fourierLayerTailIsItsParts() {
    let (x, s) = (scattered([2, 3, 9, 37], seed: 1), scattered([2, 3, 9, 37], seed: 2))
    let tape = Tape<Double>()
    let v = [
      x, s, scattered([3, 3], seed: 3), scattered([4, 3], seed: 4), scattered([4], seed: 5),
      scattered([3, 4], seed: 6), scattered([3], seed: 7), scattered([3], seed: 8),
    ].map { tape.variable($0) }
    let fused = tape.fourierLayerTail(
      v[0], convolved: v[1], skip: v[2], first: v[3], firstBias: v[4], second: v[5], secondBias: v[6],
      around: .gatedInput(v[7]), activation: .gelu)
    let z = tape.channelMix(v[0], weight: v[2], addend: v[1], activation: .gelu)
    let parts = tape.channelNetwork(
      z, first: v[3], firstBias: v[4], second: v[5], secondBias: v[6], addend: v[0], gate: v[7],
      activation: .gelu)
    // The order of sums differs.
    #expect(zip(fused.value.values, parts.value.values).allSatisfy { abs($0 - $1) <= 1e-14 })
  }

  @Test func inputThatIsItsOwnAddend() {
    // One node in two places of one operation: both contributions count.
    let x = scattered([2, 3, 11], seed: 1)
    let (w, g) = (scattered([3, 3], seed: 2), scattered([3], seed: 3))
    expectGradients(of: [x, w, g]) {
      $0.channelMix($1[0], weight: $1[1], addend: $1[0], gate: $1[2], activation: .gelu)
    }
  }

  @Test(arguments: [
    ([12], [5]), ([7], [7]), ([6, 5], [4, 3]), ([4, 5, 6], [3, 2, 4]), ([4, 4], [6, 6]),
  ])
  func truncatedFourier(grid: [Int], modes: [Int]) {
    let transform = TruncatedTransform<Double>.cached(gridShape: grid, modes: modes)
    expectGradients(of: [scattered([2, 2] + grid, seed: 1)]) { $0.truncatedAnalysis($1[0], transform) }
    expectGradients(of: [scattered([transform.keptCount, 2, 2, 2], seed: 2)]) {
      $0.truncatedSynthesis($1[0], transform)
    }
  }

  @Test func spectralContraction() {
    let x = scattered([5, 2, 3, 2], seed: 1)
    expectGradients(of: [x, scattered([5, 2, 2, 4], seed: 2)]) {
      $0.spectralContraction($1[0], weight: $1[1])
    }
    expectGradients(of: [x, scattered([9, 2, 2, 4], seed: 2)]) {
      $0.spectralContraction($1[0], weight: $1[1], modeIndices: [1, 2, 4, 7, 8])
    }
    expectGradients(of: [x, scattered([9, 2, 2], seed: 3)]) {
      $0.separableContraction($1[0], weight: $1[1], modeIndices: [1, 2, 4, 7, 8])
    }
    expectGradients(of: [x, scattered([2], seed: 4)]) { $0.addToMode($1[0], mode: 3, $1[1]) }
  }

  @Test func factorizedWeights() {
    for batch in [1, 3, 17] {
      expectGradients(of: [scattered([batch, 2, 3, 4], seed: 1), scattered([2, 5, 3], seed: 2)]) {
        $0.modeExpansion($1[0], by: $1[1], columns: 4)
      }
    }
    expectGradients(of: [scattered([2, 3, 4, 5], seed: 1)]) {
      $0.swapAxes($1[0], outer: 2, 3, 4, inner: 5, shape: [2, 4, 3, 5])
    }
    expectGradients(of: [scattered([2, 3, 4], seed: 1), scattered([2, 5, 4], seed: 2)]) {
      $0.khatriRaoProduct($1[0], $1[1])
    }
    let spectrum = scattered([7, 2, 3, 4], seed: 1)
    expectGradients(of: [spectrum, scattered([2, 4, 5], seed: 2)]) {
      $0.sharedContraction($1[0], weight: $1[1])
    }
    expectGradients(of: [spectrum, scattered([2, 5, 4], seed: 2)]) {
      $0.sharedContraction($1[0], weight: $1[1], transposed: true)
    }
    // More modes than a tile of rows has.
    expectGradients(of: [scattered([150, 2, 3, 2], seed: 1), scattered([2, 2, 3], seed: 2)]) {
      $0.sharedContraction($1[0], weight: $1[1])
    }
    let factors = [
      scattered([2, 4, 5], seed: 2), scattered([2, 9, 5], seed: 3), scattered([2, 3, 5], seed: 4),
    ]
    for indices in [nil, [1, 2, 4, 5, 6, 7, 8]] {
      expectGradients(of: [spectrum] + factors) {
        $0.canonicalContraction(
          $1[0], first: $1[1], scales: $1[2], second: $1[3], modeIndices: indices)
      }
    }
    expectGradients(of: [spectrum]) { $0.reshaped($1[0], [14, 12]) }
  }

  @Test(arguments: [1, 2, 4])
  func groupNormalization(groups: Int) {
    let x = scattered([2, 4, 3, 5], seed: 1)
    expectGradients(of: [x]) { $0.groupNormalization($1[0], groups: groups) }
    expectGradients(of: [x, scattered([4], seed: 2), scattered([4], seed: 3)]) {
      $0.groupNormalization($1[0], groups: groups, scaleAndShift: ($1[1], $1[2]))
    }
  }

  @Test(arguments: Activation.smooth)
  func pointwise(activation: Activation) {
    let x = scattered([2, 3, 4, 5], seed: 1)
    expectGradients(of: [x]) { $0.activate($1[0], activation) }
    expectGradients(of: [x, scattered([2, 3, 4, 5], seed: 2)]) {
      $0.activate($0.sum($1[0], $1[1]), activation)
    }
    expectGradients(of: [x]) { $0.sum($1[0], $0.sum($1[0], $1[0])) }
    expectGradients(of: [x, scattered([1, 3, 1, 1], seed: 3)]) { $0.gate($1[0], by: $1[1]) }
  }

  @Test func fixedFields() {
    let x = scattered([2, 3, 4, 5], seed: 1)
    expectGradients(of: [x]) { $0.appendChannels($1[0], scattered([2, 4, 5], seed: 2)) }
    expectGradients(of: [x]) {
      $0.affine($1[0], factor: scattered([3], seed: 2), shift: scattered([3], seed: 3))
    }
    expectGradients(of: [x]) {
      $0.affine($1[0], factor: scattered([3, 4, 5], seed: 2), shift: scattered([3, 4, 5], seed: 3))
    }
    expectGradients(of: [x]) { $0.pad($1[0], by: [1, 2]) }
    expectGradients(of: [x]) { $0.crop($1[0], by: [1, 0]) }
    expectGradients(of: [scattered([2, 3, 4, 5, 6], seed: 1)]) {
      $0.crop($0.pad($1[0], by: [1, 0, 2]), by: [0, 1, 2])
    }
  }

  @Test func losses() {
    let (x, target) = (scattered([3, 2, 7], seed: 1), scattered([3, 2, 7], seed: 2))
    expectGradients(of: [x]) { $0.relativeL2($1[0], target) }
    expectGradients(of: [x]) { $0.meanSquaredError($1[0], target) }
    // At the target itself the relative distance has no gradient; zero is the one that does no harm.
    let tape = Tape<Double>()
    let variable = tape.variable(target)
    tape.backward(from: tape.relativeL2(variable, target))
    #expect(tape.gradient(of: variable)?.values.allSatisfy { $0 == 0 } == true)
  }

  @Test func dropoutKeepsTheMeanAndRepeats() {
    let x = Tensor<Double>(repeating: 1, shape: [4, 5, 500])
    let draw = { Tape<Double>(seed: 3, step: 7) }
    let first = draw().dropout(Variable(constant: x), probability: 0.25).value.values
    #expect(first == draw().dropout(Variable(constant: x), probability: 0.25).value.values)
    // 10 000 factors of 0 or 4/3: the mean's standard deviation is √(1/3)/100.
    #expect(abs(first.reduce(0, +) / Double(first.count) - 1) < 0.03)
    let inference = Tape<Double>(recording: false)
    #expect(inference.dropout(Variable(constant: x), probability: 0.25).value.values == x.values)
  }

  @Test func parametersCollectGradients() {
    let parameter = Parameter<Double>(shape: [3, 3, 1])
    parameter.setCanonicalValues(scattered([9], seed: 1).values)
    let x = scattered([2, 3, 4], seed: 2)
    func walkBack() {
      let tape = Tape<Double>()
      let once = tape.channelMix(Variable(constant: x), weight: tape.variable(parameter))
      tape.backward(
        from: tape.channelMix(once, weight: tape.variable(parameter)),
        gradient: scattered([2, 3, 4], seed: 3))
    }
    #expect(parameter.gradient == nil)
    walkBack()
    let single = parameter.canonicalGradient ?? []
    walkBack()
    let double = parameter.canonicalGradient ?? []
    #expect(single.count == 9)
    for (a, b) in zip(single, double) { #expect(abs(b - 2 * a) <= 1e-14) }
    parameter.clearGradient()
    #expect(parameter.gradient == nil)
    walkBack()
    #expect(parameter.canonicalGradient == single)
  }

  @Test func resultsDoNotDependOnThreads() {
    let x = scattered([3, 4, 33, 35], seed: 1)
    let weights = [
      scattered([8, 4], seed: 2), scattered([8], seed: 3), scattered([4, 8], seed: 4),
      scattered([4], seed: 5),
    ]
    func gradients(threads: Int) -> [[Double]] {
      let before = WorkerPool.shared.threadCount
      defer { WorkerPool.shared.threadCount = before }
      WorkerPool.shared.threadCount = threads
      let tape = Tape<Double>()
      let variables = ([x] + weights).map { tape.variable($0) }
      let output = tape.channelNetwork(
        variables[0], first: variables[1], firstBias: variables[2], second: variables[3],
        secondBias: variables[4],
        activation: .gelu)
      tape.backward(from: tape.meanSquaredError(output, scattered(output.shape, seed: 6)))
      return variables.map { tape.gradient(of: $0)?.values ?? [] }
    }
    let one = gradients(threads: 1)
    #expect(one == gradients(threads: 2))
    #expect(one == gradients(threads: 3))
  }
}
