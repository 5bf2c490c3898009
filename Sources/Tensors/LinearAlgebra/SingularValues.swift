// The singular value decomposition, by LAPACK.

import COpenBLAS

/// `A = U diag(s) V`, thin: U `[m, k]`, s `[k]` from the largest, V `[k, n]` with orthonormal rows, k = min(m, n).
public struct SingularValueDecomposition: Sendable {
  public let left: Tensor<Double>
  public let values: [Double]
  public let right: Tensor<Double>

  /// Decomposes a matrix `[m, n]` by divide and conquer (LAPACK's `dgesdd`), on one thread.
  ///
  /// - Returns: nil where a value is not finite or the iteration does not converge.
  public init?(_ matrix: Tensor<Double>) {
    precondition(matrix.rank == 2 && matrix.count > 0, "a matrix that is not empty")
    guard matrix.nonFinite() == nil else { return nil }
    BLAS.prepare()
    // LAPACK's columns are our rows: it sees the transpose, and gives V as its U.
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let rank = min(rows, columns)
    var (m, n, k) = (blasint(columns), blasint(rows), blasint(rank))
    var left = Tensor<Double>(uninitialized: [rows, rank])
    var right = Tensor<Double>(uninitialized: [rank, columns])
    var values = [Double](repeating: 0, count: rank)
    var copy = matrix
    let (a, u, vt) = (
      copy.unsafeMutablePointer(), right.unsafeMutablePointer(), left.unsafeMutablePointer()
    )
    let integers = AlignedMemory<blasint>(count: 8 * rank)
    var info: blasint = 0
    var wanted = 0.0
    var length: blasint = -1
    dgesdd_("S", &m, &n, a, &m, &values, u, &m, vt, &k, &wanted, &length, integers.pointer, &info, 1)
    guard info == 0 else { return nil }
    length = blasint(wanted)
    let work = AlignedMemory<Double>(count: Int(length))
    dgesdd_("S", &m, &n, a, &m, &values, u, &m, vt, &k, work.pointer, &length, integers.pointer, &info, 1)
    guard info == 0 else { return nil }
    withExtendedLifetime(copy) {}
    self.left = left
    self.values = values
    self.right = right
  }
}
