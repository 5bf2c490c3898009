// A semilinear equation on a periodic grid, from an initial state to saved states.

import RealModule
import Spectral
import Tensors

/// Saved states of one sample and what is known of them.
public struct EvolutionResult: Sendable {
  /// `[time, …grid]`, of several fields `[time, field, …grid]`; nil where the integration failed.
  public var states: Tensor<Double>?
  /// The largest step.
  public var step = 0.0
  /// Estimated relative L² error of the worst saved state, of the time step alone; nil where it was not estimated.
  public var error: Double?
  /// Share of the highest quarter of the kept modes in the L² norm of the worst saved state: far from zero, the
  /// grid is too coarse.
  public var tail = 0.0
  /// About the longest step with which the initial state does not grow unstable.
  public var stepLimit = Double.infinity
  /// What else the user should know.
  public var remark: String?
}

/// Integrates û' = Lû + N(û, t) on a periodic grid and saves states at equal intervals.
public struct SpectralEvolution<Nonlinearity: SpectralNonlinearity, Basis: PeriodicBasis>: Sendable
where Basis.Element == Nonlinearity.Element {
  public typealias Element = Nonlinearity.Element

  public let integrator: SemilinearIntegrator<Nonlinearity>
  public let basis: Basis
  /// Between two saved states.
  public let interval: Double
  public let savedCount: Int
  public let control: StepControl

  /// Steps between two checks for growth.
  private static var stepsBetweenChecks: Int { 64 }
  /// Steps of one Courant number before the state is asked again.
  private static var courantSteps: Int { 8 }

  public init(
    integrator: SemilinearIntegrator<Nonlinearity>, basis: Basis, interval: Double, savedCount: Int,
    control: StepControl
  ) {
    precondition(interval > 0 && savedCount >= 1, "time goes on to at least one saved state")
    self.integrator = integrator
    self.basis = basis
    self.interval = interval
    self.savedCount = savedCount
    self.control = control
  }

  /// The saved states that follow `initial` (its modes beyond those kept are dropped).
  /// - Parameter guess: the Courant number to begin error control with.
  public func solve(_ initial: Tensor<Double>, guess: Double = 1) -> EvolutionResult {
    let workspace = integrator.makeWorkspace()
    let start = AlignedMemory<Element>(count: basis.coefficientCount)
    analyze(initial, into: start.pointer)
    let rate = integrator.nonlinearity.courantRate(start.pointer, scratch: workspace.scratch)
    var result = EvolutionResult()
    result.stepLimit = stepLimit(courantRate: rate)
    let state = AlignedMemory<Element>(count: basis.coefficientCount)
    let norm = basis.meanSquare(start.pointer).squareRoot()
    func makeRun() -> Run {
      CoefficientKernels.copy(
        start.pointer, to: state.pointer, count: basis.coefficientCount, paddedTo: basis.coefficientCount)
      return Run(state: state.pointer, initialNorm: norm)
    }
    let states: Tensor<Element>?
    switch control {
    case .fixed(let step):
      let mesh = StepMesh(interval: interval, steps: StepMesh.steps(of: step, in: interval))
      result.step = mesh.step
      states = integrate(makeRun(), mesh, 1, workspace: workspace)
    case .courant(let number):
      (states, result.step) = integrate(makeRun(), courantNumber: number, workspace: workspace)
    case .tolerance(let tolerance):
      let steps = StepMesh.roundedSteps(interval * rate / guess)
      let mesh = StepMesh(interval: interval, steps: steps, gradedTo: integrator.fastestRate)
      let found = StepControl.refine(
        to: tolerance, order: integrator.method.order,
        run: { integrate(makeRun(), mesh, $0, workspace: workspace) },
        difference: { difference($0, $1, initialNorm: norm) })
      states = found?.states
      result.step = mesh.step / Double(found?.refinement ?? 1)
      result.error = found?.error
    }
    guard let states else { return result }
    result.tail = tail(states)
    result.states = synthesize(states)
    return result
  }

  /// Modes e^{ikx} carried with speed u oscillate at the rate ku while diffusion damps them; with the kept modes up to
  /// kΔx = 2π/3 the worst of ku − νk² is where it is by elementary calculus.
  private func stepLimit(courantRate: Double) -> Double {
    let oscillation = 2 * Double.pi / 3 * courantRate
    let damping = integrator.fastestRate
    let worst =
      2 * damping < oscillation ? oscillation - damping : oscillation * oscillation / (4 * damping)
    return worst > 0 ? integrator.method.oscillationLimit / worst : .infinity
  }
}

// MARK: - Integration

extension SpectralEvolution {
  /// One integration on its way.
  private struct Run {
    let state: UnsafeMutablePointer<Element>
    let initialNorm: Double
    var level = 0
    var time = 0.0
  }

  /// Advances by steps of one size; false once the state is not finite or beyond what the equation allows.
  private func advance(
    _ run: inout Run, steps: Int, step: Double,
    workspace: borrowing SemilinearIntegrator<Nonlinearity>.Workspace
  ) -> Bool {
    var left = steps
    while left > 0 {
      let count = min(left, Self.stepsBetweenChecks)
      integrator.advance(
        run.state, level: &run.level, from: run.time, steps: count, step: step, workspace: workspace)
      run.time += Double(count) * step
      left -= count
      let bound = 2 * integrator.nonlinearity.normBound(at: run.time, from: run.initialNorm)
      let norm = basis.meanSquare(run.state).squareRoot()
      guard norm.isFinite, norm <= bound || norm == 0 else { return false }
    }
    return true
  }

  /// The coefficients of the saved states; nil where the run was unstable.
  private func integrate(
    _ run: Run, _ mesh: StepMesh, _ refinement: Int,
    workspace: borrowing SemilinearIntegrator<Nonlinearity>.Workspace
  ) -> Tensor<Element>? {
    var run = run
    var states = Tensor<Element>(uninitialized: [savedCount, basis.coefficientCount])
    for saved in 0..<savedCount {
      run.time = Double(saved) * interval
      for (steps, step) in saved == 0 ? mesh.first : mesh.others {
        guard
          advance(
            &run, steps: steps * refinement, step: step / Double(refinement), workspace: workspace)
        else { return nil }
      }
      save(run.state, to: &states, at: saved)
    }
    return states
  }

  /// The same with steps of at most a Courant number, as the state goes; and the largest of them. Steps are the
  /// interval divided by powers of two, so that their weights are few.
  private func integrate(
    _ run: Run, courantNumber: Double,
    workspace: borrowing SemilinearIntegrator<Nonlinearity>.Workspace
  ) -> (states: Tensor<Element>?, step: Double) {
    var run = run
    var largest = 0.0
    var states = Tensor<Element>(uninitialized: [savedCount, basis.coefficientCount])
    for saved in 0..<savedCount {
      // Time within the interval, in units of interval/2^halvings.
      var (done, halvings) = (0, 0)
      while done < 1 << halvings {
        let rate = integrator.nonlinearity.courantRate(run.state, scratch: workspace.scratch)
        guard rate.isFinite else { return (nil, largest) }
        while halvings < 40, interval * rate > courantNumber * Double(1 << halvings) {
          halvings += 1
          done *= 2
        }
        while halvings > 0, done.isMultiple(of: 2),
          2 * interval * rate <= courantNumber * Double(1 << halvings)
        {
          halvings -= 1
          done /= 2
        }
        let step = interval / Double(1 << halvings)
        let count = min(Self.courantSteps, 1 << halvings - done)
        run.time = Double(saved) * interval + Double(done) * step
        guard advance(&run, steps: count, step: step, workspace: workspace) else { return (nil, largest) }
        largest = max(largest, step)
        done += count
      }
      save(run.state, to: &states, at: saved)
    }
    return (states, largest)
  }
}

// MARK: - States

extension SpectralEvolution {
  private func save(
    _ state: UnsafePointer<Element>, to states: inout Tensor<Element>, at index: Int
  ) {
    let count = basis.coefficientCount
    states.withUnsafeMutableBuffer { states in
      guard let states = states.baseAddress else { return }
      CoefficientKernels.copy(state, to: states + index * count, count: count, paddedTo: count)
    }
  }

  private func forEachState(_ states: Tensor<Element>, _ body: (Int, UnsafePointer<Element>) -> Void) {
    states.withUnsafeBuffer { buffer in
      guard let start = buffer.baseAddress else { return }
      for index in 0..<savedCount { body(index, start + index * basis.coefficientCount) }
    }
  }

  private func analyze(_ values: Tensor<Double>, into coefficients: UnsafeMutablePointer<Element>) {
    let points = basis.shape.reduce(1, *)
    precondition(values.count == points, "\(values.shape) values on a grid of \(basis.shape)")
    let converted = AlignedMemory<Element>(count: points)
    let scratch = AlignedMemory<Element>(count: basis.scratchCount)
    values.withUnsafeBuffer { buffer in
      guard let source = buffer.baseAddress else { return }
      CoefficientKernels.convert(source, to: converted.pointer, count: points)
    }
    basis.analyze(converted.pointer, into: coefficients, scratch: scratch.pointer)
  }

  private func synthesize(_ states: Tensor<Element>) -> Tensor<Double> {
    let points = basis.shape.reduce(1, *)
    let values = AlignedMemory<Element>(count: points)
    let scratch = AlignedMemory<Element>(count: basis.scratchCount)
    var result = Tensor<Double>(uninitialized: [savedCount] + basis.shape)
    result.withUnsafeMutableBuffer { saved in
      guard let saved = saved.baseAddress else { return }
      forEachState(states) { index, state in
        basis.synthesize(state, into: values.pointer, scratch: scratch.pointer)
        CoefficientKernels.widen(values.pointer, to: saved + index * points, count: points)
      }
    }
    return result
  }

  private func tail(_ states: Tensor<Element>) -> Double {
    var largest = 0.0
    forEachState(states) { _, state in
      let whole = basis.meanSquare(state)
      if whole > 0 { largest = max(largest, (basis.highestMeanSquare(state) / whole).squareRoot()) }
    }
    return largest
  }

  /// The largest relative L² difference of two runs' saved states, by Parseval. States that have decayed below
  /// roundoff of the initial one are compared with that.
  private func difference(
    _ coarse: Tensor<Element>, _ fine: Tensor<Element>, initialNorm: Double
  ) -> Double {
    let floor = 1e-24 * initialNorm * initialNorm
    var largest = 0.0
    forEachState(coarse) { index, coarse in
      fine.withUnsafeBuffer { fine in
        guard let start = fine.baseAddress else { return }
        let fine = start + index * basis.coefficientCount
        let error = basis.meanSquare(coarse, minus: fine)
        let size = max(basis.meanSquare(fine), floor)
        if error > 0 { largest = max(largest, (error / size).squareRoot()) }
      }
    }
    return largest
  }
}
