// Convection by an explicit Runge–Kutta method, diffusion by alternating directions within its stages.

import Tensors

/// Integrates `u_t = ν Δu + N(u, t)` by three stages a step: N by the low-storage third-order Runge–Kutta method of
/// Wray, diffusion by Crank–Nicolson between the stages' times (Spalart, Moser & Rogers, J. Comput. Phys. 96 (1991) 297), each
/// by alternating directions. Second order in time; stable for Courant numbers up to √3 (on central differences),
/// whatever the diffusion.
struct RungeKuttaCrankNicolson<Term: ExplicitTerm>: Sendable {
  typealias Element = Term.Element

  let term: Term
  let laplacian: DifferenceLaplacian<Element>
  let diffusivity: Double
  let boundary: BoundarySource

  /// Stage ℓ advances by `Δt (γ_ℓ N_ℓ + ζ_ℓ N_{ℓ−1})` from c_{ℓ−1} to c_ℓ = c_{ℓ−1} + γ_ℓ + ζ_ℓ.
  private static var weights: [(now: Double, before: Double)] {
    [(8.0 / 15, 0), (5.0 / 12, -17.0 / 60), (3.0 / 4, -5.0 / 12)]
  }

  /// The longest Courant number: √3, the end of the method's stability on the imaginary axis.
  static var courantLimit: Double { 3.0.squareRoot() }

  /// The matrices of one step size.
  struct Stages: Sendable {
    let step: Double
    fileprivate let directions: [AlternatingDirections<Term.Element>]
  }

  func stages(step: Double) -> Stages {
    Stages(
      step: step,
      directions: Self.weights.map {
        AlternatingDirections(laplacian, theta: diffusivity * step * ($0.now + $0.before) / 2)
      })
  }

  /// Values on the boundary at the last two times they were known at, to be extrapolated.
  struct History: Sendable {
    fileprivate var earlier: (time: Double, faces: [BoundaryFaces<Term.Element>])?
  }

  /// Numbers of scratch that ``advance(_:from:steps:_:history:scratch:)`` takes.
  var scratchCount: Int { 3 * term.componentCount * laplacian.count }

  /// Takes steps from `time` on.
  func advance(
    _ state: UnsafeMutablePointer<Element>, from time: Double, steps: Int, _ stages: Stages,
    history: inout History, scratch: UnsafeMutablePointer<Element>
  ) {
    let (points, step) = (laplacian.count, stages.step)
    let total = points * term.componentCount
    var (rates, earlier) = (scratch, scratch + total)
    let forcing = scratch + 2 * total
    for index in 0..<steps {
      var stageTime = time + Double(index) * step
      for (stage, weight) in Self.weights.enumerated() {
        let before = faces(at: stageTime)
        if let before { setFixedEnds(before, of: state) }
        term.rates(state, time: stageTime, into: rates)
        nonisolated(unsafe) let (now, last, sum) = (rates, earlier, forcing)
        WorkerPool.shared.forEachPiece(count: total) { offset, count in
          Pointwise.scale(now + offset, by: Element(step * weight.now), into: sum + offset, count: count)
          if stage > 0 {
            Pointwise.addScaled(
              last + offset, by: Element(step * weight.before), to: sum + offset, count: count)
          }
        }
        let nextTime = stageTime + step * (weight.now + weight.before)
        let (from, to) = dataOfStage(state, before, stageTime, nextTime, &history)
        for component in 0..<term.componentCount {
          stages.directions[stage].advance(
            state + component * points, forcing: forcing + component * points, before: from?[component],
            after: to?[component])
        }
        stageTime = nextTime
        swap(&rates, &earlier)
      }
    }
  }

  /// Given data at a time, component by component.
  private func faces(at time: Double) -> [BoundaryFaces<Element>]? {
    guard case .given(let data) = boundary else { return nil }
    return data.map { $0.faces(time: time) }
  }

  private func setFixedEnds(_ faces: [BoundaryFaces<Element>], of state: UnsafeMutablePointer<Element>) {
    for (component, faces) in faces.enumerated() {
      for axis in laplacian.axes.indices {
        laplacian.setFixedEnds(axis, faces, of: state + component * laplacian.count)
      }
    }
  }

  private func dataOfStage(
    _ state: UnsafePointer<Element>, _ given: [BoundaryFaces<Element>]?, _ time: Double, _ next: Double,
    _ history: inout History
  ) -> (before: [BoundaryFaces<Element>]?, after: [BoundaryFaces<Element>]?) {
    switch boundary {
    case .zero: return (nil, nil)
    case .given: return (given, faces(at: next))
    case .determined:
      let now = (0..<term.componentCount).map { laplacian.fixedEnds(of: state + $0 * laplacian.count) }
      var after = now
      if let earlier = history.earlier, time > earlier.time {
        let weight = (next - time) / (time - earlier.time)
        after = zip(now, earlier.faces).map { $0.extrapolated(from: $1, by: weight) }
      }
      history.earlier = (time, now)
      return (now, after)
    }
  }
}
