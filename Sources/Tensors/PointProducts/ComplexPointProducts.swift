// Complex matrices applied to points by three real products instead of four.

/// A complex matrix U `[rows, inner]` in blocks of rows or of terms, ready to be multiplied with points.
///
/// For points x of planes r, i and s = r + i a block gives (Gauss) `q₀ = (im U − re U) r`, `q₁ = (re U + im U) i` and
/// `q₂ = re U s`: then `re Ux = q₂ − q₁` and `im Ux = q₂ + q₀`. The errors are those of four products relative to |U||x|,
/// not to each part by itself.
public struct ComplexPointProducts<Element: Scalar>: ~Copyable {
  /// What the matrix is cut into blocks of.
  public enum Cut: Sendable { case rows, terms }

  public let rows: Int
  public let inner: Int
  private let cut: Cut
  private let size: Int
  /// `[block][q₀, q₁, q₂]`, each packed for its product; the last block may be smaller than its place.
  private let tables: AlignedMemory<Element>

  /// - Parameters:
  ///   - real: The real part of U's first number, and where the others are: `real[row · rowStride + j · termStride]`;
  ///     `imaginary` likewise.
  ///   - conjugate: Whether the matrix is the conjugate of that.
  ///   - size: Rows or terms of a block, a multiple of 16.
  public init(
    real: UnsafePointer<Element>, imaginary: UnsafePointer<Element>, rows: Int, inner: Int, rowStride: Int,
    termStride: Int, conjugate: Bool = false, cut: Cut, size: Int
  ) {
    self.rows = rows
    self.inner = inner
    self.cut = cut
    self.size = size
    let across = cut == .rows ? inner : rows
    let blocks = ((cut == .rows ? rows : inner) + size - 1) / size
    tables = AlignedMemory(count: blocks * 3 * size * across)
    let tables = tables.pointer
    WorkerPool.shared.run(tasks: blocks) { block in
      let first = block * size
      let offset = first * (cut == .rows ? rowStride : termStride)
      packParts(
        real + offset, imaginary + offset, rows: cut == .rows ? min(size, rows - first) : rows,
        inner: cut == .terms ? min(size, inner - first) : inner, rowStride: rowStride, termStride: termStride,
        conjugate: conjugate, into: tables + 3 * first * across)
    }
  }

  public var blockCount: Int { ((cut == .rows ? rows : inner) + size - 1) / size }

  /// The rows or terms of a block.
  public func range(_ block: Int) -> Range<Int> {
    block * size..<min((block + 1) * size, cut == .rows ? rows : inner)
  }

  /// The three real products of a block with `count` points, to the planes q, or added to them.
  ///
  /// - Parameters:
  ///   - x: As many rows as the block has terms.
  ///   - q: As many rows as the block has rows.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func multiply(
    block: Int, _ x: ComplexPlanes<Element>, into q: ComplexPlanes<Element>, count: Int, accumulate: Bool
  ) {
    let range = range(block)
    let (rows, inner) = cut == .rows ? (range.count, self.inner) : (self.rows, range.count)
    let first = tables.pointer + 3 * range.lowerBound * (cut == .rows ? self.inner : self.rows)
    for plane in 0..<3 {
      let product = TableProduct(
        table: UnsafePointer(first + plane * rows * inner), rows: rows, inner: inner,
        x: UnsafePointer(x[plane]), xStride: x.stride, y: q[plane], yStride: q.stride)
      let before = AddendStart(addend: UnsafePointer(q[plane]), stride: q.stride)
      switch (VectorWidth.native, accumulate) {
      case (.wide, false): multiplyPoints(product, count, ZeroStart(), as: Element.WideVector.self)
      case (.wide, true): multiplyPoints(product, count, before, as: Element.WideVector.self)
      case (.narrow, false): multiplyPoints(product, count, ZeroStart(), as: Element.NarrowVector.self)
      case (.narrow, true): multiplyPoints(product, count, before, as: Element.NarrowVector.self)
      }
    }
  }
}

/// The tables of im U − re U, re U + im U and re U, one after the other.
@specialized(where E == Float)
@specialized(where E == Double)
private func packParts<E: Scalar>(
  _ real: UnsafePointer<E>, _ imaginary: UnsafePointer<E>, rows: Int, inner: Int, rowStride: Int,
  termStride: Int, conjugate: Bool, into tables: UnsafeMutablePointer<E>
) {
  let (largest, sign) = (largestBlock(VectorWidth.native), conjugate ? -1 as E : 1)
  let (count, place) = (rows * inner, { row, term in row &* rowStride &+ term &* termStride })
  packTable(rows: rows, inner: inner, largest: largest, into: tables) {
    sign * imaginary[place($0, $1)] - real[place($0, $1)]
  }
  packTable(rows: rows, inner: inner, largest: largest, into: tables + count) {
    real[place($0, $1)] + sign * imaginary[place($0, $1)]
  }
  packTable(rows: rows, inner: inner, largest: largest, into: tables + 2 * count) { real[place($0, $1)] }
}
