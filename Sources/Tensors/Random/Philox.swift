// The counter-based generator under all random numbers.

/// Philox 4x32-10: a bijection of 128-bit counters for every 64-bit key, ten rounds of multiplications, whose values
/// on consecutive counters pass the statistical tests (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
/// easy as 1, 2, 3", SC11). There is no state: every value is computed from its place alone.
public enum Philox4x32 {
  /// The four random words at `counter`.
  public static func words(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    let (first, second) = bits(
      UInt64(counter[0]) | UInt64(counter[1]) &<< 32, UInt64(counter[2]) | UInt64(counter[3]) &<< 32,
      key: UInt64(key[0]) | UInt64(key[1]) &<< 32)
    return SIMD4(
      UInt32(truncatingIfNeeded: first), UInt32(truncatingIfNeeded: first &>> 32),
      UInt32(truncatingIfNeeded: second), UInt32(truncatingIfNeeded: second &>> 32))
  }

  /// The same with the words in pairs, the lower one first. Every word is kept in 64 bits: a loop over counters then
  /// becomes vector code.
  @inlinable @inline(__always)
  public static func bits(_ lower: UInt64, _ upper: UInt64, key: UInt64) -> (UInt64, UInt64) {
    let mask: UInt64 = 0xffff_ffff
    var (c0, c1, c2, c3) = (lower & mask, lower &>> 32, upper & mask, upper &>> 32)
    var (k0, k1) = (key & mask, key &>> 32)
    for _ in 0..<10 {
      let first = c0 &* 0xd251_1f53
      let second = c2 &* 0xcd9e_8d57
      (c0, c1, c2, c3) = ((second &>> 32) ^ c1 ^ k0, second & mask, (first &>> 32) ^ c3 ^ k1, first & mask)
      k0 = (k0 &+ 0x9e37_79b9) & mask
      k1 = (k1 &+ 0xbb67_ae85) & mask
    }
    return (c0 | c1 &<< 32, c2 | c3 &<< 32)
  }
}
