// DeepONets from a configuration to predictions: sensors, query points, bases, bad input.

import Experiments
import Foundation
import Operators
import PDEData
import Tensors
import Testing

/// Serial: the last test sets the number of threads.
@Suite(.serialized) struct DeepONetRunTests {
  private func experiment(_ data: String, _ changes: String...) throws -> Experiment {
    var document = try ConfigurationDocument(
      yaml: """
        data: {train: \(data), inputs: [a], outputs: [u]}
        model: {kind: deeponet, branch: [12, 12], trunk: [12, 12]}
        training: {epochs: 30, batch_size: 4, learning_rate: 0.01, deterministic: true}
        """, file: "d.yaml")
    for change in changes { try document.set(change) }
    return try Experiment(document)
  }

  private func train(_ experiment: Experiment, in folder: String) throws -> TrainedModel {
    let result = try TrainingJob(experiment).start(in: Run(folder: folder))
    #expect(result.outcome == .finished)
    let (first, last) = (result.epochs.first?.trainingLoss ?? 0, result.epochs.last?.trainingLoss ?? 1)
    #expect(last < 0.7 * first, "training loss \(first) to \(last)")
    return try TrainedModel(path: folder)
  }

  @Test(arguments: ["deeponet", "pod-deeponet"])
  func trainsPredictsAndEvaluates(kind: String) throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), shape: [16])
    try writeSquares(folder.file("fine.nc"), samples: 5, shape: [40])
    let settings =
      kind == "deeponet" ? "model.harmonics=[2]" : "model={kind: pod-deeponet, branch: [12, 4]}"
    let model = try train(experiment(folder.file("d.nc"), settings), in: folder.file("run"))
    #expect(model.description.model.kind.rawValue == kind)
    let (evaluation, warnings) = try model.evaluate(data: folder.file("d.nc"))
    #expect(evaluation.samples == 12 && (evaluation.metrics.relativeL2 ?? 1) < 0.5)
    #expect(warnings.allSatisfy { !$0.contains("interpolated") })
    // Elsewhere the functions are brought to the sensors, with a word about it.
    let fine = try model.predict(data: folder.file("fine.nc"), output: folder.file("p.nc"))
    #expect(fine.contains { $0.contains("interpolated linearly to the model's sensors") })
    #expect(try values(folder.file("p.nc"), "u").count == 5 * 40)
    #expect(try Information(path: folder.file("run")).text.contains(kind))
  }

  @Test func otherSensorsAreRefusedWhereConfigured() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), shape: [16])
    try writeSquares(folder.file("fine.nc"), samples: 5, shape: [40])
    let model = try train(
      experiment(folder.file("d.nc"), "model.other_sensors=refuse"), in: folder.file("run"))
    let refused = failure { _ = try model.evaluate(data: folder.file("fine.nc")) }
    #expect(refused?.exitCode == 65 && refused?.message.contains("[16]") == true)
  }

  /// `u(sample, point) = mean of a + position`, at points that form no grid.
  private func writeScattered(_ path: String, points: [Double]) throws {
    var schema = DatasetSchema(
      sampleCount: 12, grid: Grid(axes: [Grid.Axis(name: "x", count: 10, placement: .periodic)]))
    schema.dimensions.append(DatasetDimension(name: "point", length: points.count))
    schema.addField("a", type: .float32, hasTime: false, axes: ["x"], longName: "a")
    schema.addField("u", type: .float32, hasTime: false, axes: ["point"], longName: "u")
    schema.variables[schema.variables.count - 1].attributes.append(Attribute("coordinates", "point_x"))
    schema.variables.append(
      DatasetSchema.Variable(
        name: "point_x", type: .float64, dimensions: ["point"], fixedValues: .numbers(points)))
    let writer = try DatasetWriter(path: path, schema: schema)
    for sample in 0..<12 {
      let level = Double(sample % 4) + 1
      let a: [Double] = (0..<10).map { level + sin(0.2 * Double.pi * Double($0)) }
      try writer.write("a", samples: sample..<sample + 1, values: a)
      try writer.write("u", samples: sample..<sample + 1, values: points.map { level + $0 })
    }
    try writer.complete(0..<12, status: [SampleStatus](repeating: .solved, count: 12))
    try writer.finish()
  }

  @Test func queryPointsMayBeGivenInTheFile() throws {
    let folder = try TemporaryFolder()
    try writeScattered(folder.file("d.nc"), points: [0.05, 0.9, 0.33, 0.61, 0.48])
    try writeScattered(folder.file("other.nc"), points: [0.2, 0.7, 0.5])
    let model = try train(experiment(folder.file("d.nc")), in: folder.file("run"))
    let evaluation = try model.evaluate(data: folder.file("other.nc")).evaluation
    #expect((evaluation.metrics.relativeL2 ?? 1) < 0.3)
    #expect(evaluation.metrics.relativeH1 == nil && evaluation.metrics.fourierRMSELow == nil)
    _ = try model.predict(data: folder.file("other.nc"), output: folder.file("p.nc"))
    #expect(try values(folder.file("p.nc"), "point_x") == [0.2, 0.7, 0.5])
    #expect(try values(folder.file("p.nc"), "u").count == 36)
    // A basis that is known at its points alone.
    let pod = try train(
      experiment(folder.file("d.nc"), "model={kind: pod-deeponet, branch: [12, 2]}"), in: folder.file("pod"))
    let refused = failure { _ = try pod.evaluate(data: folder.file("other.nc")) }
    #expect(refused?.exitCode == 65 && refused?.message.contains("POD basis") == true)
    // Operators on grids do not take them.
    let fno = failure {
      _ = try TrainingJob(experiment(folder.file("d.nc"), "model={kind: fno, modes: [4], width: 4}"))
    }
    #expect(fno?.exitCode == 65)
  }

  @Test func moreModesThanSamplesAreRefused() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), shape: [16])
    let refused = failure {
      _ = try TrainingJob(
        experiment(folder.file("d.nc"), "model={kind: pod-deeponet, branch: [12, 12]}"))
    }
    #expect(refused?.exitCode == 65 && refused?.message.contains("at most 11") == true)
  }

  @Test func deepXDEModelsAreRead() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), samples: 3, shape: [6])
    var contents = SafetensorsContents(metadata: ["format": "pt"])
    let shapes: [(String, [Int])] = [
      ("branch.linears.0.weight", [2, 6]), ("branch.linears.0.bias", [2]),
      ("trunk.linears.0.weight", [2, 1]),
      ("trunk.linears.0.bias", [2]), ("b.0", []),
    ]
    for (name, shape) in shapes {
      contents.add(name, Tensor<Float>(repeating: name == "b.0" ? 7 : 0.5, shape: shape))
    }
    try contents.write(to: folder.file("w.safetensors"))
    func importing(_ arguments: String) throws {
      try arguments.write(toFile: folder.file("c.json"), atomically: true, encoding: .utf8)
      try DeepXDEInterchange.import(
        weights: folder.file("w.safetensors"), configuration: folder.file("c.json"),
        fields: FieldMapping(inputs: ["a"], outputs: ["u"]), to: folder.file("m.safetensors"),
        existing: .replace)
    }
    try importing(
      #"{"layer_sizes_branch": [6, 2], "layer_sizes_trunk": [1, 2], "activation": "relu"}"#)
    _ = try TrainedModel(path: folder.file("m.safetensors")).predict(
      data: folder.file("d.nc"), output: folder.file("p.nc"))
    let (a, u) = (try values(folder.file("d.nc"), "a"), try values(folder.file("p.nc"), "u"))
    for sample in 0..<3 {
      let branch = 0.5 + 0.5 * a[sample * 6..<sample * 6 + 6].reduce(0, +)
      for point in 0..<6 {
        let trunk = 0.5 + 0.5 * Double(point) / 6
        #expect(abs(u[sample * 6 + point] - (7 + 2 * branch * trunk)) < 1e-5)
      }
    }
    for (arguments, word) in [
      (#"{"layer_sizes_branch": [6, 2], "layer_sizes_trunk": [1, 2], "activation": "selu"}"#, "activation"),
      (#"{"layer_sizes_branch": [6, 2], "layer_sizes_trunk": [1, 3], "activation": "relu"}"#, "branch"),
      (#"{"layer_sizes_branch": [6, 2], "activation": "relu"}"#, "layer_sizes_trunk"),
      (
        #"{"layer_sizes_branch": [5, 2], "layer_sizes_trunk": [1, 2], "activation": "relu"}"#,
        "branch.linears.0"
      ),
      (#"{"branch": [6, 2]}"#, "branch"),
    ] {
      let refused = failure { try importing(arguments) }
      #expect(refused?.exitCode == 65 && refused?.message.contains(word) == true, "\(refused?.message ?? "")")
    }
  }

  @Test func anyNumberOfThreadsTrainsTheSameModel() throws {
    let folder = try TemporaryFolder()
    try writeSquares(folder.file("d.nc"), shape: [20, 21])
    let before = Compute.threadCount
    defer { Compute.threadCount = before }
    var weights: [[Float]] = []
    for threads in [1, 3] {
      Compute.threadCount = threads
      _ = try TrainingJob(
        experiment(folder.file("d.nc"), "model.convolutions=[3, 4]", "training.epochs=2")
      ).start(in: Run(folder: folder.file("run\(threads)")))
      weights.append(
        try TrainedModel(path: folder.file("run\(threads)")).normalized.model.parameters.flatMap {
          $0.parameter.canonicalValues
        })
    }
    #expect(weights[0] == weights[1])
  }
}
