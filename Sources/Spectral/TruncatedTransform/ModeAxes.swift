// A truncated transform as its kernels see it: axes, where kept modes are, sizes of the blocks that stay in cache.

import Tensors

/// One axis of a truncated transform.
struct ModeAxis<Element: SpectralScalar>: BitwiseCopyable, Sendable {
  var folded: FoldedAxis<Element>.Layout
  /// Kept wavenumbers along a full axis are `−negative … positive`; along the halved axis `0 … positive`.
  var negative: Int
  var positive: Int
  /// Numbers from one point to the next in a plane.
  var stride: Int
  /// Kept modes of all axes behind this one.
  var innerModes: Int
  /// Columns (complex ones on a full axis, rows of points on the halved one) that are worked on at a time.
  var block: Int

  var points: Int { folded.points }
  var kept: Int { negative + positive + 1 }
}

/// Everything about a truncated transform but its data.
final class ModeAxes<Element: SpectralScalar>: Sendable {
  let axes: [ModeAxis<Element>]
  private let folded: [FoldedAxis<Element>]
  let pointCount: Int
  let keptCount: Int

  /// Folded columns that a kernel works on at a time take so much of the first-level cache.
  private static var blockBytes: Int { 16 << 10 }

  init(gridShape: [Int], wavenumbers: [[Int]]) {
    let last = gridShape.count - 1
    folded = zip(gridShape, wavenumbers).enumerated().map { axis, item in
      // Along the halved axis the imaginary part is the sine's sum itself, and e^{−iθ} has −sin θ.
      FoldedAxis(
        points: item.0, largest: item.1.map(abs).max() ?? 0, sineSign: axis == last ? -1 : 1)
    }
    let strides = Tensor<Element>.strides(of: gridShape)
    var axes: [ModeAxis<Element>] = []
    var innerModes = 1
    for axis in gridShape.indices.reversed() {
      let k = wavenumbers[axis]
      let columnBytes = gridShape[axis] * laneCount * MemoryLayout<Element>.stride
      let block = Self.blockBytes / (axis == last ? columnBytes : 2 * columnBytes)
      axes.append(
        ModeAxis(
          folded: folded[axis].layout, negative: -(k.first ?? 0), positive: k.last ?? 0,
          stride: strides[axis], innerModes: innerModes, block: max(1, min(block, axis == last ? 4 : 2))))
      innerModes *= k.count
    }
    self.axes = axes.reversed()
    pointCount = gridShape.reduce(1, *)
    keptCount = innerModes
  }

  /// Numbers of scratch that one task needs: the transposition's, the folded block's and its sums', and for every
  /// full axis the lanes of all its points and inner modes. All multiples of a cache line.
  var scratchCount: Int {
    transpositionScratch + 2 * blockCount
      + axes.dropLast().reduce(0) { $0 + $1.points * $1.innerModes * 2 * laneCount }
      + (axes.count == 1 ? keptCount * 2 * laneCount * axes[0].block : 0)
  }

  /// Numbers of the largest block of columns, or of its sums' cosines and sines.
  var blockCount: Int {
    axes.enumerated().map { index, axis in
      let columns = (index == axes.count - 1 ? 1 : 2) * axis.block * laneCount
      return max(axis.points, 2 * (axis.folded.largest + 1)) * columns
    }.max() ?? 0
  }
}
