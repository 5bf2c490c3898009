// From one group of planes to its kept modes: the halved axis first, then the others from the inside out.

import Tensors

/// Where lanes of modes go: for mode m and part c (0 real, 1 imaginary) to `first + (2m + c) · stride`, `count` of
/// them, times the factor of the mode along the halved axis.
struct ModeLanes<Element: SpectralScalar>: BitwiseCopyable {
  nonisolated(unsafe) var first: UnsafeMutablePointer<Element>
  var stride: Int
  var count: Int
  nonisolated(unsafe) var factors: UnsafePointer<Element>?
}

/// The first half of an analysis: for some points of the first axis, the modes of all axes behind it. They go to
/// `slab`, `[inner mode, part][point][lane]`.
func analyzePoints<V: SIMD & BitwiseCopyable>(
  _ axes: ModeAxes<V.Scalar>, _ planes: PlaneGroup<V.Scalar>, _ points: Range<Int>,
  to slab: UnsafeMutablePointer<V.Scalar>, scratch: ModeScratch<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  axes.withAxes { axes, last in
    analyzePoints(axes, 0, last, planes, points, to: slab, scratch, scratch.slabs, as: V.self)
  }
}

/// The second half: some columns (inner modes) of the slab along the first axis, to the modes.
func analyzeModes<V: SIMD & BitwiseCopyable>(
  _ axes: ModeAxes<V.Scalar>, _ slab: UnsafeMutablePointer<V.Scalar>, _ columns: Range<Int>,
  to modes: ModeLanes<V.Scalar>, scratch: ModeScratch<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  axes.withAxes { axes, last in
    analyzeColumns(
      axes[0], slab, columns, to: modes, halvedModes: axes[last].kept, scratch.block, scratch.sums, as: V.self
    )
  }
}

/// For some points of `axis`, the modes of all axes behind it, to the slab of `axis`.
private func analyzePoints<V: SIMD & BitwiseCopyable>(
  _ axes: UnsafePointer<ModeAxis<V.Scalar>>, _ axis: Int, _ last: Int, _ planes: PlaneGroup<V.Scalar>,
  _ points: Range<Int>, to slab: UnsafeMutablePointer<V.Scalar>, _ scratch: ModeScratch<V.Scalar>,
  _ inner: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let outer = axes[axis]
  let column = outer.points * laneCount
  var planes = planes
  planes.first += points.lowerBound * outer.stride
  if axis + 1 == last {
    analyzeRows(
      axes[last], planes, rows: points.count, rowStride: outer.stride,
      to: slab + points.lowerBound * laneCount, column: column, scratch.squares, scratch.block, as: V.self)
    return
  }
  let next = axes[axis + 1]
  for point in points {
    analyzePoints(
      axes, axis + 1, last, planes, 0..<next.points, to: inner, scratch, inner + next.slabCount, as: V.self)
    let modes = ModeLanes(first: slab + point * laneCount, stride: column, count: laneCount, factors: nil)
    analyzeColumns(
      next, inner, 0..<next.innerModes, to: modes, halvedModes: axes[last].kept, scratch.block, scratch.sums,
      as: V.self)
    planes.first += outer.stride
  }
}

/// Rows of points along the halved axis: `target[(2m + part) · column + row · laneCount + lane]`.
private func analyzeRows<V: SIMD & BitwiseCopyable>(
  _ axis: ModeAxis<V.Scalar>, _ planes: PlaneGroup<V.Scalar>, rows: Int, rowStride: Int,
  to target: UnsafeMutablePointer<V.Scalar>, column: Int, _ scratch: UnsafeMutablePointer<V.Scalar>,
  _ block: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let layout = axis.folded
  // Modes without a sine are real.
  for mode in 0...layout.largest where mode == 0 || mode > layout.largestSine {
    (target + (2 * mode + 1) * column).update(repeating: 0, count: rows * laneCount)
  }
  var first = 0
  while first < rows {
    let count = min(axis.block, rows - first)
    let width = count * laneCount
    for row in 0..<count {
      var planes = planes
      planes.first += (first + row) * rowStride
      loadLanes(
        planes, points: layout.points, block + row * laneCount, targetStride: width,
        prefetch: axis.block * rowStride, scratch: scratch)
    }
    let lanes = LaneColumns(first: block, step: laneCount, stride: width)
    fold(
      lanes, lanes, columns: count, points: layout.points, halvings: layout.halvings, as: V.self)
    let place = target + first * laneCount
    multiplyClasses(
      layout.cosines, layout.cosineCount, block, width, to: place, modeStride: 2 * column, as: V.self)
    multiplyClasses(
      layout.sines, layout.sineCount, block, width, to: place + column, modeStride: 2 * column, as: V.self)
    first += count
  }
}

/// Complex columns along a full axis, from its slab to the modes, a few at a time.
private func analyzeColumns<V: SIMD & BitwiseCopyable>(
  _ axis: ModeAxis<V.Scalar>, _ slab: UnsafeMutablePointer<V.Scalar>, _ columns: Range<Int>,
  to modes: ModeLanes<V.Scalar>, halvedModes: Int, _ block: UnsafeMutablePointer<V.Scalar>,
  _ sums: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let column = axis.points * laneCount
  var first = columns.lowerBound
  while first < columns.upperBound {
    let count = min(axis.block, columns.upperBound - first)
    analyzeBlock(
      axis, slab + 2 * first * column, columns: count, column: column, to: modes, firstMode: first,
      halvedModes: halvedModes, block, sums, as: V.self)
    first += count
  }
}

private func analyzeBlock<V: SIMD & BitwiseCopyable>(
  _ axis: ModeAxis<V.Scalar>, _ slab: UnsafeMutablePointer<V.Scalar>, columns: Int, column: Int,
  to modes: ModeLanes<V.Scalar>, firstMode: Int, halvedModes: Int, _ block: UnsafeMutablePointer<V.Scalar>,
  _ sums: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let layout = axis.folded
  let width = 2 * columns * laneCount
  fold(
    LaneColumns(first: slab, step: column, stride: laneCount),
    LaneColumns(first: block, step: laneCount, stride: width), columns: 2 * columns, points: layout.points,
    halvings: layout.halvings, as: V.self)
  for index in 0..<columns { prefetch(modes, axis, innerMode: firstMode + index) }
  let sines = sums + (layout.largest + 1) * width
  multiplyClasses(layout.cosines, layout.cosineCount, block, width, to: sums, modeStride: width, as: V.self)
  multiplyClasses(layout.sines, layout.sineCount, block, width, to: sines, modeStride: width, as: V.self)
  // Wavenumbers without a sine.
  sines.update(repeating: 0, count: width)
  if layout.largestSine < layout.largest {
    (sines + layout.largest * width).update(repeating: 0, count: width)
  }
  let modeStep = 2 * axis.innerModes * modes.stride
  for index in 0..<columns {
    let inner = firstMode + index
    let factor = modes.factors.map { $0[inner % halvedModes] } ?? 1
    for lane in stride(from: 0, to: laneCount, by: V.scalarCount) {
      let zero = modes.first + (2 * (axis.negative * axis.innerModes + inner) * modes.stride + lane)
      let count = min(V.scalarCount, modes.count - lane)
      guard count > 0 else { break }
      var offset = 2 * index * laneCount + lane
      for k in 0...layout.largest {
        let c = UnsafeRawPointer(sums + offset).load(as: V.self) * factor
        let d = UnsafeRawPointer(sums + (offset &+ laneCount)).load(as: V.self) * factor
        let s = UnsafeRawPointer(sines + offset).load(as: V.self) * factor
        let t = UnsafeRawPointer(sines + (offset &+ laneCount)).load(as: V.self) * factor
        // Σ (cos ∓ i sin)(x + iy) = C ± T + i (D ∓ S)
        if k <= axis.positive {
          let target = zero + k &* modeStep
          store(c + t, target, count)
          store(d - s, target + modes.stride, count)
        }
        if k > 0, k <= axis.negative {
          let target = zero - k &* modeStep
          store(c - t, target, count)
          store(d + s, target + modes.stride, count)
        }
        offset = offset &+ width
      }
    }
  }
}

/// Asks for the lines that a column's modes will be written to, where they are far apart.
@inline(__always)
private func prefetch<Element: SpectralScalar>(
  _ modes: ModeLanes<Element>, _ axis: ModeAxis<Element>, innerMode: Int
) {
  guard modes.factors != nil else { return }
  var target = modes.first + 2 &* innerMode &* modes.stride
  for _ in 0..<axis.kept {
    prefetchLineToWrite(target)
    prefetchLineToWrite(target + modes.stride)
    target += 2 &* axis.innerModes &* modes.stride
  }
}

/// All sums of a folded block: those of mode k go to `target + k · modeStride`.
@inline(__always)
private func multiplyClasses<V: SIMD & BitwiseCopyable>(
  _ classes: UnsafePointer<ModeClass<V.Scalar>>, _ count: Int, _ block: UnsafePointer<V.Scalar>, _ width: Int,
  to target: UnsafeMutablePointer<V.Scalar>, modeStride: Int, as: V.Type
) where V.Scalar: SpectralScalar {
  for index in 0..<count {
    let modes = classes[index]
    multiplyLanes(
      modes.analysisTable, rows: modes.modeCount, inner: modes.rowCount, x: block + modes.firstRow * width,
      xStride: width, y: target + modes.firstMode * modeStride, yStride: modes.modeStep * modeStride,
      width: width, as: V.self)
  }
}

/// The first `count` lanes of a vector.
@inline(__always)
private func store<V: SIMD & BitwiseCopyable>(
  _ value: V, _ target: UnsafeMutablePointer<V.Scalar>, _ count: Int
) {
  if count == V.scalarCount {
    UnsafeMutableRawPointer(target).storeBytes(of: value, as: V.self)
  } else {
    for lane in 0..<count { target[lane] = value[lane] }
  }
}
