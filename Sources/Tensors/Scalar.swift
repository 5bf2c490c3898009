// The real numbers the toolkit computes with: `Float` for training, `Double` for solvers and gradient checks.

import RealModule

/// A real number type with BLAS, FFTW and vector kernels behind it: `Float` or `Double`, nothing else.
///
/// Generic kernels are marked `@specialized` for both, so that a call from another module reaches machine code
/// for the concrete type; what differs between the two (a C function, a table of coefficients) is a requirement
/// of this protocol.
public protocol Scalar: Real, BinaryFloatingPoint, SIMDScalar, LosslessStringConvertible, VectorMathScalar,
  Sendable,
  Codable
where SIMDMaskScalar: FixedWidthInteger & SignedInteger {
  /// Vectors of 512 and of 256 bits, for kernels that are written in vectors.
  associatedtype WideVector: SIMD & BitwiseCopyable where WideVector.Scalar == Self
  associatedtype NarrowVector: SIMD & BitwiseCopyable where NarrowVector.Scalar == Self

  /// "float32" or "float64", as configurations and file headers name the type.
  static var name: String { get }

  /// General matrix product `C ← α op(A) op(B) + β C`, row-major; one thread. See ``gemm(_:_:m:n:k:alpha:a:lda:b:ldb:beta:c:ldc:)``.
  static func blasGEMM(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ alpha: Self,
    _ a: UnsafePointer<Self>, _ lda: Int, _ b: UnsafePointer<Self>, _ ldb: Int, _ beta: Self,
    _ c: UnsafeMutablePointer<Self>, _ ldc: Int)

  /// The transpose of A, `rows`×`columns` row-major, to B; one thread. See ``transposedCopy(_:rows:columns:stride:into:stride:)``.
  static func blasTransposedCopy(
    _ rows: Int, _ columns: Int, _ a: UnsafePointer<Self>, _ lda: Int, _ b: UnsafeMutablePointer<Self>,
    _ ldb: Int)

  /// Matrix–vector product `y ← α op(A) x + β y`, A row-major `m`×`n`; one thread.
  static func blasGEMV(
    _ transpose: Bool, _ m: Int, _ n: Int, _ alpha: Self, _ a: UnsafePointer<Self>, _ lda: Int,
    _ x: UnsafePointer<Self>, _ beta: Self, _ y: UnsafeMutablePointer<Self>)
}

extension Float: Scalar {
  public typealias WideVector = SIMD16<Float>
  public typealias NarrowVector = SIMD8<Float>

  public static var name: String { "float32" }
}

extension Double: Scalar {
  public typealias WideVector = SIMD8<Double>
  public typealias NarrowVector = SIMD4<Double>

  public static var name: String { "float64" }
}
