// The flux u²/2 between neighbouring points of a line.

import RealModule
import Tensors

/// How the convection −(u²/2)_x of a line is discretized; all are conservative.
public enum ConvectiveFlux: String, Sendable, Hashable, Codable, CaseIterable {
  /// (a² + ab + b²)/6 between the values a and b: second order, without dissipation; it conserves Σu² too.
  case central
  /// Godunov's flux of piecewise linear states with van Leer's limiter (J. Comput. Phys. 32 (1979) 101): second order, total
  /// variation does not grow.
  case limited
  /// WENO-Z (Borges, Carmona, Costa & Don, J. Comput. Phys. 227 (2008) 3191) with Lax–Friedrichs splitting: fifth order
  /// where u is smooth, at extrema too (ε ~ h⁴; Don & Borges, J. Comput. Phys. 250 (2013) 347), no oscillations at shocks
  /// to speak of.
  case weno

  /// Points beyond a line's ends that the stencil reaches.
  static let reach = 3

  /// The Courant number up to which it is stable under a strong-stability-preserving method of order 3; for `limited`
  /// what its total variation diminishes for is half of that.
  var courantLimit: Double { self == .central ? 3.0.squareRoot() : 1 }

  /// `rates_i = (f_{i−1/2} − f_{i+1/2})/h` for a line with ``reach`` points more at both ends; `fluxes` takes count + 1
  /// numbers.
  func rates<E: Scalar>(
    _ line: UnsafePointer<E>, count: Int, inverseSpacing: E, fluxes: UnsafeMutablePointer<E>,
    into rates: UnsafeMutablePointer<E>
  ) {
    switch self {
    case .central: centralFluxes(line, fluxes, count: count + 1)
    case .limited: limitedFluxes(line, fluxes, count: count + 1)
    case .weno:
      let speed = Reductions.maximumMagnitude(line, count: count + 2 * Self.reach)
      // Of the indicators, fluxes squared; below it a stencil counts as smooth.
      let size = 16 * speed * speed / (E(count) * E(count))
      let threshold = max(size * size, E.leastNormalMagnitude)
      wenoFluxes(line, fluxes, speed, threshold, count: count + 1)
    }
    difference(fluxes, inverseSpacing, into: rates, count: count)
  }
}

// Face i lies between the points 2 + i and 3 + i of the line with its further points.

@specialized(where E == Float)
@specialized(where E == Double)
private func centralFluxes<E: Scalar>(
  _ p: UnsafePointer<E>, _ f: UnsafeMutablePointer<E>, count: Int
) {
  let sixth = 1 / E(6)
  for i in 0..<count {
    let (a, b) = (p[i + 2], p[i + 3])
    f[i] = sixth * Relaxed.multiplyAdd(a, a + b, b * b)
  }
}

@inline(__always)
private func limitedSlope<E: Scalar>(_ a: E, _ b: E, _ c: E) -> E {
  let (left, right) = (b - a, c - b)
  let product = left * right
  return product > 0 ? 2 * product / (left + right) : 0
}

@specialized(where E == Float)
@specialized(where E == Double)
private func limitedFluxes<E: Scalar>(
  _ p: UnsafePointer<E>, _ f: UnsafeMutablePointer<E>, count: Int
) {
  for i in 0..<count {
    let a = p[i + 2] + limitedSlope(p[i + 1], p[i + 2], p[i + 3]) / 2
    let b = p[i + 3] - limitedSlope(p[i + 2], p[i + 3], p[i + 4]) / 2
    let right = a > 0 ? a : 0
    let left = b < 0 ? b : 0
    let (fromLeft, fromRight) = (right * right, left * left)
    f[i] = (fromLeft > fromRight ? fromLeft : fromRight) / 2
  }
}

/// The fifth-order value at the right end of the cell of c.
@inline(__always)
private func weno<E: Scalar>(_ a: E, _ b: E, _ c: E, _ d: E, _ e: E, _ threshold: E) -> E {
  let (third, sixth) = (E(13) / 12, 1 / E(6))
  func square(_ x: E) -> E { x * x }
  let left = third * square(a - 2 * b + c) + square(a - 4 * b + 3 * c) / 4
  let middle = third * square(b - 2 * c + d) + square(b - d) / 4
  let right = third * square(c - 2 * d + e) + square(3 * c - 4 * d + e) / 4
  let tau = abs(left - right)
  let w0 = (1 + square(tau / (left + threshold))) / 10
  let w1 = (1 + square(tau / (middle + threshold))) * 6 / 10
  let w2 = (1 + square(tau / (right + threshold))) * 3 / 10
  let q0 = sixth * (2 * a - 7 * b + 11 * c)
  let q1 = sixth * (-b + 5 * c + 2 * d)
  let q2 = sixth * (2 * c + 5 * d - e)
  return (w0 * q0 + w1 * q1 + w2 * q2) / (w0 + w1 + w2)
}

@specialized(where E == Float)
@specialized(where E == Double)
private func wenoFluxes<E: Scalar>(
  _ p: UnsafePointer<E>, _ f: UnsafeMutablePointer<E>, _ speed: E, _ threshold: E, count: Int
) {
  @inline(__always) func forward(_ u: E) -> E { (u * u / 2 + speed * u) / 2 }
  @inline(__always) func backward(_ u: E) -> E { (u * u / 2 - speed * u) / 2 }
  for i in 0..<count {
    f[i] =
      weno(
        forward(p[i]), forward(p[i + 1]), forward(p[i + 2]), forward(p[i + 3]), forward(p[i + 4]),
        threshold)
      + weno(
        backward(p[i + 5]), backward(p[i + 4]), backward(p[i + 3]), backward(p[i + 2]), backward(p[i + 1]),
        threshold)
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func difference<E: Scalar>(
  _ f: UnsafePointer<E>, _ factor: E, into rates: UnsafeMutablePointer<E>, count: Int
) {
  for i in 0..<count { rates[i] = factor * (f[i] - f[i + 1]) }
}
