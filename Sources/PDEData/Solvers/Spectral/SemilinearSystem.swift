// What a time stepper sees of an equation and its discretization.

import Spectral
import Tensors

/// The nonlinear part N of û' = Lû + N(û, t) in coefficients in which L is diagonal, with its dealiasing.
///
/// A state is an array of real numbers (complex coefficients as pairs). A system may offer several levels of
/// resolution: level 0 is the whole state, each further one a shorter beginning of it. The integrator goes to a shorter
/// one while the modes that it lacks are below roundoff, and back before they matter.
public protocol SpectralNonlinearity: Sendable {
  associatedtype Element: SpectralScalar

  /// Real numbers of a state at every level, descending.
  var stateCounts: [Int] { get }

  /// Real numbers of scratch memory that the methods want.
  var scratchCount: Int { get }

  /// `result ← N(state, time)` at a level.
  func evaluate(
    level: Int, time: Double, _ state: UnsafePointer<Element>, into result: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>)

  /// The level that suits a state that is now at `level`.
  func level(after level: Int, for state: UnsafePointer<Element>) -> Int

  /// The Courant number of a step, divided by the step: the largest Σ_i |u_i|/Δx_i over the grid. Zero where nothing is
  /// carried along.
  func courantRate(_ state: UnsafePointer<Element>, scratch: UnsafeMutablePointer<Element>) -> Double

  /// What the L² norm of a solution cannot exceed at a time, beginning with `norm` at time 0; infinite where no bound is
  /// known. A computed solution far above it is unstable.
  func normBound(at time: Double, from norm: Double) -> Double
}

extension SpectralNonlinearity {
  public func level(after level: Int, for state: UnsafePointer<Element>) -> Int { level }

  public func courantRate(
    _ state: UnsafePointer<Element>, scratch: UnsafeMutablePointer<Element>
  ) -> Double { 0 }

  public func normBound(at time: Double, from norm: Double) -> Double { .infinity }
}
