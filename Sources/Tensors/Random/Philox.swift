// The counter-based generator under all random numbers.

/// Philox 4x32-10: a bijection of 128-bit counters for every 64-bit key, ten rounds of multiplications, whose values
/// on consecutive counters pass the statistical tests (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
/// easy as 1, 2, 3", SC11). There is no state: every value is computed from its place alone.
public enum Philox4x32 {
  /// The four random words at `counter`.
  @inlinable @inline(__always)
  public static func words(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var c = counter
    var k = key
    for round in 0..<10 {
      if round > 0 { k = SIMD2(k[0] &+ 0x9e37_79b9, k[1] &+ 0xbb67_ae85) }
      let first = UInt64(c[0]) &* 0xd251_1f53
      let second = UInt64(c[2]) &* 0xcd9e_8d57
      c = SIMD4(
        UInt32(truncatingIfNeeded: second &>> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: second),
        UInt32(truncatingIfNeeded: first &>> 32) ^ c[3] ^ k[1], UInt32(truncatingIfNeeded: first))
    }
    return c
  }
}
