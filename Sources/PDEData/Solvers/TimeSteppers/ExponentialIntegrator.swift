// Steps u' = Lu + N(u) by an exponential Runge–Kutta method.

import Spectral
import Synchronization
import Tensors

/// Integrates a semilinear system with a diagonal linear part.
///
/// The weights of a step size are computed once and kept, for all samples that share the linear part. An integrator is
/// immutable to its users and may be used from many threads, each with its own ``Workspace``.
public final class ExponentialIntegrator<Nonlinearity: SpectralNonlinearity>: Sendable {
  public typealias Element = Nonlinearity.Element

  public let tableau: ExponentialTableau
  public let nonlinearity: Nonlinearity
  /// Eigenvalues of L, one for each real number of the state.
  private let eigenvalues: [Double]
  private let cache = Mutex<[Double: ExponentialWeights<Element>]>([:])

  public init(_ tableau: ExponentialTableau, eigenvalues: [Double], nonlinearity: Nonlinearity) {
    precondition(eigenvalues.count == nonlinearity.stateCounts[0], "an eigenvalue for every real number")
    self.tableau = tableau
    self.nonlinearity = nonlinearity
    self.eigenvalues = eigenvalues
  }

  /// The largest |λ| of the linear part.
  public var fastestRate: Double { eigenvalues.reduce(0) { max($0, abs($1)) } }

  /// Memory for one integration at a time.
  public struct Workspace: ~Copyable {
    let memory: AlignedMemory<Element>
    let stride: Int

    init(stateCount: Int, stages: Int, scratch: Int) {
      stride = (stateCount + 15) / 16 * 16
      memory = AlignedMemory(count: stride * (stages + 1) + scratch)
    }

    /// N of a stage.
    func stage(_ index: Int) -> UnsafeMutablePointer<Element> { memory.pointer + index * stride }
    func argument(stages: Int) -> UnsafeMutablePointer<Element> { memory.pointer + stages * stride }
    func scratch(stages: Int) -> UnsafeMutablePointer<Element> { memory.pointer + (stages + 1) * stride }
  }

  public func makeWorkspace() -> Workspace {
    Workspace(
      stateCount: nonlinearity.stateCounts[0], stages: tableau.weights.count,
      scratch: nonlinearity.scratchCount)
  }

  /// Advances a state by `steps` steps of size `step`, beginning and ending at the levels that suit it. What lies
  /// beyond the state's level is zero, before and after.
  public func advance(
    _ state: UnsafeMutablePointer<Element>, level: inout Int, steps: Int, step: Double,
    workspace: borrowing Workspace
  ) {
    let weights = weights(step)
    let stages = tableau.weights.count
    let argument = workspace.argument(stages: stages)
    let scratch = workspace.scratch(stages: stages)
    let first = workspace.stage(0)
    for _ in 0..<steps {
      adapt(state, &level)
      let count = nonlinearity.stateCounts[level]
      nonlinearity.evaluate(level: level, state, into: first, scratch: scratch)
      for stage in 1..<stages {
        weights.combine(weights.rows[stage - 1], state, first, workspace.stride, into: argument, count)
        nonlinearity.evaluate(level: level, argument, into: workspace.stage(stage), scratch: scratch)
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

  private func weights(_ step: Double) -> ExponentialWeights<Element> {
    if let known = cache.withLock({ $0[step] }) { return known }
    let made = ExponentialWeights<Element>(tableau, eigenvalues: eigenvalues, step: step)
    return cache.withLock { cache in
      if let known = cache[step] { return known }
      cache[step] = made
      return made
    }
  }
}

/// The weights of a tableau for one step size, one number for every real number of the state.
final class ExponentialWeights<Element: Scalar>: Sendable {
  /// One stage, or the step's end: where the exponential is, and the weights of earlier stages.
  struct Row: Sendable {
    var exponential: Int
    var terms: [(weight: Int, stage: Int)]
  }

  private let memory: AlignedMemory<Element>
  private let stride: Int
  let rows: [Row]

  init(_ tableau: ExponentialTableau, eigenvalues: [Double], step: Double) {
    let full = Self.functions(eigenvalues, step)
    let half = Self.functions(eigenvalues, step / 2)
    var columns: [[Double]] = []
    func add(_ values: [Double]) -> Int {
      columns.append(values)
      return columns.count - 1
    }
    let exponentials = (full: add(full.map { $0[0] }), half: add(half.map { $0[0] }))
    var rows: [Row] = []
    for (node, weights) in zip(tableau.nodes + [1], tableau.stages + [tableau.weights]) {
      var terms: [(weight: Int, stage: Int)] = []
      for (stage, weight) in weights.enumerated() {
        guard let weight else { continue }
        terms.append((add(zip(full, half).map { step * weight($0, $1) }), stage))
      }
      rows.append(Row(exponential: node == 1 ? exponentials.full : exponentials.half, terms: terms))
    }
    self.rows = rows
    stride = (eigenvalues.count + 15) / 16 * 16
    memory = AlignedMemory(count: stride * columns.count)
    for (index, column) in columns.enumerated() {
      for (position, value) in column.enumerated() {
        memory.pointer[index * stride + position] = Element(value)
      }
    }
  }

  /// φ_0…φ_3 of every eigenvalue. Neighbours, the two parts of a complex coefficient, often share one.
  private static func functions(_ eigenvalues: [Double], _ step: Double) -> [SIMD4<Double>] {
    var values: [SIMD4<Double>] = []
    values.reserveCapacity(eigenvalues.count)
    for (index, eigenvalue) in eigenvalues.enumerated() {
      if index > 0, eigenvalue == eigenvalues[index - 1] {
        values.append(values[index - 1])
      } else {
        values.append(PhiFunctions.values(eigenvalue * step))
      }
    }
    return values
  }

  /// `result ← e·u + Σ w_j N_j`.
  func combine(
    _ row: Row, _ state: UnsafePointer<Element>, _ stages: UnsafePointer<Element>, _ stageStride: Int,
    into result: UnsafeMutablePointer<Element>, _ count: Int
  ) {
    let exponential = UnsafePointer(memory.pointer + row.exponential * stride)
    func weight(_ index: Int) -> UnsafePointer<Element> {
      UnsafePointer(memory.pointer + row.terms[index].weight * stride)
    }
    func stage(_ index: Int) -> UnsafePointer<Element> { stages + row.terms[index].stage * stageStride }
    // Up to four terms in one pass; the weights of explicit methods of order 4 have no more.
    switch row.terms.count {
    case 1: StageSum.sum(result, exponential, state, weight(0), stage(0), count)
    case 2: StageSum.sum(result, exponential, state, weight(0), stage(0), weight(1), stage(1), count)
    case 3:
      StageSum.sum(
        result, exponential, state, weight(0), stage(0), weight(1), stage(1), weight(2), stage(2), count)
    default:
      StageSum.sum(
        result, exponential, state, weight(0), stage(0), weight(1), stage(1), weight(2), stage(2),
        weight(3), stage(3), count)
      for term in 4..<max(4, row.terms.count) { StageSum.add(result, weight(term), stage(term), count) }
    }
  }
}
