import Experiments
import Foundation
import Testing

@Suite struct ExperimentTests {
  private func experiment(_ yaml: String) throws -> Experiment {
    try Experiment(ConfigurationDocument(yaml: yaml, file: "E.yaml"))
  }

  private let shortest = "data: {train: train.nc}\nmodel: {modes: [12, 12]}"

  @Test func theDocumentedFileIsTheDefaults() throws {
    let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/configuration.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let block = text.components(separatedBy: "```yaml\n")[1].components(separatedBy: "```")[0]
    var expected = try experiment(shortest)
    expected.data.inputs = ["a"]
    expected.data.outputs = ["u"]
    expected.model.channels = (1, 1)
    #expect(try experiment(block) == expected)
    // Every key stands there.
    #expect(
      try experiment(block).yaml().split(separator: "\n").allSatisfy { line in
        let key = line.split(separator: ":")[0]
        return block.contains("\(key):")
      })
  }

  @Test func anExperimentReadsBackTheSame() throws {
    var first = try experiment(shortest)
    first.data.inputs = ["w[0:10]", "viscosity", "true"]
    first.data.validation = "no"
    first.training.gradientClip = 1.0 / 3
    first.training.seed = .max
    #expect(try experiment(first.yaml()) == first)
  }

  @Test func tensorizedModelsAreAKindOfTheirOwn() throws {
    #expect(try experiment(shortest).model.kind == .fno)
    #expect(
      try experiment("data: {train: d.nc}\nmodel: {kind: tfno, modes: [8], rank: 0.05}").model.kind == .tfno)
    #expect(
      try experiment("data: {train: d.nc}\nmodel: {modes: [8], factorization: cp, rank: [3]}").model.kind
        == .tfno)
  }
}
