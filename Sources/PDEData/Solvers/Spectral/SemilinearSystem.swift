// What an exponential integrator sees of an equation and its discretization.

import Spectral
import Tensors

/// The nonlinear part N of û' = Lû + N(û) in coefficients in which L is diagonal, with its dealiasing.
///
/// A state is an array of real numbers (complex coefficients as pairs), low modes first. A system may offer several
/// levels of resolution: level 0 is the whole state, each further one a shorter beginning of it. The integrator goes
/// to a shorter one while the modes that it lacks are below roundoff, and back before they matter.
public protocol SpectralNonlinearity: Sendable {
  associatedtype Element: SpectralScalar

  /// Real numbers of a state at every level, descending.
  var stateCounts: [Int] { get }

  /// Real numbers of scratch memory that ``evaluate(level:_:into:scratch:)`` wants.
  var scratchCount: Int { get }

  /// `result ← N(state)` at a level.
  func evaluate(
    level: Int, _ state: UnsafePointer<Element>, into result: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>)

  /// The level that suits a state that is now at `level`.
  func level(after level: Int, for state: UnsafePointer<Element>) -> Int
}
