// Modes that come into use while training.

import Autodiff
import Foundation
import Operators
import Tensors
import Testing

private func configuration(_ factorization: Factorization = .dense, joint: Bool = false) -> FNOConfiguration {
  var result = FNOConfiguration(modes: [8, 7], inChannels: 1, outChannels: 1, width: 4)
  result.layers = 2
  result.factorization = factorization
  result.jointFactorization = joint
  result.rank = .fraction(0.5)
  return result
}

private func source(samples: Int) -> TensorSource<Float> {
  let grid = [10, 9]
  let inputs = Tensor<Float>.normal([samples, 1] + grid, from: RandomStream(seed: 3, purpose: "growth"))
  let targets = Tensor(inputs.values.map { 1 + $0 * $0 }, shape: inputs.shape)
  return TensorSource(inputs: inputs, targets: targets, positions: GridPositions(uniform: grid))
}

private func growingTrainer(
  _ model: FNOConfiguration, _ growth: ModeGrowth, epochs: Int = 5, folder: String? = nil
) throws -> Trainer<Float> {
  let normalized = NormalizedOperator<Float>(
    FNO<Float>(model), inputNormalizer: .identity(channels: 1), outputNormalizer: .identity(channels: 1))
  let files = folder.map { TrainingFiles(folder: $0, configuration: "{}") }
  if let folder { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  return try Trainer(
    normalized,
    TrainingConfiguration(epochs: epochs, batchSize: 2, checkpointInterval: 0, modeGrowth: growth),
    training: source(samples: 6), files: files)
}

@Suite struct ModeGrowthTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Truncated transforms give the same function as all modes with zero weights.
  @Test(arguments: [
    (Factorization.dense, false), (.tucker, false), (.tucker, true), (.cp, false), (.tt, false), (.tt, true),
  ])
  func modesOutOfUseTakeNoPart(factorization: Factorization, joint: Bool) {
    for active in [[8, 7], [6, 5], [5, 4], [3, 2], [1, 1]] {
      let model = FNO<Double>(configuration(factorization, joint: joint))
      model.activeModes = active
      model.clearInactiveModes()
      let input = Tensor<Double>.normal([2, 1, 12, 10], from: RandomStream(seed: 4, purpose: "growth"))
      func output() -> Tensor<Double> {
        model(
          Variable(constant: input), at: GridPositions(uniform: [12, 10]), on: Tape<Double>(recording: false)
        ).value
      }
      let truncated = output()
      model.activeModes = [8, 7]
      let all = output()
      #expect(truncated.sumOfSquaredDifferences(from: all) <= 1e-24 * all.sumOfSquares(), "\(active)")
      // Wavenumbers in use alone have weights.
      for (axis, strengths) in model.modeStrengths().enumerated() {
        for (wavenumber, strength) in strengths.enumerated() {
          #expect((strength > 0) == (wavenumber <= active[axis] / 2), "\(active) \(axis) \(wavenumber)")
        }
      }
    }
  }

  /// By schedule, all layers grow together, and weights of modes that are not in use stay zero under decay.
  @Test(arguments: [Factorization.dense, .tucker])
  func modesGrowBySchedule(factorization: Factorization) throws {
    var growth = ModeGrowth(start: [2, 3], rule: .schedule)
    growth.every = 2
    growth.step = 3
    let trainer = try growingTrainer(configuration(factorization), growth)
    var seen: [[Int]] = []
    _ = try trainer.run { event in
      guard case .modes(let modes) = event else { return }
      seen.append(modes)
    }
    #expect(seen == [[5, 6], [8, 7]])
    #expect(trainer.state.activeModes == [8, 7])

    growth.every = 100
    let short = try self.trainer(growth)
    _ = try short.run()
    let model = try #require(short.normalized.model as? FNO<Float>)
    #expect(model.activeModes == [2, 3])
    #expect(model.modeStrengths()[0][2...].allSatisfy { $0 == 0 })
    #expect(model.modeStrengths()[1][2...].allSatisfy { $0 == 0 })
    #expect(model.modeStrengths()[0][1] > 0)
  }

  private func trainer(_ growth: ModeGrowth) throws -> Trainer<Float> {
    try growingTrainer(configuration(), growth)
  }

  /// With a ratio that nothing reaches an axis grows at every look; with a small one it does not.
  @Test func modesGrowByExplainedRatio() throws {
    var growth = ModeGrowth(start: [4, 3])
    growth.ratio = 1
    let growing = try trainer(growth)
    _ = try growing.run()
    #expect(growing.state.activeModes == [8, 7])
    growth.ratio = 1e-6
    let still = try trainer(growth)
    _ = try still.run()
    #expect(still.state.activeModes == [4, 3])
  }

  /// A run that was stopped goes on with the modes it had, to the same bits.
  @Test(arguments: [2, 4, 7])
  func aResumedRunHasItsModes(stopAfter: Int) throws {
    var growth = ModeGrowth(start: [2, 2], rule: .schedule)
    growth.step = 2
    let whole = try growingTrainer(configuration(), growth, folder: folder.file("whole"))
    _ = try whole.run()
    let first = try growingTrainer(configuration(), growth, folder: folder.file("parts"))
    let stop = StopSignal()
    var steps = 0
    let outcome = try first.run(stop: stop) { event in
      guard case .step = event else { return }
      steps += 1
      if steps == stopAfter { stop.request() }
    }
    #expect(outcome == .stopped)
    let second = try growingTrainer(configuration(), growth, folder: folder.file("parts"))
    try second.resume(from: Checkpoint(path: folder.file("parts/checkpoint.safetensors")))
    _ = try second.run()
    #expect(second.state.activeModes == whole.state.activeModes)
    #expect(
      second.normalized.model.parameters.map(\.parameter.value.values)
        == whole.normalized.model.parameters.map(\.parameter.value.values))
  }

  @Test func whatCannotGrowIsRefused() throws {
    for start in [[], [0, 1], [9, 7], [8], [8, 7, 1]] {
      #expect(throws: ConfigurationError.self) { try trainer(ModeGrowth(start: start)) }
    }
    var growth = ModeGrowth(start: [2, 2])
    growth.step = 0
    #expect(throws: ConfigurationError.self) { try trainer(growth) }
    growth = ModeGrowth(start: [2, 2])
    growth.ratio = 0
    #expect(throws: ConfigurationError.self) { try trainer(growth) }
    #expect(throws: ConfigurationError.self) {
      try Trainer(
        tinyNormalized(tinySource(samples: 4)), TrainingConfiguration(modeGrowth: ModeGrowth(start: [2])),
        training: tinySource(samples: 4))
    }
  }
}
