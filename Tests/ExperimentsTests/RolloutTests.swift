// Baselines and rollouts from a configuration to metrics.

import Experiments
import Foundation
import Operators
import PDEData
import Tensors
import Testing

@Suite struct RolloutTests {
  /// `w(x, t) = A sin(2π(x − t/12) + φ)`: a wave that travels one of twelve points a time.
  private func writeWaves(_ path: String, samples: Int = 10, times: Int = 8) throws {
    let grid = Grid(axes: [Grid.Axis(name: "x", count: 12, placement: .periodic)])
    try writeDataset(
      path, samples: samples, grid: grid, times: (0..<times).map { 0.5 * Double($0) },
      fields: [
        (
          "w", true,
          { sample, time, x in
            let place: Double = x[0] - Double(time) / 12
            let size: Double = 1 + 0.2 * Double(sample % 3)
            return size * sin(2 * Double.pi * place + Double(sample))
          }
        )
      ])
  }

  private func experiment(_ data: String, _ changes: String...) throws -> Experiment {
    var document = try ConfigurationDocument(
      yaml: """
        data: {train: \(data), inputs: ["w[0:2]"], outputs: ["w[2:8]"], validation_fraction: 0.2}
        model: {kind: fno, modes: [4], width: 6, layers: 1}
        training: {epochs: 25, batch_size: 8, learning_rate: 0.01, deterministic: true, rollout: 1}
        """, file: "r.yaml")
    for change in changes { try document.set(change) }
    return try Experiment(document)
  }

  @Test(arguments: [1, 2, 0])
  func stepsThroughTime(steps: Int) throws {
    let folder = try TemporaryFolder()
    try writeWaves(folder.file("d.nc"))
    let experiment = try experiment(folder.file("d.nc"), "training.rollout=\(steps)")
    let rehearsal = try TrainingJob(experiment).rehearse()
    #expect(rehearsal.outputShape == [8, steps == 0 ? 6 : steps, 12])
    let result = try TrainingJob(experiment).start(in: Run(folder: folder.file("run")))
    #expect(result.outcome == .finished)
    let model = try TrainedModel(path: folder.file("run"))
    #expect(model.description.model.channels == (2, 1))
    let evaluation = try model.evaluate(data: folder.file("d.nc")).evaluation
    #expect((evaluation.metrics.relativeL2 ?? 1) < 0.5, "\(evaluation.metrics.relativeL2 ?? 1)")
    // Six times, and the error of all of them is between the least and the largest.
    #expect(evaluation.overTime.map(\.time) == [1, 1.5, 2, 2.5, 3, 3.5])
    let errors = evaluation.overTime.compactMap(\.relativeL2)
    let overall = try #require(evaluation.metrics.relativeL2)
    #expect(try #require(errors.min()) <= overall && overall <= (try #require(errors.max())))
    #expect(evaluation.json.description.contains(#""error_over_time":[{"time":1"#))
    _ = try model.predict(data: folder.file("d.nc"), output: folder.file("p.nc"))
    let (truth, predicted) = (try values(folder.file("d.nc"), "w"), try values(folder.file("p.nc"), "w"))
    #expect(truth.prefix(24).elementsEqual(predicted.prefix(24)) && truth != predicted)
    // The same model without being trained any further begins where it was.
    let again = try TrainingJob(
      self.experiment(
        folder.file("d.nc"), "training.rollout=\(steps)", "training.epochs=1", "training.learning_rate=1e-12",
        "training.initialize_from=\(folder.file("run"))")
    ).start(in: Run(folder: folder.file("again")))
    #expect(abs((again.best?.validationLoss ?? 1) - (result.best?.validationLoss ?? 0)) < 1e-5)
  }

  @Test func aStoppedRolloutEndsWithTheSameBits() throws {
    let folder = try TemporaryFolder()
    try writeWaves(folder.file("d.nc"))
    let experiment = try experiment(folder.file("d.nc"), "training.epochs=2")
    func train(_ name: String, existing: ExistingOutput = .refuse, stoppingAfter steps: Int? = nil) throws {
      let stop = StopSignal()
      var count = 0
      _ = try TrainingJob(experiment).start(
        in: Run(folder: folder.file(name)), existing: existing, stop: stop
      ) { event in
        guard case .step = event else { return }
        count += 1
        if count == steps { stop.request() }
      }
    }
    try train("whole")
    try train("part", stoppingAfter: 3)
    try train("part", existing: .resume)
    func weights(_ name: String) throws -> [Float] {
      try TrainedModel(path: folder.file(name)).normalized.model.parameters.flatMap {
        $0.parameter.canonicalValues
      }
    }
    #expect(try weights("part") == weights("whole"))
  }

  @Test(arguments: [
    ("data.outputs=[\"w[3:8]\"]", "one after the other"),
    ("data.inputs=[\"w[0:4:2]\"]", "one after the other"),
    ("training.rollout=7", "0 (all) to 6"), ("training.rollout=-1", "0 (all) to 6"),
    ("data.time_as=axis", "time_as"), ("training.output_normalization=none", "output_normalization"),
    ("model={kind: specboost, members: [{modes: [4]}]}", "specboost"),
  ])
  func whatCannotStepIsRefused(change: String, word: String) throws {
    let folder = try TemporaryFolder()
    try writeWaves(folder.file("d.nc"))
    let refused = failure { _ = try TrainingJob(experiment(folder.file("d.nc"), change)) }
    #expect(
      refused?.exitCode == 65 && refused?.message.contains(word) == true, "\(refused?.message ?? "none")")
  }

  // MARK: - Baselines

  @Test(arguments: [
    "{kind: unet, width: 4, levels: 2}", "{kind: unet, width: 4, levels: 1, padding: periodic, kernel: 5}",
    "{kind: ffno, modes: [4, 6], width: 8, layers: 2}",
    "{kind: ffno, modes: [4, 6], width: 8, layers: 2, shared_weights: true, activation: gelu}",
  ])
  func baselinesTrain(model: String) throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), shape: [9, 10])
    let experiment = try smallExperiment(
      folder.file("d.nc"), "model=\(model)", "training.epochs=15", "training.learning_rate=0.01")
    let result = try TrainingJob(experiment).start(in: Run(folder: folder.file("run")))
    #expect((result.epochs.last?.trainingLoss ?? 1) < 0.6 * (result.epochs.first?.trainingLoss ?? 0))
    let trained = try TrainedModel(path: folder.file("run"))
    let error = try trained.evaluate(data: folder.file("d.nc")).evaluation.metrics.relativeL2
    #expect((error ?? 1) < 0.3)
    #expect(try Information(path: folder.file("run")).text.contains(trained.description.model.kind.rawValue))
    // Another resolution is a matter of the model, not of its files.
    try writeSquares(folder.file("fine.nc"), samples: 3, shape: [16, 17])
    _ = try trained.predict(data: folder.file("fine.nc"), output: folder.file("p.nc"))
    let benchmark = try Benchmark(
      trained.description.model, grid: [16, 17], batchSize: 2, repetitions: 1)
    #expect(benchmark.parameters == trained.parameterCount)
  }

  @Test(arguments: [
    ("{kind: unet, levels: 4}", "levels"), ("{kind: unet, kernel: 4}", "kernel"),
    ("{kind: unet, padding: valid}", "padding"), ("{kind: ffno}", "modes"),
    ("{kind: ffno, modes: [4]}", "axes"), ("{kind: ffno, modes: [20, 4]}", "modes"),
    ("{kind: ffno, modes: [4, 4], expansion: 0}", "expansion"),
  ])
  func whatBaselinesCannotBeIsRefused(model: String, word: String) throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
    let refused = failure { _ = try TrainingJob(smallExperiment(folder.file("d.nc"), "model=\(model)")) }
    #expect(
      refused?.exitCode == 65 && refused?.message.contains(word) == true, "\(refused?.message ?? "none")")
  }
}
