// Gradients against central differences of fourth order.

import Autodiff
import Tensors
import Testing

/// Values in [−1, 1) without a pattern that an operation could exploit (SplitMix64).
func scattered(_ shape: [Int], seed: UInt64) -> Tensor<Double> {
  let values = (0..<shape.reduce(1, *)).map { index -> Double in
    var z = seed &* 0xD134_2543_DE82_EF95 &+ UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1
  }
  return Tensor(values, shape: shape)
}

/// Compares the gradient of `Σ w ⊙ f(inputs)`, w fixed and scattered, with `(8(f(h) − f(−h)) − (f(2h) − f(−2h)))/12h`
/// in every element of every input; h = 1e-3 leaves an error of about 1e-12 in smooth functions of order one, and
/// 1e-7 relative in the norm is asked for.
func expectGradients(
  of inputs: [Tensor<Double>], tolerance: Double = 1e-7, savesMemory: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ function: (Tape<Double>, [Variable<Double>]) -> Variable<Double>
) {
  let tape = Tape<Double>(savesMemory: savesMemory)
  let variables = inputs.map { tape.variable($0) }
  let output = function(tape, variables)
  let weights = scattered(output.shape, seed: 99)
  tape.backward(from: output, gradient: weights)

  func value(_ inputs: [Tensor<Double>]) -> Double {
    let tape = Tape<Double>(recording: false)
    let output = function(tape, inputs.map { tape.variable($0) }).value
    return zip(output.values, weights.values).reduce(0) { $0 + $1.0 * $1.1 }
  }

  for (index, input) in inputs.enumerated() {
    guard let gradient = tape.gradient(of: variables[index]) else {
      Issue.record("input \(index) has no gradient", sourceLocation: sourceLocation)
      continue
    }
    let step = 1e-3
    var (difference, norm) = (0.0, 0.0)
    for element in 0..<input.count {
      func shifted(_ multiple: Double) -> Double {
        var values = input.values
        values[element] += multiple * step
        var changed = inputs
        changed[index] = Tensor(values, shape: input.shape)
        return value(changed)
      }
      let numeric = (8 * (shifted(1) - shifted(-1)) - (shifted(2) - shifted(-2))) / (12 * step)
      difference += (numeric - gradient.values[element]) * (numeric - gradient.values[element])
      norm += numeric * numeric
    }
    #expect(
      difference.squareRoot() <= tolerance * max(norm.squareRoot(), 1e-3),
      "input \(index): error \(difference.squareRoot()) of \(norm.squareRoot())",
      sourceLocation: sourceLocation)
  }
}

extension Activation {
  /// Those without a corner, where differences would say nothing.
  static var smooth: [Activation] { allCases.filter { $0 != .relu } }
}
