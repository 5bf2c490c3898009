// Between planes, whose points are contiguous, and lanes, where sixteen planes' values of one point are.

import Tensors

/// The planes that are one group's lanes: `count` of them, `stride` numbers apart, are real; the rest of a last,
/// partial group is computed on copies and not stored.
struct PlaneGroup<Element: SpectralScalar>: BitwiseCopyable {
  nonisolated(unsafe) var first: UnsafeMutablePointer<Element>
  var stride: Int
  var count: Int
}

/// The first half of a's and b's lanes, alternating.
@inline(__always)
private func interleaveLow<V: SIMD>(_ a: V, _ b: V) -> V {
  var result = V()
  for lane in 0..<V.scalarCount / 2 {
    result[2 * lane] = a[lane]
    result[2 * lane + 1] = b[lane]
  }
  return result
}

/// The second half.
@inline(__always)
private func interleaveHigh<V: SIMD>(_ a: V, _ b: V) -> V {
  var result = V()
  let half = V.scalarCount / 2
  for lane in 0..<half {
    result[2 * lane] = a[half + lane]
    result[2 * lane + 1] = b[half + lane]
  }
  return result
}

/// Two rounds of perfect shuffles of w rows of w lanes, from rows `input(i)` to rows `output(i)`; log₂ w rounds
/// transpose.
@inline(__always)
private func shuffleTwice<V: SIMD>(
  _ input: UnsafeRawPointer, _ inputStride: Int, _ output: UnsafeMutableRawPointer, _ outputStride: Int,
  as: V.Type
) {
  let quarter = V.scalarCount / 4
  for i in 0..<quarter {
    let a = input.loadUnaligned(fromByteOffset: i * inputStride, as: V.self)
    let b = input.loadUnaligned(fromByteOffset: (i + quarter) * inputStride, as: V.self)
    let c = input.loadUnaligned(fromByteOffset: (i + 2 * quarter) * inputStride, as: V.self)
    let d = input.loadUnaligned(fromByteOffset: (i + 3 * quarter) * inputStride, as: V.self)
    let (s, t, u, v) = (interleaveLow(a, c), interleaveHigh(a, c), interleaveLow(b, d), interleaveHigh(b, d))
    output.storeBytes(of: interleaveLow(s, u), toByteOffset: 4 * i * outputStride, as: V.self)
    output.storeBytes(of: interleaveHigh(s, u), toByteOffset: (4 * i + 1) * outputStride, as: V.self)
    output.storeBytes(of: interleaveLow(t, v), toByteOffset: (4 * i + 2) * outputStride, as: V.self)
    output.storeBytes(of: interleaveHigh(t, v), toByteOffset: (4 * i + 3) * outputStride, as: V.self)
  }
}

/// One round.
@inline(__always)
private func shuffleOnce<V: SIMD>(
  _ input: UnsafeRawPointer, _ inputStride: Int, _ output: UnsafeMutableRawPointer, _ outputStride: Int,
  as: V.Type
) {
  let half = V.scalarCount / 2
  for i in 0..<half {
    let a = input.loadUnaligned(fromByteOffset: i * inputStride, as: V.self)
    let b = input.loadUnaligned(fromByteOffset: (i + half) * inputStride, as: V.self)
    output.storeBytes(of: interleaveLow(a, b), toByteOffset: 2 * i * outputStride, as: V.self)
    output.storeBytes(of: interleaveHigh(a, b), toByteOffset: (2 * i + 1) * outputStride, as: V.self)
  }
}

/// Transposes w rows of w numbers, by way of `scratch` (w vectors). Strides in bytes; nothing need be aligned.
@inline(__always)
private func transposeTile<V: SIMD>(
  _ input: UnsafeRawPointer, _ inputStride: Int, _ output: UnsafeMutableRawPointer, _ outputStride: Int,
  _ scratch: UnsafeMutableRawPointer, as: V.Type
) {
  let row = MemoryLayout<V>.stride
  switch V.scalarCount {
  case 16:
    shuffleTwice(input, inputStride, scratch, row, as: V.self)
    shuffleTwice(scratch, row, output, outputStride, as: V.self)
  case 8:
    shuffleTwice(input, inputStride, scratch, row, as: V.self)
    shuffleOnce(scratch, row, output, outputStride, as: V.self)
  default:
    precondition(V.scalarCount == 4, "vectors of 4, 8 or 16 numbers")
    shuffleTwice(input, inputStride, output, outputStride, as: V.self)
  }
}

/// Numbers that the transpositions want as scratch: tiles of up to 16 × 16, twice.
let transpositionScratch = 2 * 16 * 16

/// Points `0..<points` of a group's planes to lanes: `target[j · targetStride + lane]`.
@inline(__always)
func loadLanes<V: SIMD>(
  _ planes: PlaneGroup<V.Scalar>, points: Int, _ target: UnsafeMutablePointer<V.Scalar>, targetStride: Int,
  scratch: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let (w, size) = (V.scalarCount, MemoryLayout<V.Scalar>.stride)
  let tile = scratch + 16 * 16
  for lane in stride(from: 0, to: laneCount, by: w) {
    var j = 0
    if lane + w <= planes.count {
      let source = planes.first + lane * planes.stride
      while j + w <= points {
        transposeTile(
          source + j, planes.stride * size, target + j * targetStride + lane, targetStride * size, scratch,
          as: V.self)
        j += w
      }
    }
    // What is left of the points or of the planes, by way of a whole tile.
    while j < points {
      let count = min(w, points - j)
      for row in 0..<w {
        let source = planes.first + min(lane + row, planes.count - 1) * planes.stride + j
        for i in 0..<count { tile[row * w + i] = source[i] }
        for i in count..<w { tile[row * w + i] = 0 }
      }
      if count == w {
        transposeTile(
          tile, w * size, target + j * targetStride + lane, targetStride * size, scratch, as: V.self)
      } else {
        transposeTile(tile, w * size, tile, w * size, scratch, as: V.self)
        for i in 0..<count {
          for row in 0..<w { target[(j + i) * targetStride + lane + row] = tile[i * w + row] }
        }
      }
      j += w
    }
  }
}

/// Lanes back to the planes of a group, replacing or adding to what is there.
@inline(__always)
func storeLanes<V: SIMD>(
  _ source: UnsafePointer<V.Scalar>, sourceStride: Int, points: Int, _ planes: PlaneGroup<V.Scalar>,
  accumulate: Bool, scratch: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: SpectralScalar {
  let (w, size) = (V.scalarCount, MemoryLayout<V.Scalar>.stride)
  let tile = scratch + 16 * 16
  for lane in stride(from: 0, to: laneCount, by: w) {
    let rows = min(w, planes.count - lane)
    guard rows > 0 else { break }
    let target = planes.first + lane * planes.stride
    var j = 0
    if rows == w, !accumulate {
      while j + w <= points {
        transposeTile(
          source + j * sourceStride + lane, sourceStride * size, target + j, planes.stride * size, scratch,
          as: V.self)
        j += w
      }
    }
    while j < points {
      let count = min(w, points - j)
      if count == w {
        transposeTile(
          source + j * sourceStride + lane, sourceStride * size, tile, w * size, scratch, as: V.self)
      } else {
        for i in 0..<count {
          for row in 0..<w { tile[i * w + row] = source[(j + i) * sourceStride + lane + row] }
        }
        for i in count * w..<w * w { tile[i] = 0 }
        transposeTile(tile, w * size, tile, w * size, scratch, as: V.self)
      }
      for row in 0..<rows {
        let (from, to) = (tile + row * w, target + row * planes.stride + j)
        if accumulate {
          if count == w {
            let sum =
              UnsafeRawPointer(to).loadUnaligned(as: V.self)
              + UnsafeRawPointer(from).loadUnaligned(as: V.self)
            UnsafeMutableRawPointer(to).storeBytes(of: sum, as: V.self)
          } else {
            for i in 0..<count { to[i] += from[i] }
          }
        } else {
          for i in 0..<count { to[i] = from[i] }
        }
      }
      j += w
    }
  }
}
