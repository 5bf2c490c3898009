// Small matrix products whose columns are lanes: `y = T x` with a table T and wide, contiguous rows of x and y.
//
// Sixteen planes side by side are the lanes of kernels behind the first axis, so that any sum over points
// or modes is vector code without shuffles.

import Tensors

/// Planes that are transformed side by side: a vector of 512 bits in single precision.
let laneCount = 16

/// The most rows of a table in one block: 6 × 4 vectors of 512 bits (or 6 × 2 of 256) accumulate in registers.
let largestBlock = 6

/// `y[r, c] = Σ_j T[r, j] x[j, c]` for `rows` rows r, `inner` terms j and `width` columns c, a multiple of
/// ``laneCount``; T as packed by `packTable(rows:inner:largest:into:_:)`, strides in numbers.
func multiplyLanes<V: SIMD & BitwiseCopyable>(
  _ table: UnsafePointer<V.Scalar>, rows: Int, inner: Int, x: UnsafePointer<V.Scalar>, xStride: Int,
  y: UnsafeMutablePointer<V.Scalar>, yStride: Int, width: Int, as: V.Type
) where V.Scalar: SpectralScalar {
  let lanes = V.scalarCount
  let start = ZeroStart<V.Scalar>()
  var column = 0
  // Wide vectors have a processor's 32 registers to accumulate in, others 16.
  if MemoryLayout<V>.size == 64 {
    while column + 4 * lanes <= width {
      multiplyBlocks(
        PackedFactors(table), rows, inner, largest: largestBlock, x + column, xStride, y + column, yStride,
        start,
        column: column,
        FourVectors<V>.self)
      column += 4 * lanes
    }
  }
  while column + 2 * lanes <= width {
    multiplyBlocks(
      PackedFactors(table), rows, inner, largest: largestBlock, x + column, xStride, y + column, yStride,
      start,
      column: column, TwoVectors<V>.self)
    column += 2 * lanes
  }
  if column < width {
    multiplyBlocks(
      PackedFactors(table), rows, inner, largest: largestBlock, x + column, xStride, y + column, yStride,
      start,
      column: column, OneVector<V>.self)
  }
}
