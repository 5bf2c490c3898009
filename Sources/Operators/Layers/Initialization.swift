// How parameters begin, drawn by counters: a parameter's values follow from the seed and its place in the model.

import Autodiff
import Tensors

/// Draws initial values. Every call to ``next()`` gives the stream of another parameter.
public struct Initializer {
  private let seed: UInt64?
  private var count: UInt64 = 0

  /// - Parameter seed: nil where the values are read afterwards and drawing them would be wasted: they stay zero.
  public init(seed: UInt64?) { self.seed = seed }

  private mutating func next() -> RandomStream? {
    defer { count += 1 }
    return seed.map { RandomStream(seed: $0, purpose: "initialization", sample: count) }
  }

  /// Uniform on ±1/√fanIn: what PyTorch's `Conv1d` and `Linear` begin with, weights and biases alike.
  mutating func uniform<Element: Scalar>(shape: [Int], fanIn: Int) -> Parameter<Element> {
    let parameter = Parameter<Element>(shape: shape)
    guard let stream = next() else { return parameter }
    let bound = Element(1) / Element(fanIn).squareRoot()
    parameter.setCanonicalValues(
      Tensor.uniform(shape, from: stream, lower: -bound, upper: bound).values)
    return parameter
  }

  /// Normal with mean 0; of a complex parameter each part has the variance σ²/2.
  mutating func normal<Element: Scalar>(
    shape: [Int], layout: Parameter<Element>.Layout = .real, standardDeviation: Element
  ) -> Parameter<Element> {
    let parameter = Parameter<Element>(shape: shape, layout: layout)
    guard let stream = next() else { return parameter }
    let deviation = layout == .real ? standardDeviation : standardDeviation / Element(2).squareRoot()
    parameter.setCanonicalValues(
      Tensor.normal([parameter.count], from: stream, deviation: Double(deviation)).values)
    return parameter
  }

  mutating func constant<Element: Scalar>(_ value: Element, shape: [Int]) -> Parameter<Element> {
    let parameter = Parameter<Element>(shape: shape)
    parameter.value = Tensor(repeating: value, shape: parameter.value.shape)
    return parameter
  }
}
