import PDEData
import Tensors
import Testing

private typealias FD = FiniteDifference

@Suite struct VorticitySolverTests {
  private func periodicGrid(_ shape: [Int], lengths: [Double]) -> Grid {
    Grid(
      axes: zip(["y", "x"], zip(shape, lengths)).map {
        Grid.Axis(name: $0, upperBound: $1.1, count: $1.0, placement: .periodic)
      })
  }

  private func random(_ shape: [Int], _ purpose: String) -> Tensor<Double> {
    Tensor.uniform(
      shape, from: RandomStream(seed: 11, purpose: RandomPurpose(purpose), sample: 0), lower: -1, upper: 1)
  }

  /// ΣJ = ΣaJ = ΣbJ = 0 on random periodic fields, and J(a, b) = −J(b, a).
  @Test(arguments: [[16, 16], [17, 23], [3, 5], [64, 31]])
  func jacobianConserves(shape: [Int]) {
    let jacobian = ArakawaJacobian<Double>(grid: periodicGrid(shape, lengths: [1, 2]))
    let (a, b) = (random(shape, "a"), random(shape, "b"))
    let j = jacobian(a, b)
    let size = j.sumOfSquares().squareRoot() * Double(j.count).squareRoot()
    #expect(abs(j.sum()) <= 1e-14 * size)
    #expect(abs(j.dot(a)) <= 1e-14 * size)
    #expect(abs(j.dot(b)) <= 1e-14 * size)
    #expect(FD.maximumError(j, -1 * jacobian(b, a)) <= 1e-13 * j.maximumMagnitude())
  }

  /// Second order for smooth fields.
  @Test func jacobianIsSecondOrder() {
    let errors = [31, 62].map { n -> (Double, Double) in
      let grid = periodicGrid([n, n + 4], lengths: [2 * .pi, 2 * .pi])
      let a = FD.field(grid) { Double.sin($0[1]) * Double.cos(2 * $0[0]) }
      let b = FD.field(grid) { Double.cos($0[1] + $0[0]) }
      let exact = FD.field(grid) { point in
        let (y, x) = (point[0], point[1])
        let slope = -Double.sin(x + y)
        return Double.cos(x) * Double.cos(2 * y) * slope + 2 * Double.sin(x) * Double.sin(2 * y) * slope
      }
      return (1 / Double(n), FD.maximumError(ArakawaJacobian<Double>(grid: grid)(a, b), exact))
    }
    #expect(abs(FD.order(errors[0], errors[1]) - 2) <= 0.1, "\(errors)")
  }

  /// Without viscosity the implicit midpoint rule keeps energy, enstrophy and mean vorticity to roundoff.
  @Test func inviscidInvariants() {
    let grid = periodicGrid([24, 17], lengths: [1, 1.5])
    let term = VorticityDifferences<Double>(grid: grid)
    let solver = VorticitySolver(term, viscosity: 0, step: 0.05, stepper: .implicitMidpoint)
    var omega = random(grid.shape, "vorticity")
    omega += -omega.mean()
    func invariants() -> [Double] {
      [omega.dot(term.streamfunction(omega)), omega.sumOfSquares(), omega.sum()]
    }
    let before = invariants()
    let isConverged = solver.advance(&omega, from: 0, steps: 50)
    let after = invariants()
    #expect(isConverged)
    #expect(abs(after[0] - before[0]) <= 1e-13 * before[0])
    #expect(abs(after[1] - before[1]) <= 1e-13 * before[1])
    #expect(abs(after[2]) <= 1e-12)
    // The flow did move.
    #expect(FD.maximumError(omega, random(grid.shape, "vorticity")) > 0.1)
  }

  /// ψ = s(t) (sin 2x cos 2y + 2 sin x cos 3y), s = 1 + ½ sin t, with the forcing that makes it a solution; signs for
  /// u = (ψ_y, −ψ_x), ω = −Δψ.
  private enum Manufactured {
    static func shape(_ point: [Double]) -> Double {
      let (y, x) = (point[0], point[1])
      return 8 * Double.sin(2 * x) * Double.cos(2 * y) + 20 * Double.sin(x) * Double.cos(3 * y)
    }
    static func diffusion(_ point: [Double]) -> Double {
      let (y, x) = (point[0], point[1])
      return 64 * Double.sin(2 * x) * Double.cos(2 * y) + 200 * Double.sin(x) * Double.cos(3 * y)
    }
    static func convection(_ point: [Double]) -> Double {
      let (y, x) = (point[0], point[1])
      return 8
        * (Double.cos(x) * Double.cos(3 * y) * Double.sin(2 * x) * Double.sin(2 * y)
          - 3 * Double.cos(2 * x) * Double.cos(2 * y) * Double.sin(x) * Double.sin(3 * y))
    }
    static func s(_ t: Double) -> Double { 1 + 0.5 * Double.sin(t) }
    static func vorticity(_ point: [Double], _ t: Double) -> Double { s(t) * shape(point) }
    static func forcing(_ point: [Double], _ t: Double, viscosity: Double) -> Double {
      // The sign of the product of two streamfunctions does not change with theirs; those of the other terms do.
      0.5 * Double.cos(t) * shape(point) - s(t) * s(t) * convection(point)
        + s(t) * viscosity * diffusion(point)
    }
  }

  private func manufactured(
    _ n: Int, finalTime: Double = 1, steps: Int, viscosity: Double,
    _ stepper: VorticitySolver<Double>.Stepper
  ) -> (state: Tensor<Double>, error: Double) {
    let grid = periodicGrid([n, n], lengths: [2 * .pi, 2 * .pi])
    let term = VorticityDifferences<Double>(grid: grid) {
      Manufactured.forcing($0, $1, viscosity: viscosity)
    }
    let solver = VorticitySolver(
      term, viscosity: viscosity, step: finalTime / Double(steps), stepper: stepper)
    var omega = FD.field(grid) { Manufactured.vorticity($0, 0) }
    solver.advance(&omega, from: 0, steps: steps)
    let error = FD.maximumError(omega, FD.field(grid) { Manufactured.vorticity($0, finalTime) })
    return (omega, error)
  }

  @Test(arguments: VorticitySolver<Double>.Stepper.allCases)
  func manufacturedSolutionIsSecondOrderInSpace(stepper: VorticitySolver<Double>.Stepper) {
    let errors = [47, 95].map { n in
      (1 / Double(n), manufactured(n, finalTime: 0.3, steps: 30, viscosity: 0.01, stepper).error)
    }
    #expect(abs(FD.order(errors[0], errors[1]) - 2) <= 0.05, "\(errors)")
  }

  /// Runge and Kutta's part is of third order: where diffusion is weak, little is seen of Crank–Nicolson's second.
  @Test(
    arguments: [
      (VorticitySolver<Double>.Stepper.implicitMidpoint, 0.01), (.implicitMidpoint, 0.5),
      (.rungeKuttaCrankNicolson, 0.5), (.rungeKuttaCrankNicolson, 0.01),
    ])
  func manufacturedSolutionIsSecondOrderInTime(
    stepper: VorticitySolver<Double>.Stepper, viscosity: Double
  ) {
    let states = [25, 50, 100].map { manufactured(24, steps: $0, viscosity: viscosity, stepper).state }
    let order = FD.order(
      (2, FD.maximumError(states[0], states[1])), (1, FD.maximumError(states[1], states[2])))
    let isThird = stepper == .rungeKuttaCrankNicolson && viscosity < 0.1
    #expect(order >= 1.9 && order <= (isThird ? 3.1 : 2.1), "\(order)")
  }

  /// A vortex street between walls that stand still, made a solution by its forcing: ψ = s(t) sin²πx sin²πy.
  private func enclosed(
    _ n: Int, finalTime: Double, steps: Int, viscosity: Double
  ) -> (state: Tensor<Double>, error: Double) {
    let grid = FD.grid([n, n + 4], [.nodes, .nodes])
    @Sendable func s(_ t: Double) -> Double { 1 + 0.5 * Double.sin(3 * t) }
    // p = sin²πx = (1 − cos 2πx)/2 and its derivatives.
    @Sendable func p(_ x: Double, _ derivative: Int) -> Double {
      let k = 2 * Double.pi
      switch derivative {
      case 0: return (1 - Double.cos(k * x)) / 2
      case 1: return k * Double.sin(k * x) / 2
      case 2: return k * k * Double.cos(k * x) / 2
      case 3: return -k * k * k * Double.sin(k * x) / 2
      default: return -k * k * k * k * Double.cos(k * x) / 2
      }
    }
    @Sendable func omega(_ x: Double, _ y: Double) -> Double { -(p(x, 2) * p(y, 0) + p(x, 0) * p(y, 2)) }
    let term = VorticityDifferences<Double>(grid: grid, surroundings: .walls(.init())) { point, t in
      let (y, x) = (point[0], point[1])
      let slopeX = -(p(x, 3) * p(y, 0) + p(x, 1) * p(y, 2))
      let slopeY = -(p(x, 2) * p(y, 1) + p(x, 0) * p(y, 3))
      let laplacian = -(p(x, 4) * p(y, 0) + 2 * p(x, 2) * p(y, 2) + p(x, 0) * p(y, 4))
      let convection = p(x, 0) * p(y, 1) * slopeX - p(x, 1) * p(y, 0) * slopeY
      return 1.5 * Double.cos(3 * t) * omega(x, y) + s(t) * s(t) * convection
        - viscosity * s(t) * laplacian
    }
    let solver = VorticitySolver(term, viscosity: viscosity, step: finalTime / Double(steps))
    var state = FD.field(grid) { omega($0[1], $0[0]) }
    solver.advance(&state, from: 0, steps: steps)
    let exact = FD.field(grid) { s(finalTime) * omega($0[1], $0[0]) }
    // What is on the walls belongs to the last stage.
    let inside = FD.field(grid) { $0.allSatisfy { $0 > 0 && $0 < 1 } ? 1 : 0 }
    return (state * inside, FD.maximumError(state * inside, exact * inside))
  }

  @Test func wallsAreSecondOrderInSpace() {
    let errors = [23, 45].map { n in
      (1 / Double(n - 1), enclosed(n, finalTime: 0.5, steps: 200, viscosity: 0.02).error)
    }
    #expect(abs(FD.order(errors[0], errors[1]) - 2) <= 0.1, "\(errors)")
  }

  @Test func wallsAreSecondOrderInTime() {
    let states = [100, 200, 400].map { enclosed(14, finalTime: 0.5, steps: $0, viscosity: 0.2).state }
    let order = FD.order(
      (2, FD.maximumError(states[0], states[1])), (1, FD.maximumError(states[1], states[2])))
    #expect(abs(order - 2) <= 0.1, "\(order)")
  }
}
