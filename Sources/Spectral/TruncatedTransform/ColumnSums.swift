// The first axis of a truncated transform: sums along the columns of a plane, whose rows are vectors as they lie.

import Tensors

/// `columns` of a plane become sums along the first axis, in the rows of a plane of sums: C₀, S₁, C₁, S₂, C₂, …
func sumColumns<V: SIMD & BitwiseCopyable>(
  _ axes: ModeAxes<V.Scalar>, _ plane: UnsafeMutablePointer<V.Scalar>, _ columns: Range<Int>,
  to sums: UnsafeMutablePointer<V.Scalar>, scratch: ModeScratch<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let (axis, stride, block) = (axes.first, axes.columnCount, scratch.block)
  let layout = axis.folded
  forEachColumnBlock(columns, axis.block) { columns in
    let width = (columns.count + laneCount - 1) / laneCount * laneCount
    let folded = LaneColumns(first: block, step: laneCount, stride: width)
    var source = LaneColumns(first: plane + columns.lowerBound, step: laneCount, stride: stride)
    let isWhole = columns.count == width
    if !isWhole {
      copyColumns(source, columns.count, to: block, width, points: layout.points)
      source = folded
    }
    fold(
      source, folded, columns: width / laneCount, points: layout.points, halvings: layout.halvings,
      prefetch: isWhole ? axes.nextBlock(columns) : 0, as: V.self)
    let target = sums + columns.lowerBound
    multiplyClasses(
      layout.cosines, layout.cosineCount, block, width, to: target, modeStride: 2 * axis.stride, as: V.self)
    multiplyClasses(
      layout.sines, layout.sineCount, block, width, to: target - axis.stride, modeStride: 2 * axis.stride,
      as: V.self)
    if layout.largestSine < layout.largest {
      (target + (2 * layout.largest - 1) * axis.stride).update(repeating: 0, count: width)
    }
  }
}

/// The transpose of ``sumColumns(_:_:_:to:scratch:as:)``: `columns` of a plane, or what is added to them, from the plane of
/// sums.
func spreadColumns<V: SIMD & BitwiseCopyable>(
  _ axes: ModeAxes<V.Scalar>, _ sums: UnsafeMutablePointer<V.Scalar>, _ columns: Range<Int>,
  to plane: UnsafeMutablePointer<V.Scalar>, accumulate: Bool, scratch: ModeScratch<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let (axis, stride, block) = (axes.first, axes.columnCount, scratch.block)
  let layout = axis.folded
  forEachColumnBlock(columns, axis.block) { columns in
    let width = (columns.count + laneCount - 1) / laneCount * laneCount
    let source = sums + columns.lowerBound
    multiplyClasses(
      layout.cosines, layout.cosineCount, source, modeStride: 2 * axis.stride, to: block, width, as: V.self)
    multiplyClasses(
      layout.sines, layout.sineCount, source - axis.stride, modeStride: 2 * axis.stride, to: block, width,
      as: V.self)
    clearMissingSines(layout, block, width)
    let folded = LaneColumns(first: block, step: laneCount, stride: width)
    let target = LaneColumns(first: plane + columns.lowerBound, step: laneCount, stride: stride)
    let isWhole = columns.count == width
    unfold(
      folded, isWhole ? target : folded, columns: width / laneCount, points: layout.points,
      halvings: layout.halvings, accumulate: isWhole && accumulate,
      prefetch: isWhole ? axes.nextBlock(columns) : 0, as: V.self)
    if !isWhole {
      copyColumns(block, width, columns.count, to: target, points: layout.points, accumulate: accumulate)
    }
  }
}

/// Blocks of at most `size` vectors of columns; a last one of fewer columns than a vector has is a block of its own.
@inline(__always)
private func forEachColumnBlock(_ columns: Range<Int>, _ size: Int, _ body: (Range<Int>) -> Void) {
  let whole = columns.lowerBound..<columns.upperBound - columns.count % laneCount
  forEachBlock(of: whole, size * laneCount, body)
  if whole.upperBound < columns.upperBound { body(whole.upperBound..<columns.upperBound) }
}

/// Some columns of a plane to a block of `width` columns, zeros in the others.
private func copyColumns<Element: SpectralScalar>(
  _ source: LaneColumns<Element>, _ count: Int, to block: UnsafeMutablePointer<Element>, _ width: Int,
  points: Int
) {
  for point in 0..<points {
    let row = block + point * width
    row.update(from: source.first + point * source.stride, count: count)
    (row + count).update(repeating: 0, count: width - count)
  }
}

/// The first columns of a block back to a plane, replacing or adding to what is there.
private func copyColumns<Element: SpectralScalar>(
  _ block: UnsafeMutablePointer<Element>, _ width: Int, _ count: Int, to target: LaneColumns<Element>,
  points: Int, accumulate: Bool
) {
  for point in 0..<points {
    let (row, place) = (block + point * width, target.first + point * target.stride)
    if accumulate {
      for column in 0..<count { place[column] += row[column] }
    } else {
      place.update(from: row, count: count)
    }
  }
}
