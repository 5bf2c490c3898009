// Arrays of random numbers: element i is the number at index i, whoever computes it.

extension RandomStream {
  /// `y[i] = mean + deviation·n(offset + i)` with the standard normal numbers n of the stream.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public func fillNormal<E: Scalar>(
    _ y: UnsafeMutablePointer<E>, count: Int, offset: UInt64 = 0, mean: Double = 0, deviation: Double = 1
  ) {
    var i = 0
    if offset & 1 == 1, count > 0 {
      y[0] = E(mean + deviation * normal(at: offset))
      i = 1
    }
    while i + 1 < count {
      let pair = normalPair(block: (offset &+ UInt64(i)) &>> 1)
      y[i] = E(mean + deviation * pair.0)
      y[i + 1] = E(mean + deviation * pair.1)
      i += 2
    }
    if i < count { y[i] = E(mean + deviation * normal(at: offset &+ UInt64(i))) }
  }

  /// `y[i]` uniform between two bounds: `lower + (upper − lower)·u(offset + i)`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public func fillUniform<E: Scalar>(
    _ y: UnsafeMutablePointer<E>, count: Int, offset: UInt64 = 0, lower: E = 0, upper: E = 1
  ) {
    for i in 0..<count { y[i] = lower + (upper - lower) * uniform(at: offset &+ UInt64(i), as: E.self) }
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
