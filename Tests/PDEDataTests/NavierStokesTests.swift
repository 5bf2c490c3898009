import Foundation
import PDEData
import Spectral
import Tensors
import Testing

@Suite struct NavierStokesTests {
  static func grid(_ shape: [Int], lengths: [Double] = [2 * .pi, 2 * .pi]) -> Grid {
    Grid(
      axes: zip(zip(["y", "x"], lengths), shape).map {
        Grid.Axis(name: $0.0, lowerBound: 0, upperBound: $0.1, count: $1, placement: .periodic)
      })
  }

  static func values(_ grid: Grid, _ function: (_ x: Double, _ y: Double) -> Double) -> Tensor<Double> {
    let (ys, xs) = (grid.axes[0].coordinates, grid.axes[1].coordinates)
    return Tensor(ys.flatMap { y in xs.map { function($0, y) } }, shape: grid.shape)
  }

  /// States at `count` equal intervals up to a time.
  static func solve(
    _ initial: Tensor<Double>, on grid: Grid, forcing: VorticityForcing = .none, viscosity: Double,
    drag: Double = 0, time: Double, count: Int = 1, control: StepControl,
    method: SemilinearMethod = .etdrk4
  ) -> EvolutionResult {
    solve(
      initial, on: grid, forcing: forcing, viscosity: viscosity, drag: drag, time: time, count: count,
      control: control, method: method, Double.self)
  }

  static func solve<Element: SpectralScalar>(
    _ initial: Tensor<Double>, on grid: Grid, forcing: VorticityForcing = .none, viscosity: Double,
    drag: Double = 0, time: Double, count: Int = 1, control: StepControl,
    method: SemilinearMethod = .etdrk4, _ element: Element.Type
  ) -> EvolutionResult {
    let transport = VorticityTransport<Element>(
      shape: grid.shape, lengths: grid.axes.map(\.length), forcing: forcing)
    let integrator = SemilinearIntegrator(
      method, eigenvalues: transport.eigenvalues(viscosity: viscosity, drag: drag), nonlinearity: transport)
    return SpectralEvolution(
      integrator: integrator, basis: transport.box, interval: time / Double(count), savedCount: count,
      control: control
    ).solve(initial)
  }

  static func largestDifference(_ states: Tensor<Double>?, _ expected: Tensor<Double>) -> Double {
    guard let states, states.count == expected.count else { return .infinity }
    return zip(states.values, expected.values).map { abs($0 - $1) }.max() ?? .infinity
  }

  // MARK: Manufactured solutions
  //
  // ψ = sin 2x cos 2y + 2 sin x cos 3y with u = −ψ_y, ζ = Δψ: a flow whose transport does not vanish. (The equation is the
  // same for ζ = v_x − u_y whatever the sign of ψ.)

  static func manufacturedVorticity(_ x: Double, _ y: Double) -> Double {
    -8 * sin(2 * x) * cos(2 * y) - 20 * sin(x) * cos(3 * y)
  }
  static func manufacturedDiffusion(_ x: Double, _ y: Double) -> Double {
    64 * sin(2 * x) * cos(2 * y) + 200 * sin(x) * cos(3 * y)
  }
  static func manufacturedTransport(_ x: Double, _ y: Double) -> Double {
    8
      * (cos(x) * cos(3 * y) * sin(2 * x) * sin(2 * y) - 3 * cos(2 * x) * cos(2 * y) * sin(x) * sin(3 * y))
  }

  @Test(arguments: [[24, 24], [20, 29], [31, 25]], SemilinearMethod.all.map(\.name))
  func steadyManufacturedSolutionStays(shape: [Int], name: String) throws {
    let method = try #require(SemilinearMethod.all.first { $0.name == name })
    let grid = Self.grid(shape)
    let viscosity = 1e-2
    let forcing = VorticityForcing(on: grid) {
      -(viscosity * Self.manufacturedDiffusion($0, $1) + Self.manufacturedTransport($0, $1))
    }
    let initial = Self.values(grid, Self.manufacturedVorticity)
    let result = Self.solve(
      initial, on: grid, forcing: forcing, viscosity: viscosity, time: 0.5, control: .fixed(0.01),
      method: method)
    // Values up to 28 over 50 steps: roundoff.
    #expect(Self.largestDifference(result.states, initial) < 1e-12)
  }

  /// The error at time 1 of ψ·s(t), s = 1 + ½ sin t.
  private static func movingError(_ method: SemilinearMethod, steps: Int) -> Double {
    let grid = Self.grid([24, 25])
    let viscosity = 1e-2
    let scale: @Sendable (Double) -> Double = { 1 + sin($0) / 2 }
    let forcing = VorticityForcing(terms: [
      .init(values(grid, manufacturedVorticity), amplitude: { cos($0) / 2 }),
      .init(values(grid, manufacturedTransport), amplitude: { -scale($0) * scale($0) }),
      .init(values(grid, manufacturedDiffusion), amplitude: { -viscosity * scale($0) }),
    ])
    let result = solve(
      values(grid, manufacturedVorticity), on: grid, forcing: forcing, viscosity: viscosity, time: 1,
      control: .fixed(1 / Double(steps)), method: method)
    return largestDifference(
      result.states, values(grid) { scale(1) * manufacturedVorticity($0, $1) })
  }

  @Test(arguments: SemilinearMethod.all.map(\.name))
  func orderInTime(name: String) throws {
    let method = try #require(SemilinearMethod.all.first { $0.name == name })
    // Steps of 1e-2 and more.
    let errors = [50, 100].map { Self.movingError(method, steps: $0) }
    let order = log2(errors[0] / errors[1])
    #expect(abs(order - Double(method.order)) < 0.05, "order \(order), errors \(errors)")
  }

  @Test func taylorGreenDecays() {
    // Its transport vanishes: what is left is diffusion and drag, which the exponential takes exactly.
    for (method, tolerance) in [
      (SemilinearMethod.etdrk4, 1e-14), (.imexRK4, 1e-11), (.crankNicolsonHeun, 1e-5),
    ] {
      let grid = Self.grid([17, 32])
      let initial = Self.values(grid) { 2 * cos($0) * cos($1) }
      let (viscosity, drag) = (0.05, 0.1)
      let result = Self.solve(
        initial, on: grid, viscosity: viscosity, drag: drag, time: 2, control: .fixed(0.02), method: method)
      let decay = exp(-(2 * viscosity + drag) * 2)
      #expect(
        Self.largestDifference(result.states, Self.values(grid) { 2 * decay * cos($0) * cos($1) }) < tolerance
      )
    }
  }

  // MARK: Symmetries and conserved quantities

  private static func measure(_ values: Tensor<Double>, on grid: Grid) -> VorticityQuantities {
    VorticityQuantities(of: values, lengths: grid.axes.map(\.length))
  }

  @Test func quantitiesOfAKnownFlow() {
    // ψ with y replaced by 2y/3 on Lx = 2π, Ly = 3π: energy 29/9, enstrophy 2701/162, the domain's means.
    let grid = Self.grid([32, 27], lengths: [3 * .pi, 2 * .pi])
    let vorticity = Self.values(grid) { x, y in
      let y = 2 * y / 3
      return -(4 + 16 / 9.0) * sin(2 * x) * cos(2 * y) - 2 * (1 + 4) * sin(x) * cos(3 * y)
    }
    let found = Self.measure(vorticity, on: grid)
    #expect(abs(found.energy - 29 / 9.0) < 1e-13)
    #expect(abs(found.enstrophy - 2701 / 162.0) < 1e-12)
    // ½ Σ k² |ζ|²: the means of the two waves' squares are ¼ each.
    let palinstrophy = (52 / 9.0 * (52 / 9.0) * (52 / 9.0) + 5 * 100) / 8
    #expect(abs(found.palinstrophy - palinstrophy) < 1e-11)
    #expect(abs(found.spectrum.reduce(0, +) - found.energy) < 1e-13)
  }

  private static func roughState(_ grid: Grid) -> Tensor<Double> {
    values(grid) { x, y in
      let large = 3 * sin(2 * x + y) + 2 * cos(3 * y - x) - 2 * cos(4 * x)
      return large + sin(5 * x - 4 * y) + sin(7 * y + x)
    }
  }

  @Test func inviscidFlowConservesEnergyAndEnstrophy() {
    let grid = Self.grid([32, 33])
    let initial = Self.roughState(grid)
    let result = Self.solve(initial, on: grid, viscosity: 0, time: 2, control: .fixed(0.0025))
    guard let states = result.states else {
      Issue.record("the integration failed")
      return
    }
    let (before, after) = (
      Self.measure(initial, on: grid), Self.measure(states.reshaped(grid.shape), on: grid)
    )
    #expect(Self.largestDifference(states, initial) > 1)
    // The discretization in space conserves both exactly; what is left is the stepper's, of fifth order in the step.
    #expect(abs(after.energy / before.energy - 1) < 1e-9)
    #expect(abs(after.enstrophy / before.enstrophy - 1) < 1e-9)
  }

  @Test func translatedFlowsStayTranslated() {
    let grid = Self.grid([30, 37])
    let initial = Self.roughState(grid)
    func shifted(_ tensor: Tensor<Double>) -> Tensor<Double> {
      let values = tensor.values
      var result = tensor
      for y in 0..<30 {
        for x in 0..<37 { result[y, x] = values[(y + 7) % 30 * 37 + (x + 11) % 37] }
      }
      return result
    }
    func solution(_ state: Tensor<Double>) -> Tensor<Double>? {
      Self.solve(state, on: grid, viscosity: 1e-2, time: 0.5, control: .fixed(0.01)).states?
        .reshaped(grid.shape)
    }
    guard let plain = solution(initial) else {
      Issue.record("the integration failed")
      return
    }
    #expect(Self.largestDifference(solution(shifted(initial)), shifted(plain)) < 1e-12)
  }

  @Test func stepsByCourantNumberAndByTolerance() {
    let grid = Self.grid([32, 32])
    let initial = Self.roughState(grid)
    func states(_ control: StepControl) -> EvolutionResult {
      Self.solve(initial, on: grid, viscosity: 2e-2, time: 1, count: 2, control: control)
    }
    let fine = states(.fixed(1e-3))
    guard let reference = fine.states else {
      Issue.record("the integration failed")
      return
    }
    let courant = states(.courant(0.2))
    #expect(courant.step < 0.1 && Self.largestDifference(courant.states, reference) < 1e-4)
    let controlled = states(.tolerance(1e-8))
    #expect((controlled.error ?? 1) <= 1e-8)
    #expect(Self.largestDifference(controlled.states, reference) < 1e-6)
    // Single precision, thousands of units in the last place.
    let single = Self.solve(
      initial, on: grid, viscosity: 2e-2, time: 1, count: 2, control: .fixed(1e-2), Float.self)
    #expect(Self.largestDifference(single.states, reference) < 1e-3)
  }

  @Test func unstableStepsAreStopped() {
    let grid = Self.grid([32, 32])
    let initial = Self.roughState(grid)
    let result = Self.solve(initial, on: grid, viscosity: 1e-4, time: 20, control: .fixed(1))
    #expect(result.states == nil && result.step > result.stepLimit)
    let stable = Self.solve(
      initial, on: grid, viscosity: 1e-4, time: 20, control: .fixed(result.stepLimit / 2))
    #expect(stable.states != nil)
  }
}
