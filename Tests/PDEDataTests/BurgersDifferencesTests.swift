import Foundation
import PDEData
import Tensors
import Testing

@Suite struct BurgersDifferencesTests {
  private typealias FD = FiniteDifference

  private static func coleHopf(_ x: Double, _ t: Double, viscosity: Double) -> Double {
    ExponentialIntegratorTests.coleHopf(x, t, viscosity: viscosity)
  }

  enum Ends: CaseIterable {
    case periodic
    /// u = 0 at both ends.
    case zero
    /// u follows the exact solution at the ends.
    case given
  }

  private static func solver(
    _ flux: ConvectiveFlux, _ ends: Ends, _ intervals: Int, viscosity: Double
  ) -> BurgersSolver<Double> {
    let placement: Grid.Placement = ends == .periodic ? .periodic : .nodes
    let (lower, upper) = ends == .given ? (0.1, 0.8) : (0.0, 1.0)
    let grid = FD.grid(
      [ends == .periodic ? intervals : intervals + 1], [placement], lower: lower, upper: upper)
    let values: [PointFunction]? =
      ends == .given ? [{ coleHopf($0[0], $1, viscosity: viscosity) }] : nil
    return BurgersSolver(grid: grid, flux: flux, viscosity: viscosity, values: values)
  }

  private static func solution(
    _ solver: BurgersSolver<Double>, final: Double, steps: Int
  ) -> Tensor<Double> {
    var state = FD.field(solver.term.grid) { coleHopf($0[0], 0, viscosity: solver.viscosity) }
    solver.advance(&state, steps: steps, step: final / Double(steps))
    return state
  }

  /// The mean error at `final`: a limiter flattens extrema, where the largest error is of lower order.
  private static func error(
    _ flux: ConvectiveFlux, _ ends: Ends, _ intervals: Int, final: Double, steps: Int
  ) -> Double {
    let solver = solver(flux, ends, intervals, viscosity: 0.05)
    let state = solution(solver, final: final, steps: steps)
    let exact = FD.field(solver.term.grid) { coleHopf($0[0], final, viscosity: 0.05) }
    return (state - exact).values.reduce(0) { $0 + abs($1) } / Double(intervals)
  }

  @Test(arguments: Ends.allCases, [ConvectiveFlux.central, .limited])
  func secondOrderInSpace(ends: Ends, flux: ConvectiveFlux) {
    // Odd and prime sizes; steps so short that their error is below a hundredth of that of the grid.
    let sizes = [101, 199, 401]
    let errors = sizes.map { Self.error(flux, ends, $0, final: 0.2, steps: 800) }
    for i in 0..<2 {
      let order = FD.order((1 / Double(sizes[i]), errors[i]), (1 / Double(sizes[i + 1]), errors[i + 1]))
      // A limiter acts at the extrema, in fewer and fewer of the points.
      let margin = flux == .limited ? 0.1 : ends == .periodic ? 0.05 : 0.1
      #expect(abs(order - 2) < margin, "\(order), \(errors)")
    }
  }

  @Test(arguments: [Ends.periodic, .zero])
  func fourthOrderInSpace(ends: Ends) {
    // The dissipation of the flux, of fifth order, has the opposite sign: on grids this fine it is a few hundredths of
    // the error. Steps are extrapolated, so that their error, of second order, is not in it.
    let sizes = [613, 1229, 2459]
    let errors = sizes.map { intervals -> Double in
      let solver = Self.solver(.weno, ends, intervals, viscosity: 0.05)
      let (coarse, fine) = (
        Self.solution(solver, final: 0.02, steps: 500), Self.solution(solver, final: 0.02, steps: 1000)
      )
      let exact = FD.field(solver.term.grid) { Self.coleHopf($0[0], 0.02, viscosity: 0.05) }
      let values = zip(coarse.values, fine.values).map { (4 * $1 - $0) / 3 }
      return zip(values, exact.values).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(intervals)
    }
    for i in 0..<2 {
      let order = FD.order((1 / Double(sizes[i]), errors[i]), (1 / Double(sizes[i + 1]), errors[i + 1]))
      #expect(abs(order - 4) < 0.1, "\(order), \(errors)")
    }
  }

  @Test(arguments: Ends.allCases, ConvectiveFlux.allCases)
  func secondOrderInTime(ends: Ends, flux: ConvectiveFlux) {
    // Differences of solutions with steps halved, on one grid: the error of the grid is in all of them.
    let solver = Self.solver(flux, ends, 67, viscosity: 0.05)
    let states = [80, 160, 320].map { Self.solution(solver, final: 0.5, steps: $0) }
    let differences = zip(states, states.dropFirst()).map { FD.maximumError($0, $1) }
    let order = log2(differences[0] / differences[1])
    #expect(abs(order - 2) < 0.1, "\(order)")
  }

  @Test func theFluxOfWENOIsOfFifthOrder() {
    // −(u²/2)_x of a smooth wave with sonic points and extrema.
    let sizes = [149, 307]
    let errors = sizes.map { n -> Double in
      let grid = FD.grid([n], [.periodic])
      let term = BurgersDifferences<Double>(grid: grid, flux: .weno)
      var state = FD.field(grid) { 0.3 + sin(2 * .pi * $0[0]) }
      var rates = state
      term.rates(state.unsafeMutablePointer(), time: 0, into: rates.unsafeMutablePointer())
      let exact = FD.field(grid) {
        -(0.3 + sin(2 * .pi * $0[0])) * 2 * .pi * cos(2 * .pi * $0[0])
      }
      // The mean error: the largest one, at the extrema, still falls a little faster on these grids.
      return (rates - exact).values.reduce(0) { $0 + abs($1) } / Double(n)
    }
    let order = FD.order((1 / Double(sizes[0]), errors[0]), (1 / Double(sizes[1]), errors[1]))
    #expect(abs(order - 5) < 0.1, "\(order), \(errors)")
  }

  @Test(arguments: ConvectiveFlux.allCases)
  func momentumIsConserved(flux: ConvectiveFlux) {
    let grid = FD.grid([97], [.periodic])
    let solver = BurgersSolver<Double>(grid: grid, flux: flux, viscosity: 1e-3)
    var state = FD.field(grid) { 0.4 + sin(2 * .pi * $0[0]) + 0.3 * cos(6 * .pi * $0[0]) }
    let before = state.values.reduce(0, +)
    let isSound = solver.advance(&state, steps: 300, step: 2e-3)
    #expect(isSound)
    // Roundoff of a sum of 97 numbers of size one, three hundred times.
    #expect(abs(state.values.reduce(0, +) - before) < 1e-12)
  }

  @Test func totalVariationDoesNotGrowAtAShock() {
    // A square wave, half of it a shock and half a rarefaction, with next to no viscosity.
    let grid = FD.grid([200], [.periodic])
    func variation(_ state: Tensor<Double>) -> Double {
      let u = state.values
      return u.indices.reduce(0) { $0 + abs(u[$1] - u[($1 + 1) % u.count]) }
    }
    func run(_ flux: ConvectiveFlux) -> (growth: Double, overshoot: Double, state: [Double]) {
      let solver = BurgersSolver<Double>(grid: grid, flux: flux, viscosity: 1e-7)
      var state = FD.field(grid) { $0[0] >= 0.25 && $0[0] < 0.75 ? 1 : -0.5 }
      var growth = 0.0
      for _ in 0..<200 {
        let before = variation(state)
        solver.advance(&state, steps: 1, step: 2e-3)
        growth = max(growth, variation(state) - before)
      }
      let u = state.values
      return (growth, max((u.max() ?? 0) - 1, -0.5 - (u.min() ?? 0)), u)
    }
    let limited = run(.limited)
    #expect(limited.growth < 1e-12 && limited.overshoot < 1e-12)
    // WENO is essentially, not exactly, free of oscillations.
    let weno = run(.weno)
    #expect(weno.overshoot < 5e-3, "\(weno.overshoot)")
    #expect(run(.central).overshoot > 0.1)
    // The shock, from 1 to −1/2, has moved by a quarter of the elapsed time.
    for result in [limited, weno] {
      let crossing = result.state.indices.first { $0 > 100 && result.state[$0] < 0.25 } ?? 0
      #expect(abs(Double(crossing) / 200 - (0.75 + 0.25 * 0.4)) < 0.01)
    }
  }

  // MARK: - Two dimensions

  /// E = exp((−4x + 4y − t)R/32), u = 3/4 − 1/(4(1 + E)), v = 3/4 + 1/(4(1 + E)), ν = 1/R.
  private static func front(_ sign: Double, _ reynolds: Double) -> PointFunction {
    { point, time in
      let e = exp((-4 * point[1] + 4 * point[0] - time) * reynolds / 32)
      return 0.75 - sign / (4 * (1 + e))
    }
  }

  private static func plane(_ nodes: [Int], steps: Int, reynolds: Double = 40) -> (
    state: Tensor<Double>, error: Double
  ) {
    let grid = FD.grid(nodes, [.nodes, .nodes])
    let values = [front(1, reynolds), front(-1, reynolds)]
    let solver = BurgersSolver<Double>(
      grid: grid, flux: .central, viscosity: 1 / reynolds, values: values)
    func exact(_ time: Double) -> Tensor<Double> {
      Tensor(
        values.flatMap { value in FD.field(grid) { value($0, time) }.values }, shape: [2] + nodes)
    }
    var state = exact(0)
    solver.advance(&state, steps: steps, step: 0.5 / Double(steps))
    return (state, FD.maximumError(state, exact(0.5)))
  }

  @Test func theTravellingFrontInThePlane() {
    let errors = [24, 48, 96].map { Self.plane([$0 + 1, $0 / 4 * 5 + 1], steps: 2 * $0).error }
    // Steps and spacings halved together.
    for (coarse, fine) in zip(errors, errors.dropFirst()) {
      #expect(abs(log2(coarse / fine) - 2) < 0.1, "\(errors)")
    }
    let states = [20, 40, 80].map { Self.plane([23, 29], steps: $0).state }
    let differences = zip(states, states.dropFirst()).map { FD.maximumError($0, $1) }
    #expect(abs(log2(differences[0] / differences[1]) - 2) < 0.1, "\(differences)")
  }
}
