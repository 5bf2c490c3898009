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
