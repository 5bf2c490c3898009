// Normal numbers from random bits, in arithmetic that is the same everywhere.

/// The transform of Box and Muller (Ann. Math. Stat. 29 (1958) 610), 128 random bits to two normal numbers.
///
/// Logarithm, sine and cosine are computed here, without branches and without fused operations: a loop over them
/// becomes vector code, and every machine, C library and loop finds the same bits. Their errors are about one unit
/// in the last place.
package enum BoxMuller {
  /// √(−2 log u)·(cos 2πv, sin 2πv) with u = (`first` + ½)·2^−64 and v the upper 53 bits of `second`.
  ///
  /// u is never zero and is fine near zero: the tails are right up to their end at 9.49.
  @inline(__always)
  package static func normals(_ first: UInt64, _ second: UInt64) -> (Double, Double) {
    let radius = squareRoot(-2 * log((Double(first) + 0.5) * 0x1p-64))
    let (cosine, sine) = cosineAndSine(turns: Double(second &>> 11) * 0x1p-53)
    return (radius * cosine, radius * sine)
  }

  /// log x of a positive, normal x, by the polynomial of FDLIBM's e_log.c (Sun Microsystems, 1993): x = 2^k·(1 + f)
  /// with 1 + f between √½ and √2, s = f/(2 + f), log(1 + f) = f − f²/2 + s(f²/2 + R(s²)).
  @inline(__always)
  package static func log(_ x: Double) -> Double {
    // √½'s bits are subtracted before the exponent is read, so that it steps at √½ and not at 1.
    let offset: UInt64 = 0x3fe6_a09e_667f_3bcd
    let steps = (x.bitPattern &- offset) & 0xfff0_0000_0000_0000
    let f = Double(bitPattern: x.bitPattern &- steps) - 1
    let k = Double(Int64(bitPattern: steps) &>> 52)
    let s = f / (2 + f)
    let z = s * s
    var r = z * 1.479819860511658591e-01 + 1.531383769920937332e-01
    r = z * r + 1.818357216161805012e-01
    r = z * r + 2.222219843214978396e-01
    r = z * r + 2.857142874366239149e-01
    r = z * r + 3.999999999940941908e-01
    r = z * (z * r + 6.666666666666735130e-01)
    let half = 0.5 * f * f
    return k * 6.93147180369123816490e-01
      - ((half - (s * (half + r) + k * 1.90821492927058770002e-10)) - f)
  }

  /// √x of a normal number or zero as x·(1/√x), by Newton's iteration for 1/√x from the well-known first guess: the
  /// relative errors are 3e-2, 2e-3, 5e-6, 3e-11, 0. (The library's square root is a call where it may set `errno`,
  /// and calls do not become vector code.)
  @inline(__always)
  package static func squareRoot(_ x: Double) -> Double {
    let half = 0.5 * x
    var y = Double(bitPattern: 0x5fe6_eb50_c7b5_37a9 &- x.bitPattern &>> 1)
    y = y * (1.5 - half * y * y)
    y = y * (1.5 - half * y * y)
    y = y * (1.5 - half * y * y)
    y = y * (1.5 - half * y * y)
    return x * y
  }

  /// cos 2πv and sin 2πv for 0 ≤ v < 1: v less the nearest quarter turn exactly, then the polynomials of FDLIBM's
  /// k_sin.c and k_cos.c on [−π/4, π/4], changed about by the quarter.
  @inline(__always)
  package static func cosineAndSine(turns v: Double) -> (cosine: Double, sine: Double) {
    // Adding 1.5·2^52 rounds to an integer and leaves it in the lowest bits.
    let shifted = 4 * v + 0x1.8p52
    let quarter = shifted.bitPattern
    let x = (v - (shifted - 0x1.8p52) * 0.25) * (2 * Double.pi)
    let z = x * x
    var p = z * 1.58969099521155010221e-10 - 2.50507602534068634195e-08
    p = z * p + 2.75573137070700676789e-06
    p = z * p - 1.98412698298579493134e-04
    p = z * p + 8.33333333332248946124e-03
    p = z * p - 1.66666666666666324348e-01
    let sine = x + x * (z * p)
    var q = z * -1.13596475577881948265e-11 + 2.08757232129817482790e-09
    q = z * q - 2.75573143513906633035e-07
    q = z * q + 2.48015872894767294178e-05
    q = z * q - 1.38888888888741095749e-03
    q = z * q + 4.16666666666666019037e-02
    let cosine = 1 - (0.5 * z - z * (z * q))
    let isOdd = quarter & 1 == 1
    let (first, second) = (isOdd ? sine : cosine, isOdd ? cosine : sine)
    // The cosine is negative in the quarters 1 and 2, the sine in 2 and 3.
    return (
      Double(bitPattern: first.bitPattern ^ ((quarter &+ 1) & 2) &<< 62),
      Double(bitPattern: second.bitPattern ^ (quarter & 2) &<< 62)
    )
  }
}
