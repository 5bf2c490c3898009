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
  /// Numbers of a slab: the lanes of all points of this axis and all modes of the axes behind it.
  var slabCount: Int { points * innerModes * 2 * laneCount }
}

/// The memory that one task works in.
struct ModeScratch<Element: SpectralScalar>: BitwiseCopyable {
  /// For the transposition.
  nonisolated(unsafe) var squares: UnsafeMutablePointer<Element>
  /// Folded columns, and the sums over them.
  nonisolated(unsafe) var block: UnsafeMutablePointer<Element>
  nonisolated(unsafe) var sums: UnsafeMutablePointer<Element>
  /// The slabs of all full axes but the first.
  nonisolated(unsafe) var slabs: UnsafeMutablePointer<Element>
}

/// Everything about a truncated transform but its data.
final class ModeAxes<Element: SpectralScalar>: Sendable {
  /// At least two: a line is a plane of one row.
  private let axes: [ModeAxis<Element>]
  private let folded: [FoldedAxis<Element>]
  let pointCount: Int
  let keptCount: Int

  /// Folded columns that a kernel works on at a time take so much of the first-level cache.
  private static var blockBytes: Int { 16 << 10 }

  init(gridShape: [Int], wavenumbers: [[Int]]) {
    let isLine = gridShape.count == 1
    let (gridShape, wavenumbers) = isLine ? ([1] + gridShape, [[0]] + wavenumbers) : (gridShape, wavenumbers)
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
          stride: strides[axis], innerModes: innerModes, block: max(1, min(block, axis == last ? 16 : 8))))
      innerModes *= k.count
    }
    self.axes = axes.reversed()
    pointCount = gridShape.reduce(1, *)
    keptCount = innerModes
  }

  /// The first axis, along which the two halves of a transform meet in a slab.
  var first: ModeAxis<Element> { axes[0] }

  /// Points of the first axis that kernels work on at a time.
  var rowBlock: Int { axes.count == 2 ? axes[1].block : 1 }

  /// The axes and the last one's index.
  @inline(__always)
  func withAxes(_ body: (UnsafePointer<ModeAxis<Element>>, Int) -> Void) {
    axes.withUnsafeBufferPointer { list in
      if let first = list.baseAddress { body(first, list.count - 1) }
    }
  }

  /// Numbers of scratch that one task needs. All parts are multiples of a cache line.
  var scratchCount: Int {
    transpositionScratch + 2 * blockCount + axes.dropFirst().dropLast().reduce(0) { $0 + $1.slabCount }
  }

  func scratch(_ memory: UnsafeMutablePointer<Element>) -> ModeScratch<Element> {
    let block = memory + transpositionScratch
    let sums = block + blockCount
    return ModeScratch(squares: memory, block: block, sums: sums, slabs: sums + blockCount)
  }

  /// Numbers of the largest block of columns, or of its sums' cosines and sines.
  private var blockCount: Int {
    axes.enumerated().map { index, axis in
      let columns = (index == axes.count - 1 ? 1 : 2) * axis.block * laneCount
      return max(axis.points, 2 * (axis.folded.largest + 1)) * columns
    }.max() ?? 0
  }
}
