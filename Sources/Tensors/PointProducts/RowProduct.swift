// Small matrix products straight from memory: nothing is packed, since everything is in cache and used once.

/// `c[i, j] = Σ_p a[i, p] b[p, j]`, or that added to c, for `rows` rows i, `inner` terms p and `columns` columns j, a
/// multiple of 16; all row-major, strides in numbers, but a its transpose `[inner, rows]` on request.
///
/// It is meant for operands that are in cache, one of which would otherwise be packed for a few products only.
@specialized(where Element == Float)
@specialized(where Element == Double)
public func multiplyRows<Element: Scalar>(
  _ a: UnsafePointer<Element>, stride aStride: Int, transposed: Bool = false, rows: Int, inner: Int,
  _ b: UnsafePointer<Element>, stride bStride: Int, columns: Int, into c: UnsafeMutablePointer<Element>,
  stride cStride: Int, accumulate: Bool
) {
  precondition(columns.isMultiple(of: 16), "whole vectors of columns")
  let product = RowProduct(
    a: a, aStride: aStride, isTransposed: transposed, rows: rows, inner: inner, b: b, bStride: bStride,
    columns: columns, c: c, cStride: cStride, accumulates: accumulate)
  switch VectorWidth.native {
  case .wide: multiplyRows(product, as: Element.WideVector.self)
  case .narrow: multiplyRows(product, as: Element.NarrowVector.self)
  }
}

private struct RowProduct<Element: BitwiseCopyable> {
  var a: UnsafePointer<Element>
  var aStride: Int
  var isTransposed: Bool
  var rows: Int
  var inner: Int
  var b: UnsafePointer<Element>
  var bStride: Int
  var columns: Int
  var c: UnsafeMutablePointer<Element>
  var cStride: Int
  var accumulates: Bool

  /// What is in c.
  var start: AddendStart<Element> { AddendStart(addend: UnsafePointer(c), stride: cStride) }
}

@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
private func multiplyRows<V: SIMD & BitwiseCopyable>(_ product: RowProduct<V.Scalar>, as: V.Type)
where V.Scalar: Scalar {
  let (a, stride) = (product.a, product.aStride)
  switch (product.isTransposed, product.accumulates) {
  case (false, false): multiplyRows(product, RowFactors(a, stride: stride), ZeroStart(), as: V.self)
  case (false, true): multiplyRows(product, RowFactors(a, stride: stride), product.start, as: V.self)
  case (true, false): multiplyRows(product, ColumnFactors(a, stride: stride), ZeroStart(), as: V.self)
  case (true, true): multiplyRows(product, ColumnFactors(a, stride: stride), product.start, as: V.self)
  }
}

@inline(__always)
private func multiplyRows<V: SIMD & BitwiseCopyable, Factors: BlockFactors, Start: BlockStart>(
  _ product: RowProduct<V.Scalar>, _ a: Factors, _ start: Start, as: V.Type
) where V.Scalar: Scalar, Factors.Element == V.Scalar, Start.Element == V.Scalar {
  let lanes = V.scalarCount
  var column = 0
  @inline(__always) func multiply<B: VectorBlock>(_: B.Type) where B.V == V {
    // As many sums as registers hold: 6 × 4 wide vectors, 6 × 2 of the others.
    multiplyBlocks(
      a, product.rows, product.inner, largest: 6, product.b + column, product.bStride, product.c + column,
      product.cStride, start, column: column, B.self)
  }
  if MemoryLayout<V>.size == 64 {
    while column &+ 4 &* lanes <= product.columns {
      multiply(FourVectors<V>.self)
      column = column &+ 4 &* lanes
    }
  }
  while column &+ 2 &* lanes <= product.columns {
    multiply(TwoVectors<V>.self)
    column = column &+ 2 &* lanes
  }
  if column < product.columns { multiply(OneVector<V>.self) }
}
