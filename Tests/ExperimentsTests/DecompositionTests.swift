// Trained operators as tensorized ones; losses, ranks and modes as configurations say them.

import Experiments
import Foundation
import Operators
import Testing

@Suite struct DecompositionTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
  }

  private func train(_ name: String, _ changes: String...) throws -> TrainedModel {
    var document = try ConfigurationDocument(
      yaml: smallExperiment(folder.file("d.nc")).yaml(), file: "E.yaml")
    for change in changes { try document.set(change) }
    _ = try TrainingJob(Experiment(document)).start(in: Run(folder: folder.file(name)))
    return try TrainedModel(path: folder.file(name))
  }

  private func message(_ changes: String...) -> String {
    failure {
      var document = try ConfigurationDocument(
        yaml: smallExperiment(folder.file("d.nc")).yaml(), file: "E.yaml")
      for change in changes { try document.set(change) }
      _ = try Experiment(document)
    }?.message ?? "no error"
  }

  /// Decomposed and trained on, with no model configured but the file's.
  @Test(arguments: ["tucker", "cp", "tt"])
  func aDecompositionIsWhereTrainingBegins(factorization: String) throws {
    let dense = try train("dense")
    let request = try DecompositionRequest(factorization: factorization, rank: ["0.5"], parameters: nil)
    let path = folder.file("m.safetensors")
    let report = try dense.decompose(request.factorization, rank: request.rank, joint: true, to: path)
    #expect(report.error > 0 && report.error < 1 && report.layerErrors.count == 2)
    let tensorized = try TrainedModel(path: path)
    #expect(tensorized.parameterCount < dense.parameterCount)
    #expect(
      dense.parameterCount - tensorized.parameterCount == report.parameters.dense
        - report.parameters.factorized)

    let bare = try ConfigurationDocument(
      yaml: """
        data: {train: \(folder.file("d.nc")), inputs: [a], outputs: [u]}
        training: {epochs: 1, batch_size: 3, deterministic: true, initialize_from: \(path)}
        """, file: "fine.yaml")
    let document = try bare.fillingModelFromInitialModel()
    // A section of the same kind is filled in; one of another kind is not.
    var partial = bare
    try partial.set("model.kind=tfno")
    #expect(try Experiment(partial.fillingModelFromInitialModel()).model == Experiment(document).model)
    var other = bare
    try other.set("model.kind=fno")
    other = try other.fillingModelFromInitialModel()
    #expect(failure { _ = try Experiment(other) }?.message.contains("modes") == true)
    // Nor does a rank make a dense model a tensorized one.
    for change in ["model.modes=[4, 4]", "model.rank=0.1"] { try other.set(change) }
    #expect(failure { _ = try Experiment(other) }?.message.contains("a dense fno has no ranks") == true)

    let job = try TrainingJob(Experiment(document))
    #expect(try job.start(in: Run(folder: folder.file("fine"))).parameterCount == tensorized.parameterCount)

    let again = failure {
      _ = try tensorized.decompose(.tucker, rank: .fraction(0.1), to: folder.file("n.st"))
    }
    #expect(again?.exitCode == 65 && again?.message.contains("already") == true)
    let present = failure { _ = try dense.decompose(.tucker, rank: .fraction(0.1), to: path) }
    #expect(present?.exitCode == 73)
  }

  @Test func ranksAndBudgetsThatCannotBe() throws {
    #expect(message("model.factorization=tucker", "model.rank=1").contains("ambiguous"))
    #expect(message("model.factorization=tucker", "model.rank=0.0").contains("above 0"))
    #expect(message("model.factorization=cp", "model.rank=[0]").contains("1 and more"))
    #expect(message("model.factorization=tucker", "model.rank=[7, 6, 4, 3]").contains("at most 6"))
    #expect(message("model.factorization=tucker", "model.rank={parameters: 10}").contains("at least"))
    #expect(message("model.rank={parameter: 10}").contains("parameters"))
    #expect(message("model.joint_factorization=true").contains("factorization"))
    #expect(message("model.factorization=tucker", "model.rank=1.0") == "no error")
    #expect(message("model.factorization=tucker", "model.rank={parameters: 1000}") == "no error")
    // Dense weights of a file, a rank by an option; a kind that its factorization contradicts.
    #expect(message("model.rank=0.1").contains("a dense fno has no ranks"))
    #expect(message("model.kind=tfno").contains("model.factorization: expected tucker, cp or tt"))
    let bad = failure { _ = try DecompositionRequest(factorization: "svd", rank: ["0.1"], parameters: nil) }
    #expect(bad?.exitCode == 64 && bad?.message.contains("tucker") == true)
    let whole = failure { _ = try DecompositionRequest(factorization: "cp", rank: ["3"], parameters: nil) }
    #expect(whole?.message.contains("ambiguous") == true)
  }

  @Test func lossesInFiles() throws {
    _ = try train("sum", "training.loss=[relative_l2, {name: relative_sobolev, order: -1, weight: 0.5}]")
    let written = try Experiment(ConfigurationDocument(contentsOf: folder.file("sum/experiment.yaml")))
    #expect(
      written.training.loss
        == Loss([.init(.relativeL2), .init(.relativeSobolev, weight: 0.5, order: -1)]))
    _ = try train("h1", "training.loss=relative_h1")
    #expect(message("training.loss=relative_l3").contains("did you mean relative_l2"))
    #expect(message("training.loss=[relative_l2, {name: mse, weigth: 2}]").contains("weight"))
    #expect(message("training.loss=[]").contains("at least one"))
    #expect(message("training.loss={name: mse, weight: -1}").contains("0 or more"))
  }

  @Test func patchesInFiles() throws {
    let model = try train("patches", "model.multigrid={levels: 1, overlap: [0.125]}", "model.modes=[2, 2]")
    let written = try Experiment(ConfigurationDocument(contentsOf: folder.file("patches/experiment.yaml")))
    guard case .multigrid(let multigrid, let base) = written.model else {
      Issue.record("the model is not on patches")
      return
    }
    #expect(multigrid.levels == 1 && multigrid.overlap == [0.125] && base.channels == (1, 1))
    _ = try model.predict(data: folder.file("d.nc"), output: folder.file("p.nc"))
    let report = try model.decompose(.tucker, rank: .fraction(0.5), to: folder.file("q.safetensors"))
    #expect(report.error < 1)
    _ = try TrainedModel(path: folder.file("q.safetensors")).predict(
      data: folder.file("d.nc"), output: folder.file("q.nc"))
    try writeSquares(folder.file("odd.nc"), shape: [9, 8])
    let odd = failure { _ = try model.predict(data: folder.file("odd.nc"), output: folder.file("o.nc")) }
    #expect(odd?.exitCode == 65 && odd?.message.contains("8 or 12 points could") == true)
    try writeSquares(folder.file("nodes.nc"), placement: .nodes)
    for (boundary, count) in [("periodic", 1), ("reflect", 0)] {
      let job = try TrainingJob(
        smallExperiment(
          folder.file("nodes.nc"), "model.multigrid={levels: 1, boundary: \(boundary)}", "model.modes=[2, 2]")
      )
      #expect(job.warnings.count { $0.contains("not periodic") } == count)
    }
    #expect(message("training.checkpoint_interval=-1").contains("checkpoint_interval"))
    #expect(message("model.multigrid={levels: -1}").contains("from 0 to 6"))
    #expect(message("model.multigrid={level: 1}").contains("levels"))
    #expect(message("model.multigrid={levels: 1, overlap: [0.1, 0.1, 0.1]}").contains("multigrid.overlap"))
  }

  @Test func modesInFiles() throws {
    _ = try train("growing", "training.incremental_modes={start: [2, 2], rule: schedule}")
    let written = try Experiment(ConfigurationDocument(contentsOf: folder.file("growing/experiment.yaml")))
    #expect(written.training.incrementalModes == ModeGrowth(start: [2, 2], rule: .schedule))
    #expect(message("training.incremental_modes={start: [2]}").contains("[4, 4]"))
    #expect(message("training.incremental_modes={start: [8, 4]}").contains("at most"))
    #expect(message("training.incremental_modes={start: [2, 2], ratio: 2}").contains("ratio"))
  }
}
