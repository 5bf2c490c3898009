// The ways around a layer.

import Autodiff
import Tensors

/// What a skip connection does with the channels.
public enum SkipKind: String, Sendable, Codable, CaseIterable {
  /// No skip connection.
  case none
  case identity
  /// A matrix, without bias.
  case linear
  /// A factor a channel, beginning at one.
  case softGating = "soft-gating"
}

/// A skip connection with as many channels out as in. Parameters carry neuraloperator's names.
enum SkipConnection<Element: Scalar> {
  case none
  case identity
  case linear(Parameter<Element>)
  case softGating(Parameter<Element>)

  init(_ kind: SkipKind, channels: Int, dimensions: Int, _ initializer: inout Initializer) {
    switch kind {
    case .none: self = .none
    case .identity: self = .identity
    case .linear: self = .linear(initializer.uniform(shape: [channels, channels, 1], fanIn: channels))
    case .softGating:
      self = .softGating(
        initializer.constant(1, shape: [1, channels] + [Int](repeating: 1, count: dimensions)))
    }
  }

  /// `activation(skip(input) + addend)`, the linear skip fused with what it is added to.
  func callAsFunction(
    _ input: Variable<Element>, addend: consuming Variable<Element>, activation: Activation = .identity,
    on tape: Tape<Element>
  ) -> Variable<Element> {
    switch self {
    case .none: tape.activate(addend, activation)
    case .identity: tape.activate(tape.sum(addend, input), activation)
    case .linear(let weight):
      tape.channelMix(input, weight: tape.variable(weight), addend: addend, activation: activation)
    case .softGating(let gate):
      tape.activate(tape.sum(addend, tape.gate(input, by: tape.variable(gate))), activation)
    }
  }

  /// What a layer that adds `gate ⊙ addend` at its end has to add.
  func addend(
    _ input: Variable<Element>, on tape: Tape<Element>
  ) -> (addend: Variable<Element>?, gate: Variable<Element>?) {
    switch self {
    case .none: (nil, nil)
    case .identity: (input, nil)
    case .linear(let weight): (tape.channelMix(input, weight: tape.variable(weight)), nil)
    case .softGating(let gate): (input, tape.variable(gate))
    }
  }

  /// The same for an operation that has the input at hand; nil where the skip is a matrix.
  func around(_ input: Variable<Element>, on tape: Tape<Element>) -> Around<Element>? {
    switch self {
    case .none: .nothing
    case .identity: .input
    case .linear: nil
    case .softGating(let gate): .gatedInput(tape.variable(gate))
    }
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    switch self {
    case .none, .identity: break
    case .linear(let weight): try body(join(path, "conv.weight"), weight)
    case .softGating(let gate): try body(join(path, "weight"), gate)
    }
  }
}
