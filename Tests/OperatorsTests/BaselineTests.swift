// U-Net, factorized FNO and rollouts as maps: shapes, symmetries, gradients, equality with their definitions.

import Autodiff
import Foundation
import Operators
import Tensors
import Testing

/// Values without a pattern.
private func scattered(_ shape: [Int], seed: Int = 1) -> Tensor<Double> {
  let values = (0..<shape.reduce(1, *)).map { index -> Double in
    let phase = 7 * index * index + 3 * index + 31 * seed
    return sin(Double(phase))
  }
  return Tensor(values, shape: shape)
}

private func value(
  _ model: any NeuralOperator<Double>, _ input: Tensor<Double>, at positions: GridPositions? = nil
) -> Tensor<Double> {
  model(
    Variable(constant: input), at: positions ?? GridPositions(uniform: Array(input.shape[2...])),
    on: Tape(recording: false)
  ).value
}

/// The gradient of `Σ w ⊙ model(x)` in every parameter, along a direction, against a central difference of step h: an
/// error of h² relative, some 1e-10, and the rounding, some 1e-16/h.
private func expectGradients(of model: any NeuralOperator<Double>, at input: Tensor<Double>) {
  let tape = Tape<Double>()
  let output = model(
    Variable(constant: input), at: GridPositions(uniform: Array(input.shape[2...])), on: tape)
  let weights = scattered(output.shape, seed: 5)
  tape.backward(from: output, gradient: weights)
  func objective() -> Double {
    zip(value(model, input).values, weights.values).reduce(0) { $0 + $1.0 * $1.1 }
  }
  for (name, parameter) in model.parameters where parameter.isTrainable {
    guard let gradient = parameter.gradient else {
      Issue.record("\(name) has no gradient")
      continue
    }
    let before = parameter.value
    let direction = scattered(before.shape, seed: 9)
    let step = 1e-5
    parameter.value = before + step * direction
    let above = objective()
    parameter.value = before - step * direction
    let below = objective()
    parameter.value = before
    let numeric = (above - below) / (2 * step)
    let own = zip(gradient.values, direction.values).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(abs(numeric - own) <= 1e-6 * max(1, abs(numeric)), "\(name): \(own), by differences \(numeric)")
  }
}

@Suite struct BaselineTests {
  @Test(arguments: [[13], [16], [9, 12]])
  func uNets(grid: [Int]) {
    var configuration = UNetConfiguration(inChannels: 2, outChannels: 3, dimensions: grid.count)
    configuration.width = 2
    configuration.levels = 2
    let model = UNet<Double>(configuration)
    let input = scattered([2, 2] + grid)
    #expect(value(model, input).shape == [2, 3] + grid)
    expectGradients(of: model, at: input)
  }

  /// With periodic convolutions and no coordinates, a shift by a whole coarsest cell shifts the output.
  @Test func aPeriodicUNetCommutesWithShifts() {
    var configuration = UNetConfiguration(inChannels: 1, outChannels: 1, dimensions: 1)
    configuration.width = 3
    configuration.levels = 2
    configuration.padding = .periodic
    configuration.positionalEmbedding = .none
    let model = UNet<Double>(configuration)
    let input = scattered([1, 1, 16])
    func shifted(_ x: Tensor<Double>) -> Tensor<Double> {
      Tensor((0..<16).map { x[0, 0, ($0 + 4) % 16] }, shape: [1, 1, 16])
    }
    let difference = value(model, shifted(input)) - shifted(value(model, input))
    #expect(difference.maximumMagnitude() < 1e-13)
    configuration.padding = .zeros
    let walled = UNet<Double>(configuration)
    #expect((value(walled, shifted(input)) - shifted(value(walled, input))).maximumMagnitude() > 1e-6)
  }

  @Test(arguments: [[12], [9, 8], [6, 5, 4]], [false, true])
  func factorizedFNOs(grid: [Int], sharesWeights: Bool) {
    var configuration = FactorizedFNOConfiguration(
      modes: Array([6, 4, 4].prefix(grid.count)), inChannels: 1, outChannels: 2)
    configuration.width = 3
    configuration.layers = 2
    configuration.projectionChannels = 4
    configuration.activation = .gelu
    configuration.sharedWeights = sharesWeights
    let model = FactorizedFNO<Double>(configuration)
    let input = scattered([2, 1] + grid)
    #expect(value(model, input).shape == [2, 2] + grid)
    let spectral = model.parameters.filter { $0.path.contains("spectral") }
    #expect(spectral.count == grid.count * (sharesWeights ? 1 : 2))
    expectGradients(of: model, at: input)
  }

  /// The weights are those of wavenumbers: on a finer grid a band-limited function has the same image. Activations make
  /// new wavenumbers, which alias: they are left out.
  @Test func aFactorizedFNOMeansTheSameAtEveryResolution() {
    var configuration = FactorizedFNOConfiguration(modes: [5, 5], inChannels: 1, outChannels: 1)
    configuration.width = 4
    configuration.layers = 1
    configuration.activation = .identity
    configuration.positionalEmbedding = .none
    let model = FactorizedFNO<Double>(configuration)
    func field(_ n: Int) -> Tensor<Double> {
      let turn = 2 * Double.pi / Double(n)
      let values = (0..<n * n).map { index -> Double in
        let (y, x) = (turn * Double(index / n), turn * Double(index % n))
        return sin(x) + cos(2 * y) * sin(x + 0.3)
      }
      return Tensor(values, shape: [1, 1, n, n])
    }
    let (coarse, fine) = (value(model, field(8)), value(model, field(16)))
    for i in 0..<8 {
      for j in 0..<8 { #expect(abs(coarse[0, 0, i, j] - fine[0, 0, 2 * i, 2 * j]) < 1e-12) }
    }
  }

  /// A state of two components, three times of each in, four out, and a field that stays, in mixed order.
  private let layout = RolloutLayout(
    inChannels: 7, history: [[0, 2, 4], [1, 3, 6]], outputs: [[0, 2, 4, 6], [1, 3, 5, 7]])

  @Test func aRolloutAppliesItsOperatorAgainAndAgain() {
    var configuration = FNOConfiguration(modes: [4], inChannels: 7, outChannels: 2, width: 3)
    configuration.layers = 1
    let base = FNO<Double>(configuration)
    let rollout = RolloutOperator(base, layout: layout)
    let input = scattered([2, 7, 8])
    let output = value(rollout, input)
    #expect(output.shape == [2, 8, 8])
    var state = input
    for step in 0..<4 {
      let next = value(base, state)
      for sample in 0..<2 {
        for component in 0..<2 {
          for point in 0..<8 {
            #expect(output[sample, layout.outputs[component][step], point] == next[sample, component, point])
            let channels = layout.history[component]
            let (second, third) = (state[sample, channels[1], point], state[sample, channels[2], point])
            state[sample, channels[0], point] = second
            state[sample, channels[1], point] = third
            state[sample, channels[2], point] = next[sample, component, point]
          }
        }
      }
    }
    expectGradients(of: rollout, at: input)
  }

  /// Every window begins a step later, and holds what the series hold.
  @Test func windows() throws {
    let (samples, points) = (2, 3)
    func state(_ sample: Int, _ component: Int, _ time: Int) -> Float {
      Float(100 * sample + 50 * component + time)
    }
    var input = Tensor<Float>.zeros([samples, 7, points])
    var target = Tensor<Float>.zeros([samples, 8, points])
    for sample in 0..<samples {
      for component in 0..<2 {
        for point in 0..<points {
          for (time, channel) in layout.history[component].enumerated() {
            input[sample, channel, point] = state(sample, component, time)
          }
          for (step, channel) in layout.outputs[component].enumerated() {
            target[sample, channel, point] = state(sample, component, 3 + step)
          }
          input[sample, 5, point] = -1
        }
      }
    }
    let source = TensorSource(
      inputs: input, targets: target, positions: GridPositions(uniform: [points]))
    let windows = WindowSource(source, layout: layout, steps: 2)
    #expect(windows.sampleCount == 6)
    let batch = try windows.batch([4])
    #expect(batch.input.shape == [1, 7, 3] && batch.target.shape == [1, 4, 3])
    #expect((0..<7).map { batch.input[0, $0, 1] } == [101, 151, 102, 152, 103, -1, 153])
    #expect((0..<4).map { batch.target[0, $0, 2] } == [104, 105, 154, 155])
    // One mean and spread for all times of a component: those of all its values.
    let (inputs, outputs) = try Normalizer.fit(input: .gaussian, output: .gaussian, to: source)
    let tied = layout.tied(inputs, outputs)
    var values: [Double] = []
    for sample in 0..<samples {
      for time in 0..<7 { values.append(Double(state(sample, 1, time))) }
    }
    let mean = values.reduce(0, +) / 14
    var squares = 0.0
    for value in values { squares += (value - mean) * (value - mean) }
    let spread = (squares / 14).squareRoot()
    for channel in layout.history[1] { #expect(abs(tied.input.center[channel] - mean) < 1e-9) }
    for channel in layout.outputs[1] { #expect(abs(tied.output.spread[channel] - spread) < 1e-9) }
    #expect(tied.input.center[5] == -1)
  }
}
