import PDEData
import Spectral
import Tensors
import Testing

@Suite struct DarcySolverTests {
  private func grid(_ shape: [Int], _ placement: Grid.Placement, lengths: [Double]? = nil) -> Grid {
    Grid(
      axes: shape.enumerated().map { index, count in
        Grid.Axis(
          name: ["z", "y", "x"][3 - shape.count + index], upperBound: lengths?[index] ?? 1, count: count,
          placement: placement)
      })
  }

  private func field(_ grid: Grid, _ function: ([Double]) -> Double) -> Tensor<Double> {
    let strides = Tensor<Double>.strides(of: grid.shape)
    let coordinates = grid.axes.map(\.coordinates)
    return Tensor(
      (0..<grid.pointCount).map { point in
        function(grid.axes.indices.map { coordinates[$0][point / strides[$0] % grid.shape[$0]] })
      }, shape: grid.shape)
  }

  private func maximumError(_ a: Tensor<Double>, _ b: Tensor<Double>) -> Double {
    zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  /// −Δu = f for u = Π sin πx_i on n + 1 intervals of nodes: the discrete solution is u·π²/λ_h,
  /// λ_h = (2/h²)(1 − cos πh), in any dimension; with a constant coefficient one iteration finds it.
  @Test(arguments: [[18], [17, 12], [9, 12, 14]])
  func sineModeOnNodes(shape: [Int]) {
    let grid = grid(shape, .nodes)
    let u = field(grid) { $0.reduce(1) { $0 * Double.sin(.pi * $1) } }
    let solver = DarcySolver<Double>(grid: grid)
    let (solution, report) = solver.solve(
      coefficient: Tensor(repeating: 1, shape: shape),
      source: field(grid) { Double(shape.count) * .pi * .pi * $0.reduce(1) { $0 * Double.sin(.pi * $1) } })
    let eigenvalue = shape.reduce(0.0) {
      let h = 1 / Double($1 - 1)
      return $0 + 2 / (h * h) * (1 - Double.cos(.pi * h))
    }
    let expected = (Double(shape.count) * .pi * .pi / eigenvalue) * u
    #expect(report.converged && report.iterations <= 2)
    #expect(maximumError(solution, expected) <= 1e-13)
  }

  /// −Δu = 1 on the unit square: u(½, ½) = 0.07367135328151382 (the series), second order.
  @Test(arguments: [Grid.Placement.nodes, .cells])
  func constantSourceIsSecondOrder(placement: Grid.Placement) {
    let errors = [33, 65].map { n -> Double in
      let grid = grid([n, n], placement)
      let (solution, _) = DarcySolver<Double>(grid: grid).solve(
        coefficient: Tensor(repeating: 1, shape: [n, n]), source: Tensor(repeating: 1, shape: [n, n]))
      return abs(solution[n / 2, n / 2] - 0.07367135328151382)
    }
    let ratio = placement == .nodes ? 2.0 : 65.0 / 33
    #expect(abs(Double.log(errors[0] / errors[1]) / Double.log(ratio) - 2) < 0.05)
  }

  /// a = 12 for x < ½ and 3 for x > ½, f = 1, u = 0 at both ends: the maximum error at the cell centres is h²/24, exactly,
  /// where an even number of cells puts the jump on a face.
  @Test(arguments: [8, 64, 250])
  func layeredMedium(cells: Int) {
    let grid = grid([cells], .cells)
    let solver = DarcySolver<Double>(grid: grid, tolerance: 1e-15)
    let (solution, _) = solver.solve(
      coefficient: field(grid) { $0[0] < 0.5 ? 12 : 3 }, source: Tensor(repeating: 1, shape: [cells]))
    // The flux is c − x; u(0) = u(1) = 0 and continuity at ½ give c.
    let c = (1.0 / 8 / 12 + (0.5 - 1.0 / 8) / 3) / (0.5 / 12 + 0.5 / 3)
    let exact = field(grid) { point in
      let x = point[0]
      return x < 0.5
        ? (c * x - x * x / 2) / 12 : (c * 0.5 - 0.125) / 12 + (c * (x - 0.5) - (x * x - 0.25) / 2) / 3
    }
    let h = 1 / Double(cells)
    #expect(abs(maximumError(solution, exact) / (h * h / 24) - 1) <= 1e-6)
  }

  /// A coefficient of 12 and 3 needs at most 22 iterations to 1e-10 in the energy norm, whatever the resolution; the
  /// bound that stops them holds against a solution to 1e-14.
  @Test(arguments: [43, 85, 106])
  func iterationsDoNotDependOnResolution(points: Int) throws {
    let grid = grid([points, points], .nodes)
    let sampler = try GaussianSampler(.darcyPaper, grid: grid)
    let coefficient = Tensor<Double>(
      sampler.sample(seed: 5, sample: 0).values.map { $0 >= 0 ? 12 : 3 }, shape: grid.shape)
    let source = Tensor<Double>(repeating: 1, shape: grid.shape)
    let (solution, report) = DarcySolver<Double>(grid: grid).solve(coefficient: coefficient, source: source)
    #expect(report.converged && report.iterations <= 22, "\(report)")
    let (reference, _) = DarcySolver<Double>(grid: grid, tolerance: 1e-14).solve(
      coefficient: coefficient, source: source)
    #expect(maximumError(solution, reference) <= 1e-10)
  }

  /// Mirroring the coefficient mirrors the solution; domains and axes of different lengths included.
  @Test(arguments: [Grid.Placement.nodes, .cells])
  func mirrorSymmetry(placement: Grid.Placement) {
    let grid = grid([13, 18], placement, lengths: [0.7, 2])
    let solver = DarcySolver<Double>(grid: grid, tolerance: 1e-13)
    let a = field(grid) { 1 + 0.9 * Double.sin(5 * $0[0] + 3 * $0[1]) }
    let mirrored = Tensor<Double>(a.values.reversed(), shape: a.shape)
    let source = Tensor<Double>(repeating: 2, shape: a.shape)
    let u = solver.solve(coefficient: a, source: source).solution
    let v = solver.solve(coefficient: mirrored, source: source).solution
    #expect(maximumError(u, Tensor(v.values.reversed(), shape: u.shape)) <= 1e-12)
  }

  @Test func anIterationLimitIsReported() throws {
    let grid = grid([33, 33], .nodes)
    let coefficient = field(grid) { $0[0] < 0.5 ? 12 : 3 }
    let solver = DarcySolver<Double>(grid: grid, maximumIterations: 3)
    let report = solver.solve(coefficient: coefficient, source: Tensor(repeating: 1, shape: grid.shape))
      .report
    #expect(!report.converged && report.iterations == 3 && report.relativeEnergyError > 1e-10)
  }
}
