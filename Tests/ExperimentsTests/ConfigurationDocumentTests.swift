import Experiments
import PDEData
import Testing

private struct Sections: Codable, Equatable {
  enum Colour: String, Codable, CaseIterable { case red, green, blue }

  struct Model: Codable, Equatable {
    var modes: [Int]
    var width: Int?
    var colour: Colour?

    enum CodingKeys: String, CodingKey, CaseIterable { case modes, width, colour }
  }

  struct Training: Codable, Equatable {
    var epochs: Int?
    var learningRate: Double?
    var isQuick: Bool?
    var title: String?
    var seed: UInt64?

    enum CodingKeys: String, CodingKey, CaseIterable {
      case epochs, title, seed
      case learningRate = "learning_rate"
      case isQuick = "quick"
    }
  }

  var model: Model
  var training: Training?

  enum CodingKeys: String, CodingKey, CaseIterable { case model, training }
}

@Suite struct ConfigurationDocumentTests {
  private func decode(_ yaml: String, set: [String] = []) throws -> Sections {
    var document = try ConfigurationDocument(yaml: yaml, file: "E.yaml")
    for assignment in set { try document.set(assignment) }
    return try document.decode()
  }

  private func complaint(_ yaml: String, set: [String] = []) -> String? {
    do {
      _ = try decode(yaml, set: set)
      return nil
    } catch let error as ExperimentError {
      return "\(error.category.rawValue) \(error)"
    } catch {
      return "\(type(of: error)) \(error)"
    }
  }

  @Test func valuesOfEveryTypeAreRead() throws {
    let sections = try decode(
      """
      model: {modes: [12, 8], width: null, colour: green}
      training:
        epochs: 10
        learning_rate: 1e-3
        quick: true
        title: 10 epochs   # a comment
        seed: 18446744073709551615
      """)
    #expect(sections.model == .init(modes: [12, 8], width: nil, colour: .green))
    #expect(
      sections.training
        == .init(epochs: 10, learningRate: 1e-3, isQuick: true, title: "10 epochs", seed: .max))
  }

  @Test func aSingleValueIsAListOfOne() throws {
    #expect(try decode("model: {modes: 16}").model.modes == [16])
  }

  @Test(arguments: [
    (
      "model: {modes: [4]}\ntraining:\n  epoch: 3",
      "65 E.yaml:3: unknown key training.epoch; the nearest known key is training.epochs"
    ),
    ("model: {mode: [4]}", "65 E.yaml:1: unknown key model.mode; the nearest known key is model.modes"),
    ("modle: {modes: [4]}", "65 E.yaml:1: unknown key modle; the nearest known key is model"),
    (
      "model: {modes: [4], epochs: 2}\ntraining: {}",
      "65 E.yaml:1: unknown key model.epochs; the nearest known key is training.epochs"
    ),
    ("model: {width: 4}", "65 E.yaml:1: model.modes is missing"),
    ("model: {modes: [4, x]}", "65 E.yaml:1: model.modes.1: expected an integer, found 'x'"),
    (
      "model: {modes: [4]}\ntraining: {epochs: ten}",
      "65 E.yaml:2: training.epochs: expected an integer, found 'ten'"
    ),
    (
      "model: {modes: [4]}\ntraining: {epochs: 1.5}",
      "65 E.yaml:2: training.epochs: expected an integer, found '1.5'"
    ),
    (
      "model: {modes: [4]}\ntraining: {epochs: '10'}",
      "65 E.yaml:2: training.epochs: expected an integer, found '10'"
    ),
    (
      "model: {modes: [4]}\ntraining: {epochs: [1]}",
      "65 E.yaml:2: training.epochs: expected an integer, found a list"
    ),
    (
      "model: {modes: [4]}\ntraining: {quick: 1}",
      "65 E.yaml:2: training.quick: expected true or false, found '1'"
    ),
    (
      "model: {modes: [4]}\ntraining: {seed: -1}",
      "65 E.yaml:2: training.seed: expected an integer, 0 or more, found '-1'"
    ),
    (
      "model: {modes: [4]}\ntraining: {learning_rate: .inf}",
      "65 E.yaml:2: training.learning_rate: expected a number, found '.inf'"
    ),
    (
      "model: {modes: [4], colour: grean}",
      "65 E.yaml:1: model.colour: expected one of red, green, blue, found 'grean' (did you mean green?)"
    ),
    ("model: 3", "65 E.yaml:1: model: expected keys with values, found '3'"),
    ("model: {modes: [4]}\nmodel: {modes: [5]}", "65 E.yaml: the key model is there twice"),
  ])
  func complaintsNameKeyPlaceAndWhatWasExpected(yaml: String, expected: String) {
    #expect(complaint(yaml) == expected)
  }

  @Test func whatIsNoYAMLIsSaidInOneLine() {
    let text = complaint("model: {modes: [4") ?? ""
    #expect(text.hasPrefix("65 E.yaml: line ") && !text.contains("\n"))
  }

  @Test func assignmentsReplaceAndAdd() throws {
    let sections = try decode(
      "model: {modes: [4]}", set: ["model.modes=[6, 6]", "training.epochs=3", "training.title='3'"])
    #expect(sections.model.modes == [6, 6])
    #expect(sections.training == .init(epochs: 3, title: "3"))
  }

  @Test func complaintsAboutAssignmentsNameTheOption() {
    #expect(
      complaint("model: {modes: [4]}", set: ["training.epochs=x"])
        == "65 --set: training.epochs: expected an integer, found 'x'")
    #expect(
      complaint("model: {modes: [4]}", set: ["training.epoch=3"])
        == "65 --set: unknown key training.epoch; the nearest known key is training.epochs")
    #expect(
      complaint("model: {modes: [4]}", set: ["training.epochs"])?.hasPrefix("64 --set training.epochs")
        == true)
    #expect(complaint("model: {modes: [4]}", set: ["model.modes.x=3"])?.hasPrefix("65 --set") == true)
  }

  @Test(arguments: [1e-3, 0.1 + 0.2, 1e-8, 2e300, 5, 1.0 / 3])
  func realsReadBackToTheBit(value: Double) throws {
    let sections = Sections(model: .init(modes: [4]), training: .init(learningRate: value, title: "no"))
    let yaml = try ConfigurationDocument.yaml(sections)
    #expect(try decode(yaml) == sections)
    #expect(!yaml.contains("!!"))
  }
}
