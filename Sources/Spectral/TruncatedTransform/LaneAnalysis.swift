// From the sums of one group of planes to its kept modes: the halved axis first, then the others from the inside out.

import Tensors

/// Where lanes of modes go: for mode m and part c (0 real, 1 imaginary) to `first + (2m + c) · stride`, `count` of
/// them, times the factor of the mode along the halved axis.
struct ModeLanes<Element: SpectralScalar>: BitwiseCopyable {
  nonisolated(unsafe) var first: UnsafeMutablePointer<Element>
  var stride: Int
  var count: Int
  nonisolated(unsafe) var factors: UnsafePointer<Element>
}

/// The modes of some magnitudes of wavenumbers along the first axis, from the planes of its sums.
func analyzeModes<V: SIMD & BitwiseCopyable>(
  _ axes: ModeAxes<V.Scalar>, _ sums: PlaneGroup<V.Scalar>, _ magnitudes: Range<Int>,
  to modes: ModeLanes<V.Scalar>, scratch: ModeScratch<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let (slab, column, inner) = axes.sumSlab(scratch)
  axes.forEachBlock(of: magnitudes, sums) { axis, last, magnitudes, sums, points in
    analyzeInner(axis, 0, last, sums, points: points, to: slab, column: column, scratch, inner, as: V.self)
    separateSigns(
      axis[0], slab, column: column, magnitudes, to: modes, halvedModes: axis[last].kept, as: V.self)
  }
}

/// Calls `body` with blocks of a range.
@inline(__always)
func forEachBlock(of range: Range<Int>, _ size: Int, _ body: (Range<Int>) -> Void) {
  var first = range.lowerBound
  while first < range.upperBound {
    let end = min(first + size, range.upperBound)
    body(first..<end)
    first = end
  }
}

/// The modes k and −k along the first axis, from the slab of the sums C and S of some magnitudes:
/// Σ (cos ∓ i sin)(x + iy) = C ± T + i (D ∓ S) with the sums C, D of cosines and S, T of sines.
private func separateSigns<V: SIMD & BitwiseCopyable>(
  _ axis: ModeAxis<V.Scalar>, _ slab: UnsafePointer<V.Scalar>, column: Int, _ magnitudes: Range<Int>,
  to modes: ModeLanes<V.Scalar>, halvedModes: Int, as: V.Type
) where V.Scalar: SpectralScalar {
  let modeStep = modes.step(along: axis)
  modes.forEachInner(axis, magnitudes, prefetch: prefetchLineToWrite) { inner, center in
    let factor = modes.factors[inner % halvedModes]
    for lane in stride(from: 0, to: laneCount, by: V.scalarCount) {
      let zero = center + lane
      let count = min(V.scalarCount, modes.count - lane)
      guard count > 0 else { break }
      var source = slab + (2 * inner * column + lane)
      @inline(__always) func next() -> (V, V) {
        let c = UnsafeRawPointer(source).load(as: V.self) * factor
        let d = UnsafeRawPointer(source + column).load(as: V.self) * factor
        source += laneCount
        return (c, d)
      }
      for k in magnitudes {
        let (s, t) = k > 0 ? next() : (V(), V())
        let (c, d) = next()
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
      }
    }
  }
}

extension ModeLanes {
  /// Numbers from a mode to the one of the next wavenumber along a full axis.
  @inline(__always)
  func step(along axis: ModeAxis<Element>) -> Int { 2 * axis.innerModes * stride }

  /// Calls `body` with every inner mode and where the mode is that has it and wavenumber zero along the axis; the lines of
  /// some magnitudes' modes, of both signs, are asked for some inner modes ahead of their use.
  @inline(__always)
  func forEachInner(
    _ axis: ModeAxis<Element>, _ magnitudes: Range<Int>, prefetch: (UnsafeRawPointer) -> Void,
    _ body: (Int, UnsafeMutablePointer<Element>) -> Void
  ) {
    let (step, distance) = (step(along: axis), 8)
    let center = first + axis.negative * step
    for inner in 0..<axis.innerModes {
      if inner + distance < axis.innerModes {
        let ahead = center + 2 * (inner + distance) * stride
        for k in magnitudes {
          if k <= axis.positive {
            prefetch(ahead + k &* step)
            prefetch(ahead + (k &* step &+ stride))
          }
          if k > 0, k <= axis.negative {
            prefetch(ahead - k &* step)
            prefetch(ahead - (k &* step &- stride))
          }
        }
      }
      body(inner, center + 2 * inner * stride)
    }
  }
}

/// For some points of `axis`, the modes of all axes behind it, to `slab`, `[inner mode, part][point][lane]`, `column`
/// numbers from part to part.
private func analyzeInner<V: SIMD & BitwiseCopyable>(
  _ axes: UnsafePointer<ModeAxis<V.Scalar>>, _ axis: Int, _ last: Int, _ planes: PlaneGroup<V.Scalar>,
  points: Int, to slab: UnsafeMutablePointer<V.Scalar>, column: Int, _ scratch: ModeScratch<V.Scalar>,
  _ inner: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let stride = axes[axis].stride
  if axis + 1 == last {
    analyzeRows(
      axes[last], planes, rows: points, rowStride: stride, to: slab, column: column, scratch.squares,
      scratch.block, as: V.self)
    return
  }
  let next = axes[axis + 1]
  let nextColumn = next.points * laneCount
  var planes = planes
  for point in 0..<points {
    analyzeInner(
      axes, axis + 1, last, planes, points: next.points, to: inner, column: nextColumn, scratch,
      inner + next.slabCount, as: V.self)
    forEachBlock(of: 0..<next.innerModes, next.block) { columns in
      analyzeBlock(
        next, inner, columns, to: slab + point * laneCount, column: column, scratch.block, scratch.sums,
        as: V.self)
    }
    planes.first += stride
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

/// Some complex columns (inner modes) along a full axis, from its slab to the modes: for mode m and part c to
/// `modes + (2m + c) · column`.
private func analyzeBlock<V: SIMD & BitwiseCopyable>(
  _ axis: ModeAxis<V.Scalar>, _ slab: UnsafeMutablePointer<V.Scalar>, _ columns: Range<Int>,
  to modes: UnsafeMutablePointer<V.Scalar>, column: Int, _ block: UnsafeMutablePointer<V.Scalar>,
  _ sums: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let layout = axis.folded
  let width = 2 * columns.count * laneCount
  let slabColumn = axis.points * laneCount
  fold(
    LaneColumns(first: slab + 2 * columns.lowerBound * slabColumn, step: slabColumn, stride: laneCount),
    LaneColumns(first: block, step: laneCount, stride: width), columns: 2 * columns.count,
    points: layout.points, halvings: layout.halvings, as: V.self)
  let sines = sums + (layout.largest + 1) * width
  multiplyClasses(layout.cosines, layout.cosineCount, block, width, to: sums, modeStride: width, as: V.self)
  multiplyClasses(layout.sines, layout.sineCount, block, width, to: sines, modeStride: width, as: V.self)
  // Wavenumbers without a sine.
  sines.update(repeating: 0, count: width)
  if layout.largestSine < layout.largest {
    (sines + layout.largest * width).update(repeating: 0, count: width)
  }
  let modeStep = 2 * axis.innerModes * column
  let center = modes + axis.negative * modeStep
  for index in 0..<columns.count {
    for lane in stride(from: 0, to: laneCount, by: V.scalarCount) {
      let zero = center + (2 * (columns.lowerBound + index) * column + lane)
      var offset = 2 * index * laneCount + lane
      for k in 0...layout.largest {
        let c = UnsafeRawPointer(sums + offset).load(as: V.self)
        let d = UnsafeRawPointer(sums + (offset &+ laneCount)).load(as: V.self)
        let s = UnsafeRawPointer(sines + offset).load(as: V.self)
        let t = UnsafeRawPointer(sines + (offset &+ laneCount)).load(as: V.self)
        // As above.
        if k <= axis.positive {
          let target = zero + k &* modeStep
          store(c + t, target, V.scalarCount)
          store(d - s, target + column, V.scalarCount)
        }
        if k > 0, k <= axis.negative {
          let target = zero - k &* modeStep
          store(c - t, target, V.scalarCount)
          store(d + s, target + column, V.scalarCount)
        }
        offset = offset &+ width
      }
    }
  }
}

/// All sums of a folded block: those of mode k go to `target + k · modeStride`.
@inline(__always)
func multiplyClasses<V: SIMD & BitwiseCopyable>(
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
