// The Navier–Stokes equations of a plane flow by streamfunction and vorticity, finite differences in space.

import Spectral
import Tensors

/// Solves `ω_t + u·∇ω = νΔω − μω + f`, u = (∂_y ψ, −∂_x ψ), −Δψ = ω on a grid `[y, x]`, periodic or between walls: second order
/// in space and time.
///
/// Between walls the vorticity there is not given but follows from ψ (Thom's formula), from stage to stage; this
/// limits steps to about h²/(2ν), besides the Courant number.
public final class VorticitySolver<Element: SpectralScalar>: Sendable {
  public enum Stepper: String, Sendable, Hashable, Codable, CaseIterable {
    /// ``RungeKuttaCrankNicolson``.
    case rungeKuttaCrankNicolson
    /// ``ImplicitMidpoint``; periodic flows.
    case implicitMidpoint
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

  /// Takes steps from `time` on; false where the implicit equations could not be solved: the step is too long.
  @discardableResult
  public func advance(_ vorticity: inout Tensor<Element>, from time: Double, steps: Int) -> Bool {
    precondition(vorticity.shape == term.grid.shape, "a vorticity on the grid")
    let state = vorticity.unsafeMutablePointer()
    switch method {
    case .rungeKutta(let integrator, let stages):
      let scratch = AlignedMemory<Element>(count: integrator.scratchCount)
      var history = RungeKuttaCrankNicolson<VorticityDifferences<Element>>.History()
      integrator.advance(
        state, from: time, steps: steps, stages, history: &history, scratch: scratch.pointer)
      return true
    case .midpoint(let integrator, let directions):
      let scratch = AlignedMemory<Element>(count: integrator.scratchCount)
      return integrator.advance(
        state, from: time, steps: steps, step: step, directions, scratch: scratch.pointer)
    }
  }
}
