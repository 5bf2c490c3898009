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
  }

  /// Sets a group's sums to zero, on the thread that will add to them.
  func begin(group: Int) {
    Pointwise.fill(sums(group, 0), with: 0, count: 3 * channels.reduce(0, +) * rank)
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
    let factors: [(terms: Int, rows: Int)] = [(2, 0), (1, 3), (0, 2)]
    for (place, planes) in factors.enumerated() {
      gemm(
        false, true, m: count, n: range.count, k: points, a: rows[planes.rows], lda: rows.stride,
        b: terms[planes.terms], ldb: terms.stride, beta: 1, c: sums + place * count * rank, ldc: rank)
    }
  }

  /// The sums of all groups, planar `[2, channels, rank]`: `Σ t* c`, or its conjugate.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func total(factor: Int, conjugate: Bool) -> Tensor<Element> {
    let (count, sign) = (channels[factor] * rank, conjugate ? -1 as Element : 1)
    var result = Tensor<Element>.zeros([2, channels[factor], rank])
    let real = result.unsafeMutablePointer()
    WorkerPool.shared.forEachRange(count: count, grain: 4096) { range in
      for group in 0..<groups {
        let products = sums(group, factor)
        addProducts(
          products + range.lowerBound, distance: count, sign: sign, real: real + range.lowerBound,
          imaginary: real + count + range.lowerBound, count: range.count)
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
  for i in 0..<count { real[i] += products[i] + second[i] }
  for i in 0..<count { imaginary[i] += sign * (third[i] - products[i]) }
}
