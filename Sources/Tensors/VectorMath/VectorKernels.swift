// Loops of the vector functions over arrays, on the calling thread.

extension VectorMath {
  /// `y[i] = e^x[i]`. The arrays do not overlap.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func exp<E: Scalar>(
    _ x: UnsafePointer<E>, into y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] = exp(x[i]) }
  }

  /// `y[i] = tanh x[i]`. The arrays do not overlap.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func tanh<E: Scalar>(
    _ x: UnsafePointer<E>, into y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] = tanh(x[i]) }
  }

  /// `y[i] = gelu(x[i])`. The arrays do not overlap.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func gelu<E: Scalar>(
    _ x: UnsafePointer<E>, into y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] = gelu(x[i]) }
  }

  /// `x[i] = gelu(x[i])`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func gelu<E: Scalar>(inPlace x: UnsafeMutablePointer<E>, count: Int) {
    for i in 0..<count { x[i] = gelu(x[i]) }
  }

  /// `y[i] = gelu(x[i])` and `d[i] = gelu′(x[i])` in one pass, for the backward pass to multiply with. The
  /// arrays do not overlap.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func gelu<E: Scalar>(
    _ x: UnsafePointer<E>, into y: UnsafeMutablePointer<E>, derivative d: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { (y[i], d[i]) = geluWithDerivative(x[i]) }
  }

  /// `x[i] = gelu(x[i])` and `d[i] = gelu′(x[i])` in one pass. The arrays do not overlap.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func gelu<E: Scalar>(
    inPlace x: UnsafeMutablePointer<E>, derivative d: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { (x[i], d[i]) = geluWithDerivative(x[i]) }
  }

  /// `g[i] = g[i]·gelu′(x[i])`: the backward pass where no derivative was kept. The arrays do not overlap.
  @specialized(where E == Float)
  @specialized(where E == Double)
  public static func geluBackward<E: Scalar>(
    gradient g: UnsafeMutablePointer<E>, input x: UnsafePointer<E>, count: Int
  ) {
    for i in 0..<count { g[i] *= geluDerivative(x[i]) }
  }
}
