// Loops over coefficients, compiled for each precision: generic library calls on pointers are not, and cost more than
// the arithmetic of a small transform.

import RealModule
import Tensors

enum CoefficientKernels {
  /// `y = x` for `count` numbers, then zeros up to `padded`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func copy<E: Scalar>(
    _ x: UnsafePointer<E>, to y: UnsafeMutablePointer<E>, count: Int, paddedTo padded: Int
  ) {
    for i in 0..<count { y[i] = x[i] }
    if padded > count { for i in count..<padded { y[i] = 0 } }
  }

  /// `y = x·factor`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func scale<E: Scalar>(
    _ x: UnsafePointer<E>, by factor: E, to y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] = x[i] * factor }
  }

  /// `y = x` in another precision.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func convert<E: Scalar>(_ x: UnsafePointer<Double>, to y: UnsafeMutablePointer<E>, count: Int) {
    for i in 0..<count { y[i] = E(x[i]) }
  }

  /// `y = x` in double precision.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func widen<E: Scalar>(_ x: UnsafePointer<E>, to y: UnsafeMutablePointer<Double>, count: Int) {
    for i in 0..<count { y[i] = Double(x[i]) }
  }

  /// The largest magnitude.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func largest<E: Scalar>(_ x: UnsafePointer<E>, _ range: Range<Int>) -> E {
    var result: E = 0
    for i in range {
      let magnitude = abs(x[i])
      result = magnitude > result ? magnitude : result
    }
    return result
  }

  /// `Σ |x|²` over a real function's modes, from mode `first` on: the mean counts once, every other mode twice.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func energy<E: Scalar>(_ x: UnsafePointer<E>, count: Int, from first: Int = 0) -> Double {
    var sum: Double = 0
    for i in min(count, max(2, 2 * first))..<count {
      let value = Double(x[i])
      sum = Relaxed.multiplyAdd(value, value, sum)
    }
    let mean = first == 0 ? Double(x[0]) : 0
    return 2 * sum + mean * mean
  }

  /// The ``energy(_:count:from:)`` of `x − y`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func energyOfDifference<E: Scalar>(
    _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, count: Int
  ) -> Double {
    var sum: Double = 0
    for i in min(2, count)..<count {
      let value = Double(x[i]) - Double(y[i])
      sum = Relaxed.multiplyAdd(value, value, sum)
    }
    let mean = Double(x[0]) - Double(y[0])
    return 2 * sum + mean * mean
  }
}
