// Cholesky factorization of symmetric banded matrices by LAPACK.

import COpenBLAS

/// `A = L Lᵀ` of a symmetric positive definite matrix whose entries vanish further than a bandwidth from the diagonal,
/// by LAPACK's `dpbtrf`; n·(bandwidth + 1) numbers, n·bandwidth² operations.
public final class BandedCholesky: @unchecked Sendable {
  public let order: Int
  public let bandwidth: Int
  /// `[column j, k]`: first A_{j+k,j}, then L_{j+k,j}.
  private let band: AlignedMemory<Double>

  /// - Parameters:
  ///   - order: n.
  ///   - fill: Writes the entries on and below the diagonal, A_{j+k,j} at `j·(bandwidth + 1) + k`; they are zero before.
  /// - Returns: nil where the matrix is not positive definite, in the arithmetic at hand.
  public init?(order: Int, bandwidth: Int, fill: (UnsafeMutablePointer<Double>) -> Void) {
    precondition(order >= 1 && bandwidth >= 0 && bandwidth < Int(Int32.max), "a matrix that LAPACK can count")
    self.order = order
    self.bandwidth = bandwidth
    band = AlignedMemory(count: order * (bandwidth + 1))
    band.buffer.initialize(repeating: 0)
    fill(band.pointer)
    BLAS.prepare()
    var (n, width, rows, status) = (
      blasint(order), blasint(bandwidth), blasint(bandwidth + 1), blasint(0)
    )
    dpbtrf_("L", &n, &width, band.pointer, &rows, &status, 1)
    guard status == 0 else { return nil }
  }

  /// Bytes that a factorization takes.
  public static func byteCount(order: Int, bandwidth: Int) -> Int {
    order * (bandwidth + 1) * MemoryLayout<Double>.stride
  }

  /// Replaces a right-hand side of n numbers by the solution.
  public func solve(_ values: UnsafeMutablePointer<Double>) {
    var (n, width, rows, one, length, status) = (
      blasint(order), blasint(bandwidth), blasint(bandwidth + 1), blasint(1), blasint(order), blasint(0)
    )
    dpbtrs_("L", &n, &width, &one, band.pointer, &rows, values, &length, &status, 1)
    precondition(status == 0, "dpbtrs was given an argument that it does not take")
  }
}
