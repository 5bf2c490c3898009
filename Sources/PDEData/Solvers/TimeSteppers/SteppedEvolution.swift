// Evolution by a solver that takes steps of one size: states saved at equal intervals, steps as asked or by error control.

import Tensors

/// Advances a state `[component, …grid]` by so many steps from a time on; false where a step could not be taken.
public typealias StepAdvance = @Sendable (_ state: inout Tensor<Double>, _ time: Double, _ steps: Int) -> Bool

/// What an integration found.
struct SteppedResult: Sendable {
  /// `[time, component, …grid]`; nil where the steps were unstable or the tolerance was out of reach.
  var states: Tensor<Double>?
  /// The largest step.
  var step = 0.0
  /// The estimated relative error in L² of the worst saved state, of the time steps alone.
  var error: Double?
}

/// Integrates by steps of one size each and saves states at equal intervals.
struct SteppedEvolution {
  /// Between two saved states.
  var interval: Double
  var savedCount: Int
  var control: StepControl
  /// In time.
  var order: Int
  /// Of the fastest decaying mode: under error control the first steps are graded towards the initial state.
  var fastestRate = 0.0
  /// Error control begins with steps of at most this.
  var firstStep = Double.infinity
  /// The Courant number of a step, divided by the step; for steps of at most one Courant number.
  var courantRate: (_ state: Tensor<Double>) -> Double = { _ in 0 }
  /// The solver for a step.
  var solver: (_ step: Double) -> StepAdvance

  /// Steps between two checks for growth.
  private static let stepsBetweenChecks = 16
  /// Steps of one Courant number before the state is asked again.
  private static let courantSteps = 4

  /// The states that follow `initial`.
  func solve(_ initial: Tensor<Double>) -> SteppedResult {
    var result = SteppedResult()
    switch control {
    case .courant(let number): (result.states, result.step) = integrate(initial, courantNumber: number)
    case .fixed(let step):
      let mesh = StepMesh(interval: interval, steps: StepMesh.steps(of: step, in: interval))
      result.step = mesh.step
      result.states = integrate(initial, mesh, 1)
    case .tolerance(let tolerance):
      let mesh = StepMesh(
        interval: interval, steps: StepMesh.roundedSteps(interval / firstStep), gradedTo: fastestRate)
      let floor = 1e-24 * initial.sumOfSquares()
      let found = StepControl.refine(
        to: tolerance, order: order, run: { integrate(initial, mesh, $0) },
        difference: { difference($0, $1, floor: floor) })
      result.states = found?.states
      result.step = mesh.step / Double(found?.refinement ?? 1)
      result.error = found?.error
    }
    return result
  }

  /// Nil where the run was unstable.
  private func integrate(
    _ initial: Tensor<Double>, _ mesh: StepMesh, _ refinement: Int
  ) -> Tensor<Double>? {
    var state = initial
    var solvers: [Double: StepAdvance] = [:]
    var states = Tensor<Double>(uninitialized: [savedCount] + initial.shape)
    for saved in 0..<savedCount {
      var time = Double(saved) * interval
      for (steps, wide) in saved == 0 ? mesh.first : mesh.others {
        let step = wide / Double(refinement)
        let advance = solvers[step] ?? solver(step)
        solvers[step] = advance
        var left = steps * refinement
        while left > 0 {
          let taken = min(left, Self.stepsBetweenChecks)
          guard advance(&state, time, taken), state.maximumMagnitude().isFinite else { return nil }
          time += Double(taken) * step
          left -= taken
        }
      }
      save(state, to: &states, at: saved)
    }
    return states
  }

  /// With steps of at most a Courant number, as the state goes: the interval divided by powers of two, so that solvers
  /// are few; and the largest.
  private func integrate(
    _ initial: Tensor<Double>, courantNumber: Double
  ) -> (states: Tensor<Double>?, step: Double) {
    var state = initial
    var solvers: [Double: StepAdvance] = [:]
    var largest = 0.0
    var states = Tensor<Double>(uninitialized: [savedCount] + initial.shape)
    for saved in 0..<savedCount {
      var mesh = CourantSteps(
        interval: interval, courantNumber: courantNumber, stepsAtOnce: Self.courantSteps)
      while !mesh.isAtEnd {
        guard let (start, step, taken) = mesh.next(rate: courantRate(state)) else { return (nil, largest) }
        let advance = solvers[step] ?? solver(step)
        solvers[step] = advance
        let time = Double(saved) * interval + start
        guard advance(&state, time, taken), state.maximumMagnitude().isFinite else { return (nil, largest) }
        largest = max(largest, step)
      }
      save(state, to: &states, at: saved)
    }
    return (states, largest)
  }

  private func save(_ state: Tensor<Double>, to states: inout Tensor<Double>, at index: Int) {
    states.withUnsafeMutableBuffer { states in
      state.withUnsafeBuffer { state in
        guard let target = states.baseAddress, let source = state.baseAddress else { return }
        (target + index * state.count).update(from: source, count: state.count)
      }
    }
  }

  /// The largest relative L² difference of two runs' saved states; those that have decayed below roundoff of the initial
  /// one (a norm whose square is `floor`) are compared with that.
  private func difference(_ coarse: Tensor<Double>, _ fine: Tensor<Double>, floor: Double) -> Double {
    let count = coarse.count / savedCount
    var largest = 0.0
    coarse.withUnsafeBuffer { coarse in
      fine.withUnsafeBuffer { fine in
        guard let first = coarse.baseAddress, let second = fine.baseAddress else { return }
        for saved in 0..<savedCount {
          let (a, b) = (first + saved * count, second + saved * count)
          let error = Reductions.sumOfSquaredDifferences(a, b, count: count)
          let size = max(Reductions.sumOfSquares(b, count: count), floor)
          if error > 0 { largest = max(largest, (error / size).squareRoot()) }
        }
      }
    }
    return largest
  }
}
