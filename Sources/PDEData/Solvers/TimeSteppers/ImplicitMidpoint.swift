// The implicit midpoint rule, which conserves every quadratic invariant of what it integrates.

import RealModule
import Tensors

/// Integrates `u_t = ν Δu + N(u, t)` by `u⁺ = u + Δt F(t + Δt/2, m)`, m = (u + u⁺)/2: second order in time; a quadratic
/// quantity that F conserves (energy and enstrophy under Arakawa's Jacobian) is conserved to roundoff.
///
/// The equation of m is solved by iteration: `m ← m + Π(1 − (νΔt/2) Δ_k)⁻¹ (u + (Δt/2) F(m) − m)`. It converges for Courant
/// numbers below about 2, the faster the smaller.
struct ImplicitMidpoint<Term: ExplicitTerm>: Sendable {
  typealias Element = Term.Element

  let term: Term
  let laplacian: DifferenceLaplacian<Element>
  let diffusivity: Double

  private static var mostIterations: Int { 200 }

  /// Numbers of scratch that ``advance(_:from:steps:_:scratch:)`` takes.
  var scratchCount: Int { 3 * term.componentCount * laplacian.count }

  func directions(step: Double) -> AlternatingDirections<Element> {
    AlternatingDirections(laplacian, theta: diffusivity * step / 2)
  }

  /// Takes steps from `time` on; false where the iteration does not converge.
  func advance(
    _ state: UnsafeMutablePointer<Element>, from time: Double, steps: Int, step: Double,
    _ directions: AlternatingDirections<Element>, scratch: UnsafeMutablePointer<Element>
  ) -> Bool {
    let total = term.componentCount * laplacian.count
    let (middle, residual, work) = (scratch, scratch + total, scratch + 2 * total)
    for index in 0..<steps {
      let middleTime = time + (Double(index) + 0.5) * step
      middle.update(from: state, count: total)
      guard
        iterate(middle, from: state, middleTime, step, directions, residual: residual, work: work)
      else { return false }
      nonisolated(unsafe) let (target, half) = (state, middle)
      WorkerPool.shared.forEachPiece(count: total) { offset, count in
        extrapolate(half + offset, target + offset, count: count)
      }
    }
    return true
  }

  private func iterate(
    _ middle: UnsafeMutablePointer<Element>, from state: UnsafePointer<Element>, _ time: Double,
    _ step: Double, _ directions: AlternatingDirections<Element>, residual: UnsafeMutablePointer<Element>,
    work: UnsafeMutablePointer<Element>
  ) -> Bool {
    let (points, total) = (laplacian.count, term.componentCount * laplacian.count)
    var smallest = Double.infinity
    for _ in 0..<Self.mostIterations {
      term.rates(middle, time: time, into: residual)
      if diffusivity != 0 {
        for component in 0..<term.componentCount {
          laplacian.apply(middle + component * points, faces: nil, into: work + component * points)
        }
      }
      nonisolated(unsafe) let (m, u, r, w) = (middle, state, residual, work)
      WorkerPool.shared.forEachPiece(count: total) { offset, count in
        let r = r + offset
        if diffusivity != 0 { Pointwise.addScaled(w + offset, by: Element(diffusivity), to: r, count: count) }
        midpointResidual(r, u + offset, m + offset, Element(step / 2), count: count)
      }
      for component in 0..<term.componentCount {
        directions.solve(residual + component * points, increments: nil)
      }
      let change = Double(Reductions.maximumMagnitude(residual, count: total))
      let size = Double(Reductions.maximumMagnitude(middle, count: total))
      guard change.isFinite, size.isFinite else { return false }
      WorkerPool.shared.forEachPiece(count: total) { Pointwise.add(r + $0, to: m + $0, count: $1) }
      if change <= 2 * Double(Element.ulpOfOne) * size { return true }
      // Roundoff: no iteration will do better.
      if change <= 100 * Double(Element.ulpOfOne) * size, change >= 0.5 * smallest { return true }
      smallest = min(smallest, change)
    }
    return false
  }
}

/// `r = u + h r − m`.
@specialized(where E == Float)
@specialized(where E == Double)
private func midpointResidual<E: Scalar>(
  _ r: UnsafeMutablePointer<E>, _ u: UnsafePointer<E>, _ m: UnsafePointer<E>, _ h: E, count: Int
) {
  for i in 0..<count { r[i] = Relaxed.multiplyAdd(h, r[i], u[i] - m[i]) }
}

/// `u = 2m − u`.
@specialized(where E == Float)
@specialized(where E == Double)
private func extrapolate<E: Scalar>(_ m: UnsafePointer<E>, _ u: UnsafeMutablePointer<E>, count: Int) {
  for i in 0..<count { u[i] = Relaxed.multiplyAdd(2, m[i], -u[i]) }
}
