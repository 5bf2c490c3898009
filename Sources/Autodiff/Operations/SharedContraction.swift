// The product of a spectrum with one complex matrix for all modes.

import RealModule
import Tensors

/// `ŷ_k = x̂_k U` with the same complex matrix U for every mode k: x̂ `[K, 2, batch, in]`, U planar `[2, in, out]`, ŷ
/// `[K, 2, batch, out]`. With `isTransposed` U is stored `[2, out, in]`.
///
/// The rows of both parts of all modes are multiplied with both parts of U in one real product, in tiles, and then
/// combined.
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
    // ∂U = x̂^H ∂ŷ, or its transpose ∂ŷᵀ conj(x̂), by partial sums.
    let (modes, batch) = (input.shape[0], input.shape[2])
    let (inChannels, outChannels) = (input.shape[3], gradient.shape[3])
    let groups = min(modes, 16)
    var partials = Tensor<Element>.zeros([groups, weight.count])
    let (x, dy, sums) = (input.unsafePointer, gradient.unsafePointer, partials.unsafeMutablePointer())
    let (isTransposed, part) = (isTransposed, weight.count / 2)
    WorkerPool.shared.run(tasks: groups) { group in
      for mode in modes * group / groups..<modes * (group + 1) / groups {
        let (xr, gr) = (x + mode * 2 * batch * inChannels, dy + mode * 2 * batch * outChannels)
        let (xi, gi) = (xr + batch * inChannels, gr + batch * outChannels)
        for (xPart, gPart, target, sign) in [
          (xr, gr, 0, 1), (xi, gi, 0, 1), (xr, gi, 1, 1), (xi, gr, 1, -1),
        ] {
          let du = sums + group * 2 * part + target * part
          if isTransposed {
            gemm(
              true, false, m: outChannels, n: inChannels, k: batch, alpha: Element(sign), a: gPart,
              lda: outChannels, b: xPart, ldb: inChannels, beta: 1, c: du, ldc: inChannels)
          } else {
            gemm(
              true, false, m: inChannels, n: outChannels, k: batch, alpha: Element(sign), a: xPart,
              lda: inChannels, b: gPart, ldb: outChannels, beta: 1, c: du, ldc: outChannels)
          }
        }
      }
    }
    withExtendedLifetime((input, gradient)) {}
    var result = slots.begin(1, shape: weight.shape)
    sumGroups(partials, offset: 0, into: &result)
    slots.end(1, result)
  }
}

/// `Y = X U`, U `[2, rows, columns]` read as its transpose and as its conjugate on request.
private func multiply<E: Scalar>(
  _ input: Tensor<E>, _ matrix: Tensor<E>, transposed: Bool, conjugate: Bool,
  into y: UnsafeMutablePointer<E>, outChannels: Int, accumulate: Bool
) {
  let (modes, batch, inChannels) = (input.shape[0], input.shape[2], input.shape[3])
  precondition(matrix.count == 2 * inChannels * outChannels, "a matrix with a row for every channel")
  // Both parts of U side by side, [in, 2·out].
  var both = Tensor<E>(uninitialized: [inChannels, 2 * outChannels])
  let (u, pair) = (matrix.unsafePointer, both.unsafeMutablePointer())
  for part in 0..<2 {
    let sign: E = part == 1 && conjugate ? -1 : 1
    for i in 0..<inChannels {
      for o in 0..<outChannels {
        let index = transposed ? o * inChannels + i : i * outChannels + o
        pair[i * 2 * outChannels + part * outChannels + o] = sign * u[part * inChannels * outChannels + index]
      }
    }
  }
  let (x, factors) = (input.unsafePointer, both.unsafePointer)
  WorkerPool.shared.forEachRange(count: modes, grain: max(1, 512 / max(batch, 1))) { range in
    let rows = 2 * batch
    let scratch = AlignedMemory<E>(count: rows * 2 * outChannels)
    for mode in range {
      gemm(
        m: rows, n: 2 * outChannels, k: inChannels, a: x + mode * rows * inChannels, lda: inChannels,
        b: factors,
        ldb: 2 * outChannels, c: scratch.pointer, ldc: 2 * outChannels)
      combineParts(
        scratch.pointer, into: y + mode * rows * outChannels, batch: batch, channels: outChannels,
        accumulate: accumulate)
    }
  }
  withExtendedLifetime((input, matrix, both)) {}
}

/// From `[{real, imaginary} of x, batch, {real, imaginary} of U, channel]` the complex products.
@specialized(where E == Float)
@specialized(where E == Double)
private func combineParts<E: Scalar>(
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
