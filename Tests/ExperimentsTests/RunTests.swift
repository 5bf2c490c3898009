import Experiments
import Foundation
import Operators
import PDEData
import Tensors
import Testing

@Suite struct RunTests {
  private func train(
    _ experiment: Experiment, in folder: String, existing: ExistingOutput = .refuse,
    stoppingAfter steps: Int? = nil
  ) throws -> TrainingJob.Result {
    let stop = StopSignal()
    var count = 0
    return try TrainingJob(experiment).start(in: Run(folder: folder), existing: existing, stop: stop) {
      event in
      guard case .step = event else { return }
      count += 1
      if count == steps { stop.request() }
    }
  }

  private func tensors(_ path: String) throws -> [String: [Float]] {
    let file = try SafetensorsFile(path: path)
    return Dictionary(uniqueKeysWithValues: try file.tensors.map { ($0.name, try file.values(of: $0)) })
  }

  @Test(arguments: [1, 3, 5])
  func aRunThatWasStoppedEndsWithTheSameBits(steps: Int) throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
    // Ten samples to train on: four steps an epoch, the last with one sample.
    let experiment = try smallExperiment(folder.file("d.nc"), "data.validation_fraction=0.2")
    let whole = try train(experiment, in: folder.file("whole"))
    #expect(whole.outcome == .finished && whole.epochs.count == 2)

    let part = try train(experiment, in: folder.file("part"), stoppingAfter: steps)
    #expect(part.outcome == .stopped && part.epochs.count == steps / 4)
    let rest = try train(experiment, in: folder.file("part"), existing: .resume)
    #expect(rest.outcome == .finished)
    for name in ["model.safetensors", "checkpoint.safetensors"] {
      #expect(try tensors(folder.file("part/\(name)")) == tensors(folder.file("whole/\(name)")))
    }
    #expect(rest.epochs.map(\.trainingLoss) == whole.epochs.map(\.trainingLoss))
    #expect(rest.epochs.map(\.validationLoss) == whole.epochs.map(\.validationLoss))
    #expect(
      try Experiment(ConfigurationDocument(contentsOf: folder.file("part/experiment.yaml")))
        == TrainingJob(experiment).experiment)
  }

  @Test func aRunDoesNotGoBackToFewerEpochs() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
    let whole = try train(smallExperiment(folder.file("d.nc"), "training.epochs=3"), in: folder.file("run"))
    let experiment = try smallExperiment(folder.file("d.nc"), "training.epochs=2")
    let refused = failure { _ = try train(experiment, in: folder.file("run"), existing: .resume) }
    #expect(refused?.exitCode == 65 && refused?.message.contains("training.epochs") == true)
    #expect(whole.epochs.count == 3)
    #expect(
      try Experiment(ConfigurationDocument(contentsOf: folder.file("run/experiment.yaml"))).training.epochs
        == 3)
  }

  @Test func samplesReadAsTheyAreUsedTrainTheSameModel() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
    _ = try train(smallExperiment(folder.file("d.nc")), in: folder.file("memory"))
    _ = try train(smallExperiment(folder.file("d.nc"), "data.memory_limit_mb=0"), in: folder.file("stream"))
    #expect(
      try tensors(folder.file("memory/model.safetensors")) == tensors(folder.file("stream/model.safetensors"))
    )
  }

  @Test func aPredictionIsADatasetOfTheSameForm() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
    try writeSquares(folder.file("fine.nc"), samples: 5, shape: [16, 17])
    _ = try train(smallExperiment(folder.file("d.nc")), in: folder.file("run"))
    let model = try TrainedModel(path: folder.file("run"))
    for name in ["d.nc", "fine.nc"] {
      let prediction = folder.file("p-\(name)")
      #expect(try model.predict(data: folder.file(name), output: prediction, batchSize: 2).isEmpty)
      let (truth, predicted) = (
        try DatasetReader(path: folder.file(name)), try DatasetReader(path: prediction)
      )
      #expect(predicted.variables.map(\.description) == truth.variables.map(\.description))
      #expect(try values(prediction, "a") == values(folder.file(name), "a"))
      #expect(try values(prediction, "u") != values(folder.file(name), "u"))

      // What evaluate says is what one finds in the file.
      let evaluation = try model.evaluate(data: folder.file(name), batchSize: 3).evaluation
      let (u, p) = (try values(folder.file(name), "u"), try values(prediction, "u"))
      let points = u.count / truth.sampleCount
      let errors = (0..<truth.sampleCount).map { sample in
        let range = sample * points..<(sample + 1) * points
        let error = range.reduce(0.0) { $0 + (u[$1] - p[$1]) * (u[$1] - p[$1]) }
        return (error / range.reduce(0.0) { $0 + u[$1] * u[$1] }).squareRoot()
      }
      let mean = errors.reduce(0, +) / Double(errors.count)
      let measured = try #require(evaluation.metrics.relativeL2)
      #expect(abs(measured / mean - 1) < 1e-6)  // single precision of the fields
      #expect(evaluation.samples == truth.sampleCount && evaluation.secondsPerSample ?? 0 > 0)
    }
  }

  @Test func timesThatAreNotPredictedStayAsTheyWere() throws {
    let folder = try TemporaryFolder()
    let grid = Grid(axes: [Grid.Axis(name: "x", count: 16, placement: .periodic)])
    try writeDataset(
      folder.file("w.nc"), samples: 6, grid: grid, times: [1, 2, 3, 4, 5],
      fields: [
        ("w", true, { sample, time, x in sin(2 * .pi * (x[0] + 0.1 * Double(sample)) + Double(time)) })
      ])
    let experiment = try smallExperiment(
      folder.file("w.nc"), "data.inputs=w[0:2]", "data.outputs=w[2:4]", "model.modes=[6]")
    _ = try train(experiment, in: folder.file("run"))
    let model = try TrainedModel(path: folder.file("run"))
    #expect(model.description.model.channels == (2, 2))
    _ = try model.predict(data: folder.file("w.nc"), output: folder.file("p.nc"))
    let (before, after) = (try values(folder.file("w.nc"), "w"), try values(folder.file("p.nc"), "w"))
    for index in before.indices {
      let isPredicted = (2..<4).contains(index / 16 % 5)
      #expect((before[index] == after[index]) == !isPredicted)
    }
  }

  @Test(arguments: [true, false])
  func timeCanBeAnAxisOfTheGrid(hasOutputs: Bool) throws {
    let folder = try TemporaryFolder()
    let grid = Grid(axes: [Grid.Axis(name: "x", count: 16, placement: .periodic)])
    try writeDataset(
      folder.file("w.nc"), samples: 4, grid: grid, times: [1, 2, 3, 4, 5, 6],
      fields: [
        ("w0", false, { sample, _, x in sin(2 * .pi * x[0] + Double(sample)) }),
        ("w", true, { sample, time, x in sin(2 * .pi * x[0] + Double(sample + time)) }),
      ])
    let experiment = try smallExperiment(
      folder.file("w.nc"), "data.inputs=[w0]", "data.outputs=[w]", "data.time_as=axis", "model.modes=[4, 4]")
    let job = try TrainingJob(experiment)
    #expect(job.data.grid.shape == [6, 16] && job.experiment.model.channels == (1, 1))
    _ = try job.start(in: Run(folder: folder.file("run")))
    let data = folder.file(hasOutputs ? "w.nc" : "inputs.nc")
    if !hasOutputs {
      try writeDataset(
        data, samples: 3, grid: grid,
        fields: [("w0", false, { sample, _, x in cos(2 * .pi * x[0] + Double(sample)) })])
    }
    _ = try TrainedModel(path: folder.file("run")).predict(data: data, output: folder.file("p.nc"))
    let reader = try DatasetReader(path: folder.file("p.nc"))
    #expect(try reader.variable("w").shape == [hasOutputs ? 4 : 3, 6, 16])
    #expect(try values(folder.file("p.nc"), "w").allSatisfy(\.isFinite))
  }

  @Test func fineTuningBeginsWhereTheModelWas() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
    try writeSquares(
      folder.file("e.nc"), shape: [12, 12], a: { sample, x in cos(4 * .pi * x[1]) * Double(sample) })
    _ = try train(smallExperiment(folder.file("d.nc")), in: folder.file("first"))
    let experiment = try smallExperiment(
      folder.file("e.nc"), "training.initialize_from=\(folder.file("first"))", "training.learning_rate=1e-30",
      "training.weight_decay=0")
    _ = try train(experiment, in: folder.file("second"))
    #expect(
      try tensors(folder.file("first/model.safetensors")) == tensors(folder.file("second/model.safetensors")))
  }

  @Test func oddSizesSingleSamplesAndLargeBatchesWork() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("one.nc"), samples: 1, shape: [7, 9], placement: .cells)
    let job = try TrainingJob(smallExperiment(folder.file("one.nc"), "training.batch_size=50"))
    #expect(job.sampleCounts == (1, 0) && job.warnings.count == 1)
    #expect(try job.start(in: Run(folder: folder.file("run"))).outcome == .finished)
    _ = try TrainedModel(path: folder.file("run")).evaluate(data: folder.file("one.nc"))
  }

  @Test func aCoarseGridUsesTheModesItHas() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
    try writeSquares(folder.file("coarse.nc"), shape: [3, 8])
    _ = try train(smallExperiment(folder.file("d.nc")), in: folder.file("run"))
    let warnings = try TrainedModel(path: folder.file("run")).evaluate(data: folder.file("coarse.nc"))
      .warnings
    #expect(warnings.count == 1 && warnings[0].contains("axis y has 3 points"))
  }

  @Test func sameSamplesInTrainingAndTestAreToldOf() throws {
    let folder = try TemporaryFolder()
    for (name, samples) in [("train.nc", 0..<4), ("overlap.nc", 3..<5), ("test.nc", 4..<6)] {
      _ = try DataGeneration(equation: "burgers").generate(
        samples: samples, resolution: [32], seed: 3, output: folder.file(name))
    }
    let experiment = try smallExperiment(
      folder.file("train.nc"), "data.inputs=[]", "data.outputs=[]", "model.modes=[8]",
      "data.validation=\(folder.file("overlap.nc"))")
    let job = try TrainingJob(experiment)
    #expect(job.experiment.data.inputs == ["u0"] && job.experiment.data.outputs == ["u"])
    #expect(job.warnings.count == 1 && job.warnings[0].contains("overlap.nc"))
    _ = try job.start(in: Run(folder: folder.file("run")))
    let model = try TrainedModel(path: folder.file("run"))
    #expect(try model.evaluate(data: folder.file("overlap.nc")).warnings.count == 1)
    #expect(try model.evaluate(data: folder.file("test.nc")).warnings.isEmpty)
  }

  @Test func aRehearsalWritesNothing() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
    let rehearsal = try TrainingJob(smallExperiment(folder.file("d.nc"))).rehearse()
    #expect(rehearsal.inputShape == [3, 1, 8, 8] && rehearsal.samples == (11, 1))
    #expect(rehearsal.parameterCount > 0 && rehearsal.stepBytes > 4 * rehearsal.parameterCount)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["d.nc"])
  }
}
