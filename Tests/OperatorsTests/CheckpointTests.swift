// Models as files: what they were comes back, and a file that does not fit is refused with its reason.

import Autodiff
import Foundation
import Operators
import Tensors
import Testing

@Suite struct CheckpointTests {
  private let folder: TemporaryFolder
  private let source = tinySource(samples: 6)

  init() throws { folder = try TemporaryFolder() }

  private struct Configuration: Codable, Equatable {
    var model: String
    var width: Int
  }

  private func write(
    _ normalized: NormalizedOperator<Float>, configuration: String = "{}",
    change: (inout SafetensorsContents) -> Void = { _ in }
  ) throws -> String {
    var contents = try SafetensorsContents(checkpointOf: normalized, configuration: configuration)
    change(&contents)
    let path = folder.file("model.safetensors")
    try contents.write(to: path)
    return path
  }

  @Test(arguments: Normalizer.Kind.allCases)
  func aModelPredictsTheSameAfterwards(kind: Normalizer.Kind) throws {
    let normalized = try tinyNormalized(source, output: kind)
    let configuration = Configuration(model: "tiny", width: 8)
    let json = String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self)
    let checkpoint = try Checkpoint(path: write(normalized, configuration: json))
    #expect(checkpoint.kind == .model)
    #expect(try checkpoint.trainingState() == nil)
    #expect(try checkpoint.decodedConfiguration(as: Configuration.self) == configuration)
    #expect(checkpoint.file["mix.weight"]?.type == .complex64)
    #expect(checkpoint.file["mix.weight"]?.shape == [4, 2])

    let model = TinyOperator<Float>(seed: 5)
    try checkpoint.restoreParameters(of: model)
    let restored = NormalizedOperator(
      model, inputNormalizer: checkpoint.inputNormalizer, outputNormalizer: checkpoint.outputNormalizer)
    #expect(restored.outputNormalizer.kind == kind && restored.outputNormalizer.channels == 1)
    let before = try normalized.predict(source.inputs, at: source.positions)
    let after = try restored.predict(source.inputs, at: source.positions)
    #expect(before.values == after.values)
  }

  /// There is no complex type of double precision in the format: real and imaginary part are a last axis.
  @Test func doublePrecisionKeepsAllItsBits() throws {
    let model = TinyOperator<Double>(seed: 3)
    let normalized = NormalizedOperator(
      model, inputNormalizer: .identity(channels: 2), outputNormalizer: .identity(channels: 1))
    let path = folder.file("double.safetensors")
    try SafetensorsContents(checkpointOf: normalized, configuration: "{}").write(to: path)
    let checkpoint = try Checkpoint(path: path)
    #expect(checkpoint.file["mix.weight"]?.type == .float64)
    #expect(checkpoint.file["mix.weight"]?.shape == [4, 2, 2])
    let restored = TinyOperator<Double>(seed: 4)
    try checkpoint.restoreParameters(of: restored)
    #expect(restored.complex.canonicalValues == model.complex.canonicalValues)
    #expect(restored.weight.canonicalValues == model.weight.canonicalValues)
  }

  @Test func parametersThatDoNotFitAreNamed() throws {
    let normalized = try tinyNormalized(source)
    let model = TinyOperator<Float>(seed: 5)
    let before = model.parameters.map(\.parameter.canonicalValues)
    func error(_ path: String) -> CheckpointError? {
      do {
        try Checkpoint(path: path).restoreParameters(of: model)
        return nil
      } catch {
        return error as? CheckpointError
      }
    }
    let unexpected = try write(normalized) { $0.add("mix.extra", Tensor<Float>.zeros([1])) }
    #expect(error(unexpected) == .unexpectedParameter(file: unexpected, parameter: "mix.extra"))

    let other = folder.file("other.safetensors")
    var contents = SafetensorsContents(metadata: try SafetensorsFile(path: write(normalized)).metadata)
    for role in ["input", "output"] {
      let channels = role == "input" ? 2 : 1
      contents.add("normalizer.\(role).mean", Tensor<Double>.zeros([channels]))
      contents.add("normalizer.\(role).standard_deviation", Tensor<Double>.zeros([channels]))
    }
    contents.add("mix.weight", Tensor<Float>.zeros([4, 2]))
    try contents.write(to: other)
    #expect(
      error(other)
        == .misshapenParameter(
          file: other, parameter: "mix.weight", found: "real [4, 2]", expected: "complex [4, 2]"))

    contents = SafetensorsContents(metadata: try SafetensorsFile(path: write(normalized)).metadata)
    try contents.write(to: other)
    #expect(error(other) == .missingParameter(file: other, parameter: "normalizer.input.mean"))
    #expect(model.parameters.map(\.parameter.canonicalValues) == before)
  }

  @Test func aMissingParameterIsNamed() throws {
    let path = folder.file("weights.safetensors")
    var contents = SafetensorsContents()
    contents.addComplex("mix.weight", shape: [4, 2]) { [Float](repeating: 0, count: 16) }
    try contents.write(to: path)
    let file = try SafetensorsFile(path: path)
    #expect(throws: CheckpointError.missingParameter(file: path, parameter: "mix.bias")) {
      try file.restoreParameters(of: TinyOperator<Float>())
    }
  }

  @Test func newerAndForeignFilesAreRefused() throws {
    let normalized = try tinyNormalized(source)
    let newer = try write(normalized) { $0.metadata["format_version"] = "2" }
    #expect(throws: CheckpointError.newerFormat(file: newer, version: 2, supported: 1)) {
      try Checkpoint(path: newer)
    }
    let foreign = try write(normalized) { $0.metadata["format"] = "pt" }
    #expect {
      try Checkpoint(path: foreign)
    } throws: { error in
      guard case .badMetadata(foreign, "format", _) = error as? CheckpointError else { return false }
      return true
    }
  }

  @Test func descriptionsAreOneLineThatNamesTheFile() {
    let errors: [CheckpointError] = [
      .notFound(file: "F"), .unreadable(file: "F", reason: "r"), .cannotCreate(file: "F", reason: "r"),
      .writeFailed(file: "F", reason: "r"), .truncated(file: "F", bytes: 1, expected: 2),
      .damagedHeader(file: "F", reason: "r"), .digestMismatch(file: "F"),
      .newerFormat(file: "F", version: 2, supported: 1), .badMetadata(file: "F", key: "k", reason: "r"),
      .missingParameter(file: "F", parameter: "p"), .unexpectedParameter(file: "F", parameter: "p"),
      .misshapenParameter(file: "F", parameter: "p", found: "a", expected: "b"),
    ]
    for error in errors {
      #expect(error.description.hasPrefix("F: ") && !error.description.contains("\n"))
    }
  }
}
