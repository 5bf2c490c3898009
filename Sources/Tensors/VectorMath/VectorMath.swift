// exp, tanh and the exact GELU without branches or calls: a loop over them becomes vector code.

import RealModule

/// Elementary functions of one number, always inlined, to be called inside the loops of vector kernels (of this
/// and of other targets), and such loops over arrays.
///
/// Errors, found by comparison with correctly rounded values over the whole range, are below 4 units in the last
/// place, where nothing else is said. Infinities give the limits, NaN stays NaN.
public enum VectorMath {
  /// e^x. Overflows to infinity and underflows gradually.
  @inlinable @inline(__always)
  public static func exp<E: Scalar>(_ x: E) -> E {
    let bounds = E.exponentialBounds
    let raised = x < bounds.lower ? bounds.lower : x
    let clamped = raised > bounds.upper ? bounds.upper : raised
    let shifted = Relaxed.multiplyAdd(clamped, 1.4426950408889634, E.roundingShift)
    let r = reduced(clamped, exponent: shifted - E.roundingShift)
    let (first, second) = E.powersOfTwo(shifted: shifted)
    return (1 + exponentialMinusOne(reduced: r)) * first * second
  }

  /// tanh x = (e^2x − 1) / (e^2x + 1), from an e^2x − 1 without cancellation.
  @inlinable @inline(__always)
  public static func tanh<E: Scalar>(_ x: E) -> E {
    let bound = E.hyperbolicTangentBound
    let magnitude = x.magnitude
    let clamped = magnitude > bound ? bound : magnitude
    let argument = clamped + clamped
    let shift = E.roundingShift + E.exponentBias
    let shifted = Relaxed.multiplyAdd(argument, 1.4426950408889634, shift)
    let r = reduced(argument, exponent: shifted - shift)
    let power = E.powerOfTwo(shifted: shifted)
    let minusOne = Relaxed.multiplyAdd(power, exponentialMinusOne(reduced: r), power - 1)
    return E.withSign(of: x, magnitude: minusOne / (minusOne + 2))
  }

  /// The Gaussian error linear unit x·Φ(x), Φ the standard normal distribution function
  /// (Hendrycks and Gimpel 2016), in its exact form. Nothing cancels in the negative tail: its error there is
  /// relative, 4 + x² units in the last place.
  @inlinable @inline(__always)
  public static func gelu<E: Scalar>(_ x: E) -> E {
    let tail = NormalTail(x)
    return tail.gelu(x)
  }

  /// x·Φ(x) and its derivative Φ(x) + x·φ(x), φ the standard normal density, for one exponential.
  ///
  /// The derivative crosses zero near x = −0.7518, where the error is relative to its two terms.
  @inlinable @inline(__always)
  public static func geluWithDerivative<E: Scalar>(_ x: E) -> (value: E, derivative: E) {
    let tail = NormalTail(x)
    return (tail.gelu(x), tail.geluDerivative(x))
  }

  /// Φ(x) + x·φ(x), the derivative of ``gelu(_:)-(E)``.
  @inlinable @inline(__always)
  public static func geluDerivative<E: Scalar>(_ x: E) -> E { NormalTail(x).geluDerivative(x) }

  /// x − n log 2, n an integer.
  @inlinable @inline(__always)
  static func reduced<E: Scalar>(_ x: E, exponent n: E) -> E {
    Relaxed.multiplyAdd(n, -E.log2Low, Relaxed.multiplyAdd(n, -E.log2High, x))
  }

  /// e^r − 1 for |r| ≤ ½ log 2.
  @inlinable @inline(__always)
  static func exponentialMinusOne<E: Scalar>(reduced r: E) -> E {
    Relaxed.multiplyAdd(r * r, E.exponentialRemainder(r), r)
  }

  /// The tail Φ(−a) and the density φ(a) for a = |x|, by one e^(−a²/2).
  ///
  /// It is 2^(n + f) with n + f = −a²/2·log₂e, which is rounded: the relative error grows as a².
  @usableFromInline
  struct NormalTail<E: Scalar> {
    /// |x|, at most where the tail is zero.
    @usableFromInline let magnitude: E
    /// Φ(−a).
    @usableFromInline let tail: E
    /// e^(−a²/2).
    @usableFromInline let exponential: E

    @inlinable @inline(__always)
    init(_ x: E) {
      let bound = E.normalTailBound
      let a = x.magnitude > bound ? bound : x.magnitude
      let square = a * a
      let shift = E.roundingShift + E.exponentBias
      let shifted = Relaxed.multiplyAdd(square, -0.7213475204444817, shift)
      let f = Relaxed.multiplyAdd(square, -0.7213475204444817, shift - shifted)
      let (numerator, denominator) = E.scaledNormalTail(a)
      magnitude = a
      exponential = Relaxed.multiplyAdd(f, E.powerOfTwoRemainder(f), 1) * E.powerOfTwo(shifted: shifted)
      tail = exponential * numerator / denominator
    }

    /// max(x, 0) − a·Φ(−a).
    @inlinable @inline(__always)
    func gelu(_ x: E) -> E { Relaxed.multiplyAdd(-magnitude, tail, x > 0 ? x : 0) }

    /// ±(a·φ(a) − Φ(−a)), plus one for positive x.
    @inlinable @inline(__always)
    func geluDerivative(_ x: E) -> E {
      let difference = Relaxed.multiplyAdd(magnitude * 0.3989422804014327, exponential, -tail)
      return x < 0 ? -difference : 1 + difference
    }
  }
}
