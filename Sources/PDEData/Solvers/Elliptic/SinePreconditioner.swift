// The inverse of the discrete −Δ with u = 0 on the boundary, by sine transforms.

import Spectral
import Tensors

/// Solves the constant-coefficient problem on a framed grid exactly: DST-I on the interior nodes, or DST-II on cells,
/// along every axis; division by the eigenvalues `Σ (2 − 2cos θ)/h²` of the 5-point (3-, 7-point) operator, θ = kπ/(n−1)
/// on n nodes, kπ/n on n cells; the inverse transform.
///
/// As a preconditioner of −∇·(a∇·), min a ≤ a ≤ max a, it leaves eigenvalues between min a and max a at every
/// resolution (Concus & Golub 1973).
struct SinePreconditioner<Element: SpectralScalar>: Sendable {
  let grid: FramedGrid
  private let forward: FFTPlan<Element>
  private let backward: FFTPlan<Element>
  /// One over eigenvalue and normalization, for the unknowns without frame.
  private let factors: Tensor<Element>

  init(_ grid: FramedGrid) {
    self.grid = grid
    let kind: TrigonometricTransform = grid.isNodal ? .sineI : .sineII
    let packed = Tensor<Double>.strides(of: grid.unknowns)
    func plan(_ kind: TrigonometricTransform, _ input: [Int], _ output: [Int]) -> FFTPlan<Element> {
      let axes = grid.unknowns.indices.map {
        TransformGeometry.Axis(count: grid.unknowns[$0], inputStride: input[$0], outputStride: output[$0])
      }
      return .shared(
        .realToReal(axes.map { _ in kind }), TransformGeometry(axes: axes), requirements: [])
    }
    forward = plan(kind, grid.strides, packed)
    backward = plan(kind.inverse, packed, grid.strides)
    let eigenvalues = grid.unknowns.indices.map { axis -> [Double] in
      let (n, h) = (grid.unknowns[axis], grid.spacings[axis])
      let intervals = Double(grid.isNodal ? n + 1 : n)
      return (1...n).map { (2 - 2 * Double.cos(Double.pi * Double($0) / intervals)) / (h * h) }
    }
    let normalization = grid.unknowns.reduce(1.0) { $0 * Double(kind.logicalSize($1)) }
    var factors = Tensor<Element>(uninitialized: grid.unknowns)
    let unknowns = grid.unknowns
    factors.withUnsafeMutableBuffer { target in
      for index in target.indices {
        let sum = unknowns.indices.reduce(0.0) { $0 + eigenvalues[$1][index / packed[$1] % unknowns[$1]] }
        target[index] = Element(1 / (sum * normalization))
      }
    }
    self.factors = factors
  }

  /// Numbers that ``solve(_:into:scratch:)`` needs as scratch.
  var scratchCount: Int { factors.count }

  /// `z = (−Δ_h)⁻¹ r`, both framed; the frame of z is not written.
  func solve(
    _ r: UnsafePointer<Element>, into z: UnsafeMutablePointer<Element>, scratch: UnsafeMutablePointer<Element>
  ) {
    forward.execute(r + grid.firstUnknown, scratch)
    Pointwise.multiply(scratch, by: factors.unsafePointer, count: factors.count)
    backward.execute(scratch, z + grid.firstUnknown)
    withExtendedLifetime(factors) {}
  }
}
