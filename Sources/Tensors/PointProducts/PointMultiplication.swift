// The products of a packed table with points, in blocks as wide as fit.

/// Wide vectors have a processor's 32 registers to accumulate in (8 × 3), others 16 (6 × 2).
func largestBlock(_ width: VectorWidth) -> Int { width == .wide ? 8 : 6 }

struct TableProduct<Element> {
  var table: UnsafePointer<Element>
  var rows: Int
  var inner: Int
  var x: UnsafePointer<Element>
  var xStride: Int
  var y: UnsafeMutablePointer<Element>
  var yStride: Int
}

protocol PaddableStart: BlockStart {
  /// The last points, from `column` on, as a start of whole vectors, the addend's values at `addends`.
  func padded(
    rows: Int, column: Int, count: Int, _ addends: UnsafeMutablePointer<Element>, lanes: Int
  ) -> Self
}

extension ZeroStart: PaddableStart {
  func padded(
    rows: Int, column: Int, count: Int, _ addends: UnsafeMutablePointer<Element>, lanes: Int
  ) -> Self { self }
}

/// What lies in memory already.
struct AddendStart<Element: BitwiseCopyable>: PaddableStart {
  var addend: UnsafePointer<Element>
  var stride: Int

  @inline(__always)
  func block<B: VectorBlock>(row: Int, column: Int, as: B.Type) -> B where B.V.Scalar == Element {
    B(addend + (row &* stride &+ column))
  }

  func padded(
    rows: Int, column: Int, count: Int, _ addends: UnsafeMutablePointer<Element>, lanes: Int
  ) -> Self {
    for row in 0..<rows {
      for i in 0..<count { addends[row * lanes + i] = addend[row * stride + column + i] }
    }
    return AddendStart(addend: addends, stride: lanes)
  }
}

/// `y[r, p] = start + Σ_j T[r, j] x[j, p]` for `count` points p.
@specialized(where V == SIMD16<Float>, Start == BiasStart<Float>)
@specialized(where V == SIMD8<Float>, Start == BiasStart<Float>)
@specialized(where V == SIMD8<Double>, Start == BiasStart<Double>)
@specialized(where V == SIMD4<Double>, Start == BiasStart<Double>)
@specialized(where V == SIMD16<Float>, Start == GatedStart<Float>)
@specialized(where V == SIMD8<Float>, Start == GatedStart<Float>)
@specialized(where V == SIMD8<Double>, Start == GatedStart<Double>)
@specialized(where V == SIMD4<Double>, Start == GatedStart<Double>)
@specialized(where V == SIMD16<Float>, Start == ZeroStart<Float>)
@specialized(where V == SIMD8<Float>, Start == ZeroStart<Float>)
@specialized(where V == SIMD8<Double>, Start == ZeroStart<Double>)
@specialized(where V == SIMD4<Double>, Start == ZeroStart<Double>)
@specialized(where V == SIMD16<Float>, Start == AddendStart<Float>)
@specialized(where V == SIMD8<Float>, Start == AddendStart<Float>)
@specialized(where V == SIMD8<Double>, Start == AddendStart<Double>)
@specialized(where V == SIMD4<Double>, Start == AddendStart<Double>)
func multiplyPoints<V: SIMD & BitwiseCopyable, Start: PaddableStart>(
  _ product: TableProduct<V.Scalar>, _ count: Int, _ start: Start, as: V.Type
) where V.Scalar: Scalar, Start.Element == V.Scalar {
  let isWide = MemoryLayout<V>.size == 64
  let (largest, lanes) = (largestBlock(isWide ? .wide : .narrow), V.scalarCount)
  let (table, rows, inner) = (PackedFactors(product.table), product.rows, product.inner)
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
