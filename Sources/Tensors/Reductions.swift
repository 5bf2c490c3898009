// Sums, products and maxima over arrays, in an order that follows from the number of elements alone.

import RealModule

/// Reductions. They share their work over the pool when called from outside it.
///
/// Sums are taken in `Double` in either precision: blocks of 8192 elements one by one (vector code, its order
/// fixed by the build), the blocks' sums in their order with the rounding errors carried along (Neumaier 1974).
/// The relative error is that of one block's sum in `Double`.
public enum Reductions {
  static let block = 8192

  /// Σ x.
  public static func sum<E: Scalar>(_ x: UnsafePointer<E>, count: Int) -> Double {
    sumOfBlocks(count: count) { blockSum(x + $0, count: $1) }
  }

  /// Σ x / n; of no elements, NaN.
  public static func mean<E: Scalar>(_ x: UnsafePointer<E>, count: Int) -> Double {
    sum(x, count: count) / Double(count)
  }

  /// Σ x·y.
  public static func dot<E: Scalar>(_ x: UnsafePointer<E>, _ y: UnsafePointer<E>, count: Int) -> Double {
    sumOfBlocks(count: count) { blockDot(x + $0, y + $0, count: $1) }
  }

  /// Σ x².
  public static func sumOfSquares<E: Scalar>(_ x: UnsafePointer<E>, count: Int) -> Double {
    sumOfBlocks(count: count) { blockSumOfSquares(x + $0, count: $1) }
  }

  /// Σ (x − y)².
  public static func sumOfSquaredDifferences<E: Scalar>(
    _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, count: Int
  ) -> Double {
    sumOfBlocks(count: count) { blockSumOfSquaredDifferences(x + $0, y + $0, count: $1) }
  }

  /// Σ (x − c)², for a variance about a mean that is known.
  public static func sumOfSquaredDeviations<E: Scalar>(
    _ x: UnsafePointer<E>, from center: Double, count: Int
  ) -> Double {
    sumOfBlocks(count: count) { blockSumOfSquaredDeviations(x + $0, from: center, count: $1) }
  }

  /// max |x|; NaN if there is one, zero of no elements.
  public static func maximumMagnitude<E: Scalar>(_ x: UnsafePointer<E>, count: Int) -> E {
    E.value(bits: combineBlocks(count: count, zero: 0, { blockMaximum(x + $0, count: $1) }, max))
  }

  /// How many elements are NaN or infinite, and where the first one is; nil where none is.
  public static func nonFinite<E: Scalar>(
    _ x: UnsafePointer<E>, count: Int
  ) -> (count: Int, first: Int)? {
    // One vector pass decides; only bad data pay for the second.
    guard !maximumMagnitude(x, count: count).isFinite else { return nil }
    var result: (count: Int, first: Int)?
    for i in 0..<count where !x[i].isFinite { result = ((result?.count ?? 0) + 1, result?.first ?? i) }
    return result
  }

  /// The blocks' values by `body(offset, count)`, on the pool, combined in their order.
  static func combineBlocks<R: Sendable>(
    count: Int, zero: R, _ body: (Int, Int) -> R, _ combine: (R, R) -> R
  ) -> R {
    let blocks = (count + block - 1) / block
    guard blocks > 1 else { return count > 0 ? combine(zero, body(0, count)) : zero }
    return withUnsafeTemporaryAllocation(of: R.self, capacity: blocks) { values in
      guard let partial = values.baseAddress else { return zero }
      WorkerPool.shared.forEachRange(count: blocks, grain: 16) { range in
        for index in range {
          let offset = index * block
          (partial + index).initialize(to: body(offset, min(block, count - offset)))
        }
      }
      defer { values.deinitialize() }
      return values.reduce(zero, combine)
    }
  }

  private static func sumOfBlocks(count: Int, _ body: (Int, Int) -> Double) -> Double {
    combineBlocks(count: count, zero: CompensatedSum(), { CompensatedSum(body($0, $1)) }, +).value
  }
}

/// A sum with its rounding error carried along (Neumaier, ZAMM 54 (1974) 39).
struct CompensatedSum: Sendable {
  private var sum = 0.0
  private var error = 0.0

  init(_ value: Double = 0) { sum = value }

  // An infinite sum has no rounding error: inf − inf would make it NaN.
  var value: Double { sum.isFinite ? sum + error : sum }

  static func + (left: CompensatedSum, right: CompensatedSum) -> CompensatedSum {
    var result = CompensatedSum(left.sum + right.sum)
    let larger = left.sum.magnitude >= right.sum.magnitude ? left.sum : right.sum
    let smaller = left.sum.magnitude >= right.sum.magnitude ? right.sum : left.sum
    result.error = left.error + right.error + ((larger - result.sum) + smaller)
    return result
  }
}

// MARK: - One block, as vector code

extension Reductions {
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func blockSum<E: Scalar>(_ x: UnsafePointer<E>, count: Int) -> Double {
    var sum = 0.0
    for i in 0..<count { sum = Relaxed.sum(sum, Double(x[i])) }
    return sum
  }

  @specialized(where E == Float)
  @specialized(where E == Double)
  static func blockDot<E: Scalar>(_ x: UnsafePointer<E>, _ y: UnsafePointer<E>, count: Int) -> Double {
    var sum = 0.0
    for i in 0..<count { sum = Relaxed.multiplyAdd(Double(x[i]), Double(y[i]), sum) }
    return sum
  }

  @specialized(where E == Float)
  @specialized(where E == Double)
  static func blockSumOfSquares<E: Scalar>(_ x: UnsafePointer<E>, count: Int) -> Double {
    var sum = 0.0
    for i in 0..<count { sum = Relaxed.multiplyAdd(Double(x[i]), Double(x[i]), sum) }
    return sum
  }

  @specialized(where E == Float)
  @specialized(where E == Double)
  static func blockSumOfSquaredDifferences<E: Scalar>(
    _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, count: Int
  ) -> Double {
    var sum = 0.0
    for i in 0..<count {
      let difference = Double(x[i]) - Double(y[i])
      sum = Relaxed.multiplyAdd(difference, difference, sum)
    }
    return sum
  }

  @specialized(where E == Float)
  @specialized(where E == Double)
  static func blockSumOfSquaredDeviations<E: Scalar>(
    _ x: UnsafePointer<E>, from center: Double, count: Int
  ) -> Double {
    var sum = 0.0
    for i in 0..<count {
      let difference = Double(x[i]) - center
      sum = Relaxed.multiplyAdd(difference, difference, sum)
    }
    return sum
  }

  @specialized(where E == Float)
  @specialized(where E == Double)
  static func blockMaximum<E: Scalar>(_ x: UnsafePointer<E>, count: Int) -> E.Bits {
    var maximum: E.Bits = 0
    for i in 0..<count { maximum = max(maximum, E.magnitudeBits(x[i])) }
    return maximum
  }
}

extension Tensor {
  /// Calls `body` with the address and the number of the values.
  private func reduce<R>(_ body: (UnsafePointer<Element>, Int) -> R) -> R {
    withUnsafeBuffer { values in
      guard let address = values.baseAddress else { preconditionFailure("a tensor without memory") }
      return body(address, values.count)
    }
  }

  private func reduce<R>(
    with other: Tensor, _ body: (UnsafePointer<Element>, UnsafePointer<Element>, Int) -> R
  ) -> R {
    precondition(shape == other.shape, "\(shape) and \(other.shape) do not go together")
    return reduce { x, count in other.reduce { y, _ in body(x, y, count) } }
  }

  /// The sum of all values. See ``Reductions`` for its accuracy.
  public func sum() -> Double { reduce { Reductions.sum($0, count: $1) } }

  /// The mean of all values.
  public func mean() -> Double { reduce { Reductions.mean($0, count: $1) } }

  /// Σ x·y over all elements.
  public func dot(_ other: Tensor) -> Double {
    reduce(with: other) { Reductions.dot($0, $1, count: $2) }
  }

  public func sumOfSquares() -> Double { reduce { Reductions.sumOfSquares($0, count: $1) } }

  public func sumOfSquaredDifferences(from other: Tensor) -> Double {
    reduce(with: other) { Reductions.sumOfSquaredDifferences($0, $1, count: $2) }
  }

  /// max |x|; NaN if there is one.
  public func maximumMagnitude() -> Element { reduce { Reductions.maximumMagnitude($0, count: $1) } }

  /// How many values are NaN or infinite and where, in row-major order, the first one is; nil where none is.
  public func nonFinite() -> (count: Int, first: Int)? {
    reduce { Reductions.nonFinite($0, count: $1) }
  }
}
