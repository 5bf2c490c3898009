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

/// The kept modes of one group of planes. `scratch` as ``ModeAxes/scratchCount`` wants it.
@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
func analyzeGroup<V: SIMD>(
  _ axes: ModeAxes<V.Scalar>, _ planes: PlaneGroup<V.Scalar>, to modes: ModeLanes<V.Scalar>,
  scratch: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let block = scratch + transpositionScratch
  let sums = block + axes.blockCount
  let slab = sums + axes.blockCount
  axes.axes.withUnsafeBufferPointer { list in
    guard let list = list.baseAddress else { return }
    let last = axes.axes.count - 1
    if last == 0 {
      analyzeRows(
        list[0], planes, rows: 1, rowStride: 0, to: slab, column: laneCount, scratch, block, as: V.self)
      for mode in 0..<list[0].kept {
        for part in 0..<2 {
          for lane in stride(from: 0, to: laneCount, by: V.scalarCount) {
            let value = UnsafeRawPointer(slab + (2 * mode + part) * laneCount + lane).load(as: V.self)
            store(value, modes, mode: mode, part: part, lane: lane, halved: mode)
          }
        }
      }
    } else {
      analyzeSlab(list, 0, last, planes, to: modes, scratch, block, sums, slab, as: V.self)
    }
  }
}

/// The kept modes along `axis` and all behind it, for one point of the axes before it.
private func analyzeSlab<V: SIMD>(
  _ axes: UnsafePointer<ModeAxis<V.Scalar>>, _ axis: Int, _ last: Int, _ planes: PlaneGroup<V.Scalar>,
  to modes: ModeLanes<V.Scalar>, _ scratch: UnsafeMutablePointer<V.Scalar>,
  _ block: UnsafeMutablePointer<V.Scalar>, _ sums: UnsafeMutablePointer<V.Scalar>,
  _ slab: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let outer = axes[axis]
  // The slab: [inner mode, part][point of this axis][lane].
  let column = outer.points * laneCount
  if axis + 1 == last {
    analyzeRows(
      axes[last], planes, rows: outer.points, rowStride: outer.stride, to: slab, column: column, scratch,
      block,
      as: V.self)
  } else {
    let inner = slab + 2 * outer.innerModes * column
    for point in 0..<outer.points {
      var planes = planes
      planes.first += point * outer.stride
      let target = ModeLanes(first: slab + point * laneCount, stride: column, count: laneCount, factors: nil)
      analyzeSlab(axes, axis + 1, last, planes, to: target, scratch, block, sums, inner, as: V.self)
    }
  }
  var first = 0
  while first < outer.innerModes {
    let count = min(outer.block, outer.innerModes - first)
    analyzeColumns(
      outer, slab + 2 * first * column, columns: count, column: column, to: modes, firstMode: first,
      halvedModes: axes[last].kept, block, sums, as: V.self)
    first += count
  }
}

/// Rows of points along the halved axis: `target[(2m + part) · column + row · laneCount + lane]`.
private func analyzeRows<V: SIMD>(
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
    let vectors = width / V.scalarCount
    let lanes = UnsafeMutableRawPointer(block).assumingMemoryBound(to: V.self)
    for vector in 0..<vectors {
      fold(
        lanes + vector, vectors, lanes + vector, vectors, points: layout.points, halvings: layout.halvings)
    }
    let place = target + first * laneCount
    multiplyClasses(
      layout.cosines, layout.cosineCount, block, width, to: place, modeStride: 2 * column, as: V.self)
    multiplyClasses(
      layout.sines, layout.sineCount, block, width, to: place + column, modeStride: 2 * column, as: V.self)
    first += count
  }
}

/// Complex columns along a full axis, from the slab to the modes.
private func analyzeColumns<V: SIMD>(
  _ axis: ModeAxis<V.Scalar>, _ slab: UnsafePointer<V.Scalar>, columns: Int, column: Int,
  to modes: ModeLanes<V.Scalar>, firstMode: Int, halvedModes: Int, _ block: UnsafeMutablePointer<V.Scalar>,
  _ sums: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let layout = axis.folded
  let perLanes = laneCount / V.scalarCount
  let width = 2 * columns * laneCount
  let source = UnsafeRawPointer(slab).assumingMemoryBound(to: V.self)
  let lanes = UnsafeMutableRawPointer(block).assumingMemoryBound(to: V.self)
  for part in 0..<2 * columns {
    for vector in 0..<perLanes {
      fold(
        source + part * (column / V.scalarCount) + vector, perLanes, lanes + part * perLanes + vector,
        width / V.scalarCount, points: layout.points, halvings: layout.halvings)
    }
  }
  let sines = sums + (layout.largest + 1) * width
  multiplyClasses(layout.cosines, layout.cosineCount, block, width, to: sums, modeStride: width, as: V.self)
  multiplyClasses(layout.sines, layout.sineCount, block, width, to: sines, modeStride: width, as: V.self)
  for k in 0...layout.largest {
    let hasSine = k > 0 && k <= layout.largestSine
    for index in 0..<columns {
      let inner = firstMode + index
      for lane in stride(from: 0, to: laneCount, by: V.scalarCount) {
        let offset = k * width + 2 * index * laneCount + lane
        let c = UnsafeRawPointer(sums + offset).load(as: V.self)
        let d = UnsafeRawPointer(sums + offset + laneCount).load(as: V.self)
        var s = V()
        var t = V()
        if hasSine {
          s = UnsafeRawPointer(sines + offset).load(as: V.self)
          t = UnsafeRawPointer(sines + offset + laneCount).load(as: V.self)
        }
        // Σ (cos ∓ i sin)(x + iy) = C ± T + i (D ∓ S)
        if k <= axis.positive {
          let mode = (axis.negative + k) * axis.innerModes + inner
          store(c + t, modes, mode: mode, part: 0, lane: lane, halved: inner % halvedModes)
          store(d - s, modes, mode: mode, part: 1, lane: lane, halved: inner % halvedModes)
        }
        if k > 0, k <= axis.negative {
          let mode = (axis.negative - k) * axis.innerModes + inner
          store(c - t, modes, mode: mode, part: 0, lane: lane, halved: inner % halvedModes)
          store(d + s, modes, mode: mode, part: 1, lane: lane, halved: inner % halvedModes)
        }
      }
    }
  }
}

/// All sums of a folded block: those of mode k go to `target + k · modeStride`.
@inline(__always)
private func multiplyClasses<V: SIMD>(
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

@inline(__always)
private func store<V: SIMD>(
  _ value: V, _ modes: ModeLanes<V.Scalar>, mode: Int, part: Int, lane: Int, halved: Int
) where V.Scalar: SpectralScalar {
  let target = modes.first + (2 * mode + part) * modes.stride + lane
  var value = value
  if let factors = modes.factors { value *= factors[halved] }
  if lane + V.scalarCount <= modes.count {
    UnsafeMutableRawPointer(target).storeBytes(of: value, as: V.self)
  } else {
    for index in 0..<max(0, modes.count - lane) { target[index] = value[index] }
  }
}
