// What iterations for an elliptic problem are helped by.

/// An approximate inverse of a ``DarcyOperator``, symmetric and positive definite (on the residuals that have no mean where
/// the problem is singular), for residuals in the operator's ``PaddedLayout``.
protocol EllipticPreconditioner {
  /// `z = B r`; returns `r·z`. Padding of z is zero before and after.
  func apply(_ r: UnsafePointer<Double>, into z: UnsafeMutablePointer<Double>) -> Double

  /// A number c with `rᵀ(−Δ_h)⁻¹r ≤ c·rᵀBr`, so that c·rᵀBr/a_min bounds the squared error in the energy norm; nil where
  /// none is known.
  var laplacianBound: Double? { get }
}
