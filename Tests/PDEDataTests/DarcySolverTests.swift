import Foundation
import PDEData
import Tensors
import Testing

@Suite struct DarcySolverTests {
  private static func grid(_ rows: Int, _ columns: Int, _ placement: Grid.Placement) -> Grid {
    Grid(axes: [
      Grid.Axis(name: "y", count: rows, placement: placement),
      Grid.Axis(name: "x", count: columns, placement: placement),
    ])
  }

  private static func random(_ shape: [Int], seed: UInt64, lower: Double, upper: Double) -> Tensor<Double> {
    .uniform(shape, from: RandomStream(seed: seed, purpose: "test"), lower: lower, upper: upper)
  }

  @Test(arguments: [2, 16, 64, 130])
  func layeredCoefficientHasTheExactError(count: Int) {
    // a = 12 left, 3 right, f = 1, closed sides, an even number of cells: the error is h²/24 everywhere, because
    // harmonic means make the fluxes exact.
    let solver = DarcySolver(grid: Self.grid(5, count, .cells), boundary: [.neumann, .dirichlet])
    let x = solver.grid.axes[1].coordinates
    let coefficient = Tensor((0..<5).flatMap { _ in x.map { $0 < 0.5 ? 12.0 : 3.0 } }, shape: [5, count])
    let result = solver.solve(
      coefficient: coefficient, source: Tensor(repeating: 1, shape: [5, count]), tolerance: 1e-13)
    let (left, right) = (12.0, 3.0)
    let flux = (1 / (8 * left) + 3 / (8 * right)) / (1 / (2 * left) + 1 / (2 * right))
    let h = 1 / Double(count)
    for (index, value) in result.solution.values.enumerated() {
      let x = x[index % count]
      let exact =
        x < 0.5 ? (flux * x - x * x / 2) / left : (flux * (x - 1) - (x * x - 1) / 2) / right
      #expect(abs(value - exact) <= h * h / 24 + 1e-13)
    }
    let largest =
      (0..<count).map { index -> Double in
        let x = x[index]
        let exact =
          x < 0.5 ? (flux * x - x * x / 2) / left : (flux * (x - 1) - (x * x - 1) / 2) / right
        return abs(result.solution[0, index] - exact)
      }.max() ?? 0
    #expect(abs(largest * 24 / (h * h) - 1) < 1e-8)
  }

  @Test(arguments: [18, 33, 66])
  func sineModeOnNodes(count: Int) {
    // The discrete solution of −Δu = 2π² sin πx sin πy is the mode times π²/λ_h, λ_h = (2/h²)(1 − cos πh).
    let solver = DarcySolver(grid: Self.grid(count, count, .nodes))
    let x = solver.grid.axes[1].coordinates
    let mode = Tensor(x.flatMap { y in x.map { sin(.pi * $0) * sin(.pi * y) } }, shape: [count, count])
    let source = Tensor(mode.values.map { 2 * .pi * .pi * $0 }, shape: [count, count])
    let result = solver.solve(
      coefficient: Tensor(repeating: 1, shape: [count, count]), source: source, tolerance: 1e-12)
    #expect(result.iterations <= 2)
    let h = 1 / Double(count - 1)
    let ratio = Double.pi * .pi / (2 / (h * h) * (1 - cos(.pi * h)))
    for (value, mode) in zip(result.solution.values, mode.values) {
      #expect(abs(value - mode * ratio) < 1e-12)
    }
  }

  @Test func poissonInTheCentreOfTheSquare() {
    // −Δu = 1: u(½,½) = 0.07367135328151382. Second order: Richardson's extrapolation from 1/64 and 1/128.
    func centre(_ count: Int) -> Double {
      let shape = [count, count]
      let solver = DarcySolver(grid: Self.grid(count, count, .nodes))
      let one = Tensor<Double>(repeating: 1, shape: shape)
      return solver.solve(coefficient: one, source: one, tolerance: 1e-13).solution[count / 2, count / 2]
    }
    let (coarse, fine) = (centre(65), centre(129))
    #expect(abs((4 * fine - coarse) / 3 - 0.07367135328151382) < 1e-8)
  }

  @Test(
    arguments: [Grid.Placement.nodes, .cells],
    [[EndCondition.Kind.dirichlet, .dirichlet], [.neumann, .dirichlet], [.dirichlet, .neumann]])
  func solutionIsThatOfTheFiniteVolumes(placement: Grid.Placement, boundaries: [EndCondition.Kind]) {
    guard placement == .cells || boundaries == [.dirichlet, .dirichlet] else { return }
    let (rows, columns) = (11, 14)
    let grid = Self.grid(rows, columns, placement)
    let a = Self.random(grid.shape, seed: 1, lower: 0.2, upper: 5)
    let f = Self.random(grid.shape, seed: 2, lower: -1, upper: 1)
    let result = DarcySolver(grid: grid, boundary: boundaries.map { AxisBoundary.both(EndCondition($0)) })
      .solve(coefficient: a, source: f, tolerance: 1e-13)
    #expect(result.isConverged)
    // The balance of every volume, written from the definition.
    let u = result.solution
    let spacing = [grid.axes[0].spacing, grid.axes[1].spacing]
    let border = placement == .nodes ? 1 : 0
    for row in border..<rows - border {
      for column in border..<columns - border {
        var outflow = 0.0
        for (axis, dy, dx) in [(0, -1, 0), (0, 1, 0), (1, 0, -1), (1, 0, 1)] {
          let (y, x) = (row + dy, column + dx)
          let weight = 1 / (spacing[axis] * spacing[axis])
          if y >= 0, y < rows, x >= 0, x < columns {
            let mean = 2 / (1 / a[row, column] + 1 / a[y, x])
            outflow += weight * mean * (u[row, column] - u[y, x])
          } else if boundaries[axis] == .dirichlet {
            outflow += weight * 2 * a[row, column] * u[row, column]
          }
        }
        #expect(abs(outflow - f[row, column]) < 1e-9)
      }
    }
  }

  @Test(arguments: [45, 64, 101], [1, 10, 100])
  func iterationsDependOnContrastAlone(count: Int, contrast: Int) {
    let grid = Self.grid(count, count, .nodes)
    var a = Self.random(grid.shape, seed: 5, lower: 0, upper: 1)
    a.withUnsafeMutableBuffer { values in
      for index in values.indices { values[index] = values[index] < 0.5 ? 1 : Double(contrast) }
    }
    let result = DarcySolver(grid: grid).solve(
      coefficient: a, source: Tensor(repeating: 1, shape: grid.shape), tolerance: 1e-10)
    // ‖e_k‖ ≤ 2 ((√κ − 1)/(√κ + 1))^k ‖e_0‖ and a bound that is up to √κ times the error.
    let root = Double(contrast).squareRoot()
    let factor = (root - 1) / (root + 1)
    let most = factor == 0 ? 1 : (log(1e-10 / (2 * root)) / log(factor)).rounded(.up) + 1
    #expect(result.isConverged && Double(result.iterations) <= most)
    #expect(result.residual <= 1e-10)
  }

  @Test func boundIsAboveTheError() {
    let grid = Self.grid(40, 40, .cells)
    let a = Self.random(grid.shape, seed: 7, lower: 1, upper: 20)
    let one = Tensor<Double>(repeating: 1, shape: grid.shape)
    let solver = DarcySolver(grid: grid)
    let exact = solver.solve(coefficient: a, source: one, tolerance: 1e-13).solution
    for tolerance in [1e-2, 1e-5] {
      let result = solver.solve(coefficient: a, source: one, tolerance: tolerance)
      // ‖u − u_k‖_A² = fᵀu − fᵀu_k (u_k is u's projection).
      let f = zip(exact.values, result.solution.values).reduce(0) { $0 + $1.0 - $1.1 }
      let relative = (max(f, 0) / exact.values.reduce(0, +)).squareRoot()
      #expect(relative <= result.residual * (1 + 1e-6) && relative > result.residual / 20)
    }
  }

  @Test func hopelessSolvesSaySo() {
    let grid = Self.grid(20, 20, .nodes)
    let one = Tensor<Double>(repeating: 1, shape: grid.shape)
    var bad = one
    bad[3, 3] = .nan
    #expect(!DarcySolver(grid: grid).solve(coefficient: bad, source: one, tolerance: 1e-10).isConverged)
    let a = Self.random(grid.shape, seed: 7, lower: 1, upper: 1e6)
    #expect(
      !DarcySolver(grid: grid).solve(coefficient: a, source: one, tolerance: 1e-10, mostIterations: 3)
        .isConverged)
  }
}
