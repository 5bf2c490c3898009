// Systems that differ from line to line: eliminated while they are solved.

import Tensors

/// Every line has its own matrix, whose diagonals are given point by point like the right-hand side.
///
/// With `pivot_i = 1/(b_i + a_i u_{i−1})` and `u_i = −c_i pivot_i`: `y_i = (d_i − a_i y_{i−1}) pivot_i`,
/// `x_i = y_i + u_i x_{i+1}`. Of a cyclic matrix the last unknown z is kept to the end, as in
/// ``TridiagonalElimination``: `x_i = y_i + u_i x_{i+1} + e_i z`.
struct VariableKernel<Element: Scalar>: LineKernel {
  let count: Int
  /// The first point's `lower` and the last point's `upper` couple the two ends; else they have no effect.
  let isCyclic: Bool

  var workRows: Int { isCyclic ? 3 : 2 }

  @inline(never)
  func solve<B: LaneBlock>(
    _ block: B.Type, _ input: LineInput<Element>, stride: Int, work: UnsafeMutablePointer<Element>,
    target: UnsafeMutablePointer<Element>, targetStride: Int
  ) where B.Element == Element {
    guard let lower = input.lower, let diagonal = input.diagonal, let upper = input.upper else { return }
    let (right, n, width) = (input.right, count, B.width)
    let uppers = work + n * width
    guard !isCyclic else {
      solveCyclic(
        block, Rows(lower: lower, diagonal: diagonal, upper: upper, right: right, stride: stride), work,
        target, targetStride)
      return
    }
    var (x, u) = (B.zero, B.zero)
    for i in 0..<n {
      let point = i * stride
      let a = B.load(lower + point)
      let pivot = u.multiplyAdd(a, B.load(diagonal + point)).reciprocal()
      x = x.multiplyAdd(a.negated(), B.load(right + point)).times(pivot)
      u = B.load(upper + point).times(pivot).negated()
      x.store(work + i * width)
      u.store(uppers + i * width)
    }
    x.store(target + (n - 1) * targetStride)
    var i = n - 2
    while i >= 0 {
      x = x.multiplyAdd(.load(uppers + i * width), .load(work + i * width))
      x.store(target + i * targetStride)
      i -= 1
    }
  }

  private struct Rows: BitwiseCopyable {
    var lower: UnsafePointer<Element>
    var diagonal: UnsafePointer<Element>
    var upper: UnsafePointer<Element>
    var right: UnsafePointer<Element>
    var stride: Int
  }

  @inline(__always)
  private func solveCyclic<B: LaneBlock>(
    _ block: B.Type, _ rows: Rows, _ work: UnsafeMutablePointer<Element>,
    _ target: UnsafeMutablePointer<Element>, _ targetStride: Int
  ) where B.Element == Element {
    let (n, width) = (count, B.width)
    let (uppers, columns) = (work + n * width, work + 2 * n * width)
    let end = (n - 1) * rows.stride
    // The last row: its right-hand side, its diagonal, and its entry in the column that is eliminated next.
    var (last, lastDiagonal) = (B.load(rows.right + end), B.load(rows.diagonal + end))
    var row = B.load(rows.upper + end)
    if n == 1 { lastDiagonal = lastDiagonal.plus(row).plus(.load(rows.lower)) }
    var (y, u, column) = (B.zero, B.zero, B.zero)
    for i in 0..<n - 1 {
      let point = i * rows.stride
      let a = B.load(rows.lower + point).negated()
      let pivot = u.multiplyAdd(a.negated(), B.load(rows.diagonal + point)).reciprocal()
      y = y.multiplyAdd(a, B.load(rows.right + point)).times(pivot)
      column = (i == 0 ? a : column.times(a)).times(pivot)
      u = B.load(rows.upper + point).times(pivot).negated()
      if i == n - 2 {
        column = column.plus(u)
        u = .zero
        row = row.plus(.load(rows.lower + end))
      }
      last = y.multiplyAdd(row.negated(), last)
      lastDiagonal = column.multiplyAdd(row, lastDiagonal)
      row = row.times(u)
      y.store(work + i * width)
      u.store(uppers + i * width)
      column.store(columns + i * width)
    }
    last = last.times(lastDiagonal.reciprocal())
    last.store(target + (n - 1) * targetStride)
    var x = B.zero
    var i = n - 2
    while i >= 0 {
      x = x.multiplyAdd(.load(uppers + i * width), .load(work + i * width))
      x = last.multiplyAdd(.load(columns + i * width), x)
      x.store(target + i * targetStride)
      i -= 1
    }
  }
}

/// Line ℓ has the matrix `A + shift_ℓ · B` with A and B common to all: what remains of a separable problem along its
/// last axis when the others are diagonal. Neither matrix is cyclic or has a third entry in its boundary rows.
struct ShiftedKernel<Element: Scalar>: LineKernel {
  let count: Int
  /// `[matrix, diagonal, point]`: lower, diagonal, upper of A, then of B.
  private let rows: Tensor<Element>

  init(_ a: TridiagonalMatrix, _ b: TridiagonalMatrix) {
    precondition(a.count == b.count, "matrices of one order")
    for matrix in [a, b] {
      precondition(
        !matrix.isCyclic && matrix.firstRowThird == 0 && matrix.lastRowThird == 0, "tridiagonal matrices")
    }
    count = a.count
    let parts = [a.lower, a.diagonal, a.upper, b.lower, b.diagonal, b.upper]
    rows = Tensor(parts.joined().map { Element($0) }, shape: [2, 3, count])
  }

  var workRows: Int { 2 }

  @inline(never)
  func solve<B: LaneBlock>(
    _ block: B.Type, _ input: LineInput<Element>, stride: Int, work: UnsafeMutablePointer<Element>,
    target: UnsafeMutablePointer<Element>, targetStride: Int
  ) where B.Element == Element {
    guard let shifts = input.shifts else { return }
    let (right, n, width) = (input.right, count, B.width)
    let (uppers, shift) = (work + n * width, B.load(shifts))
    let lower = rows.unsafePointer
    var (x, u) = (B.zero, B.zero)
    for i in 0..<n {
      let row = lower + i
      let a = shift.multiplyAdd(row[3 * n], .repeating(row[0]))
      let b = shift.multiplyAdd(row[4 * n], .repeating(row[n]))
      let c = shift.multiplyAdd(row[5 * n], .repeating(row[2 * n]))
      let pivot = u.multiplyAdd(a, b).reciprocal()
      x = x.multiplyAdd(a.negated(), B.load(right + i * stride)).times(pivot)
      u = c.times(pivot).negated()
      x.store(work + i * width)
      u.store(uppers + i * width)
    }
    x.store(target + (n - 1) * targetStride)
    var i = n - 2
    while i >= 0 {
      x = x.multiplyAdd(.load(uppers + i * width), .load(work + i * width))
      x.store(target + i * targetStride)
      i -= 1
    }
    withExtendedLifetime(rows) {}
  }
}
