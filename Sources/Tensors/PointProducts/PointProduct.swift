// A linear map of the channels at every point of a tile.

import RealModule

/// A matrix W `[rows, inner]` ready to be multiplied with points, and what its rows begin with:
/// `y[r, p] = Σ_j W[r, j] x[j, p] + bias[r] + gate[r] · addend[r, p]`.
public struct PointProduct<Element: Scalar>: ~Copyable {
  public let rows: Int
  public let inner: Int
  /// W in blocks of rows, then the bias, then the gate.
  private let table: AlignedMemory<Element>

  /// - Parameters:
  ///   - weight: W row-major, or its transpose.
  ///   - bias: `[rows]`; nil: zero.
  ///   - gate: `[rows]`; nil: one.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public init(
    _ weight: UnsafePointer<Element>, rows: Int, inner: Int, transposed: Bool = false,
    bias: UnsafePointer<Element>? = nil, gate: UnsafePointer<Element>? = nil
  ) {
    self.rows = rows
    self.inner = inner
    table = AlignedMemory(count: rows * (inner + 2))
    packTable(rows: rows, inner: inner, largest: largestBlock(VectorWidth.native), into: table.pointer) {
      transposed ? weight[$1 * rows + $0] : weight[$0 * inner + $1]
    }
    let (biases, gates) = (table.pointer + rows * inner, table.pointer + rows * (inner + 1))
    for row in 0..<rows {
      (biases + row).initialize(to: bias?[row] ?? 0)
      (gates + row).initialize(to: gate?[row] ?? 1)
    }
  }

  /// The product for `count` points; nothing need be aligned.
  /// - Parameters:
  ///   - addend: What the gate multiplies, in the layout of y, or y itself; nil: zero.
  ///   - next: Rows that will be wanted next, as many as the product's: with an addend they are asked for one by one
  ///     while it is computed. nil: those behind the addend's.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func callAsFunction(
    _ x: UnsafePointer<Element>, stride xStride: Int, into y: UnsafeMutablePointer<Element>,
    stride yStride: Int,
    count: Int, addend: UnsafePointer<Element>? = nil, stride addendStride: Int = 0,
    next: UnsafePointer<Element>? = nil, stride nextStride: Int = 0
  ) {
    let bias = UnsafePointer(table.pointer + rows * inner)
    let matrix = TableProduct(
      table: UnsafePointer(table.pointer), rows: rows, inner: inner, x: x, xStride: xStride, y: y,
      yStride: yStride)
    switch (VectorWidth.native, addend) {
    case (.wide, nil):
      multiplyPoints(matrix, count, BiasStart(bias: bias), as: Element.WideVector.self)
    case (.narrow, nil):
      multiplyPoints(matrix, count, BiasStart(bias: bias), as: Element.NarrowVector.self)
    case (.wide, let addend?):
      let start = GatedStart(
        bias: bias, gate: bias + rows, addend: addend, stride: addendStride, next: next ?? addend + count,
        nextStride: next == nil ? addendStride : nextStride)
      multiplyPoints(matrix, count, start, as: Element.WideVector.self)
    case (.narrow, let addend?):
      let start = GatedStart(
        bias: bias, gate: bias + rows, addend: addend, stride: addendStride, next: next ?? addend + count,
        nextStride: next == nil ? addendStride : nextStride)
      multiplyPoints(matrix, count, start, as: Element.NarrowVector.self)
    }
  }
}

struct BiasStart<Element>: PaddableStart {
  var bias: UnsafePointer<Element>

  @inline(__always)
  func block<B: VectorBlock>(row: Int, column: Int, as: B.Type) -> B where B.V.Scalar == Element {
    B(repeating: bias[row])
  }

  func padded(
    rows: Int, column: Int, count: Int, _ addends: UnsafeMutablePointer<Element>, lanes: Int
  ) -> Self { self }
}

struct GatedStart<Element>: PaddableStart {
  var bias: UnsafePointer<Element>
  var gate: UnsafePointer<Element>
  var addend: UnsafePointer<Element>
  var stride: Int
  /// Rows that will be wanted next.
  var next: UnsafePointer<Element>
  var nextStride: Int

  @inline(__always)
  func block<B: VectorBlock>(row: Int, column: Int, as: B.Type) -> B where B.V.Scalar == Element {
    var result = B(repeating: bias[row])
    let values = addend + (row &* stride &+ column)
    let ahead = next + (row &* nextStride &+ column)
    for vector in 0..<MemoryLayout<B>.size / 64 {
      prefetchLine(ahead + vector &* (64 / MemoryLayout<Element>.stride))
    }
    result.add(B(values), times: gate[row])
    return result
  }

  func padded(
    rows: Int, column: Int, count: Int, _ addends: UnsafeMutablePointer<Element>, lanes: Int
  ) -> Self {
    for row in 0..<rows {
      for i in 0..<count { addends[row * lanes + i] = addend[row * stride + column + i] }
    }
    return GatedStart(
      bias: bias, gate: gate, addend: addends, stride: lanes, next: UnsafePointer(addends), nextStride: lanes)
  }
}
