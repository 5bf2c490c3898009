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
  /// - Parameter addend: What the gate multiplies, in the layout of y, or y itself; nil: zero.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func callAsFunction(
    _ x: UnsafePointer<Element>, stride xStride: Int, into y: UnsafeMutablePointer<Element>,
    stride yStride: Int,
    count: Int, addend: UnsafePointer<Element>? = nil, stride addendStride: Int = 0
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
        bias: bias, gate: bias + rows, addend: addend, stride: addendStride, ahead: count)
      multiplyPoints(matrix, count, start, as: Element.WideVector.self)
    case (.narrow, let addend?):
      let start = GatedStart(
        bias: bias, gate: bias + rows, addend: addend, stride: addendStride, ahead: count)
      multiplyPoints(matrix, count, start, as: Element.NarrowVector.self)
    }
  }
}

/// Wide vectors have a processor's 32 registers to accumulate in (8 × 3), others 16 (6 × 2).
private func largestBlock(_ width: VectorWidth) -> Int { width == .wide ? 8 : 6 }

private struct TableProduct<Element> {
  var table: UnsafePointer<Element>
  var rows: Int
  var inner: Int
  var x: UnsafePointer<Element>
  var xStride: Int
  var y: UnsafeMutablePointer<Element>
  var yStride: Int
}

private protocol PaddableStart: BlockStart {
  /// The last points, from `column` on, as a start of whole vectors, the addend's values at `addends`.
  func padded(
    rows: Int, column: Int, count: Int, _ addends: UnsafeMutablePointer<Element>, lanes: Int
  ) -> Self
}

private struct BiasStart<Element>: PaddableStart {
  var bias: UnsafePointer<Element>

  @inline(__always)
  func block<B: VectorBlock>(row: Int, column: Int, as: B.Type) -> B where B.V.Scalar == Element {
    B(repeating: bias[row])
  }

  func padded(
    rows: Int, column: Int, count: Int, _ addends: UnsafeMutablePointer<Element>, lanes: Int
  ) -> Self { self }
}

private struct GatedStart<Element>: PaddableStart {
  var bias: UnsafePointer<Element>
  var gate: UnsafePointer<Element>
  var addend: UnsafePointer<Element>
  var stride: Int
  /// From an addend to one that will be used next.
  var ahead: Int

  @inline(__always)
  func block<B: VectorBlock>(row: Int, column: Int, as: B.Type) -> B where B.V.Scalar == Element {
    var result = B(repeating: bias[row])
    let values = addend + (row &* stride &+ column)
    for vector in 0..<MemoryLayout<B>.size / 64 {
      prefetchLine(values + (ahead &+ vector &* (64 / MemoryLayout<Element>.stride)))
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
    return GatedStart(bias: bias, gate: gate, addend: addends, stride: lanes, ahead: 0)
  }
}

@specialized(where V == SIMD16<Float>, Start == BiasStart<Float>)
@specialized(where V == SIMD8<Float>, Start == BiasStart<Float>)
@specialized(where V == SIMD8<Double>, Start == BiasStart<Double>)
@specialized(where V == SIMD4<Double>, Start == BiasStart<Double>)
@specialized(where V == SIMD16<Float>, Start == GatedStart<Float>)
@specialized(where V == SIMD8<Float>, Start == GatedStart<Float>)
@specialized(where V == SIMD8<Double>, Start == GatedStart<Double>)
@specialized(where V == SIMD4<Double>, Start == GatedStart<Double>)
private func multiplyPoints<V: SIMD & BitwiseCopyable, Start: PaddableStart>(
  _ product: TableProduct<V.Scalar>, _ count: Int, _ start: Start, as: V.Type
) where V.Scalar: Scalar, Start.Element == V.Scalar {
  let isWide = MemoryLayout<V>.size == 64
  let (largest, lanes) = (largestBlock(isWide ? .wide : .narrow), V.scalarCount)
  let (table, rows, inner) = (product.table, product.rows, product.inner)
  let (x, xStride, y, yStride) = (product.x, product.xStride, product.y, product.yStride)
  var column = 0
  if isWide {
    while column + 3 * lanes <= count {
      multiplyBlocks(
        table, rows, inner, largest: largest, x + column, xStride, y + column, yStride, start, column: column,
        ThreeVectors<V>.self)
      column += 3 * lanes
    }
  }
  while column + 2 * lanes <= count {
    multiplyBlocks(
      table, rows, inner, largest: largest, x + column, xStride, y + column, yStride, start, column: column,
      TwoVectors<V>.self)
    column += 2 * lanes
  }
  while column + lanes <= count {
    multiplyBlocks(
      table, rows, inner, largest: largest, x + column, xStride, y + column, yStride, start, column: column,
      OneVector<V>.self)
    column += lanes
  }
  guard column < count else { return }
  // The last points, on padded copies.
  let rest = count - column
  withUnsafeTemporaryAllocation(of: V.self, capacity: inner + 2 * rows) { vectors in
    guard let first = vectors.baseAddress else { return }
    vectors.initialize(repeating: V(repeating: 0))
    let values = UnsafeMutableRawPointer(first).assumingMemoryBound(to: V.Scalar.self)
    let results = values + inner * lanes
    for term in 0..<inner {
      for i in 0..<rest { values[term * lanes + i] = x[term * xStride + column + i] }
    }
    let padded = start.padded(
      rows: rows, column: column, count: rest, results + rows * lanes, lanes: lanes)
    multiplyBlocks(
      table, rows, inner, largest: largest, values, lanes, results, lanes, padded, column: 0,
      OneVector<V>.self)
    for row in 0..<rows {
      for i in 0..<rest { y[row * yStride + column + i] = results[row * lanes + i] }
    }
  }
}
