// The Navier–Stokes equations of a plane flow by streamfunction and vorticity, finite differences in space.

import Spectral
import Tensors

/// Solves `ω_t + u·∇ω = νΔω − μω + f`, u = (∂_y ψ, −∂_x ψ), −Δψ = ω on a grid `[y, x]`, periodic or between walls: second order
/// in space and time.
///
/// Between walls the vorticity there is not given but follows from ψ (Thom's formula), from stage to stage; this
/// limits steps to 1.5 h²/ν, besides the Courant number.
public final class VorticitySolver<Element: SpectralScalar>: Sendable {
  public enum Stepper: String, Sendable, Hashable, Codable, CaseIterable {
    /// ``RungeKuttaCrankNicolson``.
    case rungeKuttaCrankNicolson
    /// ``ImplicitMidpoint``; periodic flows.
    case implicitMidpoint
  }

  /// The longest step for which the vorticity on walls, which lags behind by a stage, stays stable: 1.5 h²/ν with the
  /// distance h of the nodes (found by trial: on 33² and 65² nodes, ν = 0.1 and 1, that is stable and 2 h²/ν is not).
  public static func wallStepLimit(spacing: Double, viscosity: Double) -> Double {
    viscosity > 0 ? 1.5 * spacing * spacing / viscosity : .infinity
  }

  /// About the longest step that is stable: a Courant number of √3 or, for the implicit midpoint rule, of 2, where its
  /// iteration ceases to converge; between walls ``wallStepLimit(spacing:viscosity:)``.
  static func stepLimit(
    _ term: VorticityDifferences<Element>, viscosity: Double, stepper: Stepper, courantRate: Double
  ) -> Double {
    let courant =
      stepper == .implicitMidpoint
      ? 2 : RungeKuttaCrankNicolson<VorticityDifferences<Element>>.courantLimit
    var limit = courantRate > 0 ? courant / courantRate : .infinity
    if case .walls = term.surroundings {
      let spacing = term.grid.axes.reduce(Double.infinity) { min($0, $1.spacing) }
      limit = min(limit, wallStepLimit(spacing: spacing, viscosity: viscosity))
    }
    return limit
  }

  public let term: VorticityDifferences<Element>
  public let viscosity: Double
  public let step: Double
  private let method: Method

  private enum Method: Sendable {
    case rungeKutta(
      RungeKuttaCrankNicolson<VorticityDifferences<Element>>,
      RungeKuttaCrankNicolson<VorticityDifferences<Element>>.Stages)
    case midpoint(ImplicitMidpoint<VorticityDifferences<Element>>, AlternatingDirections<Element>)
  }

  public init(
    _ term: VorticityDifferences<Element>, viscosity: Double, step: Double,
    stepper: Stepper = .rungeKuttaCrankNicolson
  ) {
    precondition(viscosity >= 0 && step > 0, "a viscosity that is not negative and a positive step")
    self.term = term
    self.viscosity = viscosity
    self.step = step
    let isPeriodic = term.grid.axes.allSatisfy(\.isPeriodic)
    let laplacian = DifferenceLaplacian<Element>(
      grid: term.grid, boundary: term.grid.axes.map { _ in isPeriodic ? .periodic : .dirichlet })
    switch stepper {
    case .rungeKuttaCrankNicolson:
      let integrator = RungeKuttaCrankNicolson(
        term: term, laplacian: laplacian, diffusivity: viscosity, boundary: isPeriodic ? .zero : .determined)
      method = .rungeKutta(integrator, integrator.stages(step: step))
    case .implicitMidpoint:
      precondition(isPeriodic, "the implicit midpoint rule is for periodic flows")
      let integrator = ImplicitMidpoint(term: term, laplacian: laplacian, diffusivity: viscosity)
      method = .midpoint(integrator, integrator.directions(step: step))
    }
  }

  /// What one call of ``advance(_:from:steps:history:)`` leaves to the next one: the vorticity of the walls before.
  public struct History: Sendable {
    fileprivate var faces = RungeKuttaCrankNicolson<VorticityDifferences<Element>>.History()

    public init() {}
  }

  /// Takes steps from `time` on; false where the implicit equations could not be solved: the step is too long.
  @discardableResult
  public func advance(_ vorticity: inout Tensor<Element>, from time: Double, steps: Int) -> Bool {
    var history = History()
    return advance(&vorticity, from: time, steps: steps, history: &history)
  }

  /// The same, in pieces: steps that go on where those of the last call with this history ended.
  @discardableResult
  public func advance(
    _ vorticity: inout Tensor<Element>, from time: Double, steps: Int, history: inout History
  ) -> Bool {
    precondition(vorticity.shape == term.grid.shape, "a vorticity on the grid")
    let state = vorticity.unsafeMutablePointer()
    switch method {
    case .rungeKutta(let integrator, let stages):
      let scratch = AlignedMemory<Element>(count: integrator.scratchCount)
      integrator.advance(
        state, from: time, steps: steps, stages, history: &history.faces, scratch: scratch.pointer)
      return true
    case .midpoint(let integrator, let directions):
      let scratch = AlignedMemory<Element>(count: integrator.scratchCount)
      return integrator.advance(
        state, from: time, steps: steps, step: step, directions, scratch: scratch.pointer)
    }
  }
}
