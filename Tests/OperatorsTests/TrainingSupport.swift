// A small model, small data and a place for files, for tests of training.

import Autodiff
import Foundation
import Operators
import Tensors

/// A folder that is gone when the test is.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("operators-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

/// Two channel mixes with GELU and dropout between them. The first one's weights are a complex parameter, whose
/// real and imaginary parts are mixed like any other numbers.
final class TinyOperator<Element: Scalar>: NeuralOperator {
  let complex = Parameter<Element>(shape: [4, 2], layout: .modeMajorComplex(leading: 1))
  let bias = Parameter<Element>(shape: [8])
  let weight = Parameter<Element>(shape: [1, 8])
  let dropout: Double

  init(seed: Int = 0, dropout: Double = 0.1) {
    self.dropout = dropout
    forEachParameter("") { path, parameter in
      let phase = Double(seed + path.utf8.count)
      parameter.setCanonicalValues((0..<parameter.count).map { Element(sin(phase + 2.3 * Double($0)) / 2) })
    }
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    try body("mix.weight", complex)
    try body("mix.bias", bias)
    try body("projection.weight", weight)
  }

  func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    let hidden = tape.channelMix(
      input, weight: tape.variable(complex), bias: tape.variable(bias), activation: .gelu)
    return tape.channelMix(tape.dropout(hidden, probability: dropout), weight: tape.variable(weight))
  }
}

/// Samples `[sample, 2, 5]` and their targets `[sample, 1, 5]`, a smooth function of the input at each point.
func tinySource(samples: Int, offset: Int = 0) -> TensorSource<Float> {
  let points = 5
  var (inputs, targets): ([Float], [Float]) = ([], [])
  for sample in offset..<offset + samples {
    let a = (0..<points).map { Float(sin(Double(sample * 13 + $0))) }
    let b = (0..<points).map { Float(cos(Double(sample * 7 + 3 * $0))) }
    inputs += a + b
    targets += zip(a, b).map { 2 + $0 * $1 + 0.5 * $0 }
  }
  return TensorSource(
    inputs: Tensor(inputs, shape: [samples, 2, points]),
    targets: Tensor(targets, shape: [samples, 1, points]),
    positions: GridPositions(uniform: [points]))
}

/// A ``TinyOperator`` between normalizers fitted to a source.
func tinyNormalized(
  _ source: TensorSource<Float>, seed: Int = 0, output: Normalizer.Kind = .gaussian
) throws -> NormalizedOperator<Float> {
  let normalizers = try Normalizer.fit(input: .gaussian, output: output, to: source)
  return NormalizedOperator(
    TinyOperator<Float>(seed: seed), inputNormalizer: normalizers.input, outputNormalizer: normalizers.output)
}
