// How pointwise operations over channels are cut into pieces that stay in cache.

import RealModule
import Tensors

/// The cut of `[batch, channel, point]` into tiles of consecutive points of one sample, and of the tiles into
/// groups: a group is one task, and one partial sum of the gradients of weights. Both follow from the sizes
/// alone, so that results do not depend on the number of threads.
///
/// The next tile is asked for while one is worked on. Rows of a tile are copied next to each other: the rows
/// of a field are often a power of two apart, and would displace each other from the cache.
struct ChannelTiles {
  let batch: Int
  let points: Int
  let tileWidth: Int
  let tilesPerSample: Int
  let groupCount: Int

  enum Direction { case forward, back }

  /// - Parameters:
  ///   - channels: The rows of a tile, over all arrays that the operation touches.
  ///   - direction: Sums of outer products, on the way back, gain from wide tiles.
  init(batch: Int, points: Int, channels: Int, _ direction: Direction) {
    // The columns of a product's widest block, for vectors of 512 bits in single precision.
    let block = 48
    let cacheElements = 1 << 17
    let widest = (direction == .forward ? 4 : 9) * block
    self.batch = batch
    self.points = points
    let width = max(block, min(widest, cacheElements / max(channels, 1) / block * block))
    // As few tiles as that, of equal widths as far as blocks allow it.
    let leastTiles = max(1, (points + width - 1) / width)
    let equal = ((points + leastTiles - 1) / leastTiles + block - 1) / block * block
    tileWidth = min(equal, (points + 15) / 16 * 16)
    tilesPerSample = max(1, (points + tileWidth - 1) / tileWidth)
    // Every group has its own sums to begin and to end with: few where there is little in between.
    let tiles = max(1, batch * tilesPerSample)
    groupCount = min(tiles, tiles < 256 ? 8 : 16)
  }

  /// Runs `body(group, tiles of the group)` over the pool.
  func forEachGroup(_ body: (Int, Range<Int>) -> Void) {
    WorkerPool.shared.forEachGroup(groupCount, of: batch * tilesPerSample, body)
  }

  /// A tile by its number.
  @inline(__always)
  func tile(_ index: Int) -> ChannelTile {
    let start = index % tilesPerSample * tileWidth
    let count = min(tileWidth, points - start)
    return ChannelTile(
      sample: index / tilesPerSample, start: start, count: count, points: points,
      stride: (count + 15) / 16 * 16)
  }
}

/// Consecutive points of one sample.
struct ChannelTile {
  let sample: Int
  let start: Int
  let count: Int
  /// Of the sample: the distance of the rows of a field.
  let points: Int
  /// The distance of rows that are copied next to each other.
  let stride: Int

  /// The place of the tile's first row in a field with this many channels.
  @inline(__always)
  func offset(channels: Int) -> Int { sample * channels * points + start }

  /// Copies the rows of a field next to each other.
  func copyRows<E: Scalar>(
    _ field: UnsafePointer<E>, channels: Int, to rows: UnsafeMutablePointer<E>, prefetchesNext: Bool = true
  ) {
    let first = field + offset(channels: channels)
    if prefetchesNext { prefetchNext(field, channels: channels) }
    for channel in 0..<channels {
      (rows + channel * stride).update(from: first + channel * points, count: count)
    }
  }

  /// The rows of a field for products: where they lie, or copied next to each other where they are so far apart that they
  /// would displace each other from the second-level cache, too.
  @inline(__always)
  func rows<E: Scalar>(
    of field: UnsafePointer<E>, channels: Int, copies: UnsafeMutablePointer<E>, prefetchesNext: Bool = true
  ) -> (UnsafePointer<E>, stride: Int) {
    // Lines that share their place in a cache of 128 KB a way: half of eight may be theirs.
    let distance = points * MemoryLayout<E>.stride
    if channels * min(distance & -distance, 1 << 17) <= 4 << 17 {
      if prefetchesNext { prefetchNext(field, channels: channels) }
      return (field + offset(channels: channels), points)
    }
    copyRows(field, channels: channels, to: copies, prefetchesNext: prefetchesNext)
    return (UnsafePointer(copies), stride)
  }

  /// Asks for the same rows of the next tile.
  func prefetchNext<E: Scalar>(_ field: UnsafePointer<E>, channels: Int) {
    prefetchRows(field + (offset(channels: channels) + count), rows: channels, stride: points, count: count)
  }

  /// Copies rows next to each other to their places in a field.
  func copyBack<E: Scalar>(_ rows: UnsafePointer<E>, channels: Int, to field: UnsafeMutablePointer<E>) {
    let first = field + offset(channels: channels)
    for channel in 0..<channels {
      (first + channel * points).update(from: rows + channel * stride, count: count)
    }
  }

  /// Adds rows next to each other to their places in a field.
  func addBack<E: Scalar>(_ rows: UnsafePointer<E>, channels: Int, to field: UnsafeMutablePointer<E>) {
    let first = field + offset(channels: channels)
    for channel in 0..<channels {
      Pointwise.add(rows + channel * stride, to: first + channel * points, count: count)
    }
  }

  /// Multiplies rows next to each other by others and puts the products into a field, too.
  func multiplyRows<E: Scalar>(
    _ rows: UnsafeMutablePointer<E>, by factors: UnsafePointer<E>, channels: Int,
    copyingTo field: UnsafeMutablePointer<E>
  ) {
    let first = field + offset(channels: channels)
    for channel in 0..<channels {
      multiply(
        rows + channel * stride, by: factors + channel * stride, copyingTo: first + channel * points,
        count: count)
    }
  }

  /// The activation of a field's rows, next to each other, and the activation's derivative likewise.
  func activateRows<E: Scalar>(
    _ activation: Activation, of field: UnsafePointer<E>, channels: Int, into rows: UnsafeMutablePointer<E>,
    derivative: UnsafeMutablePointer<E>?
  ) {
    let first = field + offset(channels: channels)
    prefetchNext(field, channels: channels)
    for channel in 0..<channels {
      activate(
        activation, first + channel * points, into: rows + channel * stride,
        derivative: derivative.map { $0 + channel * stride }, count: count)
    }
  }

  /// The activation of rows next to each other, into a field, and the activation's derivative into another.
  func activateRows<E: Scalar>(
    _ activation: Activation, _ rows: UnsafePointer<E>, channels: Int, into field: UnsafeMutablePointer<E>,
    derivative: UnsafeMutablePointer<E>?
  ) {
    let first = offset(channels: channels)
    prefetchRowsToWrite(field + (first + count), rows: channels, stride: points, count: count)
    if let derivative {
      prefetchRowsToWrite(derivative + (first + count), rows: channels, stride: points, count: count)
    }
    for channel in 0..<channels {
      let place = first + channel * points
      activate(
        activation, rows + channel * stride, into: field + place, derivative: derivative.map { $0 + place },
        count: count)
    }
  }
}

/// A row of the gradient on its way through an activation.
///
/// - Parameters:
///   - derivative: The activation's; nil: 1.
///   - isKept: Whether the row itself becomes the product, too.
/// - Returns: the sum of `product = gradient ⊙ derivative`. The sums of rows may cancel: they are to be added up in
///   double precision; within a row of a tile, a dozen numbers a lane, the format of the products will do.
@specialized(where E == Float)
@specialized(where E == Double)
func multiplyRow<E: Scalar>(
  _ gradient: UnsafeMutablePointer<E>, derivative: UnsafePointer<E>?, isKept: Bool,
  into product: UnsafeMutablePointer<E>, count: Int
) -> Double {
  var sum: E = 0
  if let derivative {
    for i in 0..<count {
      let value = gradient[i] * derivative[i]
      product[i] = value
      sum = Relaxed.sum(value, sum)
    }
    if isKept { gradient.update(from: product, count: count) }
  } else {
    for i in 0..<count {
      product[i] = gradient[i]
      sum = Relaxed.sum(gradient[i], sum)
    }
  }
  return Double(sum)
}

/// Multiplies a row by another in place and puts the products elsewhere, too.
@specialized(where E == Float)
@specialized(where E == Double)
private func multiply<E: Scalar>(
  _ row: UnsafeMutablePointer<E>, by factor: UnsafePointer<E>, copyingTo copy: UnsafeMutablePointer<E>,
  count: Int
) {
  for i in 0..<count {
    let value = row[i] * factor[i]
    row[i] = value
    copy[i] = value
  }
}

/// Multiplies a row by another in place and gives the sum, as above.
@specialized(where E == Float)
@specialized(where E == Double)
func multiplyRow<E: Scalar>(_ row: UnsafeMutablePointer<E>, by factor: UnsafePointer<E>, count: Int) -> Double
{
  var sum: E = 0
  for i in 0..<count {
    let value = row[i] * factor[i]
    row[i] = value
    sum = Relaxed.sum(value, sum)
  }
  return Double(sum)
}

/// `Σ a ⊙ b` of two rows, as above.
@specialized(where E == Float)
@specialized(where E == Double)
func dotProduct<E: Scalar>(_ a: UnsafePointer<E>, _ b: UnsafePointer<E>, count: Int) -> Double {
  var sum: E = 0
  for i in 0..<count { sum = Relaxed.multiplyAdd(a[i], b[i], sum) }
  return Double(sum)
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
  if !result.accumulates { Pointwise.fill(target, with: 0, count: count) }
  for group in 0..<groups {
    Pointwise.add(partials.unsafePointer + (group * stride + offset), to: target, count: count)
  }
  gradient = result
}

/// The same for sums over all points of a channel, which may cancel: they are kept in double precision.
@specialized(where E == Float)
@specialized(where E == Double)
func sumGroups<E: Scalar>(channelSums: Tensor<Double>, offset: Int, into gradient: inout PartialGradient<E>?)
{
  guard var result = gradient.take() else { return }
  let (groups, stride, count) = (channelSums.shape[0], channelSums.shape[1], result.tensor.count)
  let (target, accumulates) = (result.tensor.unsafeMutablePointer(), result.accumulates)
  let source = channelSums.unsafePointer + offset
  for index in 0..<count {
    var sum = 0.0
    for group in 0..<groups { sum += source[group * stride + index] }
    target[index] = accumulates ? target[index] + E(sum) : E(sum)
  }
  withExtendedLifetime(channelSums) {}
  gradient = result
}
