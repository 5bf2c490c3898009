// From the kept modes of one group of planes to its points: the transpose of the analysis, step by step.

import Tensors

/// The points of one group of planes from its kept modes. `scratch` as ``ModeAxes/scratchCount`` wants it.
@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
func synthesizeGroup<V: SIMD>(
  _ axes: ModeAxes<V.Scalar>, _ modes: ModeLanes<V.Scalar>, to planes: PlaneGroup<V.Scalar>, accumulate: Bool,
  scratch: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let block = scratch + transpositionScratch
  let sums = block + axes.blockCount
  let slab = sums + axes.blockCount
  axes.axes.withUnsafeBufferPointer { list in
    guard let list = list.baseAddress else { return }
    let last = axes.axes.count - 1
    if last == 0 {
      for mode in 0..<list[0].kept {
        for part in 0..<2 {
          for lane in stride(from: 0, to: laneCount, by: V.scalarCount) {
            let value: V = load(modes, mode: mode, part: part, lane: lane, halved: mode)
            let target = UnsafeMutableRawPointer(slab + (2 * mode + part) * laneCount + lane)
            target.storeBytes(of: value, as: V.self)
          }
        }
      }
      synthesizeRows(
        list[0], slab, column: laneCount, to: planes, rows: 1, rowStride: 0, accumulate: accumulate, scratch,
        block, as: V.self)
    } else {
      synthesizeSlab(
        list, 0, last, modes, to: planes, accumulate: accumulate, scratch, block, sums, slab, as: V.self)
    }
  }
}

/// The points along `axis` and all behind it, for one point of the axes before it.
private func synthesizeSlab<V: SIMD>(
  _ axes: UnsafePointer<ModeAxis<V.Scalar>>, _ axis: Int, _ last: Int, _ modes: ModeLanes<V.Scalar>,
  to planes: PlaneGroup<V.Scalar>, accumulate: Bool, _ scratch: UnsafeMutablePointer<V.Scalar>,
  _ block: UnsafeMutablePointer<V.Scalar>, _ sums: UnsafeMutablePointer<V.Scalar>,
  _ slab: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let outer = axes[axis]
  let column = outer.points * laneCount
  var first = 0
  while first < outer.innerModes {
    let count = min(outer.block, outer.innerModes - first)
    synthesizeColumns(
      outer, modes, firstMode: first, halvedModes: axes[last].kept, to: slab + 2 * first * column,
      columns: count, column: column, block, sums, as: V.self)
    first += count
  }
  if axis + 1 == last {
    synthesizeRows(
      axes[last], slab, column: column, to: planes, rows: outer.points, rowStride: outer.stride,
      accumulate: accumulate, scratch, block, as: V.self)
  } else {
    let inner = slab + 2 * outer.innerModes * column
    for point in 0..<outer.points {
      var planes = planes
      planes.first += point * outer.stride
      let source = ModeLanes(first: slab + point * laneCount, stride: column, count: laneCount, factors: nil)
      synthesizeSlab(
        axes, axis + 1, last, source, to: planes, accumulate: accumulate, scratch, block, sums, inner,
        as: V.self)
    }
  }
}

/// Rows of points along the halved axis, from `slab[(2m + part) · column + row · laneCount + lane]`.
private func synthesizeRows<V: SIMD>(
  _ axis: ModeAxis<V.Scalar>, _ slab: UnsafePointer<V.Scalar>, column: Int, to planes: PlaneGroup<V.Scalar>,
  rows: Int, rowStride: Int, accumulate: Bool, _ scratch: UnsafeMutablePointer<V.Scalar>,
  _ block: UnsafeMutablePointer<V.Scalar>, as: V.Type
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
    let vectors = width / V.scalarCount
    let lanes = UnsafeMutableRawPointer(block).assumingMemoryBound(to: V.self)
    for vector in 0..<vectors {
      unfold(
        lanes + vector, vectors, lanes + vector, vectors, points: layout.points, halvings: layout.halvings)
    }
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

/// Complex columns along a full axis, from the modes to the slab.
private func synthesizeColumns<V: SIMD>(
  _ axis: ModeAxis<V.Scalar>, _ modes: ModeLanes<V.Scalar>, firstMode: Int, halvedModes: Int,
  to slab: UnsafeMutablePointer<V.Scalar>, columns: Int, column: Int, _ block: UnsafeMutablePointer<V.Scalar>,
  _ sums: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let layout = axis.folded
  let perLanes = laneCount / V.scalarCount
  let width = 2 * columns * laneCount
  let sines = sums + (layout.largest + 1) * width
  for k in 0...layout.largest {
    for index in 0..<columns {
      let inner = firstMode + index
      for lane in stride(from: 0, to: laneCount, by: V.scalarCount) {
        var (a, b, c, d) = (V(), V(), V(), V())
        if k <= axis.positive {
          let mode = (axis.negative + k) * axis.innerModes + inner
          a = load(modes, mode: mode, part: 0, lane: lane, halved: inner % halvedModes)
          b = load(modes, mode: mode, part: 1, lane: lane, halved: inner % halvedModes)
        }
        if k > 0, k <= axis.negative {
          let mode = (axis.negative - k) * axis.innerModes + inner
          c = load(modes, mode: mode, part: 0, lane: lane, halved: inner % halvedModes)
          d = load(modes, mode: mode, part: 1, lane: lane, halved: inner % halvedModes)
        }
        // (a + ib) e^{iθ} + (c + id) e^{−iθ} = cos θ (a + c + i(b + d)) + sin θ (d − b + i(a − c))
        let offset = k * width + 2 * index * laneCount + lane
        UnsafeMutableRawPointer(sums + offset).storeBytes(of: a + c, as: V.self)
        UnsafeMutableRawPointer(sums + offset + laneCount).storeBytes(of: b + d, as: V.self)
        UnsafeMutableRawPointer(sines + offset).storeBytes(of: d - b, as: V.self)
        UnsafeMutableRawPointer(sines + offset + laneCount).storeBytes(of: a - c, as: V.self)
      }
    }
  }
  multiplyClasses(layout.cosines, layout.cosineCount, sums, modeStride: width, to: block, width, as: V.self)
  multiplyClasses(layout.sines, layout.sineCount, sines, modeStride: width, to: block, width, as: V.self)
  clearMissingSines(layout, block, width)
  let lanes = UnsafeMutableRawPointer(block).assumingMemoryBound(to: V.self)
  let target = UnsafeMutableRawPointer(slab).assumingMemoryBound(to: V.self)
  for part in 0..<2 * columns {
    for vector in 0..<perLanes {
      unfold(
        lanes + part * perLanes + vector, width / V.scalarCount,
        target + part * (column / V.scalarCount) + vector, perLanes, points: layout.points,
        halvings: layout.halvings)
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
private func multiplyClasses<V: SIMD>(
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

@inline(__always)
private func load<V: SIMD>(
  _ modes: ModeLanes<V.Scalar>, mode: Int, part: Int, lane: Int, halved: Int
) -> V where V.Scalar: SpectralScalar {
  let source = modes.first + (2 * mode + part) * modes.stride + lane
  var value = V()
  if lane + V.scalarCount <= modes.count {
    value = UnsafeRawPointer(source).loadUnaligned(as: V.self)
  } else {
    for index in 0..<max(0, modes.count - lane) { value[index] = source[index] }
  }
  if let factors = modes.factors { value *= factors[halved] }
  return value
}
