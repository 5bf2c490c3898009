// Folding and unfolding of lanes along one axis: the additions of ``FoldedAxis``, its products left out.

import Tensors

/// The rows of an array of n points, one vector of it at a time, folded: `target` has the cosines' E_j in the rows
/// j ≤ n/2 and the sines' O_j in the rows n − j. Strides in vectors; source and target may be the same array.
@inline(__always)
func fold<V: SIMD>(
  _ source: UnsafePointer<V>, _ sourceStride: Int, _ target: UnsafeMutablePointer<V>, _ targetStride: Int,
  points n: Int, halvings: Int
) where V.Scalar: SpectralScalar {
  let (s, t) = (sourceStride, targetStride)
  target[0] = source[0]
  guard halvings > 0 else {
    if n.isMultiple(of: 2) { target[n / 2 &* t] = source[n / 2 &* s] }
    for j in 1..<max((n + 1) / 2, 1) {
      let (a, b) = (source[j &* s], source[(n &- j) &* s])
      target[j &* t] = a + b
      target[(n &- j) &* t] = a - b
    }
    return
  }
  // The reflection and the first halving at once.
  let h = n / 2
  let (first, middle) = (source[0], source[h &* s])
  target[0] = first + middle
  target[h &* t] = first - middle
  for j in 1..<(h + 1) / 2 {
    let (a, b, c, d) = (source[j &* s], source[(n &- j) &* s], source[(h &- j) &* s], source[(h &+ j) &* s])
    let (e, o, f, p) = (a + b, a - b, c + d, c - d)
    target[j &* t] = e + f
    target[(h &- j) &* t] = e - f
    target[(n &- j) &* t] = o - p
    target[(h &+ j) &* t] = o + p
  }
  if h.isMultiple(of: 2) {
    let (a, b) = (source[h / 2 &* s], source[(n &- h / 2) &* s])
    target[h / 2 &* t] = a + b
    target[(n &- h / 2) &* t] = a - b
  }
  var length = h
  for _ in 1..<halvings {
    let half = length / 2
    let (a, b) = (target[0], target[half &* t])
    target[0] = a + b
    target[half &* t] = a - b
    for j in 1..<(half + 1) / 2 {
      let (a, b) = (target[j &* t], target[(half &- j) &* t])
      let (c, d) = (target[(n &- j) &* t], target[(n &- half &+ j) &* t])
      target[j &* t] = a + b
      target[(half &- j) &* t] = a - b
      target[(n &- j) &* t] = c - d
      target[(n &- half &+ j) &* t] = c + d
    }
    length = half
  }
}

/// The transpose of ``fold(_:_:_:_:points:halvings:)``; the folded array in `source` is overwritten.
@inline(__always)
func unfold<V: SIMD>(
  _ source: UnsafeMutablePointer<V>, _ sourceStride: Int, _ target: UnsafeMutablePointer<V>,
  _ targetStride: Int, points n: Int, halvings: Int
) where V.Scalar: SpectralScalar {
  let (s, t) = (sourceStride, targetStride)
  guard halvings > 0 else {
    target[0] = source[0]
    if n.isMultiple(of: 2) { target[n / 2 &* t] = source[n / 2 &* s] }
    for j in 1..<max((n + 1) / 2, 1) {
      let (a, b) = (source[j &* s], source[(n &- j) &* s])
      target[j &* t] = a + b
      target[(n &- j) &* t] = a - b
    }
    return
  }
  for level in (1..<halvings).reversed() {
    let half = n >> (level + 1)
    let (a, b) = (source[0], source[half &* s])
    source[0] = a + b
    source[half &* s] = a - b
    for j in 1..<(half + 1) / 2 {
      let (a, b) = (source[j &* s], source[(half &- j) &* s])
      let (c, d) = (source[(n &- j) &* s], source[(n &- half &+ j) &* s])
      source[j &* s] = a + b
      source[(half &- j) &* s] = a - b
      source[(n &- j) &* s] = c + d
      source[(n &- half &+ j) &* s] = d - c
    }
  }
  let h = n / 2
  let (first, middle) = (source[0], source[h &* s])
  target[0] = first + middle
  target[h &* t] = first - middle
  for j in 1..<(h + 1) / 2 {
    let (a, b, c, d) = (source[j &* s], source[(h &- j) &* s], source[(n &- j) &* s], source[(h &+ j) &* s])
    let (e, f, o, p) = (a + b, a - b, c + d, d - c)
    target[j &* t] = e + o
    target[(n &- j) &* t] = e - o
    target[(h &- j) &* t] = f + p
    target[(h &+ j) &* t] = f - p
  }
  if h.isMultiple(of: 2) {
    let (a, b) = (source[h / 2 &* s], source[(n &- h / 2) &* s])
    target[h / 2 &* t] = a + b
    target[(n &- h / 2) &* t] = a - b
  }
}
