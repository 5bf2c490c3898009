// Complex matrices: products, singular values, least squares.

import Tensors
import Testing

private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> ComplexMatrix {
  let stream = RandomStream(seed: seed, purpose: "complex matrices")
  return ComplexMatrix(
    rows: rows, columns: columns, values: Tensor<Double>.normal([2 * rows * columns], from: stream).values)
}

private func distance(_ a: ComplexMatrix, _ b: ComplexMatrix) -> Double {
  zip(a.values, b.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
}

@Suite struct ComplexMatrixTests {
  @Test func products() {
    let (a, b) = (random(3, 4, seed: 1), random(4, 2, seed: 2))
    let product = ComplexMatrix.product(a, b)
    for row in 0..<3 {
      for column in 0..<2 {
        var (re, im) = (0.0, 0.0)
        for k in 0..<4 {
          re += a[row, k].real * b[k, column].real - a[row, k].imaginary * b[k, column].imaginary
          im += a[row, k].real * b[k, column].imaginary + a[row, k].imaginary * b[k, column].real
        }
        #expect(abs(product[row, column].real - re) + abs(product[row, column].imaginary - im) <= 1e-13)
      }
    }
    // (AB)ᴴ = Bᴴ Aᴴ
    let adjoint = ComplexMatrix.product(b, .adjoint, a, .adjoint)
    #expect(abs(adjoint[1, 2].real - product[2, 1].real) <= 1e-13)
    #expect(abs(adjoint[1, 2].imaginary + product[2, 1].imaginary) <= 1e-13)
  }

  /// `A = U σ V` with orthonormal U and V and descending σ, wide and tall.
  @Test(arguments: [(3, 7), (7, 3), (5, 5), (1, 4)])
  func singularValues(rows: Int, columns: Int) throws {
    let a = random(rows, columns, seed: 3)
    let singular = try a.singularValues()
    #expect(singular.values == singular.values.sorted(by: >))
    let product = ComplexMatrix.product(singular.left, singular.right.scalingRows(by: singular.values))
    #expect(distance(product, a) <= 1e-13 * a.sumOfSquares.squareRoot())
    let identity = ComplexMatrix.product(singular.left, .adjoint, singular.left)
    #expect(abs(identity.sumOfSquares - Double(min(rows, columns))) <= 1e-12)
    let other = ComplexMatrix.product(singular.right, .plain, singular.right, .adjoint)
    #expect(abs(other.sumOfSquares - Double(min(rows, columns))) <= 1e-12)
    #expect(abs(singular.values.reduce(0) { $0 + $1 * $1 } - a.sumOfSquares) <= 1e-12 * a.sumOfSquares)
  }

  @Test func hermitianDivision() throws {
    let (k, x) = (random(9, 4, seed: 4), random(3, 4, seed: 5))
    let g = ComplexMatrix.product(k, .adjoint, k)
    let y = ComplexMatrix.product(x, g)
    #expect(distance(try y.dividedByHermitian(g), x) <= 1e-9)
  }

  @Test func numbersThatAreNotFiniteAreRefused() {
    let bad = ComplexMatrix(rows: 1, columns: 1, values: [.nan, 0])
    #expect(throws: LinearAlgebraError.self) { try bad.singularValues() }
  }
}
