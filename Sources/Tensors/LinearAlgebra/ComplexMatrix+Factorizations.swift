// What LAPACK does with complex matrices.

import COpenBLAS

/// A matrix computation that did not come to an end.
public struct LinearAlgebraError: Error, Equatable, CustomStringConvertible {
  public let description: String
}

extension ComplexMatrix {
  /// `A = U diag(σ) V`, with the columns of U and the rows of V orthonormal and σ descending.
  public struct SingularValues: Sendable {
    /// `[rows, min(rows, columns)]`.
    public let left: ComplexMatrix
    public let values: [Double]
    /// `[min(rows, columns), columns]`.
    public let right: ComplexMatrix
  }

  /// The thin singular value decomposition (LAPACK's `zgesdd`, divide and conquer).
  ///
  /// - Throws: ``LinearAlgebraError`` for numbers that are not finite, or where the iteration does not converge.
  public func singularValues() throws -> SingularValues {
    guard values.allSatisfy(\.isFinite) else {
      throw LinearAlgebraError(
        description: "a matrix with numbers that are not finite has no singular values")
    }
    BLAS.prepare()
    // LAPACK reads columns: it sees Aᵀ = U′ σ V′, of which A = V′ᵀ σ U′ᵀ is what it leaves, read by rows.
    let count = min(rows, columns)
    var (m, n, k) = (blasint(columns), blasint(rows), blasint(count))
    var (matrixStride, leftStride) = (m, m)
    var matrix = values
    var sigma = [Double](repeating: 0, count: count)
    var u = [Double](repeating: 0, count: 2 * columns * count)
    var v = [Double](repeating: 0, count: 2 * count * rows)
    let larger = max(rows, columns)
    var realWork = [Double](
      repeating: 0, count: max(1, count * max(5 * count + 7, 2 * larger + 2 * count + 1)))
    var integerWork = [blasint](repeating: 0, count: 8 * count)
    var info: blasint = 0
    func run(_ work: inout [Double], length: Int) {
      var size = blasint(length)
      operators_zgesdd(
        &m, &n, &matrix, &matrixStride, &sigma, &u, &leftStride, &v, &k, &work, &size, &realWork,
        &integerWork, &info)
    }
    var query = [0.0, 0.0]
    run(&query, length: -1)
    let length = max(1, Int(query[0]))
    var work = [Double](repeating: 0, count: 2 * length)
    run(&work, length: length)
    guard info == 0 else {
      throw LinearAlgebraError(
        description: "the singular values of a \(rows) × \(columns) matrix did not converge")
    }
    return SingularValues(
      left: ComplexMatrix(rows: rows, columns: count, values: v), values: sigma,
      right: ComplexMatrix(rows: count, columns: columns, values: u))
  }

  /// The X with `X G = Y`, for `self` = Y and G Hermitian and positive (LAPACK's `zposv`); G becomes positive by a
  /// small multiple of the identity where it is singular.
  public func dividedByHermitian(_ g: ComplexMatrix) throws -> ComplexMatrix {
    precondition(g.rows == g.columns && g.rows == columns, "a square matrix of \(columns)")
    BLAS.prepare()
    let size = g.rows
    let trace = (0..<size).reduce(0.0) { $0 + g[$1, $1].real }
    var shift = 1e-14 * trace / Double(max(size, 1))
    while shift.isFinite, shift <= trace {
      var matrix = g
      for index in 0..<size { matrix[index, index].real += shift }
      // By columns LAPACK sees Gᵀ Xᵀ = Yᵀ.
      var (factor, right) = (matrix.values, values)
      var (n, count, info) = (blasint(size), blasint(rows), blasint(0))
      var (factorStride, rightStride) = (n, n)
      operators_zposv(&n, &count, &factor, &factorStride, &right, &rightStride, &info)
      if info == 0 { return ComplexMatrix(rows: rows, columns: columns, values: right) }
      shift = max(shift * 100, .leastNormalMagnitude)
    }
    throw LinearAlgebraError(description: "normal equations that are not positive")
  }
}
