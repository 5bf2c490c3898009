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
    var partials = Tensor<Element>(uninitialized: [groups, weight.count])
    let sums = partials.unsafeMutablePointer()
    let (pairs, plain) = isTransposed ? (gradient, input) : (input, gradient)
    let (pairChannels, plainChannels) = (pairs.shape[3], plain.shape[3])
    let (paired, other) = (pairs.unsafePointer, plain.unsafePointer)
    let sign: Element = isTransposed ? 1 : -1
    WorkerPool.shared.run(tasks: groups) { group in
      let range = modes * group / groups..<modes * (group + 1) / groups
      let tile = RowTile(batch: batch, channels: 2 * pairChannels)
      let scratch = AlignedMemory<Element>(count: tile.rows * 2 * pairChannels)
      for first in Swift.stride(from: range.lowerBound, to: range.upperBound, by: tile.modes) {
        let count = min(tile.modes, range.upperBound - first)
        pairWithRotated(
          paired + first * 2 * batch * pairChannels, into: scratch.pointer, modes: count, batch: batch,
          channels: pairChannels, sign: sign)
        gemm(
          true, false, m: 2 * pairChannels, n: plainChannels, k: count * 2 * batch, a: scratch.pointer,
          lda: 2 * pairChannels, b: other + first * 2 * batch * plainChannels, ldb: plainChannels,
          beta: first == range.lowerBound ? 0 : 1, c: sums + group * 2 * pairChannels * plainChannels,
          ldc: plainChannels)
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

/// `[mode, {re, im}, batch, channel]` to rows `[x, ±i·x]`: `[mode, {re, im}, batch, 2·channel]`.
@specialized(where E == Float)
@specialized(where E == Double)
func pairWithRotated<E: Scalar>(
  _ x: UnsafePointer<E>, into pairs: UnsafeMutablePointer<E>, modes: Int, batch: Int, channels: Int, sign: E
) {
  for mode in 0..<modes {
    for sample in 0..<batch {
      let real = x + (mode * 2 * batch + sample) * channels
      let imaginary = real + batch * channels
      let top = pairs + (mode * 2 * batch + sample) * 2 * channels
      let bottom = top + batch * 2 * channels
      for c in 0..<channels {
        (top[c], top[channels + c]) = (real[c], sign * imaginary[c])
        (bottom[c], bottom[channels + c]) = (imaginary[c], -sign * real[c])
      }
    }
  }
}

/// Both parts of U side by side, `[rows, 2·columns]`; U is stored `[2, rows, columns]`, or `[2, columns, rows]` where
/// `transposed`.
@specialized(where E == Float)
@specialized(where E == Double)
func sideBySide<E: Scalar>(
  _ matrix: Tensor<E>, rows: Int, transposed: Bool, conjugate: Bool
) -> Tensor<E> {
  let columns = matrix.count / 2 / rows
  var both = Tensor<E>(uninitialized: [rows, 2 * columns])
  let (u, pair) = (matrix.unsafePointer, both.unsafeMutablePointer())
  for part in 0..<2 {
    let sign: E = part == 1 && conjugate ? -1 : 1
    for i in 0..<rows {
      for o in 0..<columns {
        let index = transposed ? o * rows + i : i * columns + o
        pair[(2 * i + part) * columns + o] = sign * u[part * rows * columns + index]
      }
    }
  }
  withExtendedLifetime(matrix) {}
  return both
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
    let scratch = AlignedMemory<E>(count: tile.rows * 2 * outChannels)
    for first in Swift.stride(from: range.lowerBound, to: range.upperBound, by: tile.modes) {
      let count = min(tile.modes, range.upperBound - first)
      gemm(
        m: count * 2 * batch, n: 2 * outChannels, k: inChannels, a: x + first * 2 * batch * inChannels,
        lda: inChannels, b: factors, ldb: 2 * outChannels, c: scratch.pointer, ldc: 2 * outChannels)
      for mode in 0..<count {
        combineParts(
          scratch.pointer + mode * 4 * batch * outChannels,
          into: y + (first + mode) * 2 * batch * outChannels, batch: batch, channels: outChannels,
          accumulate: accumulate)
      }
    }
  }
  withExtendedLifetime((input, matrix, both)) {}
}

/// From `[{real, imaginary} of x, batch, {real, imaginary} of U, channel]` the complex products.
@specialized(where E == Float)
@specialized(where E == Double)
func combineParts<E: Scalar>(
  _ products: UnsafePointer<E>, into y: UnsafeMutablePointer<E>, batch: Int, channels: Int, accumulate: Bool
) {
  for sample in 0..<batch {
    let real = products + sample * 2 * channels
    let imaginary = real + batch * 2 * channels
    let (yr, yi) = (y + sample * channels, y + (batch + sample) * channels)
    for c in 0..<channels {
      let a = real[c] - imaginary[channels + c]
      let b = real[channels + c] + imaginary[c]
      yr[c] = accumulate ? yr[c] + a : a
      yi[c] = accumulate ? yi[c] + b : b
    }
  }
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
