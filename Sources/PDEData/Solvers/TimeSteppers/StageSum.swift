// Sums of stages with a weight for every coefficient: the pointwise part of an exponential step.

import RealModule
import Tensors

enum StageSum {
  /// `y = e·u + a·p`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func sum<E: Scalar>(
    _ y: UnsafeMutablePointer<E>, _ e: UnsafePointer<E>, _ u: UnsafePointer<E>, _ a: UnsafePointer<E>,
    _ p: UnsafePointer<E>, _ count: Int
  ) {
    for i in 0..<count { y[i] = Relaxed.multiplyAdd(a[i], p[i], e[i] * u[i]) }
  }

  /// `y = e·u + a·p + b·q`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func sum<E: Scalar>(
    _ y: UnsafeMutablePointer<E>, _ e: UnsafePointer<E>, _ u: UnsafePointer<E>, _ a: UnsafePointer<E>,
    _ p: UnsafePointer<E>, _ b: UnsafePointer<E>, _ q: UnsafePointer<E>, _ count: Int
  ) {
    for i in 0..<count {
      y[i] = Relaxed.multiplyAdd(b[i], q[i], Relaxed.multiplyAdd(a[i], p[i], e[i] * u[i]))
    }
  }

  /// `y = e·u + a·p + b·q + c·r`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func sum<E: Scalar>(
    _ y: UnsafeMutablePointer<E>, _ e: UnsafePointer<E>, _ u: UnsafePointer<E>, _ a: UnsafePointer<E>,
    _ p: UnsafePointer<E>, _ b: UnsafePointer<E>, _ q: UnsafePointer<E>, _ c: UnsafePointer<E>,
    _ r: UnsafePointer<E>, _ count: Int
  ) {
    for i in 0..<count {
      let two = Relaxed.multiplyAdd(b[i], q[i], Relaxed.multiplyAdd(a[i], p[i], e[i] * u[i]))
      y[i] = Relaxed.multiplyAdd(c[i], r[i], two)
    }
  }

  /// `y = e·u + a·p + b·q + c·r + d·s`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func sum<E: Scalar>(
    _ y: UnsafeMutablePointer<E>, _ e: UnsafePointer<E>, _ u: UnsafePointer<E>, _ a: UnsafePointer<E>,
    _ p: UnsafePointer<E>, _ b: UnsafePointer<E>, _ q: UnsafePointer<E>, _ c: UnsafePointer<E>,
    _ r: UnsafePointer<E>, _ d: UnsafePointer<E>, _ s: UnsafePointer<E>, _ count: Int
  ) {
    for i in 0..<count {
      let two = Relaxed.multiplyAdd(b[i], q[i], Relaxed.multiplyAdd(a[i], p[i], e[i] * u[i]))
      y[i] = Relaxed.multiplyAdd(d[i], s[i], Relaxed.multiplyAdd(c[i], r[i], two))
    }
  }

  /// `y += a·p`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func add<E: Scalar>(
    _ y: UnsafeMutablePointer<E>, _ a: UnsafePointer<E>, _ p: UnsafePointer<E>, _ count: Int
  ) {
    for i in 0..<count { y[i] = Relaxed.multiplyAdd(a[i], p[i], y[i]) }
  }
}
