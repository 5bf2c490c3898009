// A finite-difference or finite-volume scheme, from an initial state to saved states.

import RealModule
import Tensors

/// A one-step method on a grid.
public protocol DifferenceScheme: Sendable {
  associatedtype Element: Scalar
  /// What belongs to one step size: matrices, say.
  associatedtype Plan: Sendable

  var stateShape: [Int] { get }
  /// Numbers of scratch memory that ``advance(_:from:steps:_:scratch:)`` takes.
  var scratchCount: Int { get }
  /// The Courant number up to which it is stable.
  var courantLimit: Double { get }
  /// Of the steps' errors.
  static var order: Int { get }

  func plan(step: Double) -> Plan

  /// Takes steps from `time` on.
  func advance(
    _ state: UnsafeMutablePointer<Element>, from time: Double, steps: Int, _ plan: Plan,
    scratch: UnsafeMutablePointer<Element>)

  /// The Courant number of a step, divided by the step.
  func courantRate(_ state: UnsafePointer<Element>) -> Double

  /// Whether a state is one that the equation can reach from an initial one of this largest magnitude; what is not
  /// finite is not.
  func isSound(_ state: UnsafePointer<Element>, initialMaximum: Double) -> Bool
}

extension DifferenceScheme {
  /// Takes equal steps; false where the state has grown beyond what the equation allows.
  @discardableResult
  public func advance(_ state: inout Tensor<Element>, from time: Double = 0, steps: Int, step: Double) -> Bool
  {
    precondition(state.shape == stateShape, "\(state.shape) is not \(stateShape)")
    let scratch = AlignedMemory<Element>(count: scratchCount)
    let largest = Double(Reductions.maximumMagnitude(state.unsafePointer, count: state.count))
    let pointer = state.unsafeMutablePointer()
    advance(pointer, from: time, steps: steps, plan(step: step), scratch: scratch.pointer)
    return isSound(pointer, initialMaximum: largest)
  }
}

/// Integrates with a scheme and saves states at equal intervals.
struct SchemeEvolution<Scheme: DifferenceScheme>: Sendable {
  typealias Element = Scheme.Element

  let scheme: Scheme
  /// Between two saved states.
  let interval: Double
  let savedCount: Int
  let control: StepControl

  /// Steps between two checks for growth, and of one Courant number before the state is asked again.
  private static var stepsBetweenChecks: Int { 16 }
  private static var courantSteps: Int { 4 }

  func solve(_ initial: Tensor<Double>) -> EvolutionResult {
    let start: Tensor<Element> = initial.converted().reshaped(scheme.stateShape)
    let rate = scheme.courantRate(start.unsafePointer)
    var result = EvolutionResult()
    result.stepLimit = rate > 0 ? scheme.courantLimit / rate : .infinity
    let states: Tensor<Element>?
    switch control {
    case .fixed(let step):
      let steps = StepMesh.steps(of: step, in: interval)
      result.step = interval / Double(steps)
      states = integrate(start, steps: steps)
    case .courant(let number):
      (states, result.step) = integrate(start, courantNumber: number)
    case .tolerance(let tolerance):
      let steps = StepMesh.roundedSteps(max(interval * rate / scheme.courantLimit, 4))
      let found = StepControl.refine(
        to: tolerance, order: Scheme.order, run: { integrate(start, steps: steps * $0) },
        difference: { difference($0, $1) })
      states = found?.states
      result.step = interval / Double(steps * (found?.refinement ?? 1))
      result.error = found?.error
    }
    result.states = states?.converted()
    return result
  }

  /// The saved states; nil once they are unsound.
  private func integrate(_ start: Tensor<Element>, steps: Int) -> Tensor<Element>? {
    let run = Run(scheme, start, savedCount)
    let step = interval / Double(steps)
    let plan = scheme.plan(step: step)
    for saved in 0..<savedCount {
      var done = 0
      while done < steps {
        let count = min(Self.stepsBetweenChecks, steps - done)
        let time = Double(saved) * interval + Double(done) * step
        guard run.advance(scheme, from: time, steps: count, plan) else { return nil }
        done += count
      }
      run.save(saved)
    }
    return run.states
  }

  /// With steps of at most a Courant number, as the state goes: the interval divided by powers of two; and the
  /// largest.
  private func integrate(_ start: Tensor<Element>, courantNumber: Double) -> (Tensor<Element>?, Double) {
    let run = Run(scheme, start, savedCount)
    var plans: [Int: Scheme.Plan] = [:]
    var largest = 0.0
    for saved in 0..<savedCount {
      // Time within the interval, in units of interval/2^halvings.
      var (done, halvings) = (0, 0)
      while done < 1 << halvings {
        let rate = scheme.courantRate(run.state.unsafePointer)
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
        let plan = plans[halvings] ?? scheme.plan(step: step)
        plans[halvings] = plan
        let count = min(Self.courantSteps, 1 << halvings - done)
        let time = Double(saved) * interval + Double(done) * step
        guard run.advance(scheme, from: time, steps: count, plan) else { return (nil, largest) }
        largest = max(largest, step)
        done += count
      }
      run.save(saved)
    }
    return (run.states, largest)
  }

  /// One integration on its way.
  private final class Run {
    private(set) var state: Tensor<Element>
    private(set) var states: Tensor<Element>
    private let scratch: AlignedMemory<Element>
    private let initialMaximum: Double

    init(_ scheme: Scheme, _ start: Tensor<Element>, _ savedCount: Int) {
      state = start
      states = Tensor(uninitialized: [savedCount] + start.shape)
      scratch = AlignedMemory(count: scheme.scratchCount)
      initialMaximum = Double(start.maximumMagnitude())
    }

    func advance(_ scheme: Scheme, from time: Double, steps: Int, _ plan: Scheme.Plan) -> Bool {
      let pointer = state.unsafeMutablePointer()
      scheme.advance(pointer, from: time, steps: steps, plan, scratch: scratch.pointer)
      return scheme.isSound(pointer, initialMaximum: initialMaximum)
    }

    func save(_ index: Int) {
      (states.unsafeMutablePointer() + index * state.count).update(
        from: state.unsafePointer, count: state.count)
    }
  }

  /// The largest relative L² difference of two runs' saved states.
  private func difference(_ coarse: Tensor<Element>, _ fine: Tensor<Element>) -> Double {
    let count = scheme.stateShape.reduce(1, *)
    var worst = 0.0
    coarse.withUnsafeBuffer { coarse in
      fine.withUnsafeBuffer { fine in
        for start in stride(from: 0, to: fine.count, by: count) {
          var (difference, norm) = (0.0, 0.0)
          for index in start..<start + count {
            let value = Double(fine[index])
            let change = Double(coarse[index]) - value
            difference += change * change
            norm += value * value
          }
          if difference > 0 { worst = max(worst, (difference / norm).squareRoot()) }
        }
      }
    }
    return worst
  }
}
