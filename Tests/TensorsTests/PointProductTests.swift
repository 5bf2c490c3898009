import Tensors
import Testing

/// Products with points, against their definitions on small integers, where every result is exact.
@Suite struct PointProductTests {
  private static func integers<E: Scalar>(_ count: Int, _ seed: Int, _: E.Type) -> [E] {
    (0..<count).map { E((($0 + seed) * 7919 % 11) - 5) }
  }

  // Rows in every height of a block, points beyond whole vectors, strides beyond the points.
  static let shapes = [
    (1, 1, 1), (2, 3, 5), (3, 2, 16), (5, 7, 47), (8, 4, 48), (13, 9, 100), (17, 16, 192), (33, 5, 203),
  ]

  @Test(arguments: shapes)
  func pointProduct(rows: Int, inner: Int, points: Int) {
    check(rows, inner, points, Float.self)
    check(rows, inner, points, Double.self)
  }

  private func check<E: Scalar>(_ rows: Int, _ inner: Int, _ points: Int, _: E.Type) {
    let stride = points + 3
    let (w, x) = (Self.integers(rows * inner, 1, E.self), Self.integers(inner * stride, 2, E.self))
    let (bias, gate) = (Self.integers(rows, 3, E.self), Self.integers(rows, 4, E.self))
    let addend = Self.integers(rows * stride, 5, E.self)
    let transposed = (0..<rows * inner).map { w[$0 % rows * inner + $0 / rows] }
    var plain = [E](repeating: 99, count: rows * stride)
    var whole = addend
    PointProduct(w, rows: rows, inner: inner)(x, stride: stride, into: &plain, stride: stride, count: points)
    whole.withUnsafeMutableBufferPointer { y in
      guard let y = y.baseAddress else { return }
      PointProduct(transposed, rows: rows, inner: inner, transposed: true, bias: bias, gate: gate)(
        x, stride: stride, into: y, stride: stride, count: points, addend: y, stride: stride)
    }
    for row in 0..<rows {
      for point in 0..<stride {
        let place = row * stride + point
        var product: E = 0
        for term in 0..<inner { product += w[row * inner + term] * x[term * stride + point] }
        #expect(plain[place] == (point < points ? product : 99))
        #expect(
          whole[place] == (point < points ? product + bias[row] + gate[row] * addend[place] : addend[place]))
      }
    }
  }

  @Test(arguments: shapes)
  func complexPointProducts(rows: Int, inner: Int, points: Int) {
    for conjugate in [false, true] {
      for cut in [ComplexPointProducts<Double>.Cut.rows, .terms] {
        check(rows, inner, points, conjugate: conjugate, cut)
      }
    }
  }

  private func check(
    _ rows: Int, _ inner: Int, _ points: Int, conjugate: Bool, _ cut: ComplexPointProducts<Double>.Cut
  ) {
    // U stored as its transpose, planar; planes of x and q one after the other.
    let u = Self.integers(2 * rows * inner, 1, Double.self)
    let matrix = Tensor(u, shape: [2, inner, rows])
    let products = ComplexPointProducts(
      real: matrix.unsafePointer, imaginary: matrix.unsafePointer + rows * inner, rows: rows, inner: inner,
      rowStride: 1, termStride: rows, conjugate: conjugate, cut: cut, size: 16)
    var x = Self.integers(2 * inner * points, 2, Double.self)
    for index in 0..<inner * points { x.append(x[index] + x[inner * points + index]) }
    var q = [Double](repeating: 0, count: 3 * rows * points)
    x.withUnsafeMutableBufferPointer { x in
      q.withUnsafeMutableBufferPointer { q in
        guard let x = x.baseAddress, let q = q.baseAddress else { return }
        for block in 0..<products.blockCount {
          let first = products.range(block).lowerBound * points
          products.multiply(
            block: block,
            ComplexPlanes(x + (cut == .terms ? first : 0), distance: inner * points, stride: points),
            into: ComplexPlanes(q + (cut == .rows ? first : 0), distance: rows * points, stride: points),
            count: points, accumulate: cut == .terms && block > 0)
        }
      }
    }
    for row in 0..<rows {
      for point in 0..<points {
        var (real, imaginary) = (0.0, 0.0)
        for term in 0..<inner {
          let (a, b) = (u[term * rows + row], (conjugate ? -1 : 1) * u[(inner + term) * rows + row])
          let (c, d) = (x[term * points + point], x[(inner + term) * points + point])
          real += a * c - b * d
          imaginary += a * d + b * c
        }
        let values = (0..<3).map { q[($0 * rows + row) * points + point] }
        #expect(values[2] - values[1] == real)
        #expect(values[2] + values[0] == imaginary)
      }
    }
  }

  // Rows in every height of a block, columns of one to four vectors and more.
  @Test(arguments: [
    (1, 1, 16), (2, 3, 32), (5, 7, 48), (6, 4, 64), (7, 16, 80), (17, 9, 112), (33, 130, 128),
  ])
  func rowProducts(rows: Int, inner: Int, columns: Int) {
    for (transposed, accumulate) in [(false, false), (false, true), (true, false), (true, true)] {
      checkRows(rows, inner, columns, transposed: transposed, accumulate: accumulate, Float.self)
      checkRows(rows, inner, columns, transposed: transposed, accumulate: accumulate, Double.self)
    }
  }

  private func checkRows<E: Scalar>(
    _ rows: Int, _ inner: Int, _ columns: Int, transposed: Bool, accumulate: Bool, _: E.Type
  ) {
    let (aStride, bStride, cStride) = ((transposed ? rows : inner) + 2, columns + 1, columns + 3)
    let a = Self.integers((transposed ? inner : rows) * aStride, 1, E.self)
    let b = Self.integers(inner * bStride, 2, E.self)
    let before = Self.integers(rows * cStride, 3, E.self)
    var c = before
    multiplyRows(
      a, stride: aStride, transposed: transposed, rows: rows, inner: inner, b, stride: bStride,
      columns: columns, into: &c, stride: cStride, accumulate: accumulate)
    for row in 0..<rows {
      for column in 0..<cStride {
        var expected = accumulate || column >= columns ? before[row * cStride + column] : 0
        for term in 0..<inner where column < columns {
          let place = transposed ? term * aStride + row : row * aStride + term
          expected += a[place] * b[term * bStride + column]
        }
        #expect(c[row * cStride + column] == expected)
      }
    }
  }

  @Test(arguments: shapes)
  func outerProductSums(rows: Int, columns: Int, points: Int) {
    let stride = points + 1
    let a = Self.integers(rows * stride, 1, Float.self)
    let b = Self.integers(columns * stride, 2, Float.self)
    let sums = OuterProductSums<Float>(rows: rows, columns: columns)
    // Two tiles.
    let first = points / 2
    sums.add(a, stride: stride, b, stride: stride, count: first)
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        guard let a = a.baseAddress, let b = b.baseAddress else { return }
        sums.add(a + first, stride: stride, b + first, stride: stride, count: points - first)
      }
    }
    var c = [Float](repeating: 1, count: rows * columns)
    sums.add(to: &c)
    for row in 0..<rows {
      for column in 0..<columns {
        let expected = (0..<points).reduce(Float(1)) { $0 + a[row * stride + $1] * b[column * stride + $1] }
        #expect(c[row * columns + column] == expected)
      }
    }
  }
}
