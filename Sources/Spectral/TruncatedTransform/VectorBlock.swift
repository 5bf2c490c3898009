// A few vectors handled as one: what kernels load, add and accumulate at a time.

import RealModule
import Tensors

/// `a · b + c`, contracted where the processor can.
@inline(__always)
func multiplyAdd<V: SIMD>(_ a: V, _ b: V, _ c: V) -> V where V.Scalar: Real {
  var result = c
  for lane in 0..<V.scalarCount { result[lane] = Relaxed.multiplyAdd(a[lane], b[lane], c[lane]) }
  return result
}

/// One, two or four neighbouring vectors.
protocol VectorBlock {
  associatedtype V: SIMD where V.Scalar: Real
  /// Zeros.
  init()
  init(_ source: UnsafePointer<V>)
  func store(_ target: UnsafeMutablePointer<V>)
  mutating func add(_ x: Self, times factor: V.Scalar)
  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
}

struct OneVector<V: SIMD>: VectorBlock where V.Scalar: Real {
  var a: V
  @inline(__always) init(a: V) { self.a = a }
  @inline(__always) init() { a = V(repeating: 0) }
  @inline(__always) init(_ source: UnsafePointer<V>) { a = source[0] }
  @inline(__always) func store(_ target: UnsafeMutablePointer<V>) { target[0] = a }
  @inline(__always) mutating func add(_ x: Self, times factor: V.Scalar) {
    a = multiplyAdd(x.a, V(repeating: factor), a)
  }
  @inline(__always) static func + (x: Self, y: Self) -> Self { Self(a: x.a + y.a) }
  @inline(__always) static func - (x: Self, y: Self) -> Self { Self(a: x.a - y.a) }
}

struct TwoVectors<V: SIMD>: VectorBlock where V.Scalar: Real {
  var a: V
  var b: V
  @inline(__always) init(a: V, b: V) {
    self.a = a
    self.b = b
  }
  @inline(__always) init() {
    a = V(repeating: 0)
    b = a
  }
  @inline(__always) init(_ source: UnsafePointer<V>) {
    a = source[0]
    b = source[1]
  }
  @inline(__always) func store(_ target: UnsafeMutablePointer<V>) {
    target[0] = a
    target[1] = b
  }
  @inline(__always) mutating func add(_ x: Self, times factor: V.Scalar) {
    let factor = V(repeating: factor)
    a = multiplyAdd(x.a, factor, a)
    b = multiplyAdd(x.b, factor, b)
  }
  @inline(__always) static func + (x: Self, y: Self) -> Self { Self(a: x.a + y.a, b: x.b + y.b) }
  @inline(__always) static func - (x: Self, y: Self) -> Self { Self(a: x.a - y.a, b: x.b - y.b) }
}

struct FourVectors<V: SIMD>: VectorBlock where V.Scalar: Real {
  var ab: TwoVectors<V>
  var cd: TwoVectors<V>
  @inline(__always) init(ab: TwoVectors<V>, cd: TwoVectors<V>) {
    self.ab = ab
    self.cd = cd
  }
  @inline(__always) init() {
    ab = TwoVectors()
    cd = ab
  }
  @inline(__always) init(_ source: UnsafePointer<V>) {
    ab = TwoVectors(source)
    cd = TwoVectors(source + 2)
  }
  @inline(__always) func store(_ target: UnsafeMutablePointer<V>) {
    ab.store(target)
    cd.store(target + 2)
  }
  @inline(__always) mutating func add(_ x: Self, times factor: V.Scalar) {
    ab.add(x.ab, times: factor)
    cd.add(x.cd, times: factor)
  }
  @inline(__always) static func + (x: Self, y: Self) -> Self { Self(ab: x.ab + y.ab, cd: x.cd + y.cd) }
  @inline(__always) static func - (x: Self, y: Self) -> Self { Self(ab: x.ab - y.ab, cd: x.cd - y.cd) }
}
