// Gradients of complex matrices that meet the rows of many modes: sums over modes and samples by three real products.

import Tensors

/// Partial sums of the gradients of complex factors `[rank, channels]`, by groups of modes.
///
/// With channels c and terms t, `Σ t* c` has the real part `Σ (t_s c_r + t_i c_d)` and the imaginary part
/// `Σ (t_r c_s − t_s c_r)`, where s is the sum of both parts and d the imaginary part less the real one.
struct FactorSums<Element: Scalar>: ~Copyable {
  private let groups: Int
  private let channels: [Int]
  /// Channels of each factor, padded.
  private let widths: [Int]
  private let rank: Int
  /// `[group][factor][t_r c_s, t_i c_d, t_s c_r][term][padded channel]`.
  private let memory: AlignedMemory<Element>

  init(groups: Int, channels: [Int], rank: Int) {
    self.groups = groups
    self.channels = channels
    self.rank = rank
    widths = channels.map(paddedChannels)
    memory = AlignedMemory(count: groups * 3 * widths.reduce(0, +) * rank)
  }

  /// Sets a group's sums to zero, on the thread that will add to them.
  func begin(group: Int) {
    Pointwise.fill(sums(group, 0), with: 0, count: 3 * widths.reduce(0, +) * rank)
  }

  private func sums(_ group: Int, _ factor: Int) -> UnsafeMutablePointer<Element> {
    let before = group * widths.reduce(0, +) + widths[..<factor].reduce(0, +)
    return memory.pointer + 3 * before * rank
  }

  /// Adds the sums over `points` of some terms with all channels.
  /// - Parameter transposed: Whether the planes of the terms have a row for every point instead of one for every term.
  func add(
    group: Int, factor: Int, _ rows: borrowing FactorRows<Element>, _ terms: ComplexPlanes<Element>,
    transposed: Bool = false, range: Range<Int>, points: Int
  ) {
    let width = rows.stride
    for plane in 0..<3 {
      multiplyRows(
        terms[plane], stride: terms.stride, transposed: transposed, rows: range.count, inner: points,
        rows[plane], stride: width, columns: width,
        into: sums(group, factor) + (plane * rank + range.lowerBound) * width, stride: width,
        accumulate: true)
    }
  }

  /// The sums of all groups, planar `[2, rank, channels]`: `Σ t* c`, or its conjugate.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func total(factor: Int, conjugate: Bool) -> Tensor<Element> {
    let (count, width, sign) = (channels[factor], widths[factor], conjugate ? -1 as Element : 1)
    var result = Tensor<Element>.zeros([2, rank, count])
    let real = result.unsafeMutablePointer()
    WorkerPool.shared.forEachRange(count: rank, grain: 64) { range in
      for group in 0..<groups {
        for term in range {
          let products = sums(group, factor) + term * width
          addProducts(
            products, distance: rank * width, sign: sign, real: real + term * count,
            imaginary: real + (rank + term) * count, count: count)
        }
      }
    }
    return result
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func addProducts<E: Scalar>(
  _ products: UnsafePointer<E>, distance: Int, sign: E, real: UnsafeMutablePointer<E>,
  imaginary: UnsafeMutablePointer<E>, count: Int
) {
  let (second, third) = (products + distance, products + 2 * distance)
  for i in 0..<count { real[i] += third[i] + second[i] }
  for i in 0..<count { imaginary[i] += sign * (products[i] - third[i]) }
}

/// Complex rows of channels, point by point, as the planes that ``FactorSums`` meets terms with: the sums of both parts,
/// the imaginary parts less the real ones, and the real parts.
struct FactorRows<Element: Scalar>: ~Copyable {
  private let memory: AlignedMemory<Element>
  private let channels: Int
  private let points: Int
  /// The distance of rows: channels, padded with zeros.
  let stride: Int

  /// Zeros.
  init(channels: Int, points: Int) {
    self.channels = channels
    self.points = points
    stride = paddedChannels(channels)
    memory = AlignedMemory(count: 3 * points * stride)
    Pointwise.fill(memory.pointer, with: 0, count: memory.count)
  }

  subscript(plane: Int) -> UnsafeMutablePointer<Element> { memory.pointer + plane * points * stride }

  /// Takes a point's row.
  @inline(__always)
  func set(_ point: Int, real: UnsafePointer<Element>, imaginary: UnsafePointer<Element>) {
    let place = point * stride
    Pointwise.add(real, imaginary, into: self[0] + place, count: channels)
    Pointwise.subtract(imaginary, real, into: self[1] + place, count: channels)
    (self[2] + place).update(from: real, count: channels)
  }

  func clear(_ point: Int) {
    for plane in 0..<3 { Pointwise.fill(self[plane] + point * stride, with: 0, count: channels) }
  }

  /// Takes `count` points from rows of points, a row for each channel.
  func setTransposed(
    real: UnsafePointer<Element>, imaginary: UnsafePointer<Element>, rowStride: Int, count: Int
  ) {
    transposedCopy(real, rows: channels, columns: count, stride: rowStride, into: self[2], stride: stride)
    transposedCopy(
      imaginary, rows: channels, columns: count, stride: rowStride, into: self[0], stride: stride)
    Pointwise.subtract(self[0], self[2], into: self[1], count: count * stride)
    Pointwise.add(self[2], to: self[0], count: count * stride)
  }
}

/// Channels in whole vectors.
private func paddedChannels(_ count: Int) -> Int { (count + 15) / 16 * 16 }
