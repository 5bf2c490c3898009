// Arrays of random numbers: element i is the number at index i, whoever computes it.

extension RandomStream {
  /// `y[i] = mean + deviation·n(offset + i)` with the standard normal numbers n of the stream.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public func fillNormal<E: Scalar>(
    _ y: UnsafeMutablePointer<E>, count: Int, offset: UInt64 = 0, mean: Double = 0, deviation: Double = 1
  ) {
    guard count > 0 else { return }
    // The first and the last number may each be half of a block.
    let head = offset & 1 == 1 ? 1 : 0
    let pairs = (count - head) / 2
    if head == 1 { y[0] = E(mean + deviation * normal(at: offset)) }
    let (values, block) = (y + head, (offset &+ 1) &>> 1)
    for pair in 0..<pairs {
      let (first, second) = bits(block: block &+ UInt64(truncatingIfNeeded: pair))
      let (even, odd) = BoxMuller.normals(first, second)
      values[2 * pair] = E(mean + deviation * even)
      values[2 * pair + 1] = E(mean + deviation * odd)
    }
    let done = head + 2 * pairs
    if done < count { y[done] = E(mean + deviation * normal(at: offset &+ UInt64(done))) }
  }

  /// `y[i]` uniform between two bounds: `lower + (upper − lower)·u(offset + i)`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public func fillUniform<E: Scalar>(
    _ y: UnsafeMutablePointer<E>, count: Int, offset: UInt64 = 0, lower: E = 0, upper: E = 1
  ) {
    guard count > 0 else { return }
    let head = offset & 1 == 1 ? 1 : 0
    let pairs = (count - head) / 2
    let width = upper - lower
    if head == 1 { y[0] = lower + width * uniform(at: offset) }
    let (values, block) = (y + head, (offset &+ 1) &>> 1)
    for pair in 0..<pairs {
      let (first, second) = bits(block: block &+ UInt64(truncatingIfNeeded: pair))
      values[2 * pair] = lower + width * Self.uniform(bits: first)
      values[2 * pair + 1] = lower + width * Self.uniform(bits: second)
    }
    let done = head + 2 * pairs
    if done < count { y[done] = lower + width * uniform(at: offset &+ UInt64(done)) }
  }
}

extension Tensor {
  /// Normal numbers with a mean and a standard deviation; element i, in row-major order, is that of index i.
  public static func normal(
    _ shape: [Int], from stream: RandomStream, mean: Double = 0, deviation: Double = 1
  ) -> Tensor {
    filled(shape) {
      stream.fillNormal($0, count: $2, offset: UInt64($1), mean: mean, deviation: deviation)
    }
  }

  /// Numbers uniform between two bounds; element i, in row-major order, is that of index i.
  public static func uniform(
    _ shape: [Int], from stream: RandomStream, lower: Element = 0, upper: Element = 1
  ) -> Tensor {
    filled(shape) {
      stream.fillUniform($0, count: $2, offset: UInt64($1), lower: lower, upper: upper)
    }
  }

  private static func filled(
    _ shape: [Int], _ kernel: (UnsafeMutablePointer<Element>, _ offset: Int, _ count: Int) -> Void
  ) -> Tensor {
    var result = Tensor(uninitialized: shape)
    result.withUnsafeMutableBuffer { y in
      guard let target = y.baseAddress else { return }
      WorkerPool.shared.forEachRange(count: y.count, grain: 1024) {
        kernel(target + $0.lowerBound, $0.lowerBound, $0.count)
      }
    }
    return result
  }
}
