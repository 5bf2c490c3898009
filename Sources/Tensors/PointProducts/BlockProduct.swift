// Small matrix products whose columns are points: `y = T x + start` with a table T and wide, contiguous rows of x and y.

import RealModule

/// The rows of a table are cut into blocks of at most `largest` rows (6 or 8), none of them small where it can be
/// helped; a block of r rows is stored as `[inner][r]`. As many sums as rows times the vectors of a ``VectorBlock``
/// accumulate in registers: 24 where there are 32 registers.
@inlinable
public func packTable<Element>(
  rows: Int, inner: Int, largest: Int, into table: UnsafeMutablePointer<Element>,
  _ entry: (Int, Int) -> Element
) {
  var (next, row) = (table, 0)
  while row < rows {
    let block = nextBlock(rows - row, largest)
    for j in 0..<inner {
      for r in 0..<block {
        next.initialize(to: entry(row + r, j))
        next += 1
      }
    }
    row += block
  }
}

@inlinable @inline(__always)
func nextBlock(_ remaining: Int, _ largest: Int) -> Int {
  remaining <= largest ? remaining : remaining < 2 &* largest ? (remaining &+ 1) / 2 : largest
}

/// What the rows of a product begin with.
public protocol BlockStart {
  associatedtype Element
  func block<B: VectorBlock>(row: Int, column: Int, as: B.Type) -> B where B.V.Scalar == Element
}

/// Nothing.
@frozen
public struct ZeroStart<Element>: BlockStart {
  @inlinable @inline(__always) public init() {}
  @inlinable @inline(__always)
  public func block<B: VectorBlock>(row: Int, column: Int, as: B.Type) -> B where B.V.Scalar == Element {
    B()
  }
}

/// Where the factors of a product's rows are: those of one term, for the rows of a block.
public protocol BlockFactors {
  associatedtype Element
  subscript(row: Int) -> Element { get }
  /// Goes on to the next term of a block of `rows` rows.
  mutating func advance(rows: Int)
  /// Goes on to the next block, after one of `rows` rows and `inner` terms, from the first of its terms.
  mutating func skip(rows: Int, inner: Int)
}

/// As packed by ``packTable(rows:inner:largest:into:_:)``.
@frozen
public struct PackedFactors<Element>: BlockFactors {
  @usableFromInline var pointer: UnsafePointer<Element>
  @inlinable @inline(__always) public init(_ table: UnsafePointer<Element>) { pointer = table }
  @inlinable @inline(__always) public subscript(row: Int) -> Element { pointer[row] }
  @inlinable @inline(__always) public mutating func advance(rows: Int) { pointer += rows }
  @inlinable @inline(__always) public mutating func skip(rows: Int, inner: Int) { pointer += rows &* inner }
}

/// In rows, as they are: the terms of a row next to each other.
struct RowFactors<Element>: BlockFactors {
  private var pointer: UnsafePointer<Element>
  private let stride: Int
  @inline(__always)
  init(_ rows: UnsafePointer<Element>, stride: Int) {
    pointer = rows
    self.stride = stride
  }
  @inline(__always) subscript(row: Int) -> Element { pointer[row &* stride] }
  @inline(__always) mutating func advance(rows: Int) { pointer += 1 }
  @inline(__always) mutating func skip(rows: Int, inner: Int) { pointer += rows &* stride }
}

/// In columns: the factors of a term next to each other.
struct ColumnFactors<Element>: BlockFactors {
  private var pointer: UnsafePointer<Element>
  private let stride: Int
  @inline(__always)
  init(_ columns: UnsafePointer<Element>, stride: Int) {
    pointer = columns
    self.stride = stride
  }
  @inline(__always) subscript(row: Int) -> Element { pointer[row] }
  @inline(__always) mutating func advance(rows: Int) { pointer += stride }
  @inline(__always) mutating func skip(rows: Int, inner: Int) { pointer += rows }
}

/// `y[r, c] = start + Σ_j T[r, j] x[j, c]` for `rows` rows r, `inner` terms j and the columns of a block; the factors
/// T in blocks as of ``packTable(rows:inner:largest:into:_:)``, strides in numbers.
@inlinable @inline(__always)
public func multiplyBlocks<B: VectorBlock, Factors: BlockFactors, Start: BlockStart>(
  _ table: Factors, _ rows: Int, _ inner: Int, largest: Int, _ x: UnsafePointer<B.V.Scalar>,
  _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V.Scalar>, _ yStride: Int, _ start: Start, column: Int, _: B.Type
) where Start.Element == B.V.Scalar, Factors.Element == B.V.Scalar {
  var (table, y, row) = (table, y, 0)
  while row < rows {
    let block = nextBlock(rows &- row, largest)
    switch block {
    case 8: multiply8(table, inner, x, xStride, y, yStride, start, row, column, B.self)
    case 7: multiply7(table, inner, x, xStride, y, yStride, start, row, column, B.self)
    case 6: multiply6(table, inner, x, xStride, y, yStride, start, row, column, B.self)
    case 5: multiply5(table, inner, x, xStride, y, yStride, start, row, column, B.self)
    case 4: multiply4(table, inner, x, xStride, y, yStride, start, row, column, B.self)
    case 3: multiply3(table, inner, x, xStride, y, yStride, start, row, column, B.self)
    case 2: multiply2(table, inner, x, xStride, y, yStride, start, row, column, B.self)
    default: multiply1(table, inner, x, xStride, y, yStride, start, row, column, B.self)
    }
    table.skip(rows: block, inner: inner)
    y += block &* yStride
    row = row &+ block
  }
}

// The same loop for each height of a block: accumulators are variables, or they would not stay in registers.

@inlinable @inline(__always)
func multiply8<B: VectorBlock, Factors: BlockFactors, Start: BlockStart>(
  _ table: Factors, _ inner: Int, _ x: UnsafePointer<B.V.Scalar>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V.Scalar>, _ yStride: Int, _ start: Start, _ row: Int, _ column: Int, _: B.Type
) where Start.Element == B.V.Scalar, Factors.Element == B.V.Scalar {
  var y0 = start.block(row: row, column: column, as: B.self)
  var y1 = start.block(row: row &+ 1, column: column, as: B.self)
  var y2 = start.block(row: row &+ 2, column: column, as: B.self)
  var y3 = start.block(row: row &+ 3, column: column, as: B.self)
  var y4 = start.block(row: row &+ 4, column: column, as: B.self)
  var y5 = start.block(row: row &+ 5, column: column, as: B.self)
  var y6 = start.block(row: row &+ 6, column: column, as: B.self)
  var y7 = start.block(row: row &+ 7, column: column, as: B.self)
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    y2.add(v, times: table[2])
    y3.add(v, times: table[3])
    y4.add(v, times: table[4])
    y5.add(v, times: table[5])
    y6.add(v, times: table[6])
    y7.add(v, times: table[7])
    table.advance(rows: 8)
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
  y2.store(y + 2 &* yStride)
  y3.store(y + 3 &* yStride)
  y4.store(y + 4 &* yStride)
  y5.store(y + 5 &* yStride)
  y6.store(y + 6 &* yStride)
  y7.store(y + 7 &* yStride)
}

@inlinable @inline(__always)
func multiply7<B: VectorBlock, Factors: BlockFactors, Start: BlockStart>(
  _ table: Factors, _ inner: Int, _ x: UnsafePointer<B.V.Scalar>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V.Scalar>, _ yStride: Int, _ start: Start, _ row: Int, _ column: Int, _: B.Type
) where Start.Element == B.V.Scalar, Factors.Element == B.V.Scalar {
  var y0 = start.block(row: row, column: column, as: B.self)
  var y1 = start.block(row: row &+ 1, column: column, as: B.self)
  var y2 = start.block(row: row &+ 2, column: column, as: B.self)
  var y3 = start.block(row: row &+ 3, column: column, as: B.self)
  var y4 = start.block(row: row &+ 4, column: column, as: B.self)
  var y5 = start.block(row: row &+ 5, column: column, as: B.self)
  var y6 = start.block(row: row &+ 6, column: column, as: B.self)
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    y2.add(v, times: table[2])
    y3.add(v, times: table[3])
    y4.add(v, times: table[4])
    y5.add(v, times: table[5])
    y6.add(v, times: table[6])
    table.advance(rows: 7)
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
  y2.store(y + 2 &* yStride)
  y3.store(y + 3 &* yStride)
  y4.store(y + 4 &* yStride)
  y5.store(y + 5 &* yStride)
  y6.store(y + 6 &* yStride)
}

@inlinable @inline(__always)
func multiply6<B: VectorBlock, Factors: BlockFactors, Start: BlockStart>(
  _ table: Factors, _ inner: Int, _ x: UnsafePointer<B.V.Scalar>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V.Scalar>, _ yStride: Int, _ start: Start, _ row: Int, _ column: Int, _: B.Type
) where Start.Element == B.V.Scalar, Factors.Element == B.V.Scalar {
  var y0 = start.block(row: row, column: column, as: B.self)
  var y1 = start.block(row: row &+ 1, column: column, as: B.self)
  var y2 = start.block(row: row &+ 2, column: column, as: B.self)
  var y3 = start.block(row: row &+ 3, column: column, as: B.self)
  var y4 = start.block(row: row &+ 4, column: column, as: B.self)
  var y5 = start.block(row: row &+ 5, column: column, as: B.self)
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    y2.add(v, times: table[2])
    y3.add(v, times: table[3])
    y4.add(v, times: table[4])
    y5.add(v, times: table[5])
    table.advance(rows: 6)
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
  y2.store(y + 2 &* yStride)
  y3.store(y + 3 &* yStride)
  y4.store(y + 4 &* yStride)
  y5.store(y + 5 &* yStride)
}

@inlinable @inline(__always)
func multiply5<B: VectorBlock, Factors: BlockFactors, Start: BlockStart>(
  _ table: Factors, _ inner: Int, _ x: UnsafePointer<B.V.Scalar>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V.Scalar>, _ yStride: Int, _ start: Start, _ row: Int, _ column: Int, _: B.Type
) where Start.Element == B.V.Scalar, Factors.Element == B.V.Scalar {
  var y0 = start.block(row: row, column: column, as: B.self)
  var y1 = start.block(row: row &+ 1, column: column, as: B.self)
  var y2 = start.block(row: row &+ 2, column: column, as: B.self)
  var y3 = start.block(row: row &+ 3, column: column, as: B.self)
  var y4 = start.block(row: row &+ 4, column: column, as: B.self)
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    y2.add(v, times: table[2])
    y3.add(v, times: table[3])
    y4.add(v, times: table[4])
    table.advance(rows: 5)
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
  y2.store(y + 2 &* yStride)
  y3.store(y + 3 &* yStride)
  y4.store(y + 4 &* yStride)
}

@inlinable @inline(__always)
func multiply4<B: VectorBlock, Factors: BlockFactors, Start: BlockStart>(
  _ table: Factors, _ inner: Int, _ x: UnsafePointer<B.V.Scalar>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V.Scalar>, _ yStride: Int, _ start: Start, _ row: Int, _ column: Int, _: B.Type
) where Start.Element == B.V.Scalar, Factors.Element == B.V.Scalar {
  var y0 = start.block(row: row, column: column, as: B.self)
  var y1 = start.block(row: row &+ 1, column: column, as: B.self)
  var y2 = start.block(row: row &+ 2, column: column, as: B.self)
  var y3 = start.block(row: row &+ 3, column: column, as: B.self)
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    y2.add(v, times: table[2])
    y3.add(v, times: table[3])
    table.advance(rows: 4)
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
  y2.store(y + 2 &* yStride)
  y3.store(y + 3 &* yStride)
}

@inlinable @inline(__always)
func multiply3<B: VectorBlock, Factors: BlockFactors, Start: BlockStart>(
  _ table: Factors, _ inner: Int, _ x: UnsafePointer<B.V.Scalar>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V.Scalar>, _ yStride: Int, _ start: Start, _ row: Int, _ column: Int, _: B.Type
) where Start.Element == B.V.Scalar, Factors.Element == B.V.Scalar {
  var y0 = start.block(row: row, column: column, as: B.self)
  var y1 = start.block(row: row &+ 1, column: column, as: B.self)
  var y2 = start.block(row: row &+ 2, column: column, as: B.self)
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    y2.add(v, times: table[2])
    table.advance(rows: 3)
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
  y2.store(y + 2 &* yStride)
}

@inlinable @inline(__always)
func multiply2<B: VectorBlock, Factors: BlockFactors, Start: BlockStart>(
  _ table: Factors, _ inner: Int, _ x: UnsafePointer<B.V.Scalar>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V.Scalar>, _ yStride: Int, _ start: Start, _ row: Int, _ column: Int, _: B.Type
) where Start.Element == B.V.Scalar, Factors.Element == B.V.Scalar {
  var y0 = start.block(row: row, column: column, as: B.self)
  var y1 = start.block(row: row &+ 1, column: column, as: B.self)
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    y1.add(v, times: table[1])
    table.advance(rows: 2)
    x += xStride
  }
  y0.store(y)
  y1.store(y + yStride)
}

@inlinable @inline(__always)
func multiply1<B: VectorBlock, Factors: BlockFactors, Start: BlockStart>(
  _ table: Factors, _ inner: Int, _ x: UnsafePointer<B.V.Scalar>, _ xStride: Int,
  _ y: UnsafeMutablePointer<B.V.Scalar>, _ yStride: Int, _ start: Start, _ row: Int, _ column: Int, _: B.Type
) where Start.Element == B.V.Scalar, Factors.Element == B.V.Scalar {
  var y0 = start.block(row: row, column: column, as: B.self)
  var (table, x) = (table, x)
  for _ in 0..<inner {
    let v = B(x)
    y0.add(v, times: table[0])
    table.advance(rows: 1)
    x += xStride
  }
  y0.store(y)
}
