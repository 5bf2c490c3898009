// A few vectors handled as one: what kernels load, add and accumulate at a time.

import RealModule

/// `a · b + c`, contracted where the processor can.
@inlinable @inline(__always)
public func multiplyAdd<V: SIMD>(_ a: V, _ b: V, _ c: V) -> V where V.Scalar: Real {
  var result = c
  for lane in 0..<V.scalarCount { result[lane] = Relaxed.multiplyAdd(a[lane], b[lane], c[lane]) }
  return result
}

/// One to four neighbouring vectors. Nothing in memory need be aligned.
public protocol VectorBlock {
  associatedtype V: SIMD & BitwiseCopyable where V.Scalar: Real
  /// Zeros.
  init()
  init(repeating value: V.Scalar)
  init(_ source: UnsafePointer<V.Scalar>)
  func store(_ target: UnsafeMutablePointer<V.Scalar>)
  mutating func add(_ x: Self, times factor: V.Scalar)
  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
}

@frozen
public struct OneVector<V: SIMD & BitwiseCopyable>: VectorBlock where V.Scalar: Real {
  @usableFromInline var a: V
  @inlinable @inline(__always) init(a: V) { self.a = a }
  @inlinable @inline(__always) public init() { a = V(repeating: 0) }
  @inlinable @inline(__always) public init(repeating value: V.Scalar) { a = V(repeating: value) }
  @inlinable @inline(__always) public init(_ source: UnsafePointer<V.Scalar>) {
    a = UnsafeRawPointer(source).loadUnaligned(as: V.self)
  }
  @inlinable @inline(__always) public func store(_ target: UnsafeMutablePointer<V.Scalar>) {
    UnsafeMutableRawPointer(target).storeBytes(of: a, as: V.self)
  }
  @inlinable @inline(__always) public mutating func add(_ x: Self, times factor: V.Scalar) {
    a = multiplyAdd(x.a, V(repeating: factor), a)
  }
  @inlinable @inline(__always) public static func + (x: Self, y: Self) -> Self { Self(a: x.a + y.a) }
  @inlinable @inline(__always) public static func - (x: Self, y: Self) -> Self { Self(a: x.a - y.a) }
}

@frozen
public struct TwoVectors<V: SIMD & BitwiseCopyable>: VectorBlock where V.Scalar: Real {
  @usableFromInline var a: V
  @usableFromInline var b: V
  @inlinable @inline(__always) init(a: V, b: V) {
    self.a = a
    self.b = b
  }
  @inlinable @inline(__always) public init() { self.init(repeating: 0) }
  @inlinable @inline(__always) public init(repeating value: V.Scalar) {
    a = V(repeating: value)
    b = a
  }
  @inlinable @inline(__always) public init(_ source: UnsafePointer<V.Scalar>) {
    a = UnsafeRawPointer(source).loadUnaligned(as: V.self)
    b = UnsafeRawPointer(source + V.scalarCount).loadUnaligned(as: V.self)
  }
  @inlinable @inline(__always) public func store(_ target: UnsafeMutablePointer<V.Scalar>) {
    UnsafeMutableRawPointer(target).storeBytes(of: a, as: V.self)
    UnsafeMutableRawPointer(target + V.scalarCount).storeBytes(of: b, as: V.self)
  }
  @inlinable @inline(__always) public mutating func add(_ x: Self, times factor: V.Scalar) {
    let factor = V(repeating: factor)
    a = multiplyAdd(x.a, factor, a)
    b = multiplyAdd(x.b, factor, b)
  }
  @inlinable @inline(__always) public static func + (x: Self, y: Self) -> Self {
    Self(a: x.a + y.a, b: x.b + y.b)
  }
  @inlinable @inline(__always) public static func - (x: Self, y: Self) -> Self {
    Self(a: x.a - y.a, b: x.b - y.b)
  }
}

@frozen
public struct ThreeVectors<V: SIMD & BitwiseCopyable>: VectorBlock where V.Scalar: Real {
  @usableFromInline var ab: TwoVectors<V>
  @usableFromInline var c: OneVector<V>
  @inlinable @inline(__always) init(ab: TwoVectors<V>, c: OneVector<V>) {
    self.ab = ab
    self.c = c
  }
  @inlinable @inline(__always) public init() { self.init(repeating: 0) }
  @inlinable @inline(__always) public init(repeating value: V.Scalar) {
    ab = TwoVectors(repeating: value)
    c = OneVector(repeating: value)
  }
  @inlinable @inline(__always) public init(_ source: UnsafePointer<V.Scalar>) {
    ab = TwoVectors(source)
    c = OneVector(source + 2 &* V.scalarCount)
  }
  @inlinable @inline(__always) public func store(_ target: UnsafeMutablePointer<V.Scalar>) {
    ab.store(target)
    c.store(target + 2 &* V.scalarCount)
  }
  @inlinable @inline(__always) public mutating func add(_ x: Self, times factor: V.Scalar) {
    ab.add(x.ab, times: factor)
    c.add(x.c, times: factor)
  }
  @inlinable @inline(__always) public static func + (x: Self, y: Self) -> Self {
    Self(ab: x.ab + y.ab, c: x.c + y.c)
  }
  @inlinable @inline(__always) public static func - (x: Self, y: Self) -> Self {
    Self(ab: x.ab - y.ab, c: x.c - y.c)
  }
}

@frozen
public struct FourVectors<V: SIMD & BitwiseCopyable>: VectorBlock where V.Scalar: Real {
  @usableFromInline var ab: TwoVectors<V>
  @usableFromInline var cd: TwoVectors<V>
  @inlinable @inline(__always) init(ab: TwoVectors<V>, cd: TwoVectors<V>) {
    self.ab = ab
    self.cd = cd
  }
  @inlinable @inline(__always) public init() { self.init(repeating: 0) }
  @inlinable @inline(__always) public init(repeating value: V.Scalar) {
    ab = TwoVectors(repeating: value)
    cd = ab
  }
  @inlinable @inline(__always) public init(_ source: UnsafePointer<V.Scalar>) {
    ab = TwoVectors(source)
    cd = TwoVectors(source + 2 &* V.scalarCount)
  }
  /// Vectors that are not neighbours.
  @inlinable @inline(__always) init(
    _ a: UnsafePointer<V.Scalar>, _ b: UnsafePointer<V.Scalar>, _ c: UnsafePointer<V.Scalar>,
    _ d: UnsafePointer<V.Scalar>
  ) {
    ab = TwoVectors(a: OneVector<V>(a).a, b: OneVector<V>(b).a)
    cd = TwoVectors(a: OneVector<V>(c).a, b: OneVector<V>(d).a)
  }
  @inlinable @inline(__always) public func store(_ target: UnsafeMutablePointer<V.Scalar>) {
    ab.store(target)
    cd.store(target + 2 &* V.scalarCount)
  }
  @inlinable @inline(__always) public mutating func add(_ x: Self, times factor: V.Scalar) {
    ab.add(x.ab, times: factor)
    cd.add(x.cd, times: factor)
  }
  @inlinable @inline(__always) mutating func add(_ x: Self, times factor: V) {
    ab = TwoVectors(a: multiplyAdd(x.ab.a, factor, ab.a), b: multiplyAdd(x.ab.b, factor, ab.b))
    cd = TwoVectors(a: multiplyAdd(x.cd.a, factor, cd.a), b: multiplyAdd(x.cd.b, factor, cd.b))
  }
  @inlinable @inline(__always) public static func + (x: Self, y: Self) -> Self {
    Self(ab: x.ab + y.ab, cd: x.cd + y.cd)
  }
  @inlinable @inline(__always) public static func - (x: Self, y: Self) -> Self {
    Self(ab: x.ab - y.ab, cd: x.cd - y.cd)
  }
}
