// What the vector functions need to know of a floating-point format: bit tricks, constants and polynomials.

import RealModule

/// The format-dependent parts of ``VectorMath``: everything here is a constant or a few instructions without
/// branches or calls, so that a loop over it becomes vector code.
public protocol VectorMathScalar {
  /// The bits of a number, as an unsigned integer of its size.
  associatedtype Bits: FixedWidthInteger & UnsignedInteger & Sendable

  /// The bits of |x|: they order like the magnitudes, with infinity and then NaN above all numbers.
  static func magnitudeBits(_ x: Self) -> Bits
  /// The number of these bits.
  static func value(bits: Bits) -> Self

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

  /// The tails where e^x is infinity and zero.
  static var exponentialBounds: (lower: Self, upper: Self) { get }
  /// Where tanh x is 1.
  static var hyperbolicTangentBound: Self { get }
  /// Where e^(−a²/2), and with it a·Φ(−a), is taken for zero: next to the smallest normal number.
  static var normalTailBound: Self { get }

  /// (e^r − 1 − r) / r² for |r| ≤ ½ log 2.
  static func exponentialRemainder(_ r: Self) -> Self
  /// (2^f − 1) / f for |f| ≤ ½.
  static func powerOfTwoRemainder(_ f: Self) -> Self
  /// Φ(−a)·e^(a²/2) = ½ erfcx(a/√2) = M / (2aM + N) for 0 ≤ a ≤ ``normalTailBound``, M and N polynomials with
  /// positive coefficients: nothing cancels, and the rounding errors of M do, from numerator to denominator.
  static func scaledNormalTail(_ a: Self) -> (numerator: Self, denominator: Self)
}

/// Horner's rule on a polynomial's coefficients from the highest degree down, one call a step.
@inlinable @inline(__always)
func step<E: VectorMathScalar & Real>(_ sum: E, _ x: E, _ coefficient: E) -> E {
  Relaxed.multiplyAdd(sum, x, coefficient)
}

extension Float: VectorMathScalar {
  @inlinable @inline(__always)
  public static func magnitudeBits(_ x: Float) -> UInt32 { x.bitPattern & 0x7fff_ffff }

  @inlinable @inline(__always)
  public static func value(bits: UInt32) -> Float { Float(bitPattern: bits) }

  @inlinable @inline(__always) public static var roundingShift: Float { 12_582_912 }
  @inlinable @inline(__always) public static var exponentBias: Float { 127 }
  @inlinable @inline(__always) public static var log2High: Float { 0x1.62e4p-1 }
  @inlinable @inline(__always) public static var log2Low: Float { 1.4286068203094173e-06 }
  @inlinable @inline(__always) public static var exponentialBounds: (lower: Float, upper: Float) {
    (-104, 89)
  }
  @inlinable @inline(__always) public static var hyperbolicTangentBound: Float { 10 }
  @inlinable @inline(__always) public static var normalTailBound: Float { 13.25 }

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

  // Minimax, relative error of e^r 8e-9.
  @inlinable @inline(__always)
  public static func exponentialRemainder(_ r: Float) -> Float {
    var sum: Float = 0.0013905829
    sum = step(sum, r, 0.008362962)
    sum = step(sum, r, 0.04166676)
    sum = step(sum, r, 0.16666579)
    return step(sum, r, 0.5)
  }

  // Interpolation at Chebyshev points, relative error of 2^f 5e-9.
  @inlinable @inline(__always)
  public static func powerOfTwoRemainder(_ f: Float) -> Float {
    var sum: Float = 0.00015453163
    sum = step(sum, f, 0.0013390863)
    sum = step(sum, f, 0.009618083)
    sum = step(sum, f, 0.05550357)
    sum = step(sum, f, 0.2402265)
    return step(sum, f, 0.6931472)
  }

  // Rational minimax approximation, relative error 6e-9. The common factor 7/4 makes the rounding errors
  // of M and N near a = 0 relatively small.
  @inlinable @inline(__always)
  public static func scaledNormalTail(_ a: Float) -> (numerator: Float, denominator: Float) {
    var numerator: Float = 0.007149733
    numerator = step(numerator, a, 0.07077272)
    numerator = step(numerator, a, 0.31970644)
    numerator = step(numerator, a, 0.7657895)
    numerator = step(numerator, a, 0.875)
    var rest: Float = 0.0036220425
    rest = step(rest, a, 0.035866976)
    rest = step(rest, a, 0.17962736)
    rest = step(rest, a, 0.5689353)
    rest = step(rest, a, 1.1778775)
    rest = step(rest, a, 1.75)
    return (numerator, step(numerator, a + a, rest))
  }
}

extension Double: VectorMathScalar {
  @inlinable @inline(__always)
  public static func magnitudeBits(_ x: Double) -> UInt64 { x.bitPattern & 0x7fff_ffff_ffff_ffff }

  @inlinable @inline(__always)
  public static func value(bits: UInt64) -> Double { Double(bitPattern: bits) }

  @inlinable @inline(__always) public static var roundingShift: Double { 6_755_399_441_055_744 }
  @inlinable @inline(__always) public static var exponentBias: Double { 1023 }
  @inlinable @inline(__always) public static var log2High: Double { 0x1.62e42feep-1 }
  @inlinable @inline(__always) public static var log2Low: Double { 1.9082149292705877e-10 }
  @inlinable @inline(__always) public static var exponentialBounds: (lower: Double, upper: Double) {
    (-746, 710)
  }
  @inlinable @inline(__always) public static var hyperbolicTangentBound: Double { 20 }
  @inlinable @inline(__always) public static var normalTailBound: Double { 37.66 }

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

  // Interpolation at Chebyshev points, relative error of 2^f 1e-19.
  @inlinable @inline(__always)
  public static func powerOfTwoRemainder(_ f: Double) -> Double {
    var sum: Double = 2.5729324177362305e-11
    sum = step(sum, f, 4.4558179083360645e-10)
    sum = step(sum, f, 7.0548973041554995e-09)
    sum = step(sum, f, 1.0178057087733941e-07)
    sum = step(sum, f, 1.3215486808705563e-06)
    sum = step(sum, f, 1.5252733841556773e-05)
    sum = step(sum, f, 0.00015403530393370734)
    sum = step(sum, f, 0.001333355814640647)
    sum = step(sum, f, 0.00961812910762848)
    sum = step(sum, f, 0.055504108664821625)
    sum = step(sum, f, 0.24022650695910072)
    return step(sum, f, 0.6931471805599453)
  }

  // Rational minimax approximation, relative error 1e-18. The common factor 7/4 makes the rounding errors
  // of M and N near a = 0 relatively small.
  @inlinable @inline(__always)
  public static func scaledNormalTail(_ a: Double) -> (numerator: Double, denominator: Double) {
    var numerator: Double = 3.8773810604839794e-07
    numerator = step(numerator, a, 1.2089393889360633e-05)
    numerator = step(numerator, a, 0.0001849875857081406)
    numerator = step(numerator, a, 0.0018071826052589658)
    numerator = step(numerator, a, 0.01239537292250327)
    numerator = step(numerator, a, 0.06213591836290058)
    numerator = step(numerator, a, 0.23025760437722226)
    numerator = step(numerator, a, 0.6236899906027712)
    numerator = step(numerator, a, 1.1871794113559784)
    numerator = step(numerator, a, 1.4475129602541166)
    numerator = step(numerator, a, 0.875)
    var rest: Double = 1.9643908767575495e-07
    rest = step(rest, a, 6.124828767556222e-06)
    rest = step(rest, a, 9.469185666944048e-05)
    rest = step(rest, a, 0.0009458734221648553)
    rest = step(rest, a, 0.006741597662888477)
    rest = step(rest, a, 0.035949141425626344)
    rest = step(rest, a, 0.14680792093481837)
    rest = step(rest, a, 0.4629740531481942)
    rest = step(rest, a, 1.1210487693424513)
    rest = step(rest, a, 2.0283139889446042)
    rest = step(rest, a, 2.5413239019132474)
    rest = step(rest, a, 1.75)
    return (numerator, step(numerator, a + a, rest))
  }
}
