// The normalizations between layers.

import Autodiff
import Tensors

/// What is normalized, for each sample by itself.
public enum NormalizationKind: String, Sendable, Codable, CaseIterable {
  case none
  /// All channels and points together, then a factor and a shift a channel.
  case group
  /// Each channel over its points; no parameters.
  case instance
}

/// A normalization layer. Parameters carry neuraloperator's names.
enum Normalization<Element: Scalar> {
  case none
  case group(scale: Parameter<Element>, shift: Parameter<Element>)
  case instance

  init(_ kind: NormalizationKind, channels: Int, _ initializer: inout Initializer) {
    switch kind {
    case .none: self = .none
    case .instance: self = .instance
    case .group:
      self = .group(
        scale: initializer.constant(1, shape: [channels]), shift: initializer.constant(0, shape: [channels]))
    }
  }

  var isNone: Bool {
    if case .none = self { true } else { false }
  }

  func callAsFunction(_ input: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    switch self {
    case .none: input
    case .instance: tape.groupNormalization(input, groups: input.shape[1])
    case .group(let scale, let shift):
      tape.groupNormalization(
        input, groups: 1, scaleAndShift: (tape.variable(scale), tape.variable(shift)))
    }
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    guard case .group(let scale, let shift) = self else { return }
    try body(join(path, "weight"), scale)
    try body(join(path, "bias"), shift)
  }
}
