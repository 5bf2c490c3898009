// Norms of fields on a grid that come from an inner product: what relative losses are taken in.

import Tensors

/// A norm `‖u‖² = ⟨u, M u⟩` with M symmetric and not negative, of each sample of `[batch, channel, …grid]` over all
/// its channels and points.
public protocol FieldNorm<Element>: Sendable {
  associatedtype Element: Scalar

  /// `‖u‖²` of every sample, and `M u`, half the gradient of their sum, where it is `wanted`.
  ///
  /// The squares are summed as squares, not as the product of u and M u: where differences cancel, the latter has
  /// few digits.
  func measure(_ field: Tensor<Element>, imageWanted: Bool) -> (squares: [Double], image: Tensor<Element>?)
}

extension FieldNorm {
  /// `‖u‖²` of every sample.
  public func squares(_ field: Tensor<Element>) -> [Double] { measure(field, imageWanted: false).squares }
}

/// For every sample `Σ x·y` over all else.
func sampleProducts<E: Scalar>(_ x: Tensor<E>, _ y: Tensor<E>) -> [Double] {
  let samples = x.shape[0]
  let count = x.count / max(samples, 1)
  let products = AlignedMemory<Double>(count: samples)
  let (first, second, results) = (x.unsafePointer, y.unsafePointer, products.pointer)
  WorkerPool.shared.run(tasks: samples) { sample in
    results[sample] = Reductions.dot(first + sample * count, second + sample * count, count: count)
  }
  withExtendedLifetime((x, y)) {}
  return Array(products.buffer)
}
