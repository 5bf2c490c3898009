// A finite-difference or finite-volume scheme whose steps follow the Courant number.

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

  /// The saved states that follow an initial one, both `[…, component, …grid]`.
  func evolve(
    _ initial: Tensor<Double>, interval: Double, savedCount: Int, control: StepControl
  ) -> EvolutionResult {
    let start = initial.reshaped(stateShape)
    let largest = start.maximumMagnitude()
    func courantRate(_ state: Tensor<Double>) -> Double {
      let state: Tensor<Element> = state.converted()
      defer { withExtendedLifetime(state) {} }
      return self.courantRate(state.unsafePointer)
    }
    let rate = courantRate(start)
    let limit = rate > 0 ? courantLimit / rate : .infinity
    let found = SteppedEvolution(
      interval: interval, savedCount: savedCount, control: control, order: Self.order,
      firstStep: min(limit, interval / 4), courantRate: courantRate,
      solver: { step in
        let plan = plan(step: step)
        return { state, time, steps in
          var advanced: Tensor<Element> = state.converted()
          let scratch = AlignedMemory<Element>(count: scratchCount)
          let pointer = advanced.unsafeMutablePointer()
          advance(pointer, from: time, steps: steps, plan, scratch: scratch.pointer)
          guard isSound(pointer, initialMaximum: largest) else { return false }
          state = advanced.converted()
          return true
        }
      }
    ).solve(start)
    var result = EvolutionResult()
    (result.states, result.step, result.error) = (found.states, found.step, found.error)
    result.stepLimit = limit
    return result
  }
}
