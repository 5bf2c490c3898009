// Ensembles by residuals: from a configuration to one checkpoint, stopping, resuming, members that do not agree.

import Experiments
import Foundation
import Operators
import PDEData
import Tensors
import Testing

@Suite struct EnsembleTests {
  private func experiment(_ data: String, _ changes: String...) throws -> Experiment {
    var document = try ConfigurationDocument(
      yaml: """
        data: {train: \(data), inputs: [a], outputs: [u], validation_fraction: 0.25}
        model:
          kind: specboost
          members:
          - {kind: fno, modes: [4, 4], width: 4, layers: 1}
          - {kind: tfno, modes: [6, 6], width: 6, layers: 2, epochs: 6, rank: 0.3}
        training: {epochs: 4, batch_size: 4, learning_rate: 0.01, deterministic: true}
        """, file: "e.yaml")
    for change in changes { try document.set(change) }
    return try Experiment(document)
  }

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

  private func parameters(_ folder: String) throws -> [Float] {
    try TrainedModel(path: folder).normalized.model.parameters.flatMap { $0.parameter.canonicalValues }
  }

  @Test(arguments: [true, false])
  func aMemberCorrectsTheSumBeforeIt(seesPrediction: Bool) throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), samples: 16)
    let settings = "model.sees_prediction=\(seesPrediction)"
    let result = try train(experiment(folder.file("d.nc"), settings), in: folder.file("run"))
    #expect(result.outcome == .finished && result.epochs.count == 10)
    let model = try TrainedModel(path: folder.file("run"))
    let boosted = try #require(model.normalized.model as? BoostedOperator<Float>)
    #expect(boosted.memberCount == 2 && boosted.shrinkageValues[0] == 1)
    let evaluation = try model.evaluate(data: folder.file("d.nc")).evaluation
    #expect(evaluation.members.count == 2)
    let errors = evaluation.members.compactMap(\.metrics.relativeL2)
    #expect(errors[1] < errors[0] && evaluation.metrics.relativeL2 == errors[1])
    // The spectrum of an error adds up to its mean square.
    for member in evaluation.members {
      let total = member.errorSpectrum.reduce(0, +)
      #expect(total > 0 && total >= (member.metrics.rmse ?? 0) * (member.metrics.rmse ?? 0) * 0.999)
    }
    #expect(evaluation.json.description.contains("error_spectrum"))
    // What a run keeps is what it said of itself on the validation samples.
    #expect((result.best?.validationLoss ?? 1) < 0.5)
    let information = try Information(path: folder.file("run")).text
    #expect(information.contains("specboost") && information.contains("member 2: 6 of 6 epochs done"))
    #expect(try Information(path: folder.file("run/model.safetensors")).text.contains("specboost"))
    _ = try model.predict(data: folder.file("d.nc"), output: folder.file("p.nc"))
    let text = try String(contentsOfFile: folder.file("run/history.csv"), encoding: .utf8)
    #expect(text.split(separator: "\n").count == 11)
  }

  /// In the first member, between the members, in the second, in its last epoch.
  @Test(arguments: [2, 12, 20, 30])
  func anEnsembleThatWasStoppedEndsWithTheSameBits(steps: Int) throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), samples: 16)
    let experiment = try experiment(folder.file("d.nc"))
    _ = try train(experiment, in: folder.file("whole"))
    let part = try train(experiment, in: folder.file("part"), stoppingAfter: steps)
    if steps < 30 { #expect(part.outcome == .stopped) }
    #expect(try train(experiment, in: folder.file("part"), existing: .resume).outcome == .finished)
    #expect(try parameters(folder.file("part")) == parameters(folder.file("whole")))
  }

  /// A member that cannot learn anything is left out, and the ensemble ends before it.
  @Test func anEnsembleStopsWhereNothingIsGained() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), samples: 16)
    let result = try train(
      experiment(folder.file("d.nc"), "model.minimum_gain=0.999"), in: folder.file("run"))
    #expect(result.outcome == .finished)
    let model = try TrainedModel(path: folder.file("run"))
    #expect((model.normalized.model as? BoostedOperator<Float>)?.memberCount == 1)
    #expect(try model.evaluate(data: folder.file("d.nc")).evaluation.members.count == 1)
  }

  /// A member that has done more epochs than it is to have cannot go on.
  @Test func resumingWithFewerEpochsIsRefused() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), samples: 16)
    _ = try train(experiment(folder.file("d.nc")), in: folder.file("run"))
    let before = try String(contentsOfFile: folder.file("run/experiment.yaml"), encoding: .utf8)
    let shorter = try TrainingJob(experiment(folder.file("d.nc"), "training.epochs=2"))
    let refused = failure { _ = try shorter.start(in: Run(folder: folder.file("run")), existing: .resume) }
    #expect(
      refused?.exitCode == 65
        && refused?.message.hasPrefix("training.epochs: expected at least the 4") == true)
    #expect(try String(contentsOfFile: folder.file("run/experiment.yaml"), encoding: .utf8) == before)
  }

  /// Where a member goes on, those that corrected it are trained anew: as if all had been trained for so long at once.
  @Test func resumingWithMoreEpochsTrainsLaterMembersAnew() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), samples: 16)
    let longer = ["training.schedule=constant", "training.epochs=6"]
    _ = try train(experiment(folder.file("d.nc"), longer[0]), in: folder.file("run"))
    let resumed = try train(
      experiment(folder.file("d.nc"), longer[0], longer[1]), in: folder.file("run"), existing: .resume)
    let whole = try train(experiment(folder.file("d.nc"), longer[0], longer[1]), in: folder.file("whole"))
    #expect(resumed.best?.validationLoss == whole.best?.validationLoss)
    #expect(try parameters(folder.file("run")) == parameters(folder.file("whole")))
  }

  @Test func theFirstMemberMayBeATrainedRun() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), samples: 16)
    _ = try TrainingJob(smallExperiment(folder.file("d.nc"))).start(in: Run(folder: folder.file("first")))
    let members =
      "model.members=[{run: \(folder.file("first"))}, {kind: fno, modes: [6, 6], width: 4, layers: 1}]"
    let result = try train(experiment(folder.file("d.nc"), members), in: folder.file("run"))
    #expect(result.epochs.count == 4)
    let evaluation = try TrainedModel(path: folder.file("run")).evaluate(data: folder.file("d.nc")).evaluation
    let first = try TrainedModel(path: folder.file("first")).evaluate(data: folder.file("d.nc")).evaluation
    let (own, other) = (evaluation.members[0].metrics.relativeL2 ?? 0, first.metrics.relativeL2 ?? 1)
    #expect(abs(own - other) < 1e-5 * other)
    // Other variables, another grid.
    try writeSquares(folder.file("fine.nc"), samples: 16, shape: [12, 12])
    let grid = failure { _ = try train(experiment(folder.file("fine.nc"), members), in: folder.file("g")) }
    #expect(grid?.exitCode == 65 && grid?.message.contains("trained on the grid") == true)
    #expect(!FileManager.default.fileExists(atPath: folder.file("g")))
    let variables = failure {
      _ = try train(
        experiment(folder.file("d.nc"), members, "data.inputs=[u]", "data.outputs=[a]"), in: folder.file("v"))
    }
    #expect(variables?.exitCode == 65 && variables?.message.contains("this member maps a to u") == true)
  }

  @Test(arguments: [
    ("model.members=[{modes: [4, 4], width: 4}, {modes: [4], width: 4}]", "members.1.modes"),
    ("model.members=[]", "members"),
    ("model.members=[{modes: [4, 4]}, {kind: specboost, members: [{modes: [4, 4]}]}]", "members.1.kind"),
    ("model.members=[{modes: [4, 4], in_channels: 2}]", "members.0.in_channels"),
    ("model.minimum_gain=2", "minimum_gain"),
    ("training.output_normalization=pointwise_gaussian", "output_normalization"),
    ("training.initialize_from=/nowhere", "initialize_from"),
    ("model.members=[{modes: [4, 4], wdth: 4}]", "wdth"),
    ("model.members=[{modes: [4, 4]}, {modes: [4, 4], multigrid: {levels: 2}}]", "16 points could"),
    ("model.members=[{modes: [4, 4]}, {kind: unet, levels: 5}]", "members.1.levels"),
  ])
  func whatCannotBeIsRefused(change: String, word: String) throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
    let refused = failure { _ = try TrainingJob(experiment(folder.file("d.nc"), change)) }
    #expect(
      refused?.exitCode == 65 && refused?.message.contains(word) == true, "\(refused?.message ?? "none")")
  }
}
