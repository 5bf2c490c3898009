// Convection by a strong-stability-preserving Runge–Kutta method, diffusion by Crank–Nicolson within its stages.

import Tensors

/// Integrates `u_t = ν Δu + N(u, t)` by three stages a step: N by the method of Shu & Osher (J. Comput. Phys. 77 (1988) 439),
/// under which total variation does not grow where it would not under forward Euler; diffusion by Crank–Nicolson
/// from the step's beginning to each stage, in several dimensions by alternating directions:
///
///     U_1 = u + Δt N(u)                          at t + Δt,
///     U_2 = u + Δt (N(u) + N(U_1))/4             at t + Δt/2,
///     u⁺  = u + Δt (N(u) + N(U_1) + 4N(U_2))/6   at t + Δt,
///
/// and to each the mean of νΔ at its two ends. Second order in time, third without diffusion.
struct StrongStabilityCrankNicolson<Term: ExplicitTerm>: Sendable {
  typealias Element = Term.Element

  let term: Term
  let laplacian: DifferenceLaplacian<Element>
  let diffusivity: Double
  let boundary: BoundarySource

  /// The matrices of one step size.
  struct Stages: Sendable {
    let step: Double
    fileprivate let half: AlternatingDirections<Element>
    fileprivate let whole: AlternatingDirections<Element>
  }

  func stages(step: Double) -> Stages {
    Stages(
      step: step, half: AlternatingDirections(laplacian, theta: diffusivity * step / 4),
      whole: AlternatingDirections(laplacian, theta: diffusivity * step / 2))
  }

  private var total: Int { term.componentCount * laplacian.count }

  /// Numbers of scratch that ``advance(_:from:steps:_:scratch:)`` takes.
  var scratchCount: Int { 5 * total }

  /// Takes steps from `time` on.
  func advance(
    _ state: UnsafeMutablePointer<Element>, from time: Double, steps: Int, _ stages: Stages,
    scratch: UnsafeMutablePointer<Element>
  ) {
    let (step, total) = (stages.step, total)
    let rates = (0..<3).map { scratch + $0 * total }
    let (stage, forcing) = (scratch + 3 * total, scratch + 4 * total)
    for index in 0..<steps {
      let start = time + Double(index) * step
      let before = faces(at: start)
      if let before { setFixedEnds(before, of: state) }
      term.rates(state, time: start, into: rates[0])
      combine(rates, [1], step, into: forcing)
      stage.update(from: state, count: total)
      let end = faces(at: start + step)
      diffuse(stage, stages.whole, forcing, before, end)
      term.rates(stage, time: start + step, into: rates[1])
      combine(rates, [0.25, 0.25], step, into: forcing)
      stage.update(from: state, count: total)
      diffuse(stage, stages.half, forcing, before, faces(at: start + step / 2))
      term.rates(stage, time: start + step / 2, into: rates[2])
      combine(rates, [1.0 / 6, 1.0 / 6, 2.0 / 3], step, into: forcing)
      diffuse(state, stages.whole, forcing, before, end)
    }
  }

  /// `forcing = Δt Σ a_j N_j`.
  private func combine(
    _ rates: [UnsafeMutablePointer<Element>], _ weights: [Double], _ step: Double,
    into forcing: UnsafeMutablePointer<Element>
  ) {
    Pointwise.scale(rates[0], by: Element(step * weights[0]), into: forcing, count: total)
    for (rate, weight) in zip(rates, weights).dropFirst() {
      Pointwise.addScaled(rate, by: Element(step * weight), to: forcing, count: total)
    }
  }

  private func diffuse(
    _ state: UnsafeMutablePointer<Element>, _ directions: AlternatingDirections<Element>,
    _ forcing: UnsafeMutablePointer<Element>, _ before: [BoundaryFaces<Element>]?,
    _ after: [BoundaryFaces<Element>]?
  ) {
    for component in 0..<term.componentCount {
      let offset = component * laplacian.count
      directions.advance(
        state + offset, forcing: forcing + offset, before: before?[component], after: after?[component])
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
}
