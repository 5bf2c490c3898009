// Conjugate gradients for Darcy's equation.

import RealModule
import Spectral
import Tensors

/// Solves −∇·(a∇u) = f on a rectangle by finite volumes and conjugate gradients, preconditioned by the
/// constant-coefficient operator.
///
/// With a coefficient between a_min and a_max the preconditioned operator's condition is at most a_max/a_min, at any
/// resolution: for {3, 12} each iteration gains a factor 3.
public struct DarcySolver: Sendable {
  /// What a solve found.
  public struct Result: Sendable {
    /// On all points of the grid, `[y, x]`.
    public var solution: Tensor<Double>
    public var iterations: Int
    /// An upper bound of the error of the algebraic solve in the energy norm, relative to the solution's.
    public var residual: Double
    public var isConverged: Bool
  }

  public let grid: Grid
  private let layout: EllipticLayout
  private let preconditioner: PoissonPreconditioner

  /// A grid of nodes (both ends are points, where u = 0) or cells; on cells the ends of an axis may be closed instead,
  /// of one axis at least they are not.
  public init(grid: Grid, boundaries: [EllipticBoundary] = [.dirichlet, .dirichlet]) {
    precondition(boundaries.contains(.dirichlet), "a problem closed on all sides has no unique solution")
    self.grid = grid
    layout = EllipticLayout(grid: grid, boundaries: boundaries)
    preconditioner = PoissonPreconditioner(layout)
  }

  /// The solution for a coefficient `a` (positive) and a source `f` on the points of the grid, `[y, x]` both.
  ///
  /// Iterates until the bound √(rᵀ(−Δ)^−1 r / a_min) of the error ‖u − u_k‖_A is at most `tolerance` times ‖u_k‖_A
  /// (rᵀA^−1r ≤ rᵀ(−Δ)^−1r/a_min, since A ≥ −a_min Δ_h), which is ‖u‖_A up to the same.
  public func solve(
    coefficient: Tensor<Double>, source: Tensor<Double>, tolerance: Double, mostIterations: Int = 1000
  ) -> Result {
    precondition(coefficient.shape == grid.shape && source.shape == grid.shape, "fields on another grid")
    let state = State(layout)
    let smallest = coefficient.withUnsafeBuffer { $0.reduce(.infinity) { min($0, $1) } }
    let faces = EllipticFaces(layout: layout)
    let (west, north) = (faces.west.pointer, faces.north.pointer)
    coefficient.withUnsafeBuffer { buffer in
      guard let values = buffer.baseAddress else { return }
      layout.setFaces(of: values, west: west, north: north)
    }
    load(source, into: state.r)
    var product = preconditioner.apply(state.r, into: state.z)
    CoefficientKernels.copy(state.z, to: state.p, count: layout.count, paddedTo: layout.count)
    var squaredEnergy = 0.0
    var iterations = 0
    var bound = product == 0 ? 0 : Double.infinity
    while bound > tolerance, bound.isFinite || iterations == 0, iterations < mostIterations {
      var curvature = 0.0
      for row in 0..<layout.rows {
        let offset = row * layout.stride
        curvature += DarcyKernels.apply(
          state.q + offset, state.p + offset, west: west + offset,
          north: north + offset, stride: layout.stride, columns: layout.columns)
      }
      guard curvature > 0, curvature.isFinite else {
        bound = .nan
        break
      }
      let alpha = product / curvature
      squaredEnergy += alpha * product
      DarcyKernels.advance(state.x, state.r, state.p, state.q, alpha: alpha, count: layout.count)
      let next = preconditioner.apply(state.r, into: state.z)
      DarcyKernels.direct(state.p, state.z, beta: next / product, count: layout.count)
      product = next
      iterations += 1
      bound = (max(product, 0) / smallest / squaredEnergy).squareRoot()
    }
    return Result(
      solution: unload(state.x), iterations: iterations, residual: bound, isConverged: bound <= tolerance)
  }

  /// The vectors of one solve, with zeros around and between rows.
  private struct State: ~Copyable {
    private let memory: AlignedMemory<Double>
    let x, r, z, p, q: UnsafeMutablePointer<Double>

    init(_ layout: EllipticLayout) {
      memory = AlignedMemory(count: 5 * layout.paddedCount)
      memory.buffer.initialize(repeating: 0)
      let first = memory.pointer + layout.stride
      x = first
      r = first + layout.paddedCount
      z = first + 2 * layout.paddedCount
      p = first + 3 * layout.paddedCount
      q = first + 4 * layout.paddedCount
    }
  }

  private func load(_ field: Tensor<Double>, into target: UnsafeMutablePointer<Double>) {
    let (width, border) = (grid.axes[1].count, layout.border)
    field.withUnsafeBuffer { field in
      for row in 0..<layout.rows {
        for column in 0..<layout.columns {
          target[row * layout.stride + column] = field[(row + border) * width + column + border]
        }
      }
    }
  }

  private func unload(_ values: UnsafePointer<Double>) -> Tensor<Double> {
    let (width, border) = (grid.axes[1].count, layout.border)
    var field = Tensor<Double>.zeros(grid.shape)
    field.withUnsafeMutableBuffer { field in
      for row in 0..<layout.rows {
        for column in 0..<layout.columns {
          field[(row + border) * width + column + border] = values[row * layout.stride + column]
        }
      }
    }
    return field
  }
}
