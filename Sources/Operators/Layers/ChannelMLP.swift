// Perceptrons of the channels, the same at every point.

import Autodiff
import Tensors

/// Two linear maps of the channels with an activation between them, at every point alike; with `hidden` 0 a single
/// linear map. Weights begin as PyTorch's `Conv1d` does. Parameters carry neuraloperator's names.
public final class ChannelMLP<Element: Scalar>: Module {
  private let first: (weight: Parameter<Element>, bias: Parameter<Element>)
  private let second: (weight: Parameter<Element>, bias: Parameter<Element>)?
  private let dropout: Double

  init(
    inChannels: Int, hiddenChannels: Int, outChannels: Int, dropout: Double = 0,
    _ initializer: inout Initializer
  ) {
    self.dropout = dropout
    let middle = hiddenChannels == 0 ? outChannels : hiddenChannels
    first = (
      initializer.uniform(shape: [middle, inChannels, 1], fanIn: inChannels),
      initializer.uniform(shape: [middle], fanIn: inChannels)
    )
    second =
      hiddenChannels == 0
      ? nil
      : (
        initializer.uniform(shape: [outChannels, middle, 1], fanIn: middle),
        initializer.uniform(shape: [outChannels], fanIn: middle)
      )
  }

  /// `activation(mlp(input) + gate ⊙ addend)`; `[batch, in, …grid]` to `[batch, out, …grid]`.
  func callAsFunction(
    _ input: Variable<Element>, addend: Variable<Element>? = nil, gate: Variable<Element>? = nil,
    activation: Activation = .identity, on tape: Tape<Element>
  ) -> Variable<Element> {
    let (weight, bias) = (tape.variable(first.weight), tape.variable(first.bias))
    guard let second else {
      return tape.channelMix(
        input, weight: weight, bias: bias, addend: addend, gate: gate, activation: activation)
    }
    let (secondWeight, secondBias) = (tape.variable(second.weight), tape.variable(second.bias))
    guard dropout > 0, tape.isRecording else {
      return tape.channelNetwork(
        input, first: weight, firstBias: bias, second: secondWeight, secondBias: secondBias, addend: addend,
        gate: gate, activation: activation)
    }
    let hidden = tape.dropout(
      tape.channelMix(input, weight: weight, bias: bias, activation: .gelu), probability: dropout)
    var output = tape.dropout(
      tape.channelMix(hidden, weight: secondWeight, bias: secondBias), probability: dropout)
    if let addend { output = tape.sum(output, gate.map { tape.gate(addend, by: $0) } ?? addend) }
    return tape.activate(output, activation)
  }

  /// Whether the network is two linear maps without dropout, so that it can end a Fourier layer in one pass.
  func endsFourierLayer(on tape: Tape<Element>) -> Bool {
    second != nil && (dropout == 0 || !tape.isRecording)
  }

  /// The network as the end of a Fourier layer; see ``endsFourierLayer(on:)``.
  func fourierLayerTail(
    _ input: Variable<Element>, convolved: consuming Variable<Element>, skip: Parameter<Element>,
    around: Around<Element>, activation: Activation, on tape: Tape<Element>
  ) -> Variable<Element> {
    guard let second else { preconditionFailure("two linear maps") }
    return tape.fourierLayerTail(
      input, convolved: consume convolved, skip: tape.variable(skip), first: tape.variable(first.weight),
      firstBias: tape.variable(first.bias), second: tape.variable(second.weight),
      secondBias: tape.variable(second.bias), around: around, activation: activation)
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    try body(join(path, "fcs.0.weight"), first.weight)
    try body(join(path, "fcs.0.bias"), first.bias)
    guard let second else { return }
    try body(join(path, "fcs.1.weight"), second.weight)
    try body(join(path, "fcs.1.bias"), second.bias)
  }
}
