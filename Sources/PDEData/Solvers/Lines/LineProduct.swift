// Products with a tridiagonal matrix along any axis of an array.

import RealModule
import Tensors

/// `y = A x` along every line of an axis, A a tridiagonal or cyclic tridiagonal matrix common to all lines.
struct LineProduct<Element: Scalar>: Sendable {
  let count: Int
  private let isCyclic: Bool
  private let firstRowThird: Element
  private let lastRowThird: Element
  /// `[diagonal, point]`: lower, diagonal, upper.
  private let rows: Tensor<Element>

  init(_ matrix: TridiagonalMatrix) {
    count = matrix.count
    isCyclic = matrix.isCyclic
    firstRowThird = Element(matrix.firstRowThird)
    lastRowThird = Element(matrix.lastRowThird)
    rows = Tensor(
      [matrix.lower, matrix.diagonal, matrix.upper].joined().map { Element($0) }, shape: [3, count])
  }

  /// `y = A x`, or `y += A x`; dense arrays of one shape that do not overlap.
  func apply(
    _ x: UnsafePointer<Element>, into y: UnsafeMutablePointer<Element>, shape: [Int], axis: Int,
    accumulate: Bool = false
  ) {
    let geometry = LineGeometry(shape: shape, axis: axis)
    precondition(geometry.count == count, "\(geometry.count) points for a matrix of order \(count)")
    nonisolated(unsafe) let (x, y) = (x, y)
    if geometry.inner == 1 {
      WorkerPool.shared.forEachRange(count: geometry.lines, grain: max(1, (1 << 14) / count)) { lines in
        for line in lines { applyAlong(x + line * count, y + line * count, accumulate) }
      }
    } else {
      let points = geometry.outer * count
      WorkerPool.shared.forEachRange(count: points, grain: max(1, (1 << 14) / geometry.inner), limit: 256) {
        for point in $0 {
          let slab = point / count * count * geometry.inner
          applyAcross(x + slab, y + slab, point % count, geometry.inner, accumulate)
        }
      }
    }
  }

  /// One contiguous line.
  private func applyAlong(
    _ x: UnsafePointer<Element>, _ y: UnsafeMutablePointer<Element>, _ accumulate: Bool
  ) {
    let n = count
    let lower = rows.unsafePointer
    let (diagonal, upper) = (lower + n, lower + 2 * n)
    for i in n > 1 ? [0, n - 1] : [0] {
      let value = endValue(x, i, 1, lower[i], diagonal[i], upper[i])
      y[i] = accumulate ? y[i] + value : value
    }
    if n > 2 {
      multiplyRow(
        lower + 1, diagonal + 1, upper + 1, x + 1, into: y + 1, count: n - 2, accumulate: accumulate)
    }
    withExtendedLifetime(rows) {}
  }

  @inline(__always)
  private func endValue(
    _ x: UnsafePointer<Element>, _ i: Int, _ stride: Int, _ lower: Element, _ diagonal: Element,
    _ upper: Element
  ) -> Element {
    let n = count
    var value = diagonal * x[i * stride]
    if isCyclic || i > 0 { value += lower * x[(i + n - 1) % n * stride] }
    if isCyclic || i < n - 1 { value += upper * x[(i + 1) % n * stride] }
    if i == 0, firstRowThird != 0 { value += firstRowThird * x[2 * stride] }
    if i == n - 1, lastRowThird != 0 { value += lastRowThird * x[(n - 3) * stride] }
    return value
  }

  /// Point i of `width` neighbouring lines.
  private func applyAcross(
    _ x: UnsafePointer<Element>, _ y: UnsafeMutablePointer<Element>, _ i: Int, _ width: Int,
    _ accumulate: Bool
  ) {
    let n = count
    let row = rows.unsafePointer + i
    let target = y + i * width
    if !isCyclic, n > 1, i == 0 || i == n - 1 {
      for column in 0..<width {
        let value = endValue(x + column, i, width, row[0], row[n], row[2 * n])
        target[column] = accumulate ? target[column] + value : value
      }
    } else {
      // Beyond an end that is not cyclic the coefficient is zero: any row will do.
      combineRows(
        row[0], x + (i + n - 1) % n * width, row[n], x + i * width, row[2 * n], x + (i + 1) % n * width,
        into: target, count: width, accumulate: accumulate)
    }
    withExtendedLifetime(rows) {}
  }
}

/// `y_j (+)= a_j x_{j−1} + b_j x_j + c_j x_{j+1}`.
@specialized(where E == Float)
@specialized(where E == Double)
private func multiplyRow<E: Scalar>(
  _ a: UnsafePointer<E>, _ b: UnsafePointer<E>, _ c: UnsafePointer<E>, _ x: UnsafePointer<E>,
  into y: UnsafeMutablePointer<E>, count: Int, accumulate: Bool
) {
  if accumulate {
    for j in 0..<count {
      let sum = Relaxed.multiplyAdd(a[j], x[j - 1], Relaxed.multiplyAdd(c[j], x[j + 1], y[j]))
      y[j] = Relaxed.multiplyAdd(b[j], x[j], sum)
    }
  } else {
    for j in 0..<count {
      y[j] = Relaxed.multiplyAdd(b[j], x[j], Relaxed.multiplyAdd(a[j], x[j - 1], c[j] * x[j + 1]))
    }
  }
}

/// `y (+)= a·p + b·q + c·r`.
@specialized(where E == Float)
@specialized(where E == Double)
private func combineRows<E: Scalar>(
  _ a: E, _ p: UnsafePointer<E>, _ b: E, _ q: UnsafePointer<E>, _ c: E, _ r: UnsafePointer<E>,
  into y: UnsafeMutablePointer<E>, count: Int, accumulate: Bool
) {
  if accumulate {
    for j in 0..<count {
      y[j] = Relaxed.multiplyAdd(
        b, q[j], Relaxed.multiplyAdd(a, p[j], Relaxed.multiplyAdd(c, r[j], y[j])))
    }
  } else {
    for j in 0..<count {
      y[j] = Relaxed.multiplyAdd(b, q[j], Relaxed.multiplyAdd(a, p[j], c * r[j]))
    }
  }
}
