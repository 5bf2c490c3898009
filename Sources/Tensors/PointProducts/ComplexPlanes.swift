// Complex rows as the operands and results of three real products.

/// Complex rows in memory as three planes of rows: the real parts, the imaginary parts, and the sums of both; or the
/// three real products that complex rows follow from (``ComplexPointProducts``).
public struct ComplexPlanes<Element> {
  public let pointer: UnsafeMutablePointer<Element>
  /// From a number to the one below it in the next plane.
  public let distance: Int
  /// From a row to the next one.
  public let stride: Int

  @inlinable @inline(__always)
  public init(_ pointer: UnsafeMutablePointer<Element>, distance: Int, stride: Int) {
    self.pointer = pointer
    self.distance = distance
    self.stride = stride
  }

  /// The rows of a plane: 0 real, 1 imaginary, 2 sums. The one after the last is where other planes may begin.
  @inlinable @inline(__always)
  public subscript(plane: Int) -> UnsafeMutablePointer<Element> { pointer + plane &* distance }
}

extension ComplexPlanes where Element: Scalar {
  /// Takes complex rows, their numbers next to each other, and pads them with zeros to the stride.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  package func load(
    real: UnsafePointer<Element>, imaginary: UnsafePointer<Element>, rowStride: Int, rows: Int, count: Int
  ) {
    for row in 0..<rows {
      let (re, im, place) = (real + row * rowStride, imaginary + row * rowStride, row * stride)
      (self[0] + place).update(from: re, count: count)
      (self[1] + place).update(from: im, count: count)
      Pointwise.add(re, im, into: self[2] + place, count: count)
      guard count < stride else { continue }
      for plane in 0..<3 {
        Pointwise.fill(self[plane] + (place + count), with: 0, count: stride - count)
      }
    }
  }

  /// The complex rows that these three products stand for, stored or added.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  package func combine(
    rows: Int, count: Int, real: UnsafeMutablePointer<Element>, imaginary: UnsafeMutablePointer<Element>,
    rowStride: Int, accumulate: Bool
  ) {
    for row in 0..<rows {
      let (re, im, place) = (real + row * rowStride, imaginary + row * rowStride, row * stride)
      let (q0, q1, q2) = (self[0] + place, self[1] + place, self[2] + place)
      if accumulate {
        for i in 0..<count { re[i] += q2[i] - q1[i] }
        for i in 0..<count { im[i] += q2[i] + q0[i] }
      } else {
        for i in 0..<count { re[i] = q2[i] - q1[i] }
        for i in 0..<count { im[i] = q2[i] + q0[i] }
      }
    }
  }
}
