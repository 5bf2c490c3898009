// What a system in time has beside diffusion.

import Tensors

/// N of `u_c,t = ν Δu_c + N_c(u, t)`: convection, forcing, drag, treated explicitly by the time steppers.
public protocol ExplicitTerm: Sendable {
  associatedtype Element: Scalar
  /// Fields of a state, which is `[component, …grid]`.
  var componentCount: Int { get }

  /// N at every point. Before that, boundary values that follow from the state are set in it.
  func rates(
    _ state: UnsafeMutablePointer<Element>, time: Double, into rates: UnsafeMutablePointer<Element>)

  /// `max Σ_i |u_i|/h_i`: what a time step is multiplied by to be a Courant number.
  func courantRate(_ state: UnsafePointer<Element>) -> Double
}

/// Where a state's values on the boundary come from.
enum BoundarySource: Sendable {
  /// They are zero, or there is no boundary.
  case zero
  /// Functions of time, for every component.
  case given([BoundaryData])
  /// The state: ``ExplicitTerm/rates(_:time:into:)`` sets them at its time, and they are extrapolated from there.
  case determined
}
