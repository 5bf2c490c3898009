// Sums over points of the products of channels: what gradients of linear maps are.

import RealModule

/// The sums `c[i, j] = Σ_p a[i, p] b[j, p]` over points p that come tile by tile. Each lane of the vectors sums its own
/// points; ``add(to:)`` adds up the lanes.
public struct OuterProductSums<Element: Scalar>: ~Copyable {
  public let rows: Int
  public let columns: Int
  /// `[column block][row][column of the block][lane]`, blocks of four columns; the last one narrower.
  private let lanes: AlignedMemory<Element>

  /// Zeros.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    let laneCount =
      VectorWidth.native == .wide ? Element.WideVector.scalarCount : Element.NarrowVector.scalarCount
    lanes = AlignedMemory(count: rows * columns * laneCount)
    Pointwise.fill(lanes.pointer, with: 0, count: lanes.count)
  }

  /// Adds `count` points of a `[rows, points]` and b `[columns, points]`; strides in numbers, nothing need be aligned.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func add(
    _ a: UnsafePointer<Element>, stride aStride: Int, _ b: UnsafePointer<Element>, stride bStride: Int,
    count: Int
  ) {
    switch VectorWidth.native {
    case .wide:
      addOuterProducts(
        a, aStride, rows, b, bStride, columns, count, lanes.pointer, as: Element.WideVector.self)
    case .narrow:
      addOuterProducts(
        a, aStride, rows, b, bStride, columns, count, lanes.pointer, as: Element.NarrowVector.self)
    }
  }

  /// Adds the sums to `c` `[rows, columns]`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  public func add(to c: UnsafeMutablePointer<Element>) {
    switch VectorWidth.native {
    case .wide: addLanes(lanes.pointer, rows, columns, to: c, as: Element.WideVector.self)
    case .narrow: addLanes(lanes.pointer, rows, columns, to: c, as: Element.NarrowVector.self)
    }
  }
}

@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
private func addLanes<V: SIMD & BitwiseCopyable>(
  _ lanes: UnsafePointer<V.Scalar>, _ rows: Int, _ columns: Int, to c: UnsafeMutablePointer<V.Scalar>,
  as: V.Type
) where V.Scalar: Scalar {
  var source = lanes
  for first in stride(from: 0, to: columns, by: 4) {
    for row in 0..<rows {
      for column in first..<min(first + 4, columns) {
        var sum: V.Scalar = 0
        for lane in 0..<V.scalarCount { sum = Relaxed.sum(source[lane], sum) }
        c[row * columns + column] += sum
        source += V.scalarCount
      }
    }
  }
}

@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
private func addOuterProducts<V: SIMD & BitwiseCopyable>(
  _ a: UnsafePointer<V.Scalar>, _ aStride: Int, _ rows: Int, _ b: UnsafePointer<V.Scalar>, _ bStride: Int,
  _ columns: Int, _ count: Int, _ lanes: UnsafeMutablePointer<V.Scalar>, as: V.Type
) where V.Scalar: Scalar {
  let whole = count / V.scalarCount * V.scalarCount
  addWhole(a, aStride, rows, b, bStride, columns, whole, lanes, V.self)
  guard whole < count else { return }
  // The last points, on padded copies.
  withUnsafeTemporaryAllocation(of: V.self, capacity: rows + columns) { vectors in
    guard let first = vectors.baseAddress else { return }
    vectors.initialize(repeating: V(repeating: 0))
    let values = UnsafeMutableRawPointer(first).assumingMemoryBound(to: V.Scalar.self)
    for row in 0..<rows + columns {
      let source = row < rows ? a + row * aStride : b + (row - rows) * bStride
      for i in whole..<count { values[row * V.scalarCount + i - whole] = source[i] }
    }
    addWhole(
      values, V.scalarCount, rows, values + rows * V.scalarCount, V.scalarCount, columns, V.scalarCount,
      lanes,
      V.self)
  }
}

/// Whole vectors of points. Four rows of b stay in the first-level cache while all of a passes.
@inline(__always)
private func addWhole<V: SIMD & BitwiseCopyable>(
  _ a: UnsafePointer<V.Scalar>, _ aStride: Int, _ rows: Int, _ b: UnsafePointer<V.Scalar>, _ bStride: Int,
  _ columns: Int, _ count: Int, _ lanes: UnsafeMutablePointer<V.Scalar>, _: V.Type
) where V.Scalar: Scalar {
  var lanes = lanes
  var column = 0
  while column < columns {
    let b = b + column &* bStride
    var row = 0
    if columns &- column >= 4 {
      while row &+ 4 <= rows {
        add4x4(a + row &* aStride, aStride, b, bStride, count, lanes, V.self)
        row = row &+ 4
        lanes += 16 &* V.scalarCount
      }
      while row < rows {
        add1x4(a + row &* aStride, b, bStride, count, lanes, V.self)
        row = row &+ 1
        lanes += 4 &* V.scalarCount
      }
    } else {
      let width = columns &- column
      while row < rows {
        for other in 0..<width {
          add1x1(a + row &* aStride, b + other &* bStride, count, lanes, V.self)
          lanes += V.scalarCount
        }
        row = row &+ 1
      }
    }
    column = column &+ 4
  }
}

@inline(__always)
private func load<V: SIMD & BitwiseCopyable>(_ source: UnsafePointer<V.Scalar>, _: V.Type) -> V {
  UnsafeRawPointer(source).loadUnaligned(as: V.self)
}

// In the loops below sums are variables, or they would not stay in registers.

@inline(__always)
private func add4x4<V: SIMD & BitwiseCopyable>(
  _ a: UnsafePointer<V.Scalar>, _ aStride: Int, _ b: UnsafePointer<V.Scalar>, _ bStride: Int, _ count: Int,
  _ lanes: UnsafeMutablePointer<V.Scalar>, _: V.Type
) where V.Scalar: Scalar {
  let (a1, a2, a3) = (a + aStride, a + 2 &* aStride, a + 3 &* aStride)
  let (b1, b2, b3) = (b + bStride, b + 2 &* bStride, b + 3 &* bStride)
  typealias Row = FourVectors<V>
  var (s0, s1) = (Row(lanes), Row(lanes + 4 &* V.scalarCount))
  var (s2, s3) = (Row(lanes + 8 &* V.scalarCount), Row(lanes + 12 &* V.scalarCount))
  var p = 0
  while p < count {
    let y = Row(b + p, b1 + p, b2 + p, b3 + p)
    s0.add(y, times: load(a + p, V.self))
    s1.add(y, times: load(a1 + p, V.self))
    s2.add(y, times: load(a2 + p, V.self))
    s3.add(y, times: load(a3 + p, V.self))
    p = p &+ V.scalarCount
  }
  s0.store(lanes)
  s1.store(lanes + 4 &* V.scalarCount)
  s2.store(lanes + 8 &* V.scalarCount)
  s3.store(lanes + 12 &* V.scalarCount)
}

@inline(__always)
private func add1x4<V: SIMD & BitwiseCopyable>(
  _ a: UnsafePointer<V.Scalar>, _ b: UnsafePointer<V.Scalar>, _ bStride: Int, _ count: Int,
  _ lanes: UnsafeMutablePointer<V.Scalar>, _: V.Type
) where V.Scalar: Scalar {
  let (b1, b2, b3) = (b + bStride, b + 2 &* bStride, b + 3 &* bStride)
  var s = FourVectors<V>(lanes)
  var p = 0
  while p < count {
    s.add(FourVectors<V>(b + p, b1 + p, b2 + p, b3 + p), times: load(a + p, V.self))
    p = p &+ V.scalarCount
  }
  s.store(lanes)
}

@inline(__always)
private func add1x1<V: SIMD & BitwiseCopyable>(
  _ a: UnsafePointer<V.Scalar>, _ b: UnsafePointer<V.Scalar>, _ count: Int,
  _ lanes: UnsafeMutablePointer<V.Scalar>, _: V.Type
) where V.Scalar: Scalar {
  var s = load(UnsafePointer(lanes), V.self)
  var p = 0
  while p < count {
    s = multiplyAdd(load(a + p, V.self), load(b + p, V.self), s)
    p = p &+ V.scalarCount
  }
  UnsafeMutableRawPointer(lanes).storeBytes(of: s, as: V.self)
}
