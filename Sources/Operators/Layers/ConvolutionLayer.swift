// A convolution with a small kernel, and its parameters.

import Autodiff
import Tensors

/// `y = σ(W ∗ x + b)` on one or two axes: `[batch, in, …grid]` to `[batch, out, …grid]`.
///
/// Weights `[out, in, …kernel]` and biases start as PyTorch's `Conv1d` and `Conv2d` do: uniform on ±1/√(in·taps).
public final class ConvolutionLayer<Element: Scalar>: Module {
  private let weight: Parameter<Element>
  private let bias: Parameter<Element>
  private let stride: Int
  private let padding: ConvolutionPadding

  init(
    inChannels: Int, outChannels: Int, kernel: Int, dimensions: Int, stride: Int = 1,
    padding: ConvolutionPadding, _ initializer: inout Initializer
  ) {
    let taps = [Int](repeating: kernel, count: dimensions)
    let fanIn = taps.reduce(inChannels, *)
    weight = initializer.uniform(shape: [outChannels, inChannels] + taps, fanIn: fanIn)
    bias = initializer.uniform(shape: [outChannels], fanIn: fanIn)
    self.stride = stride
    self.padding = padding
  }

  /// The points that are left along an axis.
  static func outputCount(_ count: Int, kernel: Int, stride: Int, padding: ConvolutionPadding) -> Int {
    let reach = padding == .valid ? count - kernel : count - 1
    return reach < 0 ? 0 : reach / stride + 1
  }

  func callAsFunction(
    _ input: Variable<Element>, activation: Activation = .identity, on tape: Tape<Element>
  ) -> Variable<Element> {
    let output = tape.convolution(
      input, weight: tape.variable(weight), bias: tape.variable(bias), stride: stride, padding: padding)
    return activation == .identity ? output : tape.activate(output, activation)
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    try body(join(path, "weight"), weight)
    try body(join(path, "bias"), bias)
  }
}
