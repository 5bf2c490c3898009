// Fully connected networks of vectors.

import Autodiff
import Tensors

/// Linear maps with an activation between them: `x ← σ(W x + b)`, `[rows, in]` to `[rows, out]`.
///
/// Weights start normal with the variance 2/(in + out) (Glorot and Bengio 2010), biases at zero. Parameters carry
/// DeepXDE's names: `linears.0.weight`, `linears.0.bias`, …
public final class Perceptron<Element: Scalar>: Module {
  private let layers: [(weight: Parameter<Element>, bias: Parameter<Element>)]
  private let activation: Activation
  private let lastActivation: Activation

  /// - Parameters:
  ///   - sizes: Of the input, and of every layer's output.
  ///   - lastActivation: What follows the last layer.
  init(
    sizes: [Int], activation: Activation, lastActivation: Activation, _ initializer: inout Initializer
  ) {
    self.activation = activation
    self.lastActivation = lastActivation
    var layers: [(weight: Parameter<Element>, bias: Parameter<Element>)] = []
    for (input, output) in zip(sizes, sizes.dropFirst()) {
      let deviation = (Element(2) / Element(input + output)).squareRoot()
      layers.append(
        (
          initializer.normal(shape: [output, input], standardDeviation: deviation),
          initializer.constant(0, shape: [output])
        ))
    }
    self.layers = layers
  }

  /// One of the parameters.
  var leading: Parameter<Element> { layers[0].weight }

  func callAsFunction(_ input: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    var hidden = input
    for (index, layer) in layers.enumerated() {
      hidden = tape.dense(
        hidden, weight: tape.variable(layer.weight), bias: tape.variable(layer.bias),
        activation: index == layers.count - 1 ? lastActivation : activation)
    }
    return hidden
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    for (index, layer) in layers.enumerated() {
      try body(join(path, "linears.\(index).weight"), layer.weight)
      try body(join(path, "linears.\(index).bias"), layer.bias)
    }
  }
}
