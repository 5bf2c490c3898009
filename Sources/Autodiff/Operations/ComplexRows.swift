// Rows of a spectrum times complex matrices that are the same for all modes, as real products of many modes at once.

import Tensors

/// Products of the complex rows `[mode, {re, im}, batch, channel]` of a tile of modes, and memory for them.
struct ComplexRows<Element: Scalar>: ~Copyable {
  let batch: Int
  private let products: AlignedMemory<Element>

  /// - Parameters:
  ///   - modes: At most, of a product.
  ///   - widest: Columns at most, of a product.
  init(modes: Int, batch: Int, widest: Int) {
    self.batch = batch
    products = AlignedMemory(count: modes * 2 * batch * 2 * widest)
  }

  /// `[modes, 2, batch, inner]` by a matrix `[inner, 2·columns]`, its parts ``sideBySide(_:rows:transposed:conjugate:)``,
  /// to `[modes, 2, batch, columns]`.
  func multiply(
    _ x: UnsafePointer<Element>, modes: Int, inner: Int, by matrix: UnsafePointer<Element>, columns: Int,
    into y: UnsafeMutablePointer<Element>, accumulate: Bool = false
  ) {
    gemm(
      m: modes * 2 * batch, n: 2 * columns, k: inner, a: x, lda: inner, b: matrix, ldb: 2 * columns,
      c: products.pointer, ldc: 2 * columns)
    for mode in 0..<modes {
      combineParts(
        products.pointer + mode * 4 * batch * columns, into: y + mode * 2 * batch * columns, batch: batch,
        channels: columns, accumulate: accumulate)
    }
  }

  /// Adds to the planar `sums` `[2, channels of x, channels of y]` the gradient of the matrix U of `y = x U`, x its input
  /// and y its gradient (sign −1), or of U stored transposed, x the gradient and y the input (sign 1): both parts in one
  /// product, of the rows of x and the same turned by a quarter, which `scratch` holds, and those of y.
  func addMatrixGradient(
    _ x: UnsafePointer<Element>, channels: Int, sign: Element, _ y: UnsafePointer<Element>,
    channels columns: Int, modes: Int, scratch: UnsafeMutablePointer<Element>,
    to sums: UnsafeMutablePointer<Element>
  ) {
    pairWithRotated(x, into: scratch, modes: modes, batch: batch, channels: channels, sign: sign)
    gemm(
      true, false, m: 2 * channels, n: columns, k: modes * 2 * batch, a: scratch, lda: 2 * channels, b: y,
      ldb: columns, beta: 1, c: sums, ldc: columns)
  }
}

/// `[mode, {re, im}, batch, channel]` to rows `[x, ±i·x]`: `[mode, {re, im}, batch, 2·channel]`.
@specialized(where E == Float)
@specialized(where E == Double)
private func pairWithRotated<E: Scalar>(
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
