// Outputs and gradients of neuraloperator, reproduced.

import Autodiff
import Foundation
import Operators
import Tensors
import Testing

/// The golden vectors beside this file, and those of the folder that `OPERATORS_FIXTURES` names.
enum GoldenFile {
  static func all(prefix: String) -> [String] {
    let folders = [
      Bundle.module.resourceURL?.appendingPathComponent("Fixtures").path,
      ProcessInfo.processInfo.environment["OPERATORS_FIXTURES"],
    ].compactMap { $0 }
    return folders.flatMap { folder in
      ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { $0.hasPrefix(prefix) && $0.hasSuffix(".safetensors") }.sorted().map { "\(folder)/\($0)" }
    }
  }
}

private func norm(_ values: [Float]) -> Double {
  values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
}

@Suite struct GoldenVectorTests {
  /// Output to 1e-5 of its norm; a gradient g to 1e-4·max(‖g‖, 1e-3 × the largest ‖g‖ of the file), since some (a
  /// bias before an instance norm) are nothing but roundoff.
  @Test(arguments: GoldenFile.all(prefix: "fno") + GoldenFile.all(prefix: "tfno"))
  func fourierNeuralOperator(path: String) throws {
    let file = try SafetensorsFile(path: path)
    let configuration = try FNOConfiguration(
      neuralOperatorJSON: Data(try #require(file.metadata["config"]).utf8))
    let model = FNO<Float>(configuration)
    for (name, parameter) in model.parameters {
      let stored = try #require(file["param.\(name)"], "the file has no \(name)")
      #expect(stored.shape == parameter.shape)
      parameter.setCanonicalValues(try file.tensor("param.\(name)").values)
    }
    #expect(model.parameters.count == file.tensors.filter { $0.name.hasPrefix("param.") }.count)

    let input: Tensor<Float> = try file.tensor("input")
    let target: Tensor<Float> = try file.tensor("target")
    let expected: [Float] = try file.tensor("output").values
    let tape = Tape<Float>()
    let x = tape.variable(input)
    let output = model(x, at: GridPositions(uniform: Array(input.shape[2...])), on: tape)
    let difference = norm(zip(output.value.values, expected).map { $0 - $1 })
    #expect(difference <= 1e-5 * norm(expected), "output: \(difference / norm(expected))")

    let loss = tape.relativeL2(output, target)
    #expect(abs(Double(loss.value.scalarValue) - (Double(file.metadata["loss"] ?? "") ?? 0)) <= 1e-5)
    tape.backward(from: loss)
    var gradients: [(name: String, own: [Float], expected: [Float])] = [
      ("grad_input", try #require(tape.gradient(of: x)).values, try file.tensor("grad_input").values)
    ]
    for (name, parameter) in model.parameters {
      gradients.append(
        (name, try #require(parameter.canonicalGradient), try file.tensor("grad.\(name)").values))
    }
    let largest = gradients.map { norm($0.expected) }.max() ?? 0
    for (name, own, expected) in gradients {
      let difference = norm(zip(own, expected).map { $0 - $1 })
      #expect(difference <= 1e-4 * max(norm(expected), 1e-3 * largest), "\(name): \(difference)")
    }
  }
}
