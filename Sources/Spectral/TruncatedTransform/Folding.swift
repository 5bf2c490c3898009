// Folding and unfolding of lanes along one axis: the additions of ``FoldedAxis``, its products left out.

import Tensors

/// Columns of lanes: `count` of them, `step` numbers apart; from one point to the next, `stride` numbers.
struct LaneColumns<Element: SpectralScalar>: BitwiseCopyable {
  nonisolated(unsafe) var first: UnsafeMutablePointer<Element>
  var step: Int
  var stride: Int
}

/// The points of `columns` columns folded: `target` has the cosines' E_j in the rows j ≤ n/2 and the sines' O_j in the
/// rows n − j. Source and target may be the same array. The lines `prefetch` numbers behind those of the source are asked
/// for.
func fold<V: SIMD & BitwiseCopyable>(
  _ source: LaneColumns<V.Scalar>, _ target: LaneColumns<V.Scalar>, columns: Int, points: Int, halvings: Int,
  prefetch: Int = 0, as: V.Type
) where V.Scalar: SpectralScalar {
  forEachBlock(source, target, columns, as: V.self) { source, target, isPair in
    if isPair {
      fold(source, target, points, halvings, prefetch: prefetch, TwoVectors<V>.self)
    } else {
      fold(source, target, points, halvings, prefetch: prefetch, OneVector<V>.self)
    }
  }
}

/// The transpose of ``fold(_:_:columns:points:halvings:prefetch:as:)``, replacing or adding to what is in `target`; the folded
/// array in `source` is overwritten. With `accumulate` the two do not overlap. The lines `prefetch` numbers behind those of
/// the target are asked for.
func unfold<V: SIMD & BitwiseCopyable>(
  _ source: LaneColumns<V.Scalar>, _ target: LaneColumns<V.Scalar>, columns: Int, points: Int, halvings: Int,
  accumulate: Bool, prefetch: Int = 0, as: V.Type
) where V.Scalar: SpectralScalar {
  forEachBlock(source, target, columns, as: V.self) { source, target, isPair in
    switch (isPair, accumulate) {
    case (true, false):
      unfold(source, target, points, halvings, accumulate: false, prefetch: prefetch, TwoVectors<V>.self)
    case (true, true):
      unfold(source, target, points, halvings, accumulate: true, prefetch: prefetch, TwoVectors<V>.self)
    case (false, _):
      unfold(source, target, points, halvings, accumulate: accumulate, prefetch: prefetch, OneVector<V>.self)
    }
  }
}

@inline(__always)
private func forEachLine<B: VectorBlock>(
  of: B.Type, _ place: UnsafePointer<B.V.Scalar>, _ body: (UnsafeRawPointer) -> Void
) {
  let address = UnsafeRawPointer(place)
  for line in stride(from: 0, to: MemoryLayout<B>.size, by: 64) { body(address + line) }
}

/// One column, or two vectors of contiguous ones.
private struct VectorColumn<V: SIMD & BitwiseCopyable> {
  var first: UnsafeMutablePointer<V.Scalar>
  var stride: Int
}

@inline(__always)
private func forEachBlock<V: SIMD & BitwiseCopyable>(
  _ source: LaneColumns<V.Scalar>, _ target: LaneColumns<V.Scalar>, _ columns: Int, as: V.Type,
  _ body: (VectorColumn<V>, VectorColumn<V>, _ isPair: Bool) -> Void
) where V.Scalar: SpectralScalar {
  let lanes = V.scalarCount
  @inline(__always) func vector(_ columns: LaneColumns<V.Scalar>, _ column: Int, _ vector: Int)
    -> VectorColumn<V>
  {
    VectorColumn(
      first: columns.first + (column &* columns.step &+ vector &* lanes), stride: columns.stride)
  }
  let perColumn = laneCount / lanes
  if source.step == laneCount, target.step == laneCount {
    var index = 0
    let vectors = columns &* perColumn
    while index &+ 2 <= vectors {
      body(vector(source, 0, index), vector(target, 0, index), true)
      index = index &+ 2
    }
    if index < vectors { body(vector(source, 0, index), vector(target, 0, index), false) }
  } else {
    for column in 0..<columns {
      for index in 0..<perColumn { body(vector(source, column, index), vector(target, column, index), false) }
    }
  }
}

@inline(__always)
private func fold<B: VectorBlock>(
  _ source: VectorColumn<B.V>, _ target: VectorColumn<B.V>, _ n: Int, _ halvings: Int, prefetch: Int,
  _: B.Type
) {
  @inline(__always) func load(_ j: Int) -> B {
    let place = source.first + j &* source.stride
    if prefetch > 0 { forEachLine(of: B.self, place + prefetch, prefetchLine) }
    return B(place)
  }
  @inline(__always) func reload(_ j: Int) -> B { B(target.first + j &* target.stride) }
  @inline(__always) func store(_ value: B, _ j: Int) {
    value.store(target.first + j &* target.stride)
  }
  let h = n / 2
  guard halvings > 0 else {
    store(load(0), 0)
    if n.isMultiple(of: 2) { store(load(h), h) }
    var j = 1
    while j < n &- j {
      let (a, b) = (load(j), load(n &- j))
      store(a + b, j)
      store(a - b, n &- j)
      j = j &+ 1
    }
    return
  }
  // The reflection and the first halving at once.
  let (first, middle) = (load(0), load(h))
  store(first + middle, 0)
  store(first - middle, h)
  var j = 1
  while j < h &- j {
    let (a, b, c, d) = (load(j), load(n &- j), load(h &- j), load(h &+ j))
    let (e, o, f, p) = (a + b, a - b, c + d, c - d)
    store(e + f, j)
    store(e - f, h &- j)
    store(o - p, n &- j)
    store(o + p, h &+ j)
    j = j &+ 1
  }
  if h.isMultiple(of: 2) {
    let (a, b) = (load(h / 2), load(n &- h / 2))
    store(a + b, h / 2)
    store(a - b, n &- h / 2)
  }
  var half = h / 2
  for _ in 1..<halvings {
    let (a, b) = (reload(0), reload(half))
    store(a + b, 0)
    store(a - b, half)
    var j = 1
    while j < half &- j {
      let (a, b, c, d) = (reload(j), reload(half &- j), reload(n &- j), reload(n &- half &+ j))
      store(a + b, j)
      store(a - b, half &- j)
      store(c - d, n &- j)
      store(c + d, n &- half &+ j)
      j = j &+ 1
    }
    half /= 2
  }
}

@inline(__always)
private func unfold<B: VectorBlock>(
  _ source: VectorColumn<B.V>, _ target: VectorColumn<B.V>, _ n: Int, _ halvings: Int, accumulate: Bool,
  prefetch: Int,
  _: B.Type
) {
  @inline(__always) func load(_ j: Int) -> B { B(source.first + j &* source.stride) }
  @inline(__always) func put(_ value: B, _ j: Int) {
    value.store(source.first + j &* source.stride)
  }
  @inline(__always) func store(_ value: B, _ j: Int) {
    let place = target.first + j &* target.stride
    if prefetch > 0 { forEachLine(of: B.self, place + prefetch, prefetchLineToWrite) }
    (accumulate ? B(place) + value : value).store(place)
  }
  let h = n / 2
  guard halvings > 0 else {
    store(load(0), 0)
    if n.isMultiple(of: 2) { store(load(h), h) }
    var j = 1
    while j < n &- j {
      let (a, b) = (load(j), load(n &- j))
      store(a + b, j)
      store(a - b, n &- j)
      j = j &+ 1
    }
    return
  }
  var half = n >> halvings
  for _ in 1..<halvings {
    let (a, b) = (load(0), load(half))
    put(a + b, 0)
    put(a - b, half)
    var j = 1
    while j < half &- j {
      let (a, b, c, d) = (load(j), load(half &- j), load(n &- j), load(n &- half &+ j))
      put(a + b, j)
      put(a - b, half &- j)
      put(c + d, n &- j)
      put(d - c, n &- half &+ j)
      j = j &+ 1
    }
    half *= 2
  }
  // The first halving and the reflection at once.
  let (first, middle) = (load(0), load(h))
  store(first + middle, 0)
  store(first - middle, h)
  var j = 1
  while j < h &- j {
    let (a, b, c, d) = (load(j), load(h &- j), load(n &- j), load(h &+ j))
    let (e, f, o, p) = (a + b, a - b, c + d, d - c)
    store(e + o, j)
    store(e - o, n &- j)
    store(f + p, h &- j)
    store(f - p, h &+ j)
    j = j &+ 1
  }
  if h.isMultiple(of: 2) {
    let (a, b) = (load(h / 2), load(n &- h / 2))
    store(a + b, h / 2)
    store(a - b, n &- h / 2)
  }
}
