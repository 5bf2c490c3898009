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

  /// `y = 0`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func clear<E: Scalar>(_ y: UnsafeMutablePointer<E>, count: Int) {
    for i in 0..<count { y[i] = 0 }
  }

  /// The real part of every complex number becomes zero.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func clearRealParts<E: Scalar>(_ y: UnsafeMutablePointer<E>, count: Int) {
    for i in 0..<count / 2 { y[2 * i] = 0 }
  }

  /// `y = x·factor`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func scale<E: Scalar>(
    _ x: UnsafePointer<E>, by factor: E, to y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] = x[i] * factor }
  }

  /// `y += factor·x`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func add<E: Scalar>(
    _ x: UnsafePointer<E>, times factor: E, to y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] = Relaxed.multiplyAdd(factor, x[i], y[i]) }
  }

  /// `y = −iωx` for complex numbers x, every ω standing twice.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func rotate<E: Scalar>(
    _ x: UnsafePointer<E>, by frequencies: UnsafePointer<E>, to y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count / 2 {
      let (real, imaginary) = (x[2 * i], x[2 * i + 1])
      y[2 * i] = frequencies[2 * i] * imaginary
      y[2 * i + 1] = -frequencies[2 * i] * real
    }
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

  /// `Σ |x|²` over a real function's modes: the first `single` count once, every other one for its conjugate too.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func energy<E: Scalar>(_ x: UnsafePointer<E>, count: Int, single: Int) -> Double {
    var (all, once) = (0.0, 0.0)
    for i in 2 * single..<max(2 * single, count) {
      let value = Double(x[i])
      all = Relaxed.multiplyAdd(value, value, all)
    }
    for i in 0..<min(count, 2 * single) {
      let value = Double(x[i])
      once = Relaxed.multiplyAdd(value, value, once)
    }
    return 2 * all + once
  }

  /// The ``energy(_:count:single:)`` of `x − y`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func energyOfDifference<E: Scalar>(
    _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, count: Int, single: Int
  ) -> Double {
    var (all, once) = (0.0, 0.0)
    for i in 2 * single..<max(2 * single, count) {
      let value = Double(x[i]) - Double(y[i])
      all = Relaxed.multiplyAdd(value, value, all)
    }
    for i in 0..<min(count, 2 * single) {
      let value = Double(x[i]) - Double(y[i])
      once = Relaxed.multiplyAdd(value, value, once)
    }
    return 2 * all + once
  }
}
