// Small matrix products straight from memory: nothing is packed, since everything is in cache and used once.

/// `c[i, j] += Σ_p a[i, p] b[p, j]` for `rows` rows i, `inner` terms p and `columns` columns j, a multiple of 16; all
/// row-major, strides in numbers.
///
/// It is meant for operands that are in cache, one of which would otherwise be packed for a few products only.
@specialized(where Element == Float)
@specialized(where Element == Double)
public func addRowProducts<Element: Scalar>(
  _ a: UnsafePointer<Element>, stride aStride: Int, rows: Int, inner: Int, _ b: UnsafePointer<Element>,
  stride bStride: Int, columns: Int, to c: UnsafeMutablePointer<Element>, stride cStride: Int
) {
  precondition(columns.isMultiple(of: 16), "whole vectors of columns")
  let product = RowProduct(
    a: RowFactors(a, stride: aStride), rows: rows, inner: inner, b: b, bStride: bStride, columns: columns,
    c: c, cStride: cStride)
  switch VectorWidth.native {
  case .wide: addRowProducts(product, as: Element.WideVector.self)
  case .narrow: addRowProducts(product, as: Element.NarrowVector.self)
  }
}

private struct RowProduct<Element> {
  var a: RowFactors<Element>
  var rows: Int
  var inner: Int
  var b: UnsafePointer<Element>
  var bStride: Int
  var columns: Int
  var c: UnsafeMutablePointer<Element>
  var cStride: Int
}

@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
private func addRowProducts<V: SIMD & BitwiseCopyable>(_ product: RowProduct<V.Scalar>, as: V.Type)
where V.Scalar: Scalar {
  let lanes = V.scalarCount
  var column = 0
  @inline(__always) func add<B: VectorBlock>(_: B.Type) where B.V == V {
    // As many sums as registers hold: 6 × 4 wide vectors, 6 × 2 of the others.
    multiplyBlocks(
      product.a, product.rows, product.inner, largest: 6, product.b + column, product.bStride,
      product.c + column, product.cStride,
      AddendStart(addend: UnsafePointer(product.c), stride: product.cStride), column: column, B.self)
  }
  if MemoryLayout<V>.size == 64 {
    while column &+ 4 &* lanes <= product.columns {
      add(FourVectors<V>.self)
      column = column &+ 4 &* lanes
    }
  }
  while column &+ 2 &* lanes <= product.columns {
    add(TwoVectors<V>.self)
    column = column &+ 2 &* lanes
  }
  if column < product.columns { add(OneVector<V>.self) }
}
