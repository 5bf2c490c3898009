// How pointwise operations over channels are cut into pieces that stay in cache.

import RealModule
import Tensors

/// The cut of `[batch, channel, point]` into tiles of consecutive points of one sample, and of the tiles into
/// groups: a group is one task, and one partial sum of the gradients of weights. Both follow from the sizes
/// alone, so that results do not depend on the number of threads.
struct ChannelTiles {
  let batch: Int
  let points: Int
  let tileWidth: Int
  let tilesPerSample: Int
  let groupCount: Int

  /// - Parameter channels: Values a point holds in cache, over all arrays that the operation touches.
  init(batch: Int, points: Int, channels: Int) {
    let cacheElements = 1 << 16
    self.batch = batch
    self.points = points
    let width = min(1024, max(64, cacheElements / max(channels, 1) / 16 * 16))
    // Even tiles: the last one is no stump.
    let count = max(1, (points + width - 1) / width)
    tileWidth = max(16, ((points + count - 1) / count + 15) / 16 * 16)
    tilesPerSample = max(1, (points + tileWidth - 1) / tileWidth)
    groupCount = min(max(1, batch * tilesPerSample), 16)
  }

  /// Runs `body(group, tiles of the group)` over the pool.
  func forEachGroup(_ body: (Int, Range<Int>) -> Void) {
    let tiles = batch * tilesPerSample
    WorkerPool.shared.run(tasks: groupCount) { group in
      body(group, tiles * group / groupCount..<tiles * (group + 1) / groupCount)
    }
  }

  /// The sample, the first point and the number of points of a tile.
  @inline(__always)
  func tile(_ index: Int) -> (sample: Int, start: Int, count: Int) {
    let start = index % tilesPerSample * tileWidth
    return (index / tilesPerSample, start, min(tileWidth, points - start))
  }
}

/// Adds `gate·addend` and `bias` to a row of a tile.
@specialized(where E == Float)
@specialized(where E == Double)
func finishRow<E: Scalar>(
  _ row: UnsafeMutablePointer<E>, count: Int, bias: E, addend: UnsafePointer<E>?, gate: E
) {
  if let addend {
    for i in 0..<count { row[i] = Relaxed.multiplyAdd(gate, addend[i], row[i] + bias) }
  } else if bias != 0 {
    for i in 0..<count { row[i] += bias }
  }
}

extension Pointwise {
  /// `y = factor·x + shift`; the arrays may be the same.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func affine<E: Scalar>(
    _ x: UnsafePointer<E>, factor: E, shift: E, into y: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count { y[i] = Relaxed.multiplyAdd(factor, x[i], shift) }
  }

  /// `y = a·x`, or `y += a·x`.
  static func scale<E: Scalar>(
    _ x: UnsafePointer<E>, by a: E, into y: UnsafeMutablePointer<E>, accumulate: Bool, count: Int
  ) {
    if accumulate {
      addScaled(x, by: a, to: y, count: count)
    } else {
      scale(x, by: a, into: y, count: count)
    }
  }
}

/// Adds the groups' partial sums `[groups, stride]`, in their order, from `offset` on into a gradient.
func sumGroups<E: Scalar>(_ partials: Tensor<E>, offset: Int, into gradient: inout PartialGradient<E>?) {
  guard var result = gradient.take() else { return }
  let (groups, stride, count) = (partials.shape[0], partials.shape[1], result.tensor.count)
  let target = result.tensor.unsafeMutablePointer()
  if !result.accumulates { target.update(repeating: 0, count: count) }
  for group in 0..<groups {
    Pointwise.add(partials.unsafePointer + (group * stride + offset), to: target, count: count)
  }
  gradient = result
}
