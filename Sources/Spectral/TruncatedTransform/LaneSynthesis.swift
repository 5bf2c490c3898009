// From the kept modes of one group of planes to its points: the transpose of the analysis, step by step.

import Tensors

/// The first half of a synthesis: some columns (inner modes) of the slab along the first axis, from the modes. The
/// slab is `[inner mode, part][point][lane]`.
func synthesizeModes<V: SIMD & BitwiseCopyable>(
  _ axes: ModeAxes<V.Scalar>, _ modes: ModeLanes<V.Scalar>, _ columns: Range<Int>,
  to slab: UnsafeMutablePointer<V.Scalar>, scratch: ModeScratch<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  axes.withAxes { axes, last in
    synthesizeColumns(
      axes[0], modes, columns, halvedModes: axes[last].kept, to: slab, scratch.block, scratch.sums, as: V.self
    )
  }
}

/// The second half: some points of the first axis and all points of the axes behind it, from the slab.
func synthesizePoints<V: SIMD & BitwiseCopyable>(
  _ axes: ModeAxes<V.Scalar>, _ slab: UnsafeMutablePointer<V.Scalar>, _ points: Range<Int>,
  to planes: PlaneGroup<V.Scalar>, accumulate: Bool, scratch: ModeScratch<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  axes.withAxes { axes, last in
    synthesizePoints(
      axes, 0, last, slab, points, to: planes, accumulate: accumulate, scratch, scratch.slabs, as: V.self)
  }
}

/// Some points of `axis` and all points of the axes behind it, from the slab of `axis`.
private func synthesizePoints<V: SIMD & BitwiseCopyable>(
  _ axes: UnsafePointer<ModeAxis<V.Scalar>>, _ axis: Int, _ last: Int, _ slab: UnsafeMutablePointer<V.Scalar>,
  _ points: Range<Int>, to planes: PlaneGroup<V.Scalar>, accumulate: Bool, _ scratch: ModeScratch<V.Scalar>,
  _ inner: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let outer = axes[axis]
  let column = outer.points * laneCount
  var planes = planes
  planes.first += points.lowerBound * outer.stride
  if axis + 1 == last {
    synthesizeRows(
      axes[last], slab + points.lowerBound * laneCount, column: column, to: planes, rows: points.count,
      rowStride: outer.stride, accumulate: accumulate, scratch.block, as: V.self)
    return
  }
  let next = axes[axis + 1]
  for point in points {
    let modes = ModeLanes(first: slab + point * laneCount, stride: column, count: laneCount, factors: nil)
    synthesizeColumns(
      next, modes, 0..<next.innerModes, halvedModes: axes[last].kept, to: inner, scratch.block, scratch.sums,
      as: V.self)
    synthesizePoints(
      axes, axis + 1, last, inner, 0..<next.points, to: planes, accumulate: accumulate, scratch,
      inner + next.slabCount, as: V.self)
    planes.first += outer.stride
  }
}

/// Rows of points along the halved axis, from `slab[(2m + part) · column + row · laneCount + lane]`.
private func synthesizeRows<V: SIMD & BitwiseCopyable>(
  _ axis: ModeAxis<V.Scalar>, _ slab: UnsafePointer<V.Scalar>, column: Int, to planes: PlaneGroup<V.Scalar>,
  rows: Int, rowStride: Int, accumulate: Bool, _ block: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let layout = axis.folded
  var first = 0
  while first < rows {
    let count = min(axis.block, rows - first)
    let width = count * laneCount
    let place = slab + first * laneCount
    multiplyClasses(
      layout.cosines, layout.cosineCount, place, modeStride: 2 * column, to: block, width, as: V.self)
    multiplyClasses(
      layout.sines, layout.sineCount, place + column, modeStride: 2 * column, to: block, width, as: V.self)
    clearMissingSines(layout, block, width)
    let lanes = LaneColumns(first: block, step: laneCount, stride: width)
    unfold(
      lanes, lanes, columns: count, points: layout.points, halvings: layout.halvings, as: V.self)
    for row in 0..<count {
      var planes = planes
      planes.first += (first + row) * rowStride
      storeLanes(
        block + row * laneCount, sourceStride: width, points: layout.points, planes, accumulate: accumulate,
        prefetch: axis.block * rowStride)
    }
    first += count
  }
}

/// Complex columns along a full axis, from the modes to its slab, a few at a time.
private func synthesizeColumns<V: SIMD & BitwiseCopyable>(
  _ axis: ModeAxis<V.Scalar>, _ modes: ModeLanes<V.Scalar>, _ columns: Range<Int>, halvedModes: Int,
  to slab: UnsafeMutablePointer<V.Scalar>, _ block: UnsafeMutablePointer<V.Scalar>,
  _ sums: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let column = axis.points * laneCount
  var first = columns.lowerBound
  while first < columns.upperBound {
    let count = min(axis.block, columns.upperBound - first)
    synthesizeBlock(
      axis, modes, firstMode: first, halvedModes: halvedModes, to: slab + 2 * first * column, columns: count,
      column: column, block, sums, as: V.self)
    first += count
  }
}

private func synthesizeBlock<V: SIMD & BitwiseCopyable>(
  _ axis: ModeAxis<V.Scalar>, _ modes: ModeLanes<V.Scalar>, firstMode: Int, halvedModes: Int,
  to slab: UnsafeMutablePointer<V.Scalar>, columns: Int, column: Int, _ block: UnsafeMutablePointer<V.Scalar>,
  _ sums: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let layout = axis.folded
  let width = 2 * columns * laneCount
  let sines = sums + (layout.largest + 1) * width
  let modeStep = 2 * axis.innerModes * modes.stride
  for index in 0..<columns {
    let inner = firstMode + index
    let factor = modes.factors.map { $0[inner % halvedModes] } ?? 1
    for lane in stride(from: 0, to: laneCount, by: V.scalarCount) {
      let zero = modes.first + (2 * (axis.negative * axis.innerModes + inner) * modes.stride + lane)
      let count = max(0, min(V.scalarCount, modes.count - lane))
      var offset = 2 * index * laneCount + lane
      for k in 0...layout.largest {
        var (a, b, c, d) = (V(), V(), V(), V())
        if k <= axis.positive {
          let source = zero + k &* modeStep
          a = load(source, count)
          b = load(source + modes.stride, count)
        }
        if k > 0, k <= axis.negative {
          let source = zero - k &* modeStep
          c = load(source, count)
          d = load(source + modes.stride, count)
        }
        // (a + ib) e^{iθ} + (c + id) e^{−iθ} = cos θ (a + c + i(b + d)) + sin θ (d − b + i(a − c))
        UnsafeMutableRawPointer(sums + offset).storeBytes(of: (a + c) * factor, as: V.self)
        UnsafeMutableRawPointer(sums + (offset &+ laneCount)).storeBytes(of: (b + d) * factor, as: V.self)
        UnsafeMutableRawPointer(sines + offset).storeBytes(of: (d - b) * factor, as: V.self)
        UnsafeMutableRawPointer(sines + (offset &+ laneCount)).storeBytes(of: (a - c) * factor, as: V.self)
        offset = offset &+ width
      }
    }
  }
  prefetch(modes, axis, innerMode: firstMode + columns)
  multiplyClasses(layout.cosines, layout.cosineCount, sums, modeStride: width, to: block, width, as: V.self)
  multiplyClasses(layout.sines, layout.sineCount, sines, modeStride: width, to: block, width, as: V.self)
  clearMissingSines(layout, block, width)
  unfold(
    LaneColumns(first: block, step: laneCount, stride: width),
    LaneColumns(first: slab, step: column, stride: laneCount), columns: 2 * columns, points: layout.points,
    halvings: layout.halvings, as: V.self)
}

/// Asks for the lines of the modes of two columns that will be wanted next, where they are far apart.
@inline(__always)
private func prefetch<Element: SpectralScalar>(
  _ modes: ModeLanes<Element>, _ axis: ModeAxis<Element>, innerMode: Int
) {
  guard modes.factors != nil, innerMode < axis.innerModes else { return }
  for column in innerMode..<min(innerMode + axis.block, axis.innerModes) {
    var source = modes.first + 2 &* column &* modes.stride
    for _ in 0..<axis.kept {
      prefetchLine(source)
      prefetchLine(source + modes.stride)
      source += 2 &* axis.innerModes &* modes.stride
    }
  }
}

/// Where no wavenumber has a sine, no product has written the sines' rows.
@inline(__always)
private func clearMissingSines<Element: SpectralScalar>(
  _ layout: FoldedAxis<Element>.Layout, _ block: UnsafeMutablePointer<Element>, _ width: Int
) {
  guard layout.largestSine == 0, layout.points > 2 else { return }
  (block + (layout.points / 2 + 1) * width)
    .update(repeating: 0, count: (layout.points - layout.points / 2 - 1) * width)
}

/// The folded block from the sums' modes: mode k is at `source + k · modeStride`.
@inline(__always)
private func multiplyClasses<V: SIMD & BitwiseCopyable>(
  _ classes: UnsafePointer<ModeClass<V.Scalar>>, _ count: Int, _ source: UnsafePointer<V.Scalar>,
  modeStride: Int, to block: UnsafeMutablePointer<V.Scalar>, _ width: Int, as: V.Type
) where V.Scalar: SpectralScalar {
  for index in 0..<count {
    let modes = classes[index]
    multiplyLanes(
      modes.synthesisTable, rows: modes.rowCount, inner: modes.modeCount,
      x: source + modes.firstMode * modeStride, xStride: modes.modeStep * modeStride,
      y: block + modes.firstRow * width, yStride: width, width: width, as: V.self)
  }
}

/// A vector whose first `count` lanes are in memory.
@inline(__always)
private func load<V: SIMD & BitwiseCopyable>(_ source: UnsafePointer<V.Scalar>, _ count: Int) -> V {
  if count == V.scalarCount { return UnsafeRawPointer(source).loadUnaligned(as: V.self) }
  var value = V()
  for lane in 0..<count { value[lane] = source[lane] }
  return value
}
