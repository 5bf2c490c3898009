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

  /// Models of neuraloperator 2.0.0 with their inputs and outputs, as datasets on nodes, whose positions are not
  /// those that neuraloperator takes.
  @Test(arguments: [
    "fno1d", "fno1d_odd", "fno2d", "fno2d_channels", "fno2d_full_modes", "fno2d_gated_skips",
    "fno2d_group_norm",
    "fno2d_identity_skips", "fno2d_instance_norm", "fno2d_no_channel_mlp", "fno2d_no_embedding",
    "fno2d_padding",
    "fno2d_preactivation", "fno2d_separable", "fno3d",
  ])
  func importedModelsPredictWhatTheirLibraryDoes(name: String) throws {
    let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("OperatorsTests/Fixtures")
    let golden = try SafetensorsFile(path: fixtures.appendingPathComponent("\(name).safetensors").path)
    let folder = try TemporaryFolder()
    var contents = SafetensorsContents()
    for tensor in golden.tensors where tensor.name.hasPrefix("param.") {
      let values: [Float] = try golden.values(of: tensor)
      let path = String(tensor.name.dropFirst("param.".count))
      if tensor.type == .complex64 {
        contents.addComplex(path, shape: tensor.shape) { values }
      } else {
        contents.add(path, shape: tensor.shape) { values }
      }
    }
    try contents.write(to: folder.file("w.safetensors"))
    try Data((golden.metadata["config"] ?? "").utf8).write(to: URL(fileURLWithPath: folder.file("c.json")))

    let (input, output): (Tensor<Float>, Tensor<Float>) = (
      try golden.tensor("input"), try golden.tensor("output")
    )
    let axes = zip(["z", "y", "x"].suffix(input.rank - 2), input.shape[2...]).map {
      Grid.Axis(name: $0, count: $1, placement: .nodes)
    }
    let fields = (0..<input.shape[1]).map { "a\($0)" } + (0..<output.shape[1]).map { "u\($0)" }
    try writeDataset(
      folder.file("d.nc"), samples: input.shape[0], grid: Grid(axes: axes),
      fields: fields.map { (name: $0, hasTime: false, value: { _, _, _ in 0 }) },
      tensors: channels(input, "a").merging(channels(output, "u")) { first, _ in first })
    try NeuralOperatorInterchange.import(
      weights: folder.file("w.safetensors"), configuration: folder.file("c.json"),
      fields: FieldMapping(
        inputs: fields.filter { $0.hasPrefix("a") }, outputs: fields.filter { $0.hasPrefix("u") }),
      to: folder.file("m.safetensors"))
    let model = try TrainedModel(path: folder.file("m.safetensors"))
    let error = try #require(try model.evaluate(data: folder.file("d.nc")).evaluation.metrics.relativeL2)
    #expect(error < 1e-5)
  }

  /// Each channel of `[sample, channel, …grid]` by the name of a variable.
  private func channels(_ tensor: Tensor<Float>, _ prefix: String) -> [String: [Double]] {
    let points = tensor.shape[2...].reduce(1, *)
    let values = tensor.values
    var result: [String: [Double]] = [:]
    for channel in 0..<tensor.shape[1] {
      result["\(prefix)\(channel)"] = (0..<tensor.shape[0]).flatMap { sample in
        let start = (sample * tensor.shape[1] + channel) * points
        return values[start..<start + points].map(Double.init)
      }
    }
    return result
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
