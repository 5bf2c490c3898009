// Darcy's equation on a box: the methods there are.

import RealModule
import Tensors

/// How the linear system of Darcy's equation is solved.
public enum DarcyMethod: String, Sendable, Hashable, Codable, CaseIterable {
  /// Preconditioned by the constant-coefficient operator, inverted by fast diagonalization: the condition is at most
  /// a_max/a_min, at any resolution.
  case conjugateGradients = "conjugate-gradients"
  /// W-cycles with Galerkin operators and operator-led interpolation, each correction recombined with the one before so
  /// that the error's energy is least.
  case multigrid
  /// Conjugate gradients preconditioned by a V-cycle of the same kind.
  case multigridConjugateGradients = "multigrid-conjugate-gradients"
  /// Alternating directions with optimal shifts where the coefficient is constant (in two dimensions); else they are the
  /// preconditioner of conjugate gradients.
  case alternatingDirections = "adi"
  /// A banded Cholesky factorization (LAPACK): the oracle.
  case cholesky
}

/// Solves −∇·(a∇u) = f by finite volumes on nodes or cells in two or three dimensions; at every end of an axis u = 0 or no
/// flow.
///
/// Where all ends are closed, f is to have the mean zero (what it has is taken away) and so has u.
public struct DarcySolver: Sendable {
  /// What a solve found.
  public struct Result: Sendable {
    /// On all points of the grid.
    public var solution: Tensor<Double>
    /// Iterations; of alternating directions double sweeps; of a factorization solves with it.
    public var iterations: Int
    /// An upper bound of the error of the algebraic solve in the energy norm, relative to the solution's.
    public var residual: Double
    public var isConverged: Bool
  }

  public let grid: Grid
  public let method: DarcyMethod
  private let layout: EllipticLayout
  private let laplacian: FastDiagonalization
  private let volumes: PaddedArray
  /// −Δ_h, for alternating directions.
  private let constant: DarcyOperator?
  private let directions: AlternatingDirectionsInverse?

  /// - Parameters:
  ///   - grid: Nodes (both ends are points) or cells, along all axes; three nodes or two cells at least.
  ///   - boundary: For every axis, in the grid's order; without data.
  public init(grid: Grid, boundary: [AxisBoundary]? = nil, method: DarcyMethod = .conjugateGradients) {
    self.grid = grid
    self.method = method
    layout = EllipticLayout(grid: grid, boundary: boundary ?? grid.axes.map { _ in .dirichlet })
    laplacian = FastDiagonalization(layout)
    volumes = layout.volumes()
    if method == .alternatingDirections {
      let constant = DarcyOperator(layout, .points(Tensor(repeating: 1, shape: grid.shape)))
      self.constant = constant
      directions = AlternatingDirectionsInverse(constant, reduction: 0.2)
    } else {
      (constant, directions) = (nil, nil)
    }
  }

  /// Bytes that ``DarcyMethod/cholesky`` takes for one solve.
  public static func factorizationBytes(grid: Grid, boundary: [AxisBoundary]) -> Int {
    BandedFactorization.byteCount(EllipticLayout(grid: grid, boundary: boundary).padded)
  }

  /// |∫f| over ∫|f|: zero for a source that a problem closed on all sides can have.
  public func imbalance(of source: Tensor<Double>) -> Double {
    let field = PaddedArray(layout.padded)
    layout.load(source, into: field.pointer)
    var (sum, magnitude) = (0.0, 0.0)
    for i in 0..<layout.padded.count {
      let part = volumes.pointer[i] * field.pointer[i]
      sum += part
      magnitude += abs(part)
    }
    withExtendedLifetime(field) {}
    return magnitude > 0 ? abs(sum) / magnitude : 0
  }

  /// Whether constants solve the homogeneous problem.
  public var isSingular: Bool { layout.isSingular }

  /// The solution for a coefficient `a` (positive) and a source `f` on the points of the grid.
  ///
  /// Every method goes on until √(rᵀ(−Δ_h)⁻¹r / a_min), a bound of the error ‖u − u_k‖_A, is at most `tolerance` times
  /// ‖u_k‖_A.
  public func solve(
    coefficient: Tensor<Double>, source: Tensor<Double>, tolerance: Double, mostIterations: Int = 1000
  ) -> Result {
    solve(.points(coefficient), source: source, tolerance: tolerance, mostIterations: mostIterations)
  }

  /// The same for a coefficient at points or between nodes.
  public func solve(
    _ medium: DarcyMedium, source: Tensor<Double>, tolerance: Double, mostIterations: Int = 1000
  ) -> Result {
    precondition(source.shape == grid.shape, "a source on the grid's points")
    let (smallest, largest) = medium.values.withUnsafeBuffer { values in
      values.reduce((Double.infinity, -Double.infinity)) { (min($0.0, $1), max($0.1, $1)) }
    }
    let rightSide = PaddedArray(layout.padded)
    layout.load(source, into: rightSide.pointer)
    project(rightSide)
    Pointwise.multiply(rightSide.pointer, by: volumes.pointer, count: layout.padded.count)
    let iteration = EllipticIteration(
      DarcyOperator(layout, medium), laplacian: laplacian, smallest: smallest, rightSide: rightSide)
    if smallest > 0, largest.isFinite {
      run(iteration, isConstant: smallest == largest, smallest, tolerance, mostIterations)
    }
    project(iteration.x)
    return Result(
      solution: layout.unload(iteration.x.pointer), iterations: iteration.iterations,
      residual: iteration.bound, isConverged: iteration.bound <= tolerance)
  }

  private func run(
    _ iteration: EllipticIteration, isConstant: Bool, _ coefficient: Double, _ tolerance: Double, _ most: Int
  ) {
    switch method {
    case .conjugateGradients:
      iteration.conjugateGradients(laplacian, tolerance: tolerance, mostIterations: most)
    case .multigrid:
      guard let multigrid = Multigrid(iteration.darcy, cycle: .w) else { return }
      iteration.recombination(multigrid, tolerance: tolerance, mostIterations: most)
    case .multigridConjugateGradients:
      guard let multigrid = Multigrid(iteration.darcy, cycle: .v) else { return }
      iteration.conjugateGradients(multigrid, tolerance: tolerance, mostIterations: most)
    case .alternatingDirections:
      guard let constant, let directions else { return }
      if isConstant, layout.padded.rank == 2 {
        let inverse = AlternatingDirectionsInverse(constant, reduction: max(tolerance, 1e-15))
        guard inverse.count <= most else { return }
        iteration.direct(
          { r, z in
            _ = inverse.apply(r, into: z)
            Pointwise.scale(z, by: 1 / coefficient, count: layout.padded.count)
          }, iterationsEach: inverse.count, tolerance: tolerance)
      } else {
        iteration.conjugateGradients(directions, tolerance: tolerance, mostIterations: most)
      }
    case .cholesky:
      let stencil = StencilOperator(iteration.darcy)
      guard let factorization = BandedFactorization(stencil, isSingular: layout.isSingular) else { return }
      iteration.direct({ factorization.solve($0, into: $1) }, tolerance: tolerance)
    }
  }

  /// Takes the mean away where the problem is singular.
  private func project(_ field: PaddedArray) {
    guard layout.isSingular else { return }
    let count = layout.padded.count
    let (volumes, values) = (volumes.pointer, field.pointer)
    let whole = layout.grid.axes.reduce(1.0) { $0 * Double(layout.isNodes ? $1.count - 1 : $1.count) }
    let mean = VectorKernels.dot(volumes, values, count: count) / whole
    layout.padded.forEachRow { _, _, row in
      for i in row..<row + layout.padded.columns { values[i] -= mean }
    }
  }
}

extension DarcySolver {
  /// For every axis the flow that leaves each cell along it, over the cell's volume: −(∂_k(a ∂_k u))_h. Of cells.
  func flows(_ medium: DarcyMedium, of solution: Tensor<Double>) -> [Tensor<Double>] {
    let darcy = DarcyOperator(layout, medium)
    let (u, flow) = (PaddedArray(layout.padded), PaddedArray(layout.padded))
    layout.load(solution, into: u.pointer)
    let flows = layout.grid.axes.indices.map { axis in
      darcy.apply(axis: axis, u.pointer, into: flow.pointer)
      return layout.unload(flow.pointer)
    }
    withExtendedLifetime((u, flow)) {}
    return flows
  }
}
