// Systems of reaction and diffusion in a box.

import Tensors

/// `u_c,t = D_c Δu_c + R_c(u)`, c = 1, 2, …, with the same condition for all components on every face.
public struct ReactionDiffusionEquation<Reaction: ReactionTerm>: Sendable {
  public var reaction: Reaction
  /// D_c ≥ 0, one for each component.
  public var diffusivities: [Double]
  /// Axis by axis, in the grid's order; with zero data, since given values would have to follow the
  /// reaction.
  public var boundary: [AxisBoundary]

  public init(_ reaction: Reaction, diffusivities: [Double], boundary: [AxisBoundary]) {
    precondition(diffusivities.count == reaction.components.count, "a diffusivity for every component")
    precondition(
      boundary.allSatisfy { $0.ends.allSatisfy { $0.value == nil } }, "boundary data that are zero")
    self.reaction = reaction
    self.diffusivities = diffusivities
    self.boundary = boundary
  }
}

/// How reaction and diffusion follow each other. Both are of second order in time; neither limits the step but by the
/// rates of the reaction.
public enum ReactionCoupling: String, Sendable, Hashable, Codable, CaseIterable {
  /// Half a step of reaction (classical Runge–Kutta), a step of diffusion, half a step of reaction (Strang 1968).
  case strang
  /// One implicit–explicit step: diffusion by Crank–Nicolson, reaction extrapolated to the middle of the step (Adams &
  /// Bashforth), the first step by a predictor and a corrector.
  case implicitExplicit
}

/// Solves systems of reaction and diffusion in one to three dimensions by alternating directions; states are `[component,
/// …grid]`.
public final class ReactionDiffusionSolver<Reaction: ReactionTerm, Element: Scalar>: Sendable {
  public let equation: ReactionDiffusionEquation<Reaction>
  public let step: Double
  public let coupling: ReactionCoupling
  private let shape: [Int]
  private let points: Int
  private let directions: [AlternatingDirections<Element>]

  public init(
    _ equation: ReactionDiffusionEquation<Reaction>, grid: Grid, step: Double,
    order: SecondDifference.Order = .second, coupling: ReactionCoupling = .strang
  ) {
    precondition(
      step > 0 && equation.diffusivities.allSatisfy { $0 >= 0 },
      "a positive step and diffusivities that are not negative")
    self.equation = equation
    self.step = step
    self.coupling = coupling
    let laplacian = DifferenceLaplacian<Element>(grid: grid, boundary: equation.boundary, order: order)
    directions = equation.diffusivities.map { AlternatingDirections(laplacian, theta: $0 * step / 2) }
    points = grid.pointCount
    shape = [equation.diffusivities.count] + grid.shape
  }

  /// Takes steps; the equations do not know the time.
  public func advance(_ state: inout Tensor<Element>, steps: Int) {
    precondition(state.shape == shape, "\(state.shape) is not \(shape)")
    guard steps > 0 else { return }
    let u = state.unsafeMutablePointer()
    switch coupling {
    case .strang: advanceStrang(u, steps)
    case .implicitExplicit: advanceImplicitExplicit(u, steps)
    }
  }

  // MARK: - Strang

  private func advanceStrang(_ u: UnsafeMutablePointer<Element>, _ steps: Int) {
    // Between two steps of diffusion the two halves of reaction are one after the other.
    for _ in 0..<steps {
      react(u, step / 2)
      diffuse(u, forcing: nil)
      react(u, step / 2)
    }
  }

  private func diffuse(_ u: UnsafeMutablePointer<Element>, forcing: UnsafeMutablePointer<Element>?) {
    for (component, direction) in directions.enumerated() {
      direction.advance(
        u + component * points, forcing: forcing.map { $0 + component * points }, before: nil, after: nil)
    }
  }

  /// One step of the classical Runge–Kutta method at every point, in pieces that stay in the cache.
  private func react(_ u: UnsafeMutablePointer<Element>, _ step: Double) {
    let (components, piece) = (directions.count, 1024)
    nonisolated(unsafe) let u = u
    WorkerPool.shared.run(tasks: (points + piece - 1) / piece) { task in
      let (start, count) = (task * piece, min(piece, self.points - task * piece))
      let scratch = AlignedMemory<Element>(count: 4 * components * piece)
      let initial = scratch.pointer
      let (stage, rates, sum) = (
        initial + components * piece, initial + 2 * components * piece, initial + 3 * components * piece
      )
      for c in 0..<components {
        (initial + c * piece).update(from: u + c * self.points + start, count: count)
        // What is beyond the last point is computed too.
        for i in count..<piece { initial[c * piece + i] = 0 }
      }
      let total = components * piece
      for (index, weights) in [(0.0, 1.0), (0.5, 2), (0.5, 2), (1, 1)].enumerated() {
        stage.update(from: initial, count: total)
        if index > 0 { Pointwise.addScaled(rates, by: Element(weights.0 * step), to: stage, count: total) }
        self.equation.reaction.rates(stage, into: rates, count: piece, stride: piece)
        if index == 0 {
          sum.update(from: rates, count: total)
        } else {
          Pointwise.addScaled(rates, by: Element(weights.1), to: sum, count: total)
        }
      }
      for c in 0..<components {
        Pointwise.addScaled(
          sum + c * piece, by: Element(step / 6), to: u + c * self.points + start, count: count)
      }
    }
  }

  // MARK: - Implicit–explicit

  private func advanceImplicitExplicit(_ u: UnsafeMutablePointer<Element>, _ steps: Int) {
    let total = shape.reduce(1, *)
    let scratch = AlignedMemory<Element>(count: 3 * total)
    let (forcing, rates, earlier) = (
      scratch.pointer, scratch.pointer + total, scratch.pointer + 2 * total
    )
    // The first step: u* with the rates at its beginning, then again with the mean of these and those of u*.
    evaluate(u, earlier)
    rates.update(from: u, count: total)
    combine(step, earlier, 0, earlier, into: forcing)
    diffuse(rates, forcing: forcing)
    evaluate(UnsafePointer(rates), forcing)
    combine(step / 2, earlier, step / 2, forcing, into: rates)
    diffuse(u, forcing: rates)
    for _ in 1..<steps {
      evaluate(u, rates)
      combine(1.5 * step, rates, -0.5 * step, earlier, into: forcing)
      earlier.update(from: rates, count: total)
      diffuse(u, forcing: forcing)
    }
  }

  private func evaluate(_ u: UnsafePointer<Element>, _ rates: UnsafeMutablePointer<Element>) {
    nonisolated(unsafe) let (u, rates) = (u, rates)
    WorkerPool.shared.forEachPiece(count: points) { offset, count in
      self.equation.reaction.rates(u + offset, into: rates + offset, count: count, stride: self.points)
    }
  }

  /// `z = a x + b y`.
  private func combine(
    _ a: Double, _ x: UnsafePointer<Element>, _ b: Double, _ y: UnsafePointer<Element>,
    into z: UnsafeMutablePointer<Element>
  ) {
    nonisolated(unsafe) let (x, y, z) = (x, y, z)
    WorkerPool.shared.forEachPiece(count: shape.reduce(1, *)) { offset, count in
      Pointwise.scale(x + offset, by: Element(a), into: z + offset, count: count)
      if b != 0 { Pointwise.addScaled(y + offset, by: Element(b), to: z + offset, count: count) }
    }
  }
}
