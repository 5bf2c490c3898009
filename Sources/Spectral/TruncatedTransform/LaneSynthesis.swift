// From the kept modes of one group of planes to its sums: the transpose of the analysis, step by step.

import Tensors

/// The planes of sums along the first axis, those of some magnitudes of its wavenumbers, from the modes.
func synthesizeSums<V: SIMD & BitwiseCopyable>(
  _ axes: ModeAxes<V.Scalar>, _ modes: ModeLanes<V.Scalar>, _ magnitudes: Range<Int>,
  to sums: PlaneGroup<V.Scalar>, accumulate: Bool, scratch: ModeScratch<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let (slab, column, inner) = axes.sumSlab(scratch)
  axes.forEachBlock(of: magnitudes, sums) { axis, last, magnitudes, sums, points in
    combineSigns(
      axis[0], modes, halvedModes: axis[last].kept, magnitudes, to: slab, column: column, as: V.self)
    synthesizeInner(
      axis, 0, last, slab, column: column, to: sums, points: points, accumulate: accumulate, scratch, inner,
      as: V.self)
  }
}

/// The slab of the factors C of cosines and S of sines of some magnitudes, from the modes k and −k along the first axis:
/// (a + ib) e^{iθ} + (c + id) e^{−iθ} = cos θ (a + c + i(b + d)) + sin θ (d − b + i(a − c)).
private func combineSigns<V: SIMD & BitwiseCopyable>(
  _ axis: ModeAxis<V.Scalar>, _ modes: ModeLanes<V.Scalar>, halvedModes: Int, _ magnitudes: Range<Int>,
  to slab: UnsafeMutablePointer<V.Scalar>, column: Int, as: V.Type
) where V.Scalar: SpectralScalar {
  let modeStep = modes.step(along: axis)
  modes.forEachInner(axis, magnitudes, prefetch: prefetchLine) { inner, center in
    let factor = modes.factors[inner % halvedModes]
    for lane in stride(from: 0, to: laneCount, by: V.scalarCount) {
      let zero = center + lane
      let count = max(0, min(V.scalarCount, modes.count - lane))
      var target = UnsafeMutableRawPointer(slab + (2 * inner * column + lane))
      let (part, row) = (column * MemoryLayout<V.Scalar>.stride, laneCount * MemoryLayout<V.Scalar>.stride)
      @inline(__always) func put(_ real: V, _ imaginary: V) {
        target.storeBytes(of: real * factor, as: V.self)
        (target + part).storeBytes(of: imaginary * factor, as: V.self)
        target += row
      }
      for k in magnitudes {
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
        if k > 0 { put(d - b, a - c) }
        put(a + c, b + d)
      }
    }
  }
}

/// Some points of `axis` and all points of the axes behind it, from the slab of `axis`, `[inner mode, part][point][lane]`,
/// `column` numbers from part to part.
private func synthesizeInner<V: SIMD & BitwiseCopyable>(
  _ axes: UnsafePointer<ModeAxis<V.Scalar>>, _ axis: Int, _ last: Int, _ slab: UnsafeMutablePointer<V.Scalar>,
  column: Int, to planes: PlaneGroup<V.Scalar>, points: Int, accumulate: Bool,
  _ scratch: ModeScratch<V.Scalar>, _ inner: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let stride = axes[axis].stride
  if axis + 1 == last {
    synthesizeRows(
      axes[last], slab, column: column, to: planes, rows: points, rowStride: stride, accumulate: accumulate,
      scratch.block, as: V.self)
    return
  }
  let next = axes[axis + 1]
  let nextColumn = next.points * laneCount
  var planes = planes
  for point in 0..<points {
    forEachBlock(of: 0..<next.innerModes, next.block) { columns in
      synthesizeBlock(
        next, slab + point * laneCount, column: column, columns, to: inner, scratch.block, scratch.sums,
        as: V.self)
    }
    synthesizeInner(
      axes, axis + 1, last, inner, column: nextColumn, to: planes, points: next.points,
      accumulate: accumulate, scratch, inner + next.slabCount, as: V.self)
    planes.first += stride
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
      lanes, lanes, columns: count, points: layout.points, halvings: layout.halvings, accumulate: false,
      as: V.self)
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

/// Some complex columns (inner modes) along a full axis, from the modes, `column` numbers from part to part, to its slab.
private func synthesizeBlock<V: SIMD & BitwiseCopyable>(
  _ axis: ModeAxis<V.Scalar>, _ modes: UnsafePointer<V.Scalar>, column: Int, _ columns: Range<Int>,
  to slab: UnsafeMutablePointer<V.Scalar>, _ block: UnsafeMutablePointer<V.Scalar>,
  _ sums: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let layout = axis.folded
  let width = 2 * columns.count * laneCount
  let sines = sums + (layout.largest + 1) * width
  let modeStep = 2 * axis.innerModes * column
  let center = modes + axis.negative * modeStep
  for index in 0..<columns.count {
    for lane in stride(from: 0, to: laneCount, by: V.scalarCount) {
      let zero = center + (2 * (columns.lowerBound + index) * column + lane)
      var offset = 2 * index * laneCount + lane
      for k in 0...layout.largest {
        var (a, b, c, d) = (V(), V(), V(), V())
        if k <= axis.positive {
          let source = zero + k &* modeStep
          a = load(source, V.scalarCount)
          b = load(source + column, V.scalarCount)
        }
        if k > 0, k <= axis.negative {
          let source = zero - k &* modeStep
          c = load(source, V.scalarCount)
          d = load(source + column, V.scalarCount)
        }
        // As above.
        UnsafeMutableRawPointer(sums + offset).storeBytes(of: a + c, as: V.self)
        UnsafeMutableRawPointer(sums + (offset &+ laneCount)).storeBytes(of: b + d, as: V.self)
        UnsafeMutableRawPointer(sines + offset).storeBytes(of: d - b, as: V.self)
        UnsafeMutableRawPointer(sines + (offset &+ laneCount)).storeBytes(of: a - c, as: V.self)
        offset = offset &+ width
      }
    }
  }
  multiplyClasses(layout.cosines, layout.cosineCount, sums, modeStride: width, to: block, width, as: V.self)
  multiplyClasses(layout.sines, layout.sineCount, sines, modeStride: width, to: block, width, as: V.self)
  clearMissingSines(layout, block, width)
  let slabColumn = axis.points * laneCount
  unfold(
    LaneColumns(first: block, step: laneCount, stride: width),
    LaneColumns(first: slab + 2 * columns.lowerBound * slabColumn, step: slabColumn, stride: laneCount),
    columns: 2 * columns.count, points: layout.points, halvings: layout.halvings, accumulate: false,
    as: V.self)
}

/// Where no wavenumber has a sine, no product has written the sines' rows.
@inline(__always)
func clearMissingSines<Element: SpectralScalar>(
  _ layout: FoldedAxis<Element>.Layout, _ block: UnsafeMutablePointer<Element>, _ width: Int
) {
  guard layout.largestSine == 0, layout.points > 2 else { return }
  (block + (layout.points / 2 + 1) * width)
    .update(repeating: 0, count: (layout.points - layout.points / 2 - 1) * width)
}

/// The folded block from the sums' modes: mode k is at `source + k · modeStride`.
@inline(__always)
func multiplyClasses<V: SIMD & BitwiseCopyable>(
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
