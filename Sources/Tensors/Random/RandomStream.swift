// Random numbers by their address: (seed, purpose, sample, index).

/// What random numbers are for. Numbers for different purposes are independent of each other under one seed; the
/// purpose is known by its name, so that every part of a program can have its own.
public struct RandomPurpose: Hashable, Sendable, ExpressibleByStringLiteral {
  /// The name's FNV-1a digest.
  public let tag: UInt32

  public init(tag: UInt32) { self.tag = tag }

  public init(_ name: String) {
    tag = name.utf8.reduce(0x811c_9dc5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
  }

  public init(stringLiteral name: String) { self.init(name) }
}

/// The random numbers of one purpose for one sample: any of them at once, by its index, without the ones before.
///
/// A value is a function of (seed, purpose, sample, index) alone: it does not matter in which order, on which
/// thread or on which machine of a cluster it is asked for. The numbers of different kinds at one index
/// (``uniform(at:)``, ``normal(at:)``, …) come from the same bits: a stream is for one kind.
///
///     let stream = RandomStream(seed: 42, purpose: "initialization")
///     let weight = 0.02 * stream.normal(at: 7)
public struct RandomStream: Sendable {
  @usableFromInline let key: UInt64
  @usableFromInline let sample: UInt64

  public init(seed: UInt64, purpose: RandomPurpose, sample: UInt64 = 0) {
    // Seed and purpose together are longer than a key: the generator itself mixes them.
    key = Philox4x32.bits(UInt64(purpose.tag), 0, key: seed).0
    self.sample = sample
  }

  /// The 128 random bits of a block; block b holds the values of the indices 2b and 2b + 1.
  @inlinable @inline(__always)
  public func bits(block: UInt64) -> (UInt64, UInt64) {
    Philox4x32.bits(block, sample, key: key)
  }

  /// 64 random bits.
  @inlinable @inline(__always)
  public func bits(at index: UInt64) -> UInt64 {
    let (first, second) = bits(block: index &>> 1)
    return index & 1 == 0 ? first : second
  }

  /// Uniform in [0, 1): a multiple of half the type's precision, every one of them equally likely; the `Float` is
  /// the `Double` rounded down.
  @inlinable @inline(__always)
  public func uniform<E: Scalar>(at index: UInt64, as type: E.Type = E.self) -> E {
    Self.uniform(bits: bits(at: index))
  }

  /// As many upper bits as the type's significand holds, as a fraction.
  @inlinable @inline(__always)
  static func uniform<E: Scalar>(bits: UInt64) -> E {
    E(Int64(bitPattern: bits &>> UInt64(63 - E.significandBitCount))) * (E.ulpOfOne / 2)
  }

  /// Uniform in [0, 1).
  @inlinable @inline(__always)
  public func uniform(at index: UInt64) -> Double { uniform(at: index, as: Double.self) }

  /// Two independent standard normal numbers, those of the indices 2·`block` and 2·`block` + 1, by Box and Muller in
  /// double precision. Their tails are right up to the largest number there is, 9.49.
  public func normalPair(block: UInt64) -> (Double, Double) {
    let (first, second) = bits(block: block)
    return BoxMuller.normals(first, second)
  }

  /// A standard normal number.
  public func normal(at index: UInt64) -> Double {
    let pair = normalPair(block: index &>> 1)
    return index & 1 == 0 ? pair.0 : pair.1
  }

  /// An integer of 0..<`bound`, all equally likely (Lemire, ACM Trans. Model. Comput. Simul. 29 (2019) 3).
  /// `index` is below 2^57.
  public func integer(below bound: UInt64, at index: UInt64) -> UInt64 {
    precondition(bound > 0 && index < 1 << 57, "an empty range, or an index out of range")
    // Rejected values are drawn anew from far beyond the indices in use.
    var attempt: UInt64 = 0
    while true {
      let product = bits(at: index | attempt &<< 57).multipliedFullWidth(by: bound)
      if product.low >= bound || product.low >= (0 &- bound) % bound { return product.high }
      attempt &+= 1
    }
  }
}

/// A random permutation of 0..<`count` (Fisher and Yates), a function of `seed` and `epoch` alone.
public func shuffledIndices(count: Int, seed: UInt64, epoch: Int) -> [Int] {
  let stream = RandomStream(seed: seed, purpose: "shuffle", sample: UInt64(truncatingIfNeeded: epoch))
  var indices = Array(0..<count)
  for last in indices.indices.dropFirst().reversed() {
    indices.swapAt(last, Int(stream.integer(below: UInt64(last) + 1, at: UInt64(last))))
  }
  return indices
}
