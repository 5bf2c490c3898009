// A truncated transform as its kernels see it: axes, where kept modes are, sizes of the blocks that stay in cache.

import Tensors

/// One axis of a truncated transform.
struct ModeAxis<Element: SpectralScalar>: BitwiseCopyable, Sendable {
  var folded: FoldedAxis<Element>.Layout
  /// Kept wavenumbers along a full axis are `−negative … positive`; along the halved axis `0 … positive`.
  var negative: Int
  var positive: Int
  /// Numbers from one point to the next: in a plane, for the first axis from one sum to the next.
  var stride: Int
  /// Kept modes of all axes behind this one.
  var innerModes: Int
  /// What is worked on at a time: of the first axis ``laneCount`` real columns each, of other full axes complex
  /// columns of lanes, of the halved one rows of points.
  var block: Int

  var points: Int { folded.points }
  var kept: Int { negative + positive + 1 }
  /// Numbers of a slab: the lanes of all points of this axis and all modes of the axes behind it.
  var slabCount: Int { points * innerModes * 2 * laneCount }
  /// Sums along the axis: C₀ and, for every other magnitude k of a wavenumber, S_k and C_k, in this order.
  var sums: Int { 2 * folded.largest + 1 }

  /// The places of the sums of some magnitudes.
  func sums(of magnitudes: Range<Int>) -> Range<Int> {
    max(0, 2 * magnitudes.lowerBound - 1)..<max(0, 2 * magnitudes.upperBound - 1)
  }
}

/// The memory that one task works in.
struct ModeScratch<Element: SpectralScalar>: BitwiseCopyable {
  /// For the transposition.
  nonisolated(unsafe) var squares: UnsafeMutablePointer<Element>
  /// Folded columns, and the sums over them.
  nonisolated(unsafe) var block: UnsafeMutablePointer<Element>
  nonisolated(unsafe) var sums: UnsafeMutablePointer<Element>
  /// Lanes of the inner modes: for some sums along the first axis, then for all points of each full axis behind it.
  nonisolated(unsafe) var slabs: UnsafeMutablePointer<Element>
}

/// Everything about a truncated transform but its data.
///
/// The first axis goes first: real columns of a plane, whose rows are vectors as they lie, become the rows of a plane
/// of sums, most often far fewer. Only these are turned into lanes (sixteen planes side by side), for the other axes.
final class ModeAxes<Element: SpectralScalar>: Sendable {
  /// At least two: a line is a plane of one row.
  private let axes: [ModeAxis<Element>]
  private let folded: [FoldedAxis<Element>]
  let pointCount: Int
  let keptCount: Int
  /// Magnitudes of wavenumbers along the first axis whose sums are turned into modes at a time.
  let magnitudeBlock: Int

  /// What a kernel works on at a time takes so much memory: half of the first-level cache (but for long columns of planes,
  /// four vectors of which are a block), and the lanes of inner modes some of the second.
  private static var blockBytes: Int { 16 << 10 }
  private static var slabBytes: Int { 64 << 10 }

  init(gridShape: [Int], wavenumbers: [[Int]]) {
    let isLine = gridShape.count == 1
    let (gridShape, wavenumbers) = isLine ? ([1] + gridShape, [[0]] + wavenumbers) : (gridShape, wavenumbers)
    let last = gridShape.count - 1
    folded = zip(gridShape, wavenumbers).enumerated().map { axis, item in
      // Along the halved axis the imaginary part is the sine's sum itself, and e^{−iθ} has −sin θ.
      FoldedAxis(
        points: item.0, largest: item.1.map(abs).max() ?? 0, sineSign: axis == last ? -1 : 1)
    }
    var strides = Tensor<Element>.strides(of: gridShape)
    // Rows of sums end where a vector does.
    if gridShape[0] > 1 { strides[0] = (strides[0] + laneCount - 1) / laneCount * laneCount }
    var axes: [ModeAxis<Element>] = []
    var innerModes = 1
    for axis in gridShape.indices.reversed() {
      let k = wavenumbers[axis]
      let bytes = gridShape[axis] * laneCount * MemoryLayout<Element>.stride
      let block =
        switch axis {
        case 0: max(4, min(Self.blockBytes / bytes, 16))
        case last: max(1, min(Self.blockBytes / bytes, 16))
        default: max(1, min(Self.blockBytes / (2 * bytes), 8))
        }
      axes.append(
        ModeAxis(
          folded: folded[axis].layout, negative: -(k.first ?? 0), positive: k.last ?? 0,
          stride: strides[axis], innerModes: innerModes, block: block))
      innerModes *= k.count
    }
    self.axes = axes.reversed()
    pointCount = gridShape.reduce(1, *)
    keptCount = innerModes
    // A magnitude has two sums of complex modes.
    let bytes = 4 * self.axes[0].innerModes * laneCount * MemoryLayout<Element>.stride
    magnitudeBlock = max(1, min(Self.slabBytes / bytes, self.axes[0].folded.largest + 1))
  }

  var first: ModeAxis<Element> { axes[0] }

  /// Whether the planes are their own sums along the first axis.
  var isLine: Bool { first.points == 1 }

  /// Magnitudes of wavenumbers along the first axis.
  var magnitudeCount: Int { first.folded.largest + 1 }

  /// Points of the axes behind the first.
  var columnCount: Int { pointCount / first.points }

  /// How far behind a block of columns the one is that will be worked on next: in the same plane or in the next.
  func nextBlock(_ columns: Range<Int>) -> Int {
    columns.upperBound < columnCount ? columns.count : pointCount - columns.lowerBound
  }

  /// Numbers of a plane of sums.
  var sumCount: Int { first.sums * first.stride }

  /// Calls `body` with the axes, the last one's index, blocks of magnitudes of wavenumbers along the first axis, and the
  /// rows of a group's planes that have these magnitudes' sums, so many.
  @inline(__always)
  func forEachBlock(
    of magnitudes: Range<Int>, _ sums: PlaneGroup<Element>,
    _ body: (UnsafePointer<ModeAxis<Element>>, Int, Range<Int>, PlaneGroup<Element>, Int) -> Void
  ) {
    axes.withUnsafeBufferPointer { list in
      guard let axis = list.baseAddress else { return }
      Spectral.forEachBlock(of: magnitudes, magnitudeBlock) { magnitudes in
        let rows = axis[0].sums(of: magnitudes)
        var sums = sums
        sums.first += rows.lowerBound * axis[0].stride
        body(axis, list.count - 1, magnitudes, sums, rows.count)
      }
    }
  }

  /// The slab of a block of magnitudes' sums, the numbers from part to part of it, and the slabs of the axes behind.
  func sumSlab(
    _ scratch: ModeScratch<Element>
  ) -> (
    slab: UnsafeMutablePointer<Element>, column: Int, inner: UnsafeMutablePointer<Element>
  ) {
    (scratch.slabs, sumColumn, scratch.slabs + 2 * first.innerModes * sumColumn)
  }

  /// A magnitude has two sums.
  private var sumColumn: Int { 2 * magnitudeBlock * laneCount }

  /// Numbers of scratch that one task needs. All parts are multiples of a cache line.
  var scratchCount: Int {
    let slabs = axes.dropFirst().dropLast().reduce(2 * first.innerModes * sumColumn) { $0 + $1.slabCount }
    return transpositionScratch + 2 * blockCount + slabs
  }

  func scratch(_ memory: UnsafeMutablePointer<Element>) -> ModeScratch<Element> {
    let block = memory + transpositionScratch
    let sums = block + blockCount
    return ModeScratch(squares: memory, block: block, sums: sums, slabs: sums + blockCount)
  }

  /// Numbers of the largest block of columns, or of its sums' cosines and sines.
  private var blockCount: Int {
    axes.enumerated().map { index, axis in
      let isReal = index == 0 || index == axes.count - 1
      let columns = (isReal ? 1 : 2) * axis.block * laneCount
      return max(axis.points, 2 * (axis.folded.largest + 1)) * columns
    }.max() ?? 0
  }
}
