// What the vector functions need to know of a floating-point format: bit tricks, constants and polynomials.

import RealModule

/// The format-dependent parts of ``VectorMath``: everything here is a constant or a few instructions without
/// branches or calls, so that a loop over it becomes vector code.
public protocol VectorMathScalar {
  /// 1.5·2^(significand bits): adding it to a number rounds that number to an integer, which then stands in
  /// the lowest bits. It replaces a conversion to an integer type, which would trap on NaN.
  static var roundingShift: Self { get }
  /// The bias of the exponent as a number.
  static var exponentBias: Self { get }
  /// The upper bits of log 2: their product with an exponent is exact.
  static var log2High: Self { get }
  /// log 2 − ``log2High``.
  static var log2Low: Self { get }

  /// 2^n for an n within the normal exponents, given as ``roundingShift`` + ``exponentBias`` + n.
  static func powerOfTwo(shifted: Self) -> Self
  /// Two powers of two whose product is 2^n, for an n up to twice the normal exponents, given as
  /// ``roundingShift`` + n: results that overflow or are subnormal come out right.
  static func powersOfTwo(shifted: Self) -> (Self, Self)
  /// `magnitude` (not negative) with the sign of `sign`.
  static func withSign(of sign: Self, magnitude: Self) -> Self
  /// The upper half of the significand's bits: its square is exact.
  static func upperHalf(_ x: Self) -> Self

  /// The tails where e^x is infinity and zero.
  static var exponentialBounds: (lower: Self, upper: Self) { get }
  /// Where tanh x is 1.
  static var hyperbolicTangentBound: Self { get }
  /// Where Φ(−a), and a·Φ(−a), are zero.
  static var normalTailBound: Self { get }
  /// 2^−m and, as a number, m + ``exponentBias``, with m such that 2^(m + n) is normal for all n down to
  /// that of the square of ``normalTailBound``.
  static var tailScale: (power: Self, biasedExponent: Self) { get }

  /// (e^r − 1 − r) / r² for |r| ≤ ½ log 2.
  static func exponentialRemainder(_ r: Self) -> Self
  /// Φ(−a)·e^(a²/2) = ½ erfcx(a/√2) for 0 ≤ a ≤ ``normalTailBound``.
  static func scaledNormalTail(_ a: Self) -> Self
}

/// Horner's rule on a polynomial's coefficients from the highest degree down, one call a step.
@inlinable @inline(__always)
func step<E: VectorMathScalar & Real>(_ sum: E, _ x: E, _ coefficient: E) -> E {
  Relaxed.multiplyAdd(sum, x, coefficient)
}

extension Float: VectorMathScalar {
  @inlinable @inline(__always) public static var roundingShift: Float { 12_582_912 }
  @inlinable @inline(__always) public static var exponentBias: Float { 127 }
  @inlinable @inline(__always) public static var log2High: Float { 0x1.62e4p-1 }
  @inlinable @inline(__always) public static var log2Low: Float { 1.4286068203094173e-06 }
  @inlinable @inline(__always) public static var exponentialBounds: (lower: Float, upper: Float) {
    (-104, 89)
  }
  @inlinable @inline(__always) public static var hyperbolicTangentBound: Float { 10 }
  @inlinable @inline(__always) public static var normalTailBound: Float { 14.5 }
  @inlinable @inline(__always) public static var tailScale: (power: Float, biasedExponent: Float) {
    (0x1p-64, 127 + 64)
  }

  @inlinable @inline(__always)
  public static func powerOfTwo(shifted: Float) -> Float { Float(bitPattern: shifted.bitPattern &<< 23) }

  @inlinable @inline(__always)
  public static func powersOfTwo(shifted: Float) -> (Float, Float) {
    let n = Int32(bitPattern: shifted.bitPattern) &- Int32(bitPattern: roundingShift.bitPattern)
    let half = n &>> 1
    return (
      Float(bitPattern: UInt32(bitPattern: (half &+ 127) &<< 23)),
      Float(bitPattern: UInt32(bitPattern: (n &- half &+ 127) &<< 23))
    )
  }

  @inlinable @inline(__always)
  public static func withSign(of sign: Float, magnitude: Float) -> Float {
    Float(bitPattern: magnitude.bitPattern | (sign.bitPattern & 0x8000_0000))
  }

  @inlinable @inline(__always)
  public static func upperHalf(_ x: Float) -> Float { Float(bitPattern: x.bitPattern & 0xffff_f000) }

  // Minimax, relative error of e^r 8e-9.
  @inlinable @inline(__always)
  public static func exponentialRemainder(_ r: Float) -> Float {
    var sum: Float = 0.0013905829
    sum = step(sum, r, 0.008362962)
    sum = step(sum, r, 0.04166676)
    sum = step(sum, r, 0.16666579)
    return step(sum, r, 0.5)
  }

  // (a + k)·Φ(−a)·e^(a²/2) as a polynomial in q = (a − k)/(a + k), after Shepherd and Laframboise,
  // Math. Comp. 36 (1981) 249; k = 5/2, relative error 3e-8.
  @inlinable @inline(__always)
  public static func scaledNormalTail(_ a: Float) -> Float {
    let t = 1 / (a + 2.5)
    let q = (a - 2.5) * t
    var sum: Float = -0.00017137046
    sum = step(sum, q, -0.000324633)
    sum = step(sum, q, 0.00070393016)
    sum = step(sum, q, 0.0025411232)
    sum = step(sum, q, -0.0016106027)
    sum = step(sum, q, -0.016393416)
    sum = step(sum, q, 0.009237831)
    sum = step(sum, q, 0.13198799)
    sum = step(sum, q, -0.43369213)
    sum = step(sum, q, 0.70665663)
    return sum * t
  }
}

extension Double: VectorMathScalar {
  @inlinable @inline(__always) public static var roundingShift: Double { 6_755_399_441_055_744 }
  @inlinable @inline(__always) public static var exponentBias: Double { 1023 }
  @inlinable @inline(__always) public static var log2High: Double { 0x1.62e42feep-1 }
  @inlinable @inline(__always) public static var log2Low: Double { 1.9082149292705877e-10 }
  @inlinable @inline(__always) public static var exponentialBounds: (lower: Double, upper: Double) {
    (-746, 710)
  }
  @inlinable @inline(__always) public static var hyperbolicTangentBound: Double { 20 }
  @inlinable @inline(__always) public static var normalTailBound: Double { 39 }
  @inlinable @inline(__always) public static var tailScale: (power: Double, biasedExponent: Double) {
    (0x1p-512, 1023 + 512)
  }

  @inlinable @inline(__always)
  public static func powerOfTwo(shifted: Double) -> Double { Double(bitPattern: shifted.bitPattern &<< 52) }

  @inlinable @inline(__always)
  public static func powersOfTwo(shifted: Double) -> (Double, Double) {
    let n = Int64(bitPattern: shifted.bitPattern) &- Int64(bitPattern: roundingShift.bitPattern)
    let half = n &>> 1
    return (
      Double(bitPattern: UInt64(bitPattern: (half &+ 1023) &<< 52)),
      Double(bitPattern: UInt64(bitPattern: (n &- half &+ 1023) &<< 52))
    )
  }

  @inlinable @inline(__always)
  public static func withSign(of sign: Double, magnitude: Double) -> Double {
    Double(bitPattern: magnitude.bitPattern | (sign.bitPattern & 0x8000_0000_0000_0000))
  }

  @inlinable @inline(__always)
  public static func upperHalf(_ x: Double) -> Double {
    Double(bitPattern: x.bitPattern & 0xffff_ffff_f800_0000)
  }

  // Interpolation at Chebyshev points, relative error of e^r 2e-17.
  @inlinable @inline(__always)
  public static func exponentialRemainder(_ r: Double) -> Double {
    var sum = 2.510038549551032e-08
    sum = step(sum, r, 2.7620088445409746e-07)
    sum = step(sum, r, 2.7557268459997064e-06)
    sum = step(sum, r, 2.4801521295954376e-05)
    sum = step(sum, r, 0.00019841269863053618)
    sum = step(sum, r, 0.0013888888917213717)
    sum = step(sum, r, 0.008333333333330062)
    sum = step(sum, r, 0.04166666666662413)
    sum = step(sum, r, 0.16666666666666669)
    return step(sum, r, 0.5000000000000001)
  }

  // As for `Float`, with k = 3, by interpolation at Chebyshev points; relative error 9e-17.
  @inlinable @inline(__always)
  public static func scaledNormalTail(_ a: Double) -> Double {
    let t = 1 / (a + 3)
    let q = (a - 3) * t
    var sum = -4.7870720959922925e-09
    sum = step(sum, q, -1.3135933402247276e-08)
    sum = step(sum, q, 1.657033137527329e-08)
    sum = step(sum, q, 9.487232199276363e-08)
    sum = step(sum, q, 5.684486037424846e-08)
    sum = step(sum, q, -2.7328560573942945e-07)
    sum = step(sum, q, -6.074709787998142e-07)
    sum = step(sum, q, 8.436576374559394e-09)
    sum = step(sum, q, 2.2657541545091404e-06)
    sum = step(sum, q, 3.639661016328273e-06)
    sum = step(sum, q, -3.5216120993913375e-06)
    sum = step(sum, q, -2.0688992367067843e-05)
    sum = step(sum, q, -1.3244941486425609e-05)
    sum = step(sum, q, 7.881264329401229e-05)
    sum = step(sum, q, 0.00015439426231460667)
    sum = step(sum, q, -0.0002565753435054921)
    sum = step(sum, q, -0.0010458285990398509)
    sum = step(sum, q, 0.0010275922589893913)
    sum = step(sum, q, 0.006972621238880609)
    sum = step(sum, q, -0.010462867023309811)
    sum = step(sum, q, -0.04726302514292172)
    sum = step(sum, q, 0.23001771997460368)
    sum = step(sum, q, -0.50933198191749)
    sum = step(sum, q, 0.729083690133373)
    return sum * t
  }
}
