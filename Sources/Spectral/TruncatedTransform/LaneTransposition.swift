// Between planes, whose points are contiguous, and lanes, where sixteen planes' values of one point are.

import Tensors

/// The planes that are one group's lanes: `count` of them, `stride` numbers apart, are real; the rest of a last,
/// partial group is computed on copies and not stored.
struct PlaneGroup<Element: SpectralScalar>: BitwiseCopyable {
  nonisolated(unsafe) var first: UnsafeMutablePointer<Element>
  var stride: Int
  var count: Int
}

/// Numbers that the transpositions want as scratch: the largest tile.
let transpositionScratch = 64

/// The sides of the squares that are transposed at a time: vectors of 256 bits, which on processors with wider
/// ones are as fast.
@inline(__always)
private func tileSide<Element: SpectralScalar>(_: Element.Type) -> Int {
  32 / MemoryLayout<Element>.stride
}

/// Transposes a square of ``tileSide(_:)`` rows, or adds the transpose to what is there. Nothing need be aligned.
@inline(__always)
private func transposeTile<Element: SpectralScalar>(
  _ input: UnsafePointer<Element>, _ inputStride: Int, _ output: UnsafeMutablePointer<Element>,
  _ outputStride: Int, accumulate: Bool
) {
  let size = MemoryLayout<Element>.stride
  let (input, inputStride) = (UnsafeRawPointer(input), inputStride &* size)
  let (output, outputStride) = (UnsafeMutableRawPointer(output), outputStride &* size)
  if Element.self == Float.self {
    for half in 0..<2 {
      let source = input + 16 &* half
      // Rows i and i + 4, of which each gives half a vector; the rest is done within the halves.
      let a = gather(source, 4 &* inputStride)
      let b = gather(source + inputStride, 4 &* inputStride)
      let c = gather(source + 2 &* inputStride, 4 &* inputStride)
      let d = gather(source + 3 &* inputStride, 4 &* inputStride)
      let (ab, cd) = (interleaveFloats(a, b), interleaveFloats(c, d))
      let (row0, row1) = interleave(ab.low, cd.low)
      let (row2, row3) = interleave(ab.high, cd.high)
      let target = output + 4 &* half &* outputStride
      put(row0, target, Element.self, accumulate)
      put(row1, target + outputStride, Element.self, accumulate)
      put(row2, target + 2 &* outputStride, Element.self, accumulate)
      put(row3, target + 3 &* outputStride, Element.self, accumulate)
    }
  } else {
    for half in 0..<2 {
      let source = input + 16 &* half
      let (row0, row1) = interleave(
        gather(source, 2 &* inputStride), gather(source + inputStride, 2 &* inputStride))
      let target = output + 2 &* half &* outputStride
      put(row0, target, Element.self, accumulate)
      put(row1, target + outputStride, Element.self, accumulate)
    }
  }
}

// The compiler turns one round of interleaving into one instruction, but two rounds in the same element type into
// many: rounds of single-precision numbers and of pairs of them alternate between two types.

@inline(__always)
private func gather(_ row: UnsafeRawPointer, _ stride: Int) -> SIMD4<Double> {
  SIMD4(
    lowHalf: row.loadUnaligned(as: SIMD2<Double>.self),
    highHalf: (row + stride).loadUnaligned(as: SIMD2<Double>.self))
}

/// Within each half: `a₀ b₀ a₁ b₁` and `a₂ b₂ a₃ b₃`, of single-precision numbers.
@inline(__always)
private func interleaveFloats(
  _ a: SIMD4<Double>, _ b: SIMD4<Double>
) -> (low: SIMD4<Double>, high: SIMD4<Double>) {
  let (a, b) = (unsafeBitCast(a, to: SIMD8<Float>.self), unsafeBitCast(b, to: SIMD8<Float>.self))
  let low = SIMD8<Float>(a[0], b[0], a[1], b[1], a[4], b[4], a[5], b[5])
  let high = SIMD8<Float>(a[2], b[2], a[3], b[3], a[6], b[6], a[7], b[7])
  return (unsafeBitCast(low, to: SIMD4<Double>.self), unsafeBitCast(high, to: SIMD4<Double>.self))
}

/// Within each half: `a₀ b₀` and `a₁ b₁`.
@inline(__always)
private func interleave(_ a: SIMD4<Double>, _ b: SIMD4<Double>) -> (SIMD4<Double>, SIMD4<Double>) {
  (SIMD4(a[0], b[0], a[2], b[2]), SIMD4(a[1], b[1], a[3], b[3]))
}

@inline(__always)
private func put<Element: SpectralScalar>(
  _ row: SIMD4<Double>, _ target: UnsafeMutableRawPointer, _: Element.Type, _ accumulate: Bool
) {
  guard accumulate else { return target.storeBytes(of: row, as: SIMD4<Double>.self) }
  if Element.self == Float.self {
    let row = unsafeBitCast(row, to: SIMD8<Float>.self)
    target.storeBytes(of: target.loadUnaligned(as: SIMD8<Float>.self) + row, as: SIMD8<Float>.self)
  } else {
    target.storeBytes(of: target.loadUnaligned(as: SIMD4<Double>.self) + row, as: SIMD4<Double>.self)
  }
}

/// Points `0..<points` of a group's planes to lanes: `target[j · targetStride + lane]`.
@inline(__always)
func loadLanes<Element: SpectralScalar>(
  _ planes: PlaneGroup<Element>, points: Int, _ target: UnsafeMutablePointer<Element>, targetStride: Int,
  prefetch: Int, scratch: UnsafeMutablePointer<Element>
) {
  let side = tileSide(Element.self)
  for lane in stride(from: 0, to: laneCount, by: side) {
    var j = 0
    if lane &+ side <= planes.count {
      let source = planes.first + lane &* planes.stride
      while j &+ side <= points {
        if j & side == 0 {
          for row in 0..<side { prefetchLine(source + (j &+ row &* planes.stride &+ prefetch)) }
        }
        transposeTile(
          source + j, planes.stride, target + (j &* targetStride &+ lane), targetStride, accumulate: false)
        j = j &+ side
      }
      if j < points, side <= points {
        // The last points, some of them for the second time.
        j = points &- side
        transposeTile(
          source + j, planes.stride, target + (j &* targetStride &+ lane), targetStride, accumulate: false)
        j = points
      }
    }
    // What is left of the points or of the planes.
    while j < points {
      let count = min(side, points - j)
      for row in 0..<side {
        let source = planes.first + min(lane + row, planes.count - 1) * planes.stride + j
        for i in 0..<count { scratch[row * side + i] = source[i] }
      }
      for i in 0..<count {
        for row in 0..<side { target[(j + i) * targetStride + lane + row] = scratch[row * side + i] }
      }
      j += side
    }
  }
}

/// Lanes back to the planes of a group, replacing or adding to what is there.
@inline(__always)
func storeLanes<Element: SpectralScalar>(
  _ source: UnsafePointer<Element>, sourceStride: Int, points: Int, _ planes: PlaneGroup<Element>,
  accumulate: Bool, prefetch: Int
) {
  let side = tileSide(Element.self)
  for lane in stride(from: 0, to: laneCount, by: side) {
    let rows = min(side, planes.count - lane)
    guard rows > 0 else { break }
    let target = planes.first + lane * planes.stride
    var j = 0
    if rows == side {
      while j &+ side <= points {
        if j & side == 0 {
          for row in 0..<side {
            prefetchLineToWrite(target + (j &+ row &* planes.stride &+ prefetch))
          }
        }
        transposeTile(
          source + (j &* sourceStride &+ lane), sourceStride, target + j, planes.stride,
          accumulate: accumulate)
        j = j &+ side
      }
      if j < points, side <= points, !accumulate {
        j = points &- side
        transposeTile(
          source + (j &* sourceStride &+ lane), sourceStride, target + j, planes.stride, accumulate: false)
        j = points
      }
    }
    while j < points {
      for row in 0..<rows {
        let value = source[j * sourceStride + lane + row]
        let place = target + row * planes.stride + j
        place.pointee = accumulate ? place.pointee + value : value
      }
      j += 1
    }
  }
}
