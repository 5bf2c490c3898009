// Small matrix products whose columns are lanes: `y = T x` with a table T and wide, contiguous rows of x and y.
//
// Sixteen planes side by side are the lanes of every kernel of the truncated transform, so that any sum over points
// or modes is vector code without shuffles.

import Tensors

/// Planes that are transformed side by side: a vector of 512 bits in single precision.
let laneCount = 16

/// The most rows of a table in one block: 6 × 4 vectors of 512 bits (or 6 × 2 of 256) accumulate in registers.
private let largestBlock = 6

/// The rows of a table are cut into blocks of at most ``largestBlock`` rows, none of them small where it can be
/// helped; a block of r rows is stored as `[inner][r]`.
func packTable<Element>(
  rows: Int, inner: Int, into table: UnsafeMutablePointer<Element>, _ entry: (Int, Int) -> Element
) {
  var (next, row) = (table, 0)
  while row < rows {
    let block = nextBlock(rows - row)
    for j in 0..<inner {
      for r in 0..<block {
        next.initialize(to: entry(row + r, j))
        next += 1
      }
    }
    row += block
  }
}

@inline(__always)
private func nextBlock(_ remaining: Int) -> Int {
  switch remaining {
  case 7, 8: 4
  case 9, 10: 5
  default: min(remaining, largestBlock)
  }
}

/// `y[r, c] = Σ_j T[r, j] x[j, c]` for `rows` rows r, `inner` terms j and `width` columns c, a multiple of
/// ``laneCount``; T as packed by ``packTable(rows:inner:into:_:)``, strides in numbers.
func multiplyLanes<V: SIMD>(
  _ table: UnsafePointer<V.Scalar>, rows: Int, inner: Int, x: UnsafePointer<V.Scalar>, xStride: Int,
  y: UnsafeMutablePointer<V.Scalar>, yStride: Int, width: Int, as: V.Type
) where V.Scalar: SpectralScalar {
  let lanes = V.scalarCount
  let x = UnsafeRawPointer(x).assumingMemoryBound(to: V.self)
  let y = UnsafeMutableRawPointer(y).assumingMemoryBound(to: V.self)
  let (xStride, yStride, width) = (xStride / lanes, yStride / lanes, width / lanes)
  var column = 0
  // Wide vectors have a processor's 32 registers to accumulate in, others 16.
  if MemoryLayout<V>.size == 64 {
    while column + 4 <= width {
      multiplyBlocks(
        table, rows, inner, x + column, xStride, y + column, yStride, FourVectors<V>.self)
      column += 4
    }
  }
  while column + 2 <= width {
    multiplyBlocks(table, rows, inner, x + column, xStride, y + column, yStride, TwoVectors<V>.self)
    column += 2
  }
  if column < width {
    multiplyBlocks(table, rows, inner, x + column, xStride, y + column, yStride, OneVector<V>.self)
  }
}

@inline(__always)
private func multiplyBlocks<B: VectorBlock>(
  _ table: UnsafePointer<B.V.Scalar>, _ rows: Int, _ inner: Int, _ x: UnsafePointer<B.V>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V>, _ yStride: Int, _: B.Type
) {
  var (table, y, remaining) = (table, y, rows)
  while remaining > 0 {
    let block = nextBlock(remaining)
    switch block {
    case 6: multiply6(table, inner, x, xStride, y, yStride, B.self)
    case 5: multiply5(table, inner, x, xStride, y, yStride, B.self)
    case 4: multiply4(table, inner, x, xStride, y, yStride, B.self)
    case 3: multiply3(table, inner, x, xStride, y, yStride, B.self)
    case 2: multiply2(table, inner, x, xStride, y, yStride, B.self)
    default: multiply1(table, inner, x, xStride, y, yStride, B.self)
    }
    table += block &* inner
    y += block &* yStride
    remaining = remaining &- block
  }
}

// The same loop for each height of a block: accumulators are variables, or they would not stay in registers.

@inline(__always)
private func multiply6<B: VectorBlock>(
  _ table: UnsafePointer<B.V.Scalar>, _ inner: Int, _ x: UnsafePointer<B.V>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V>, _ yStride: Int, _: B.Type
) {
  var (y0, y1, y2, y3, y4, y5) = (B(), B(), B(), B(), B(), B())
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    y2.add(v, times: table[2])
    y3.add(v, times: table[3])
    y4.add(v, times: table[4])
    y5.add(v, times: table[5])
    table += 6
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
  y2.store(y + 2 &* yStride)
  y3.store(y + 3 &* yStride)
  y4.store(y + 4 &* yStride)
  y5.store(y + 5 &* yStride)
}

@inline(__always)
private func multiply5<B: VectorBlock>(
  _ table: UnsafePointer<B.V.Scalar>, _ inner: Int, _ x: UnsafePointer<B.V>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V>, _ yStride: Int, _: B.Type
) {
  var (y0, y1, y2, y3, y4) = (B(), B(), B(), B(), B())
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    y2.add(v, times: table[2])
    y3.add(v, times: table[3])
    y4.add(v, times: table[4])
    table += 5
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
  y2.store(y + 2 &* yStride)
  y3.store(y + 3 &* yStride)
  y4.store(y + 4 &* yStride)
}

@inline(__always)
private func multiply4<B: VectorBlock>(
  _ table: UnsafePointer<B.V.Scalar>, _ inner: Int, _ x: UnsafePointer<B.V>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V>, _ yStride: Int, _: B.Type
) {
  var (y0, y1, y2, y3) = (B(), B(), B(), B())
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    y2.add(v, times: table[2])
    y3.add(v, times: table[3])
    table += 4
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
  y2.store(y + 2 &* yStride)
  y3.store(y + 3 &* yStride)
}

@inline(__always)
private func multiply3<B: VectorBlock>(
  _ table: UnsafePointer<B.V.Scalar>, _ inner: Int, _ x: UnsafePointer<B.V>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V>, _ yStride: Int, _: B.Type
) {
  var (y0, y1, y2) = (B(), B(), B())
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    y2.add(v, times: table[2])
    table += 3
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
  y2.store(y + 2 &* yStride)
}

@inline(__always)
private func multiply2<B: VectorBlock>(
  _ table: UnsafePointer<B.V.Scalar>, _ inner: Int, _ x: UnsafePointer<B.V>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V>, _ yStride: Int, _: B.Type
) {
  var (y0, y1) = (B(), B())
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    table += 2
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
}

@inline(__always)
private func multiply1<B: VectorBlock>(
  _ table: UnsafePointer<B.V.Scalar>, _ inner: Int, _ x: UnsafePointer<B.V>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V>, _ yStride: Int, _: B.Type
) {
  var y0 = B()
  var x = x
  for j in 0..<inner {
    y0.add(B(x), times: table[j])
    x += xStride
  }
  y0.store(y)
}
