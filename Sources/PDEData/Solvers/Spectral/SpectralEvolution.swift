// A semilinear equation on a periodic axis, from an initial state to saved states.

import RealModule
import Spectral
import Tensors

/// Saved states of one sample and what is known of them.
public struct EvolutionResult: Sendable {
  /// `[time, x]`.
  public var states: Tensor<Double>
  /// The largest step.
  public var step: Double
  /// Estimated relative L² error of the worst saved state, of the time step alone; nil where it was not estimated.
  public var error: Double?
  /// Share of the highest quarter of the kept modes in the L² norm of the worst saved state: far from zero, the
  /// grid is too coarse.
  public var tail: Double
}

/// Integrates û' = Lû + N(û) on one periodic axis and saves states at equal intervals.
public struct SpectralEvolution<Nonlinearity: SpectralNonlinearity>: Sendable {
  public typealias Element = Nonlinearity.Element

  public let integrator: ExponentialIntegrator<Nonlinearity>
  public let axis: PeriodicAxis<Element>
  /// Between two saved states.
  public let interval: Double
  public let savedCount: Int
  public let control: StepControl

  public init(
    integrator: ExponentialIntegrator<Nonlinearity>, axis: PeriodicAxis<Element>, interval: Double,
    savedCount: Int, control: StepControl
  ) {
    precondition(interval > 0 && savedCount >= 1, "time goes on to at least one saved state")
    self.integrator = integrator
    self.axis = axis
    self.interval = interval
    self.savedCount = savedCount
    self.control = control
  }

  /// The saved states that follow `initial` (its modes above the cutoff are dropped); nil where the integration
  /// failed.
  /// - Parameter guess: steps per interval to begin error control with.
  public func solve(_ initial: Tensor<Double>, guess: Int) -> EvolutionResult? {
    let workspace = integrator.makeWorkspace()
    let count = axis.coefficientCount
    let start = AlignedMemory<Element>(count: count)
    let values = AlignedMemory<Element>(count: axis.count)
    let scratch = AlignedMemory<Element>(count: axis.spectrumCount)
    initial.withUnsafeBuffer { buffer in
      guard let source = buffer.baseAddress else { return }
      CoefficientKernels.convert(source, to: values.pointer, count: axis.count)
    }
    axis.analyze(values.pointer, into: start.pointer, scratch: scratch.pointer)
    let initialState = start.pointer
    let state = AlignedMemory<Element>(count: count)
    func run(_ mesh: StepMesh, _ refinement: Int) -> Tensor<Element>? {
      CoefficientKernels.copy(initialState, to: state.pointer, count: count, paddedTo: count)
      return integrate(state.pointer, mesh, refinement, workspace: workspace)
    }
    let states: Tensor<Element>
    var result = EvolutionResult(
      states: Tensor.zeros([savedCount, axis.count]), step: 0, error: nil, tail: 0)
    switch control {
    case .fixed(let step):
      let steps = max(1, Int((interval / step * (1 - 1e-12)).rounded(.up)))
      guard let found = run(StepMesh(interval: interval, steps: steps), 1) else { return nil }
      states = found
      result.step = interval / Double(steps)
    case .tolerance(let tolerance):
      let mesh = StepMesh(interval: interval, steps: guess, gradedTo: integrator.fastestRate)
      let found = StepControl.refine(
        to: tolerance, order: integrator.tableau.order, run: { run(mesh, $0) },
        difference: { difference($0, $1, initial: initialState) })
      guard let found else { return nil }
      states = found.states
      result.step = mesh.step / Double(found.refinement)
      result.error = found.error
    }
    result.tail = tail(states)
    result.states.withUnsafeMutableBuffer { saved in
      states.withUnsafeBuffer { states in
        guard let states = states.baseAddress, let saved = saved.baseAddress else { return }
        for index in 0..<savedCount {
          axis.synthesize(states + index * count, into: values.pointer, scratch: scratch.pointer)
          CoefficientKernels.widen(values.pointer, to: saved + index * axis.count, count: axis.count)
        }
      }
    }
    return result
  }

  /// The coefficients of the saved states; nil once they are not finite.
  private func integrate(
    _ state: UnsafeMutablePointer<Element>, _ mesh: StepMesh, _ refinement: Int,
    workspace: borrowing ExponentialIntegrator<Nonlinearity>.Workspace
  ) -> Tensor<Element>? {
    let count = axis.coefficientCount
    var level = 0
    var states = Tensor<Element>(uninitialized: [savedCount, count])
    let isFinite = states.withUnsafeMutableBuffer { states in
      guard let states = states.baseAddress else { return false }
      for saved in 0..<savedCount {
        for (steps, step) in saved == 0 ? mesh.first : mesh.others {
          integrator.advance(
            state, level: &level, steps: steps * refinement, step: step / Double(refinement),
            workspace: workspace)
        }
        guard countNonFinite(state, count: count) == 0 else { return false }
        CoefficientKernels.copy(state, to: states + saved * count, count: count, paddedTo: count)
      }
      return true
    }
    return isFinite ? states : nil
  }

  private func tail(_ states: Tensor<Element>) -> Double {
    let count = axis.coefficientCount
    return states.withUnsafeBuffer { states in
      guard let states = states.baseAddress else { return 0 }
      return (0..<savedCount).reduce(0.0) { largest, saved in
        let state = states + saved * count
        let whole = CoefficientKernels.energy(state, count: count)
        let highest = CoefficientKernels.energy(state, count: count, from: (axis.cutoff + 1) * 3 / 4)
        return whole == 0 ? largest : max(largest, (highest / whole).squareRoot())
      }
    }
  }

  /// The largest relative L² difference of two runs' saved states, by Parseval. States that have decayed below
  /// roundoff of the initial one are compared with that.
  private func difference(
    _ coarse: Tensor<Element>, _ fine: Tensor<Element>, initial: UnsafePointer<Element>
  ) -> Double {
    let count = axis.coefficientCount
    let floor = 1e-24 * CoefficientKernels.energy(initial, count: count)
    return coarse.withUnsafeBuffer { coarse in
      fine.withUnsafeBuffer { fine in
        guard let coarse = coarse.baseAddress, let fine = fine.baseAddress else { return 0 }
        return (0..<savedCount).reduce(0.0) { largest, saved in
          let (a, b) = (coarse + saved * count, fine + saved * count)
          let error = CoefficientKernels.energyOfDifference(a, b, count: count)
          let size = max(CoefficientKernels.energy(b, count: count), floor)
          return error == 0 ? largest : max(largest, (error / size).squareRoot())
        }
      }
    }
  }
}
