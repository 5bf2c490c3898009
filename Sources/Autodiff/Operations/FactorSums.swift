// Gradients of complex matrices that meet the rows of many modes: sums over modes and samples by three real products.

import Tensors

/// Partial sums of the gradients of complex factors `[channels, rank]`, by groups of modes.
///
/// With channels c and terms t, `Σ t* c` has the real part `Σ (t_s c_r + t_i c_d)` and the imaginary part
/// `Σ (t_r c_s − t_s c_r)`, where s is the sum of both parts and d the imaginary part less the real one.
struct FactorSums<Element: Scalar>: ~Copyable {
  private let groups: Int
  private let channels: [Int]
  private let rank: Int
  /// `[group][factor][t_s c_r, t_i c_d, t_r c_s][channel][term]`.
  private let memory: AlignedMemory<Element>

  init(groups: Int, channels: [Int], rank: Int) {
    self.groups = groups
    self.channels = channels
    self.rank = rank
    memory = AlignedMemory(count: groups * 3 * channels.reduce(0, +) * rank)
    memory.buffer.initialize(repeating: 0)
  }

  private func sums(_ group: Int, _ factor: Int) -> UnsafeMutablePointer<Element> {
    let before = group * channels.reduce(0, +) + channels[..<factor].reduce(0, +)
    return memory.pointer + 3 * before * rank
  }

  /// Adds the sums over `points` of some terms with all channels.
  /// - Parameter rows: The planes of the channels, a fourth one with the differences.
  func add(
    group: Int, factor: Int, _ rows: ComplexPlanes<Element>, _ terms: ComplexPlanes<Element>,
    range: Range<Int>, points: Int
  ) {
    let (sums, count) = (sums(group, factor) + range.lowerBound, channels[factor])
    for (place, planes) in [(2, 0), (1, 3), (0, 2)].enumerated() {
      gemm(
        false, true, m: count, n: range.count, k: points, a: rows[planes.1], lda: rows.stride,
        b: terms[planes.0], ldb: terms.stride, beta: 1, c: sums + place * count * rank, ldc: rank)
    }
  }

  /// Adds the sums of all groups to a planar gradient `[2, channels, rank]`: `Σ t* c`, or its conjugate.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func add(factor: Int, conjugate: Bool, to gradient: inout PartialGradient<Element>?) {
    add(
      factor, conjugate: conjugate, to: &gradient, channelStride: rank, termStride: 1)
  }

  /// The same to `[2, rank, channels]`.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func addTransposed(factor: Int, conjugate: Bool, to gradient: inout PartialGradient<Element>?) {
    add(
      factor, conjugate: conjugate, to: &gradient, channelStride: 1, termStride: channels[factor])
  }

  @inline(__always)
  private func add(
    _ factor: Int, conjugate: Bool, to gradient: inout PartialGradient<Element>?, channelStride: Int,
    termStride: Int
  ) {
    guard var result = gradient.take() else { return }
    let (count, sign) = (channels[factor] * rank, conjugate ? -1 as Element : 1)
    let real = result.tensor.unsafeMutablePointer()
    let imaginary = real + count
    if !result.accumulates { real.update(repeating: 0, count: 2 * count) }
    for group in 0..<groups {
      let products = sums(group, factor)
      for channel in 0..<channels[factor] {
        for term in 0..<rank {
          let (index, place) = (channel * rank + term, channel * channelStride + term * termStride)
          let shared = products[index]
          real[place] += shared + products[count + index]
          imaginary[place] += sign * (products[2 * count + index] - shared)
        }
      }
    }
    gradient = result
  }
}
