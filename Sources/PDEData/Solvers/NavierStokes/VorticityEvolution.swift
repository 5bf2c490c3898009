// A plane flow by finite differences, from an initial state to saved states.

import RealModule
import Spectral
import Tensors

/// Integrates the vorticity equation by ``VorticitySolver`` and saves states at equal intervals.
public struct VorticityEvolution<Element: SpectralScalar>: Sendable {
  public let term: VorticityDifferences<Element>
  public let viscosity: Double
  public let stepper: VorticitySolver<Element>.Stepper
  /// Between two saved states.
  public let interval: Double
  public let savedCount: Int
  public let control: StepControl

  /// Steps between two checks for growth.
  private static var stepsBetweenChecks: Int { 64 }
  /// Between walls there is no bound of the vorticity; the fluid does not become so many times as fast as the walls
  /// and the initial flow are.
  private static var largestSpeedUp: Double { 10 }
  /// The part of the stability limit on walls that steps by Courant number or tolerance take at most.
  private static var wallMargin: Double { 0.8 }

  public init(
    _ term: VorticityDifferences<Element>, viscosity: Double, stepper: VorticitySolver<Element>.Stepper,
    interval: Double, savedCount: Int, control: StepControl
  ) {
    precondition(interval > 0 && savedCount >= 1, "time goes on to at least one saved state")
    self.term = term
    self.viscosity = viscosity
    self.stepper = stepper
    self.interval = interval
    self.savedCount = savedCount
    self.control = control
  }

  /// The saved states that follow `initial`, the vorticity on the grid.
  public func solve(_ initial: Tensor<Double>) -> EvolutionResult {
    var start = Tensor(initial.values.map { Element($0) }, shape: initial.shape)
    term.setWalls(start.unsafeMutablePointer())
    let rate = term.courantRate(start.unsafePointer)
    var result = EvolutionResult()
    result.stepLimit = VorticitySolver.stepLimit(
      term, viscosity: viscosity, stepper: stepper, courantRate: rate)
    func makeRun() -> Run {
      Run(state: start, initialNorm: norm(start), initialRate: rate)
    }
    var states: Tensor<Element>?
    switch control {
    case .fixed(let step):
      let steps = StepMesh.steps(of: step, in: interval)
      result.step = interval / Double(steps)
      states = integrate(makeRun(), stepsPerInterval: steps)
    case .courant(let number):
      (states, result.step) = integrate(makeRun(), courantNumber: number)
    case .tolerance(let tolerance):
      let steps = StepMesh.roundedSteps(interval / (Self.wallMargin * result.stepLimit))
      let found = StepControl.refine(
        to: tolerance, order: 2, run: { integrate(makeRun(), stepsPerInterval: steps * $0) },
        difference: { difference($0, $1) })
      states = found?.states
      result.step = interval / Double(steps * (found?.refinement ?? 1))
      result.error = found?.error
    }
    result.states = states.map { Tensor($0.values.map { Double($0) }, shape: $0.shape) }
    return result
  }
}

// MARK: - Integration

extension VorticityEvolution {
  /// One integration on its way.
  private struct Run {
    var state: Tensor<Element>
    let initialNorm: Double
    let initialRate: Double
    var time = 0.0
    var history = VorticitySolver<Element>.History()
  }

  /// Advances by steps of one size; false once the implicit equations cannot be solved, or the state is not finite or
  /// beyond what the equation allows.
  private func advance(_ run: inout Run, steps: Int, _ solver: VorticitySolver<Element>) -> Bool {
    var left = steps
    while left > 0 {
      let count = min(left, Self.stepsBetweenChecks)
      guard solver.advance(&run.state, from: run.time, steps: count, history: &run.history) else {
        return false
      }
      run.time += Double(count) * solver.step
      left -= count
      guard isStable(run) else { return false }
    }
    return true
  }

  private func isStable(_ run: Run) -> Bool {
    let norm = norm(run.state)
    guard norm.isFinite else { return false }
    if case .periodic = term.surroundings {
      return norm <= 2 * term.normBound(at: run.time, from: run.initialNorm) || norm == 0
    }
    let rate = term.courantRate(run.state.unsafePointer)
    return rate <= Self.largestSpeedUp * run.initialRate || rate == 0
  }

  private func solver(step: Double) -> VorticitySolver<Element> {
    VorticitySolver(term, viscosity: viscosity, step: step, stepper: stepper)
  }

  /// The saved states; nil where the run was unstable.
  private func integrate(_ run: Run, stepsPerInterval steps: Int) -> Tensor<Element>? {
    var run = run
    var states = Tensor<Element>(uninitialized: [savedCount] + term.grid.shape)
    let solver = solver(step: interval / Double(steps))
    for saved in 0..<savedCount {
      run.time = Double(saved) * interval
      guard advance(&run, steps: steps, solver) else { return nil }
      save(run.state, to: &states, at: saved)
    }
    return states
  }

  /// The same with steps of at most a Courant number, as the state goes; and the largest of them.
  private func integrate(_ run: Run, courantNumber: Double) -> (states: Tensor<Element>?, step: Double) {
    var run = run
    var largest = 0.0
    var states = Tensor<Element>(uninitialized: [savedCount] + term.grid.shape)
    var solvers: [Double: VorticitySolver<Element>] = [:]
    let wallLimit = VorticitySolver.stepLimit(term, viscosity: viscosity, stepper: stepper, courantRate: 0)
    for saved in 0..<savedCount {
      var steps = CourantSteps(interval: interval, courantNumber: courantNumber)
      while !steps.isAtEnd {
        let rate = max(
          term.courantRate(run.state.unsafePointer), courantNumber / (Self.wallMargin * wallLimit))
        guard let (start, step, count) = steps.next(rate: rate) else { return (nil, largest) }
        let known = solvers[step] ?? solver(step: step)
        solvers[step] = known
        run.time = Double(saved) * interval + start
        guard advance(&run, steps: count, known) else { return (nil, largest) }
        largest = max(largest, step)
      }
      save(run.state, to: &states, at: saved)
    }
    return (states, largest)
  }

  /// Saves a state with the walls' vorticity as it belongs to it, not to the last stage.
  private func save(_ state: Tensor<Element>, to states: inout Tensor<Element>, at index: Int) {
    let count = term.grid.pointCount
    let target = states.unsafeMutablePointer() + index * count
    target.update(from: state.unsafePointer, count: count)
    term.setWalls(target)
    withExtendedLifetime(state) {}
  }

  /// The root mean square.
  private func norm(_ state: Tensor<Element>) -> Double {
    (state.sumOfSquares() / Double(state.count)).squareRoot()
  }

  /// The largest relative L² difference of two runs' saved states.
  private func difference(_ coarse: Tensor<Element>, _ fine: Tensor<Element>) -> Double {
    let count = term.grid.pointCount
    var largest = 0.0
    for saved in 0..<savedCount {
      let (a, b) = (coarse.unsafePointer + saved * count, fine.unsafePointer + saved * count)
      let error = Reductions.sumOfSquaredDifferences(a, b, count: count)
      let size = Reductions.sumOfSquares(b, count: count)
      if error > 0 { largest = max(largest, (error / size).squareRoot()) }
    }
    withExtendedLifetime((coarse, fine)) {}
    return largest
  }
}
