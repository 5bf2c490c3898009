// How the unknowns on two or three axes lie in memory, so that a stencil needs no special cases at the ends.

import RealModule
import Tensors

/// Rows along the last axis with zeros behind them, planes (in three dimensions) with a row of zeros behind them, and
/// zeros before and after the whole: whatever a stencil of neighbours reads beyond the ends is zero.
struct PaddedLayout: Sendable, Hashable {
  /// Two or three counts, slowest axis first.
  let shape: [Int]
  let depth: Int
  let rows: Int
  let columns: Int
  /// From row to row: a multiple of 16, more than the columns.
  let stride: Int
  /// From plane to plane.
  let planeStride: Int
  /// The slowest axis cuts the array into slabs: rows of a plane, planes of a box.
  let slabs: Int
  let slabStride: Int

  init(shape: [Int]) {
    precondition(
      (2...3).contains(shape.count) && shape.allSatisfy { $0 >= 1 }, "unknowns on two or three axes")
    self.shape = shape
    let rank = shape.count
    (depth, rows, columns) = (rank == 3 ? shape[0] : 1, shape[rank - 2], shape[rank - 1])
    stride = (columns + 1 + 15) / 16 * 16
    planeStride = (rank == 3 ? rows + 1 : rows) * stride
    slabs = shape[0]
    slabStride = rank == 3 ? planeStride : stride
  }

  var rank: Int { shape.count }
  /// Numbers from the first slab's beginning to the last one's end.
  var count: Int { slabs * slabStride }
  /// Zeros before the first slab, and after the last.
  var margin: Int { slabStride + 2 * stride }
  /// From neighbour to neighbour along every axis.
  var strides: [Int] { rank == 3 ? [planeStride, stride, 1] : [stride, 1] }
  var unknownCount: Int { shape.reduce(1, *) }

  /// Where a row begins.
  @inline(__always)
  func row(_ plane: Int, _ row: Int) -> Int { plane * planeStride + row * stride }

  /// Calls `body(plane, row, offset)` for every row, in memory's order.
  @inline(__always)
  func forEachRow(_ body: (_ plane: Int, _ row: Int, _ offset: Int) -> Void) {
    for plane in 0..<depth {
      for row in 0..<rows { body(plane, row, self.row(plane, row)) }
    }
  }
}

/// Zeros in a ``PaddedLayout``, to be filled where unknowns are.
final class PaddedArray: @unchecked Sendable {
  private let memory: AlignedMemory<Double>
  /// Of the first unknown.
  let pointer: UnsafeMutablePointer<Double>

  init(_ layout: PaddedLayout) {
    memory = AlignedMemory(count: layout.count + 2 * layout.margin)
    memory.buffer.initialize(repeating: 0)
    pointer = memory.pointer + layout.margin
  }
}

/// Loops over vectors of unknowns, padding included.
enum VectorKernels {
  /// `x += α p`, `r −= α q`.
  static func advance(
    _ x: UnsafeMutablePointer<Double>, _ r: UnsafeMutablePointer<Double>, _ p: UnsafePointer<Double>,
    _ q: UnsafePointer<Double>, alpha: Double, count: Int
  ) {
    for i in 0..<count {
      x[i] = Relaxed.multiplyAdd(alpha, p[i], x[i])
      r[i] = Relaxed.multiplyAdd(-alpha, q[i], r[i])
    }
  }

  /// `x += α p`.
  static func addMultiple(
    _ alpha: Double, of p: UnsafePointer<Double>, to x: UnsafeMutablePointer<Double>, count: Int
  ) {
    for i in 0..<count { x[i] = Relaxed.multiplyAdd(alpha, p[i], x[i]) }
  }

  /// `p = z + β p`.
  static func direct(
    _ p: UnsafeMutablePointer<Double>, _ z: UnsafePointer<Double>, beta: Double, count: Int
  ) {
    for i in 0..<count { p[i] = Relaxed.multiplyAdd(beta, p[i], z[i]) }
  }

  static func dot(_ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, count: Int) -> Double {
    var sum = 0.0
    for i in 0..<count { sum = Relaxed.multiplyAdd(x[i], y[i], sum) }
    return sum
  }

  /// `x·(y − z)`.
  static func dotOfDifference(
    _ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, _ z: UnsafePointer<Double>, count: Int
  ) -> Double {
    var sum = 0.0
    for i in 0..<count { sum = Relaxed.multiplyAdd(x[i], y[i] - z[i], sum) }
    return sum
  }
}
