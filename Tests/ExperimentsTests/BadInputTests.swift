import Experiments
import Foundation
import Operators
import PDEData
import Tensors
import Testing

/// Every bad input ends with one line that names the culprit, with its exit code, and nothing half-written.
@Suite struct BadInputTests {
  private let folder: TemporaryFolder
  private let model: TrainedModel

  init() throws {
    folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"))
    _ = try TrainingJob(smallExperiment(folder.file("d.nc"))).start(in: Run(folder: folder.file("run")))
    model = try TrainedModel(path: folder.file("run"))
  }

  private func expect(
    _ exitCode: Int32, _ words: String..., at location: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
  ) {
    let failure = failure(body)
    #expect(failure?.exitCode == exitCode, "\(failure?.message ?? "no error")", sourceLocation: location)
    for word in words {
      #expect(failure?.message.contains(word) == true, "\(failure?.message ?? "")", sourceLocation: location)
    }
    #expect(failure?.message.contains("\n") != true, sourceLocation: location)
  }

  private func predict(_ data: String) throws {
    _ = try model.predict(data: folder.file(data), output: folder.file("p.nc"))
  }

  private func train(_ data: String, _ changes: String...) throws {
    var document = try ConfigurationDocument(yaml: smallExperiment(folder.file(data)).yaml(), file: "E.yaml")
    for change in changes { try document.set(change) }
    _ = try TrainingJob(Experiment(document)).start(in: Run(folder: folder.file("new")))
  }

  private func write(_ bytes: Data, _ name: String) throws {
    try bytes.write(to: URL(fileURLWithPath: folder.file(name)))
  }

  private func bytes(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: folder.file(name)))
  }

  @Test func dataThatCannotBeRead() throws {
    expect(66, "none.nc") { try predict("none.nc") }
    expect(66, "none.nc") { try train("none.nc") }
    try write(Data("hello".utf8), "text.nc")
    expect(65, "text.nc") { try predict("text.nc") }
    let whole = try bytes("d.nc")
    try write(whole.prefix(whole.count / 2), "half.nc")
    expect(65, "half.nc") { try predict("half.nc") }
    #expect(!FileManager.default.fileExists(atPath: folder.file("p.nc.partial")))
    #expect(!FileManager.default.fileExists(atPath: folder.file("new")))
  }

  @Test func dataThatDoNotFit() throws {
    let grid = Grid(axes: [Grid.Axis(name: "x", count: 16, placement: .periodic)])
    try writeDataset(
      folder.file("line.nc"), samples: 2, grid: grid,
      fields: [("a", false, { _, _, x in x[0] }), ("u", false, { _, _, x in x[0] })])
    expect(65, "line.nc", "1 axes", "2") { try predict("line.nc") }
    try writeDataset(
      folder.file("two.nc"), samples: 2,
      grid: Grid(axes: ["y", "x"].map { Grid.Axis(name: $0, count: 8, placement: .periodic) }),
      times: [1, 2],
      fields: [("a", true, { _, _, x in x[0] }), ("u", false, { _, _, x in x[0] })])
    expect(65, "two.nc", "make 2 channels", "1") { try predict("two.nc") }
    expect(65, "d.nc", "variable", "b") { try train("d.nc", "data.inputs=[b]") }
    expect(65, "d.nc", "axis y has 8 points", "10") { try train("d.nc", "model.modes=[10, 4]") }
    expect(65, "data.inputs", "a[") { try train("d.nc", "data.inputs=['a[']") }
  }

  @Test func valuesThatAreNotFinite() throws {
    try writeSquares(
      folder.file("nan.nc"), samples: 5, a: { sample, x in sample == 3 && x[1] == 0.25 ? .nan : x[0] })
    // Eight points of a, and as many of u, which is computed from it.
    expect(65, "nan.nc", "variable a", "8 values", "sample 3", "x 2") { try train("nan.nc") }
    expect(65, "nan.nc", "variable a", "8 values", "sample 3", "x 2") {
      try train("nan.nc", "data.memory_limit_mb=0")
    }
    expect(65, "nan.nc", "variable a", "8 values", "sample 3", "x 2") { try predict("nan.nc") }
    expect(65, "nan.nc") { _ = try model.evaluate(data: folder.file("nan.nc")) }
    #expect(!FileManager.default.fileExists(atPath: folder.file("p.nc")))
    #expect(!FileManager.default.fileExists(atPath: folder.file("p.nc.partial")))
  }

  @Test func checkpointsThatAreDamaged() throws {
    let whole = try bytes("run/model.safetensors")
    func expectDamage(_ bytes: Data, _ words: String...) throws {
      try write(bytes, "bad.safetensors")
      expect(65, "bad.safetensors") { _ = try TrainedModel(path: folder.file("bad.safetensors")) }
    }
    try expectDamage(whole.prefix(whole.count - 5))
    try expectDamage(whole.prefix(40))
    try expectDamage(Data())
    for offset in [0, 9, 40, 200, whole.count - 3] {
      var flipped = whole
      flipped[offset] ^= 0x20
      try expectDamage(flipped)
    }
    expect(66, "none.safetensors") { _ = try TrainedModel(path: folder.file("none.safetensors")) }
    expect(66, "model.safetensors") { _ = try TrainedModel(path: folder.path) }

    var contents = try SafetensorsContents(checkpointOf: model.normalized, configuration: "{}")
    contents.metadata["format_version"] = "\(CheckpointFormat.version + 1)"
    try contents.write(to: folder.file("newer.safetensors"))
    expect(65, "newer.safetensors", "version") {
      _ = try TrainedModel(path: folder.file("newer.safetensors"))
    }
    try SafetensorsContents(checkpointOf: model.normalized, configuration: "{}").write(
      to: folder.file("bad.safetensors"))
    expect(65, "bad.safetensors", "configuration") {
      _ = try TrainedModel(path: folder.file("bad.safetensors"))
    }
  }

  @Test func outputsThatCannotBeMade() throws {
    expect(73, "run", "--resume", "--force") {
      _ = try TrainingJob(smallExperiment(folder.file("d.nc"))).start(in: Run(folder: folder.file("run")))
    }
    expect(73, "d.nc/new") {
      _ = try TrainingJob(smallExperiment(folder.file("d.nc"))).start(
        in: Run(folder: folder.file("d.nc/new")))
    }
    expect(73, "d.nc") {
      _ = try TrainingJob(smallExperiment(folder.file("d.nc"))).start(
        in: Run(folder: folder.file("d.nc")), existing: .replace)
    }
    expect(73, "d.nc", "--force") {
      _ = try model.predict(data: folder.file("d.nc"), output: folder.file("d.nc"))
    }
    expect(73, "none/p.nc") {
      _ = try model.predict(data: folder.file("d.nc"), output: folder.file("none/p.nc"))
    }
    expect(73, "d.nc", "--force") {
      try NeuralOperatorInterchange.export(
        model, weights: folder.file("d.nc"), configuration: folder.file("c.json"))
    }
  }

  @Test func aRunGoesOnAsTheSameExperimentOnly() throws {
    expect(65, "experiment.yaml", "model.width is 6", "8") {
      _ = try TrainingJob(smallExperiment(folder.file("d.nc"), "model.width=8")).start(
        in: Run(folder: folder.file("run")), existing: .resume)
    }
    let longer = try TrainingJob(smallExperiment(folder.file("d.nc"), "training.epochs=3")).start(
      in: Run(folder: folder.file("run")), existing: .resume)
    #expect(longer.epochs.count == 3)
  }

  @Test func aLossThatExplodesIsANumericalFailure() throws {
    expect(70, "not finite", "learning rate") {
      try train("d.nc", "training.learning_rate=1e30", "training.epochs=40", "training.schedule=constant")
    }
  }

  @Test func configurationsThatAreWrong() throws {
    for (change, words) in [
      ("training.epochs=0", "training.epochs"), ("training.batch_size=0", "training.batch_size"),
      ("data.validation_fraction=1", "data.validation_fraction"), ("model.modes=[0, 4]", "model.modes"),
      ("model.kind=transformer", "model.kind"), ("training.optimiser=adam", "training.optimizer"),
      ("training.schedule=cosin", "cosine"), ("model.in_channels=3", "3"),
    ] {
      expect(65, words) { try train("d.nc", change) }
    }
  }
}
