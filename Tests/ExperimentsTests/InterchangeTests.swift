import Experiments
import Foundation
import Operators
import PDEData
import Tensors
import Testing

@Suite struct InterchangeTests {
  /// A model trained for two epochs on fields with a mean and a size of their own.
  private func run(
    _ folder: TemporaryFolder, _ changes: [String] = [], placement: Grid.Placement = .periodic
  ) throws -> TrainedModel {
    try writeSquares(
      folder.file("d.nc"), placement: placement,
      a: { sample, x in 40 + 7 * sin(2 * .pi * x[0] + Double(sample)) })
    var document = try ConfigurationDocument(
      yaml: """
        data: {train: \(folder.file("d.nc")), inputs: [a], outputs: [u], validation_fraction: 0}
        model: {modes: [4, 4], width: 6, layers: 2}
        training: {epochs: 2, deterministic: true}
        """, file: "E.yaml")
    for change in changes { try document.set(change) }
    _ = try TrainingJob(Experiment(document)).start(in: Run(folder: folder.file("run")))
    return try TrainedModel(path: folder.file("run"))
  }

  private func exported(_ folder: TemporaryFolder, _ model: TrainedModel) throws -> TrainedModel {
    let (weights, configuration) = (folder.file("w.safetensors"), folder.file("c.json"))
    try NeuralOperatorInterchange.export(model, weights: weights, configuration: configuration)
    try NeuralOperatorInterchange.import(
      weights: weights, configuration: configuration, fields: FieldMapping(inputs: ["a"], outputs: ["u"]),
      to: folder.file("imported.safetensors"))
    return try TrainedModel(path: folder.file("imported.safetensors"))
  }

  private func parameters(_ model: TrainedModel) -> [String: [Float]] {
    Dictionary(
      uniqueKeysWithValues: model.normalized.model.parameters.map { ($0.path, $0.parameter.canonicalValues) })
  }

  @Test func withoutNormalizationTheRoundTripIsTheIdentity() throws {
    let folder = try TemporaryFolder()
    let model = try run(
      folder,
      [
        "training.input_normalization=none", "training.output_normalization=none",
        "model.positional_embedding=uniform",
      ])
    let imported = try exported(folder, model)
    #expect(parameters(imported) == parameters(model))
    guard case .fno(let first) = model.description.model, case .fno(let second) = imported.description.model
    else { return }
    #expect(try first.neuralOperatorJSON() == second.neuralOperatorJSON())
  }

  /// The folded model is the same map of raw fields: in exact arithmetic equal, here to single precision of fields
  /// whose values are some six times their spread.
  @Test(arguments: ["gaussian", "min_max"], ["0", "2"])
  func normalizationsAreFoldedIntoTheFirstAndLastLayers(kind: String, liftingRatio: String) throws {
    let folder = try TemporaryFolder()
    let model = try run(
      folder,
      [
        "training.input_normalization=\(kind)", "training.output_normalization=\(kind)",
        "model.lifting_ratio=\(liftingRatio)",
      ])
    let imported = try exported(folder, model)
    #expect(imported.normalized.inputNormalizer.kind == .none)
    for (name, source) in [("p.nc", model), ("q.nc", imported)] {
      _ = try source.predict(data: folder.file("d.nc"), output: folder.file(name))
    }
    let (p, q) = (try values(folder.file("p.nc"), "u"), try values(folder.file("q.nc"), "u"))
    let error = zip(p, q).reduce(0.0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let norm = p.reduce(0.0) { $0 + $1 * $1 }
    #expect((error / norm).squareRoot() < 3e-6)
  }

  @Test func whatCannotBeExportedExactlyIsRefusedWithTheReason() throws {
    for (changes, placement, reason) in [
      (["training.input_normalization=pointwise_gaussian"], Grid.Placement.periodic, "point by point"),
      ([], .nodes, "j/n"), ([], .cells, "j/n"),
    ] {
      let folder = try TemporaryFolder()
      let model = try run(folder, changes, placement: placement)
      let failure = failure { _ = try exported(folder, model) }
      #expect(failure?.exitCode == 65 && failure?.message.contains(reason) == true)
      #expect(!FileManager.default.fileExists(atPath: folder.file("w.safetensors")))
    }
  }

  @Test func weightsThatDoNotFitAreNamed() throws {
    let folder = try TemporaryFolder()
    let model = try run(folder)
    let (weights, configuration) = (folder.file("w.safetensors"), folder.file("c.json"))
    try NeuralOperatorInterchange.export(model, weights: weights, configuration: configuration)
    var arguments = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: configuration)))
        as? [String: Any])
    func complaint(_ key: String, _ value: Any) throws -> Failure? {
      arguments[key] = value
      let changed = folder.file("changed.json")
      try JSONSerialization.data(withJSONObject: arguments).write(to: URL(fileURLWithPath: changed))
      return failure {
        _ = try NeuralOperatorInterchange.load(
          weights: weights, configuration: changed, fields: FieldMapping(inputs: ["a"], outputs: ["u"]))
      }
    }
    let misshapen = try complaint("in_channels", 2)
    #expect(misshapen?.exitCode == 65 && misshapen?.message.contains("lifting.fcs.0.weight") == true)
    let missing = try complaint("n_layers", 3)
    #expect(missing?.exitCode == 65)
    let unknown = try complaint("colour", "red")
    #expect(unknown?.exitCode == 65 && unknown?.message.contains("changed.json: colour") == true)
  }
}
