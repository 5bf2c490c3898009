import PDEData
import RealModule
import Tensors
import Testing

/// What theory says of Darcy's solvers: numbers of iterations, bounds, exact discrete solutions.
@Suite struct DarcyTheoryTests {
  @Test(
    arguments: [
      (1.0...1000, 1.0...1000), (10...2e5, 10...2e5), (1...100, 50...5e4), (3...4, 0.1...1e4),
      (2...2, 1...50),
    ], [1e-2, 1e-6, 1e-10])
  func shiftsReduceAsZolotarevSays(
    spectra: (ClosedRange<Double>, ClosedRange<Double>), wanted: Double
  ) {
    let (h, v) = spectra
    let shifts = EllipticShifts(h, v, reduction: wanted)
    func points(_ range: ClosedRange<Double>) -> [Double] {
      let ratio = range.upperBound / range.lowerBound
      return (0...400).map { range.lowerBound * Double.pow(ratio, Double($0) / 400) }
    }
    let first = points(h).map { x in zip(shifts.p, shifts.q).reduce(1) { $0 * abs(x - $1.0) / (x + $1.1) } }
    let second = points(v).map { y in zip(shifts.p, shifts.q).reduce(1) { $0 * abs(y - $1.1) / (y + $1.0) } }
    let largest = (first.max() ?? 1) * (second.max() ?? 1)
    // The extremes are at the ends of the spectra, and reach what was promised.
    #expect(largest <= shifts.reduction * (1 + 1e-6) + 1e-15 && shifts.reduction <= wanted)
    if h.lowerBound < h.upperBound { #expect(largest >= shifts.reduction * 0.999) }
    let estimate = EllipticShifts.estimatedCount(h, v, reduction: wanted)
    #expect(abs(shifts.count - estimate) <= 1, "\(shifts.count) for \(estimate)")
  }

  @Test(arguments: [17, 65, 130], [1e-6, 1e-10])
  func alternatingDirectionsTakeAsManyStepsAsTheoryCounts(count: Int, tolerance: Double) {
    let grid = FiniteDifference.grid([count, count], [.nodes, .nodes])
    let one = Tensor<Double>(repeating: 1, shape: grid.shape)
    let result = DarcySolver(grid: grid, method: .alternatingDirections)
      .solve(coefficient: 5 * one, source: one, tolerance: tolerance)
    // Eigenvalues (4/h²) sin²(kπh/2), k = 1 … N − 1, h = 1/N; J = K/(πK′) ln(4/ε), K ≈ ln(4/k′), K′ ≈ π/2.
    let n = Double(count - 1)
    let (s, c) = (Double.sin(.pi / (2 * n)), Double.cos(.pi / (2 * n)))
    let steps = 2 * Double.log(4 * c * c / (s * s)) * .log(4 / tolerance) / (.pi * .pi)
    #expect(result.isConverged && result.residual <= tolerance)
    #expect(abs(Double(result.iterations) - steps) <= 1.5, "\(result.iterations) for \(steps)")
  }

  @Test(arguments: DarcyMethod.allCases, [1e-3, 1e-6, 1e-9])
  func boundsAreAboveErrors(method: DarcyMethod, tolerance: Double) {
    let n = 40
    let grid = FiniteDifference.grid([n, n], [.cells, .cells])
    let a = Tensor<Double>.uniform(
      grid.shape, from: RandomStream(seed: 7, purpose: "test"), lower: 1, upper: 20)
    let one = Tensor<Double>(repeating: 1, shape: grid.shape)
    func solve(_ method: DarcyMethod, _ tolerance: Double) -> DarcySolver.Result {
      DarcySolver(grid: grid, method: method).solve(coefficient: a, source: one, tolerance: tolerance)
    }
    /// Σ over faces of the weight times the squared difference.
    func energy(_ u: Tensor<Double>) -> Double {
      let (u, a) = (u.values, a.values)
      var sum = 0.0
      for row in 0..<n {
        for column in 0..<n {
          let i = row * n + column
          for (step, isLast) in [(1, column == n - 1), (n, row == n - 1)] where !isLast {
            let difference = u[i] - u[i + step]
            sum += 2 * a[i] * a[i + step] / (a[i] + a[i + step]) * difference * difference
          }
          let ends = [row == 0, row == n - 1, column == 0, column == n - 1].count { $0 }
          sum += 2 * Double(ends) * a[i] * u[i] * u[i]
        }
      }
      return sum
    }
    let exact = solve(.cholesky, 1e-12).solution
    let result = solve(method, tolerance)
    let error = (energy(result.solution - exact) / energy(exact)).squareRoot()
    #expect(result.residual <= tolerance && error <= result.residual * (1 + 1e-6) + 1e-12)
  }

  @Test(arguments: DarcyMethod.allCases)
  func sineModeInABox(method: DarcyMethod) {
    // π²/λ_h, λ_h = (2/h²)(1 − cos πh): 2.8508e-3 above 1 for 16 unknowns along an axis.
    let grid = FiniteDifference.grid([18, 18, 18], [.nodes, .nodes, .nodes])
    let mode = FiniteDifference.field(grid) { $0.reduce(1) { $0 * Double.sin(.pi * $1) } }
    let result = DarcySolver(grid: grid, method: method).solve(
      coefficient: Tensor(repeating: 1, shape: grid.shape), source: 3 * .pi * .pi * mode, tolerance: 1e-12)
    let h = 1.0 / 17
    let ratio = Double.pi * .pi / (2 / (h * h) * (1 - Double.cos(.pi * h)))
    #expect(abs(ratio - 1 - 2.8508e-3) < 1e-7)
    #expect((result.solution - ratio * mode).maximumMagnitude() < 1e-11)
  }

  @Test(arguments: DarcyMethod.allCases)
  func hopelessCoefficientsSaySo(method: DarcyMethod) {
    let grid = FiniteDifference.grid([20, 20], [.nodes, .nodes])
    let one = Tensor<Double>(repeating: 1, shape: grid.shape)
    let solver = DarcySolver(grid: grid, method: method)
    for bad in [0, -1, Double.nan, .infinity] {
      var a = one
      a[3, 3] = bad
      #expect(!solver.solve(coefficient: a, source: one, tolerance: 1e-10).isConverged)
    }
    // Nothing flows where nothing springs.
    let rest = solver.solve(coefficient: one, source: 0 * one, tolerance: 1e-10)
    #expect(rest.isConverged && rest.solution.maximumMagnitude() == 0)
  }
}
