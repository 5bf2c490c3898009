// The steady flow through a porous medium, −∇·(a∇u) = f with u = 0 on the boundary.

import RealModule
import Spectral
import Tensors

/// Solves −∇·(a∇u) = f, u = 0 on the boundary, in one to three dimensions: finite volumes
/// (``DiffusionOperator``), conjugate gradients preconditioned by sine transforms (``SinePreconditioner``).
///
/// The number of iterations depends on the contrast κ = max a / min a alone: the error in the energy norm falls by
/// (√κ − 1)/(√κ + 1) an iteration, 1/3 for the coefficients 12 and 3 of Li et al. 2021.
public final class DarcySolver<Element: SpectralScalar>: Sendable {
  /// What a solution cost and how good it is.
  public struct Report: Sendable, Equatable {
    public var iterations: Int
    /// A bound of ‖u − u_h‖_A / ‖u_h‖_A, u_h the exact solution of the discrete equations.
    public var relativeEnergyError: Double
    public var converged: Bool
  }

  public let grid: Grid
  /// What the relative error in the energy norm is to be brought below.
  public let tolerance: Double
  public let maximumIterations: Int
  private let framed: FramedGrid
  private let preconditioner: SinePreconditioner<Element>

  /// - Parameter grid: All axes nodes (three points at least) or all axes cells.
  public init(grid: Grid, tolerance: Double = 1e-10, maximumIterations: Int = 500) {
    precondition(tolerance > 0 && maximumIterations > 0, "a positive tolerance and number of iterations")
    precondition(grid.axes.allSatisfy { $0.placement != .nodes || $0.count >= 3 }, "a node between the ends")
    self.grid = grid
    self.tolerance = tolerance
    self.maximumIterations = maximumIterations
    framed = FramedGrid(grid)
    preconditioner = SinePreconditioner(framed)
  }

  /// Solves for one coefficient.
  ///
  /// - Parameters:
  ///   - coefficient: a at the grid's points, positive and finite.
  ///   - source: f at the grid's points.
  /// - Returns: u at the grid's points, and the report. Runs on the calling thread.
  public func solve(
    coefficient: Tensor<Double>, source: Tensor<Double>
  ) -> (solution: Tensor<Double>, report: Report) {
    precondition(coefficient.shape == grid.shape && source.shape == grid.shape, "fields on the solver's grid")
    let a = coefficient.unsafePointer
    let smallest = (0..<coefficient.count).reduce(Double.infinity) { min($0, a[$1]) }
    precondition(smallest > 0, "a positive coefficient")
    let diffusion = DiffusionOperator<Element>(framed, coefficient: a)
    withExtendedLifetime(coefficient) {}
    var right = Tensor<Element>.zeros([framed.count])
    let (b, f) = (right.unsafeMutablePointer(), source.unsafePointer)
    framed.forEachRow { row, point, count in
      for j in 0..<count { b[row + j] = Element(f[point + j]) }
    }
    withExtendedLifetime(source) {}

    var unknown = Tensor<Element>.zeros([framed.count])
    let u = unknown.unsafeMutablePointer()
    let report = conjugateGradients(diffusion, residual: b, solution: u, smallestCoefficient: smallest)
    withExtendedLifetime(right) {}
    var solution = Tensor<Double>.zeros(grid.shape)
    let target = solution.unsafeMutablePointer()
    framed.forEachRow { row, point, count in
      for j in 0..<count { target[point + j] = Double(u[row + j]) }
    }
    return (solution, report)
  }

  /// Preconditioned conjugate gradients from zero; `residual` is the right-hand side and is overwritten.
  ///
  /// The error e satisfies ‖e‖²_A = r·A⁻¹r ≤ r·M⁻¹r / min a, with the residual r and the preconditioner M, since
  /// A ≥ min a · M; and ‖u‖²_A = b·u: the stop needs no estimate.
  private func conjugateGradients(
    _ diffusion: borrowing DiffusionOperator<Element>, residual r: UnsafeMutablePointer<Element>,
    solution u: UnsafeMutablePointer<Element>, smallestCoefficient: Double
  ) -> Report {
    let count = framed.count
    var work = Tensor<Element>.zeros([3 * count + preconditioner.scratchCount])
    let z = work.unsafeMutablePointer()
    let (p, q, scratch) = (z + count, z + 2 * count, z + 3 * count)
    preconditioner.solve(r, into: z, scratch: scratch)
    p.update(from: z, count: count)
    var rz = Reductions.dot(r, z, count: count)
    // b·u grows by α² p·Ap = α r·z with every step.
    var energy = 0.0
    var report = Report(iterations: 0, relativeEnergyError: rz > 0 ? .infinity : 0, converged: rz == 0)
    while !report.converged, report.iterations < maximumIterations {
      let curvature = diffusion.apply(p, into: q)
      guard curvature > 0, curvature.isFinite, rz.isFinite else { break }
      let alpha = rz / curvature
      energy += alpha * rz
      Pointwise.addScaled(p, by: Element(alpha), to: u, count: count)
      Pointwise.addScaled(q, by: Element(-alpha), to: r, count: count)
      preconditioner.solve(r, into: z, scratch: scratch)
      let next = Reductions.dot(r, z, count: count)
      report.iterations += 1
      report.relativeEnergyError = (max(next, 0) / smallestCoefficient / energy).squareRoot()
      report.converged = report.relativeEnergyError <= tolerance
      let beta = Element(next / rz)
      xpby(z, beta, p, count: count)
      rz = next
    }
    withExtendedLifetime(work) {}
    return report
  }
}

/// `p = z + βp`.
@specialized(where E == Float)
@specialized(where E == Double)
private func xpby<E: Scalar>(_ z: UnsafePointer<E>, _ beta: E, _ p: UnsafeMutablePointer<E>, count: Int) {
  for i in 0..<count { p[i] = Relaxed.multiplyAdd(beta, p[i], z[i]) }
}
