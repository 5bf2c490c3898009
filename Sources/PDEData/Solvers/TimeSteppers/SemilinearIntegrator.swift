// Steps u' = Lu + N(u, t) by a one-step method.

import Spectral
import Synchronization
import Tensors

/// Integrates a semilinear system with a diagonal linear part.
///
/// The weights of a step size are computed once and kept, for all samples that share the linear part. An integrator is
/// immutable to its users and may be used from many threads, each with its own ``Workspace``.
public final class SemilinearIntegrator<Nonlinearity: SpectralNonlinearity>: Sendable {
  public typealias Element = Nonlinearity.Element

  public let method: SemilinearMethod
  public let nonlinearity: Nonlinearity
  private let spectrum: DistinctValues
  private let cache = Mutex<[Double: SemilinearWeights<Element>]>([:])

  /// - Parameter eigenvalues: of L, one for each real number of the state.
  public init(_ method: SemilinearMethod, eigenvalues: [Double], nonlinearity: Nonlinearity) {
    precondition(eigenvalues.count == nonlinearity.stateCounts[0], "an eigenvalue for every real number")
    self.method = method
    self.nonlinearity = nonlinearity
    spectrum = DistinctValues(eigenvalues)
  }

  /// The largest |λ| of the linear part.
  public var fastestRate: Double { spectrum.values.reduce(0) { max($0, abs($1)) } }

  /// Memory for one integration at a time.
  public struct Workspace: ~Copyable {
    private let memory: AlignedMemory<Element>
    let stride: Int
    private let stages: Int

    init(stateCount: Int, stages: Int, scratch: Int) {
      stride = (stateCount + 15) / 16 * 16
      self.stages = stages
      memory = AlignedMemory(count: stride * (stages + 1) + scratch)
    }

    /// N of a stage.
    func stage(_ index: Int) -> UnsafeMutablePointer<Element> { memory.pointer + index * stride }
    /// The state of a stage.
    var argument: UnsafeMutablePointer<Element> { memory.pointer + stages * stride }
    var scratch: UnsafeMutablePointer<Element> { memory.pointer + (stages + 1) * stride }
  }

  public func makeWorkspace() -> Workspace {
    Workspace(
      stateCount: nonlinearity.stateCounts[0], stages: method.nodes.count, scratch: nonlinearity.scratchCount)
  }

  /// Advances a state by `steps` steps of size `step` from `time` on, beginning and ending at the levels that suit it.
  /// What lies beyond the state's level is zero, before and after.
  public func advance(
    _ state: UnsafeMutablePointer<Element>, level: inout Int, from time: Double, steps: Int, step: Double,
    workspace: borrowing Workspace
  ) {
    let weights = weights(step)
    let stages = method.nodes.count
    let argument = workspace.argument
    let scratch = workspace.scratch
    let first = workspace.stage(0)
    for index in 0..<steps {
      adapt(state, &level)
      let count = nonlinearity.stateCounts[level]
      let start = time + Double(index) * step
      nonlinearity.evaluate(level: level, time: start, state, into: first, scratch: scratch)
      for stage in 1..<stages {
        weights.combine(weights.rows[stage - 1], state, first, workspace.stride, into: argument, count)
        nonlinearity.evaluate(
          level: level, time: start + method.nodes[stage] * step, argument, into: workspace.stage(stage),
          scratch: scratch)
      }
      weights.combine(weights.rows[stages - 1], state, first, workspace.stride, into: state, count)
    }
  }

  private func adapt(_ state: UnsafeMutablePointer<Element>, _ level: inout Int) {
    let next = nonlinearity.level(after: level, for: state)
    guard next != level else { return }
    let counts = nonlinearity.stateCounts
    if next > level {
      CoefficientKernels.copy(
        state, to: state, count: counts[next], paddedTo: counts[level])
    }
    level = next
  }

  private func weights(_ step: Double) -> SemilinearWeights<Element> {
    if let known = cache.withLock({ $0[step] }) { return known }
    let made = SemilinearWeights<Element>(method, spectrum: spectrum, step: step)
    return cache.withLock { cache in
      if let known = cache[step] { return known }
      cache[step] = made
      return made
    }
  }
}
