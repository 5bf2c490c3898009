// Reactions: what components do to each other at a point.

import RealModule
import Tensors

/// The rates `R_c(u_1, u_2, …)` of a system `u_c,t = D_c Δu_c + R_c(u)`.
public protocol ReactionTerm: Sendable {
  /// The names of the components, in their order.
  var components: [String] { get }

  /// The rates at `count` points. Component c begins c·`stride` after the first, in both arrays.
  func rates<E: Scalar>(
    _ values: UnsafePointer<E>, into rates: UnsafeMutablePointer<E>, count: Int, stride: Int)
}

/// FitzHugh and Nagumo's excitable medium: an activator u and an inhibitor v,
///
///     R_u = u − u³ − v − k,   R_v = ε (u − γ v).
///
/// With ε = γ = 1 and k = 5·10⁻³ (and diffusivities 10⁻³ and 5·10⁻³ on a square of side 2 without flow through its sides) it
/// is PDEBench's diffusion–reaction system (Takamoto et al. 2022), which forms patterns.
public struct FitzHughNagumo: ReactionTerm, Hashable {
  public var threshold: Double
  public var recovery: Double
  public var decay: Double

  /// - Parameters:
  ///   - threshold: k.
  ///   - recovery: ε > 0, the rate of the inhibitor.
  ///   - decay: γ ≥ 0.
  public init(threshold: Double = 5e-3, recovery: Double = 1, decay: Double = 1) {
    self.threshold = threshold
    self.recovery = recovery
    self.decay = decay
  }

  public var components: [String] { ["u", "v"] }

  public func rates<E: Scalar>(
    _ values: UnsafePointer<E>, into rates: UnsafeMutablePointer<E>, count: Int, stride: Int
  ) {
    fitzHughNagumoRates(
      values, values + stride, rates, rates + stride, E(threshold), E(recovery), E(decay), count: count)
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func fitzHughNagumoRates<E: Scalar>(
  _ u: UnsafePointer<E>, _ v: UnsafePointer<E>, _ ru: UnsafeMutablePointer<E>,
  _ rv: UnsafeMutablePointer<E>, _ k: E, _ epsilon: E, _ gamma: E, count: Int
) {
  for i in 0..<count {
    let (x, y) = (u[i], v[i])
    ru[i] = Relaxed.multiplyAdd(x, 1 - x * x, -y - k)
    rv[i] = epsilon * Relaxed.multiplyAdd(-gamma, y, x)
  }
}
