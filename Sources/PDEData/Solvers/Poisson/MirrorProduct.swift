// Products with a matrix that has mirror symmetries, in half, a quarter … of the multiplications.

import RealModule
import Tensors

/// `y = B x` for many x side by side, B any matrix; where B is even or odd under reversing the order of its columns
/// (row by row) or of its rows (column by column), sums and differences of mirrored elements split it into two blocks
/// of half the size, and these again: a transform by sines or cosines falls apart like that as far as the number
/// of points has factors 2. What is left is done by GEMM.
///
/// The results come in an order of their own, ``rowOrder``.
struct MirrorProduct<Element: Scalar>: Sendable {
  let rows: Int
  let columns: Int
  /// The row of B of every result.
  let rowOrder: [Int]
  private let plan: Plan

  private indirect enum Plan: Sendable {
    case product(Tensor<Element>)
    /// Sums of mirrored inputs for the even rows, differences for the odd ones.
    case foldedInputs(even: MirrorProduct, odd: MirrorProduct)
    /// Even columns and odd columns apart, results and their mirrors from the sum and difference of the two; `partners`
    /// says where among the second's results those of the same row are.
    case foldedOutputs(
      even: MirrorProduct, odd: MirrorProduct, evenColumns: Progression, oddColumns: Progression,
      partners: [Int?])
  }

  private struct Progression: Sendable {
    var first: Int
    var step: Int

    init?(_ indices: [Int]) {
      let step = indices.count > 1 ? indices[1] - indices[0] : 1
      guard zip(indices, indices.dropFirst()).allSatisfy({ $1 - $0 == step }) else { return nil }
      (first, self.step) = (indices[0], step)
    }
  }

  /// Blocks of so few rows or columns are not split further: short products run far below the processor's peak.
  private static var smallestSplit: Int { 24 }

  init(_ matrix: [[Double]]) {
    rows = matrix.count
    columns = matrix[0].count
    if min(rows, columns) > Self.smallestSplit {
      if let (even, odd) = Self.parity(matrix) {
        let (n, half) = (columns, (columns + 1) / 2)
        let first = MirrorProduct(even.map { Array(matrix[$0][..<half]) })
        let second = MirrorProduct(odd.map { Array(matrix[$0][..<(n / 2)]) })
        rowOrder = first.rowOrder.map { even[$0] } + second.rowOrder.map { odd[$0] }
        plan = .foldedInputs(even: first, odd: second)
        return
      }
      let transposed = (0..<columns).map { column in matrix.map { $0[column] } }
      if let (even, odd) = Self.parity(transposed), let evenColumns = Progression(even),
        let oddColumns = Progression(odd)
      {
        let half = (rows + 1) / 2
        let first = MirrorProduct((0..<half).map { row in even.map { matrix[row][$0] } })
        // A middle row has no odd part.
        let second = MirrorProduct((0..<rows / 2).map { row in odd.map { matrix[row][$0] } })
        var place: [Int: Int] = [:]
        for (index, row) in second.rowOrder.enumerated() { place[row] = index }
        rowOrder = Array(0..<rows)
        plan = .foldedOutputs(
          even: first, odd: second, evenColumns: evenColumns, oddColumns: oddColumns,
          partners: first.rowOrder.map { place[$0] })
        return
      }
    }
    rowOrder = Array(0..<rows)
    plan = .product(Self.tensor(matrix))
  }

  private static func tensor(_ matrix: [[Double]]) -> Tensor<Element> {
    let columns = matrix[0].count
    var entries = Tensor<Element>(uninitialized: [matrix.count, columns])
    let address = entries.unsafeMutablePointer()
    for (index, row) in matrix.enumerated() {
      row.withUnsafeBufferPointer { values in
        guard let first = values.baseAddress else { return }
        Pointwise.convert(first, into: address + index * columns, count: columns)
      }
    }
    return entries
  }

  /// The rows that are even and those that are odd under reversal; nil where one is neither, or all are of one kind.
  private static func parity(_ matrix: [[Double]]) -> (even: [Int], odd: [Int])? {
    var (even, odd): ([Int], [Int]) = ([], [])
    for (index, row) in matrix.enumerated() {
      let tolerance = 1e-13 * (row.map { abs($0) }.max() ?? 0)
      let pairs = zip(row, row.reversed())
      if pairs.allSatisfy({ abs($0 - $1) <= tolerance }) {
        even.append(index)
      } else if pairs.allSatisfy({ abs($0 + $1) <= tolerance }) {
        odd.append(index)
      } else {
        return nil
      }
    }
    return even.isEmpty || odd.isEmpty ? nil : (even, odd)
  }

  /// Rows of scratch that a product takes.
  var scratchRows: Int {
    switch plan {
    case .product: 0
    case .foldedInputs(let even, let odd): columns + max(even.scratchRows, odd.scratchRows)
    case .foldedOutputs(let even, let odd, _, _, _): rows + max(even.scratchRows, odd.scratchRows)
    }
  }

  /// Results may replace the inputs.
  var worksInPlace: Bool { if case .product = plan { false } else { true } }

  /// `y = B x` for `width` columns x, on the calling thread; rows of x and y are apart by their strides, those of scratch by
  /// `width`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func apply(
    _ x: UnsafePointer<Element>, _ xStride: Int, into y: UnsafeMutablePointer<Element>, _ yStride: Int,
    width: Int, scratch: UnsafeMutablePointer<Element>
  ) {
    switch plan {
    case .product(let matrix):
      gemm(
        m: rows, n: width, k: columns, a: matrix.unsafePointer, lda: columns, b: x, ldb: xStride, c: y,
        ldc: yStride)
    case .foldedInputs(let even, let odd):
      let n = columns
      let (sums, differences) = (scratch, scratch + even.columns * width)
      let rest = scratch + n * width
      for j in 0..<n / 2 {
        sumAndDifference(
          x + j * xStride, x + (n - 1 - j) * xStride, sums + j * width, differences + j * width,
          count: width)
      }
      if n % 2 == 1 { (sums + n / 2 * width).update(from: x + n / 2 * xStride, count: width) }
      even.apply(sums, width, into: y, yStride, width: width, scratch: rest)
      odd.apply(differences, width, into: y + even.rows * yStride, yStride, width: width, scratch: rest)
    case .foldedOutputs(let even, let odd, let evenColumns, let oddColumns, let partners):
      let (results, others, rest) = (scratch, scratch + even.rows * width, scratch + rows * width)
      even.apply(
        x + evenColumns.first * xStride, evenColumns.step * xStride, into: results, width, width: width,
        scratch: rest)
      odd.apply(
        x + oddColumns.first * xStride, oddColumns.step * xStride, into: others, width, width: width,
        scratch: rest)
      for (row, partner) in partners.enumerated() {
        let (result, place) = (results + row * width, y + even.rowOrder[row] * yStride)
        if let partner {
          let mirrored = y + (rows - 1 - even.rowOrder[row]) * yStride
          sumAndDifference(result, others + partner * width, place, mirrored, count: width)
        } else {
          place.update(from: result, count: width)
        }
      }
    }
  }
}

/// `sum = x + y`, `difference = x − y`.
@specialized(where E == Float)
@specialized(where E == Double)
private func sumAndDifference<E: Scalar>(
  _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, _ sum: UnsafeMutablePointer<E>,
  _ difference: UnsafeMutablePointer<E>, count: Int
) {
  for i in 0..<count {
    let (a, b) = (x[i], y[i])
    sum[i] = a + b
    difference[i] = a - b
  }
}
