// The product of a spectrum with one complex matrix for all modes.

import RealModule
import Tensors

/// `ŷ_k = x̂_k U` with the same complex matrix U for every mode k: x̂ `[K, 2, batch, in]`, U planar `[2, in, out]`, ŷ
/// `[K, 2, batch, out]`. With `isTransposed` U is stored `[2, out, in]`.
///
/// The rows of both parts of many modes are multiplied with both parts of U in one real product, and then combined.
struct SharedContraction<Element: Scalar>: DifferentiableOperation {
  let isTransposed: Bool
  private var saved: (input: Tensor<Element>, weight: Tensor<Element>)?

  init(isTransposed: Bool) { self.isTransposed = isTransposed }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (input, weight) = (inputs[0], inputs[1])
    let outChannels = weight.shape[isTransposed ? 1 : 2]
    var output = Tensor<Element>(uninitialized: Array(input.shape[..<3]) + [outChannels])
    multiply(
      input, weight, transposed: isTransposed, conjugate: false, into: output.unsafeMutablePointer(),
      outChannels: outChannels, accumulate: false)
    if recording { saved = (input, weight) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (input, weight) = saved else { return }
    if var result = slots.begin(0, shape: input.shape) {
      // ∂x̂ = ∂ŷ U^H
      let accumulates = result.accumulates
      multiply(
        gradient, weight, transposed: !isTransposed, conjugate: true,
        into: result.tensor.unsafeMutablePointer(), outChannels: input.shape[3], accumulate: accumulates)
      slots.end(0, result)
    }
    guard slots.isNeeded(1) else { return }
    // ∂U = x̂^H ∂ŷ, or its transpose ∂ŷᵀ conj(x̂), by partial sums: both parts in one product, of the rows of one side
    // and the same multiplied with −i or i, and those of the other.
    let (modes, batch) = (input.shape[0], input.shape[2])
    let groups = min(modes, 8)
    var partials = Tensor<Element>.zeros([groups, weight.count])
    let sums = partials.unsafeMutablePointer()
    let (pairs, plain) = isTransposed ? (gradient, input) : (input, gradient)
    let (pairChannels, plainChannels) = (pairs.shape[3], plain.shape[3])
    let (paired, other) = (pairs.unsafePointer, plain.unsafePointer)
    let sign: Element = isTransposed ? 1 : -1
    WorkerPool.shared.forEachGroup(groups, of: modes) { group, range in
      let tile = RowTile(batch: batch, channels: 2 * pairChannels)
      let rows = ComplexRows<Element>(modes: 0, batch: batch, widest: 0)
      let scratch = AlignedMemory<Element>(count: tile.rows * 2 * pairChannels)
      for first in Swift.stride(from: range.lowerBound, to: range.upperBound, by: tile.modes) {
        let count = min(tile.modes, range.upperBound - first)
        rows.addMatrixGradient(
          paired + first * 2 * batch * pairChannels, channels: pairChannels, sign: sign,
          other + first * 2 * batch * plainChannels, channels: plainChannels, modes: count,
          scratch: scratch.pointer, to: sums + group * 2 * pairChannels * plainChannels)
      }
    }
    withExtendedLifetime((pairs, plain)) {}
    var result = slots.begin(1, shape: weight.shape)
    sumGroups(partials, offset: 0, into: &result)
    slots.end(1, result)
  }
}

/// As many modes' rows as a product takes at once: enough to make up for packing the matrix, few enough for the cache.
struct RowTile {
  let modes: Int
  let rows: Int

  /// - Parameter channels: Of a row of the scratch memory.
  init(batch: Int, channels: Int) {
    modes = max(1, min(512, 1_048_576 / channels) / (2 * batch))
    rows = modes * 2 * batch
  }
}

/// `Y = X U`, U `[2, rows, columns]` read as its transpose and as its conjugate on request.
private func multiply<E: Scalar>(
  _ input: Tensor<E>, _ matrix: Tensor<E>, transposed: Bool, conjugate: Bool,
  into y: UnsafeMutablePointer<E>, outChannels: Int, accumulate: Bool
) {
  let (modes, batch, inChannels) = (input.shape[0], input.shape[2], input.shape[3])
  precondition(matrix.count == 2 * inChannels * outChannels, "a matrix with a row for every channel")
  let both = sideBySide(matrix, rows: inChannels, transposed: transposed, conjugate: conjugate)
  let (x, factors) = (input.unsafePointer, both.unsafePointer)
  let tile = RowTile(batch: batch, channels: 2 * outChannels)
  WorkerPool.shared.forEachRange(count: modes, grain: tile.modes) { range in
    let rows = ComplexRows<E>(modes: tile.modes, batch: batch, widest: outChannels)
    for first in Swift.stride(from: range.lowerBound, to: range.upperBound, by: tile.modes) {
      rows.multiply(
        x + first * 2 * batch * inChannels, modes: min(tile.modes, range.upperBound - first),
        inner: inChannels,
        by: factors, columns: outChannels, into: y + first * 2 * batch * outChannels, accumulate: accumulate)
    }
  }
  withExtendedLifetime((input, matrix, both)) {}
}

extension Tape {
  /// The spectrum `[K, 2, batch, in]` times one complex matrix for all modes, planar `[2, in, out]` (`[2, out, in]`
  /// where `transposed`): `[K, 2, batch, out]`.
  public func sharedContraction(
    _ spectrum: Variable<Element>, weight: Variable<Element>, transposed: Bool = false
  ) -> Variable<Element> {
    apply(SharedContraction<Element>(isTransposed: transposed), [spectrum, weight])
  }
}
