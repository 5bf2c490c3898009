// Sums, products and copies element by element: kernels over pointers, and tensors over the worker pool.

import RealModule

/// Element-by-element kernels on the calling thread. Different arguments do not overlap; what is updated in place
/// has a form of its own.
public enum Pointwise {
  /// `z = x + y`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func add<E: Scalar>(
    _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, into z: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { z[i] = x[i] + y[i] }
  }

  /// `y += x`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func add<E: Scalar>(_ x: UnsafePointer<E>, to y: UnsafeMutablePointer<E>, count: Int) {
    for i in 0..<count { y[i] += x[i] }
  }

  /// `y += a`, a number.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func add<E: Scalar>(_ a: E, to y: UnsafeMutablePointer<E>, count: Int) {
    for i in 0..<count { y[i] += a }
  }

  /// `y += a·x`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func addScaled<E: Scalar>(
    _ x: UnsafePointer<E>, by a: E, to y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] = Relaxed.multiplyAdd(a, x[i], y[i]) }
  }

  /// `z = x − y`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func subtract<E: Scalar>(
    _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, into z: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { z[i] = x[i] - y[i] }
  }

  /// `y −= x`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func subtract<E: Scalar>(
    _ x: UnsafePointer<E>, from y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] -= x[i] }
  }

  /// `z = x·y`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func multiply<E: Scalar>(
    _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, into z: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { z[i] = x[i] * y[i] }
  }

  /// `y *= x`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func multiply<E: Scalar>(
    _ y: UnsafeMutablePointer<E>, by x: UnsafePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] *= x[i] }
  }

  /// `z += x·y`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func addProduct<E: Scalar>(
    _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, to z: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { z[i] = Relaxed.multiplyAdd(x[i], y[i], z[i]) }
  }

  /// `y *= a`, a number.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func scale<E: Scalar>(_ y: UnsafeMutablePointer<E>, by a: E, count: Int) {
    for i in 0..<count { y[i] *= a }
  }

  /// `y = a·x`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func scale<E: Scalar>(
    _ x: UnsafePointer<E>, by a: E, into y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] = a * x[i] }
  }

  /// `y = a`, a number.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func fill<E: Scalar>(_ y: UnsafeMutablePointer<E>, with a: E, count: Int) {
    for i in 0..<count { y[i] = a }
  }

  /// `y = x`, rounded where `y` is the narrower type.
  @specialized(where Source == Float, Target == Float)
  @specialized(where Source == Double, Target == Double)
  @specialized(where Source == Float, Target == Double)
  @specialized(where Source == Double, Target == Float)
  public static func convert<Source: Scalar, Target: Scalar>(
    _ x: UnsafePointer<Source>, into y: UnsafeMutablePointer<Target>, count: Int
  ) {
    for i in 0..<count { y[i] = Target(x[i]) }
  }
}

extension WorkerPool {
  /// Shares a pointwise pass over `count` elements, in pieces large enough to be worth a thread's while.
  public func forEachPiece(count: Int, _ body: (_ offset: Int, _ count: Int) -> Void) {
    forEachRange(count: count, grain: 1 << 14) { body($0.lowerBound, $0.count) }
  }
}

extension Tensor {
  /// A tensor of one shape with the three, computed piece by piece on the pool.
  private static func combined(
    _ x: Tensor, _ y: Tensor,
    _ kernel: (UnsafePointer<Element>, UnsafePointer<Element>, UnsafeMutablePointer<Element>, Int) -> Void
  ) -> Tensor {
    precondition(x.shape == y.shape, "\(x.shape) and \(y.shape) do not go together")
    var result = Tensor(uninitialized: x.shape)
    result.withUnsafeMutableBuffer { z in
      x.withUnsafeBuffer { x in
        y.withUnsafeBuffer { y in
          guard let x = x.baseAddress, let y = y.baseAddress, let target = z.baseAddress else { return }
          WorkerPool.shared.forEachPiece(count: z.count) { kernel(x + $0, y + $0, target + $0, $1) }
        }
      }
    }
    return result
  }

  /// Updates this tensor from another of its shape, piece by piece on the pool.
  private mutating func update(
    from x: Tensor, _ kernel: (UnsafePointer<Element>, UnsafeMutablePointer<Element>, Int) -> Void
  ) {
    precondition(x.shape == shape, "\(x.shape) and \(shape) do not go together")
    withUnsafeMutableBuffer { y in
      x.withUnsafeBuffer { x in
        guard let x = x.baseAddress, let target = y.baseAddress else { return }
        WorkerPool.shared.forEachPiece(count: y.count) { kernel(x + $0, target + $0, $1) }
      }
    }
  }

  /// Updates every element, piece by piece on the pool.
  private mutating func update(_ kernel: (UnsafeMutablePointer<Element>, Int) -> Void) {
    withUnsafeMutableBuffer { y in
      guard let target = y.baseAddress else { return }
      WorkerPool.shared.forEachPiece(count: y.count) { kernel(target + $0, $1) }
    }
  }

  public static func + (x: Tensor, y: Tensor) -> Tensor {
    combined(x, y) { Pointwise.add($0, $1, into: $2, count: $3) }
  }

  public static func - (x: Tensor, y: Tensor) -> Tensor {
    combined(x, y) { Pointwise.subtract($0, $1, into: $2, count: $3) }
  }

  /// The product element by element.
  public static func * (x: Tensor, y: Tensor) -> Tensor {
    combined(x, y) { Pointwise.multiply($0, $1, into: $2, count: $3) }
  }

  public static func * (a: Element, x: Tensor) -> Tensor {
    var result = Tensor(uninitialized: x.shape)
    result.update(from: x) { Pointwise.scale($0, by: a, into: $1, count: $2) }
    return result
  }

  public static func += (y: inout Tensor, x: Tensor) {
    y.update(from: x) { Pointwise.add($0, to: $1, count: $2) }
  }

  public static func -= (y: inout Tensor, x: Tensor) {
    y.update(from: x) { Pointwise.subtract($0, from: $1, count: $2) }
  }

  /// The product element by element.
  public static func *= (y: inout Tensor, x: Tensor) {
    y.update(from: x) { Pointwise.multiply($1, by: $0, count: $2) }
  }

  public static func *= (y: inout Tensor, a: Element) {
    y.update { Pointwise.scale($0, by: a, count: $1) }
  }

  public static func += (y: inout Tensor, a: Element) {
    y.update { Pointwise.add(a, to: $0, count: $1) }
  }

  /// Adds a·x.
  public mutating func addScaled(_ x: Tensor, by a: Element) {
    update(from: x) { Pointwise.addScaled($0, by: a, to: $1, count: $2) }
  }

  public mutating func fill(with a: Element) {
    update { Pointwise.fill($0, with: a, count: $1) }
  }

  /// The values of another tensor of this shape, into this tensor's own memory.
  public mutating func copyValues(from x: Tensor) {
    update(from: x) { $1.update(from: $0, count: $2) }
  }

  /// The same values in the other precision, rounded to nearest.
  public func converted<Target: Scalar>(to type: Target.Type = Target.self) -> Tensor<Target> {
    var result = Tensor<Target>(uninitialized: shape)
    result.withUnsafeMutableBuffer { y in
      withUnsafeBuffer { x in
        guard let x = x.baseAddress, let target = y.baseAddress else { return }
        WorkerPool.shared.forEachPiece(count: y.count) {
          Pointwise.convert(x + $0, into: target + $0, count: $1)
        }
      }
    }
    return result
  }
}
