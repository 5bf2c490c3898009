// Lines along the contiguous axis become lanes: blocks of eight by eight numbers are transposed in registers.

import Tensors

/// The halves of two vectors, alternating: `(a_0, b_0, a_1, b_1, …)` of the first or of the second halves.
@inline(__always)
private func interleaved<E: Scalar>(_ a: SIMD8<E>, _ b: SIMD8<E>) -> (low: SIMD8<E>, high: SIMD8<E>) {
  var (low, high) = (SIMD8<E>(), SIMD8<E>())
  for lane in 0..<4 {
    low[2 * lane] = a[lane]
    low[2 * lane + 1] = b[lane]
    high[2 * lane] = a[4 + lane]
    high[2 * lane + 1] = b[4 + lane]
  }
  return (low, high)
}

@inline(__always)
private func load<E: Scalar>(_ address: UnsafePointer<E>) -> SIMD8<E> {
  UnsafeRawPointer(address).loadUnaligned(as: SIMD8<E>.self)
}

@inline(__always)
private func store<E: Scalar>(_ vector: SIMD8<E>, _ address: UnsafeMutablePointer<E>) {
  UnsafeMutableRawPointer(address).storeBytes(of: vector, as: SIMD8<E>.self)
}

/// `target[j, i] = source[i, j]` for eight rows of eight numbers: three rounds of perfect shuffles.
@inline(__always)
private func transposeBlock<E: Scalar>(
  _ source: UnsafePointer<E>, _ stride: Int, _ target: UnsafeMutablePointer<E>, _ targetStride: Int
) {
  let (a0, a1) = interleaved(load(source), load(source + 4 * stride))
  let (a2, a3) = interleaved(load(source + stride), load(source + 5 * stride))
  let (a4, a5) = interleaved(load(source + 2 * stride), load(source + 6 * stride))
  let (a6, a7) = interleaved(load(source + 3 * stride), load(source + 7 * stride))
  let (b0, b1) = interleaved(a0, a4)
  let (b2, b3) = interleaved(a1, a5)
  let (b4, b5) = interleaved(a2, a6)
  let (b6, b7) = interleaved(a3, a7)
  let (c0, c1) = interleaved(b0, b4)
  let (c2, c3) = interleaved(b1, b5)
  let (c4, c5) = interleaved(b2, b6)
  let (c6, c7) = interleaved(b3, b7)
  store(c0, target)
  store(c1, target + targetStride)
  store(c2, target + 2 * targetStride)
  store(c3, target + 3 * targetStride)
  store(c4, target + 4 * targetStride)
  store(c5, target + 5 * targetStride)
  store(c6, target + 6 * targetStride)
  store(c7, target + 7 * targetStride)
}

/// `target[j, i] = source[i, j]` for `rows` rows of `columns` numbers.
@inline(never)
func transposeLines<E: Scalar>(
  _ source: UnsafePointer<E>, rows: Int, columns: Int, stride: Int, to target: UnsafeMutablePointer<E>,
  targetStride: Int
) {
  var i = 0
  while i + 8 <= rows {
    var j = 0
    while j + 8 <= columns {
      transposeBlock(source + i * stride + j, stride, target + j * targetStride + i, targetStride)
      j += 8
    }
    while j < columns {
      for row in i..<i + 8 { target[j * targetStride + row] = source[row * stride + j] }
      j += 1
    }
    i += 8
  }
  while i < rows {
    for j in 0..<columns { target[j * targetStride + i] = source[i * stride + j] }
    i += 1
  }
}
