// The nonlinear part −(u²/2)_x on a periodic axis, dealiased.

import RealModule
import Spectral
import Tensors

/// N(u) = −(u²/2)_x by Fourier coefficients: values, square, coefficients, derivative.
///
/// Of n points the modes up to K = ⌊(n−1)/3⌋ are kept (the 2/3 rule): the products of kept modes that the grid
/// cannot tell from lower ones fall on modes that are dropped, so the convolution is exact.
public struct ConservativeConvection<Element: SpectralScalar>: SpectralNonlinearity {
  private let axes: [PeriodicAxis<Element>]
  /// 2πk/L for k = 0…K, twice each; and halved and divided by the points, for each level.
  private let factors: [[Element]]
  private let length: Double
  public let stateCounts: [Int]
  public let scratchCount: Int

  /// Below this a transform costs no less.
  private static var smallestAxis: Int { 32 }

  /// `count` points on an axis of length `length`. Levels: the whole, then the powers of two below it.
  public init(count: Int, length: Double) {
    self.length = length
    var sizes = [count]
    var size = 1
    while 2 * size < count { size *= 2 }
    while size >= Self.smallestAxis {
      sizes.append(size)
      size /= 2
    }
    axes = sizes.map { PeriodicAxis(count: $0, cutoff: ($0 - 1) / 3) }
    factors = axes.map { axis in
      (0..<axis.coefficientCount).map { Element(Double.pi * Double($0 / 2) / length / Double(axis.count)) }
    }
    stateCounts = axes.map(\.coefficientCount)
    scratchCount = axes[0].spectrumCount + (count + 15) / 16 * 16 + 16
  }

  /// The axis with all points.
  public var axis: PeriodicAxis<Element> { axes[0] }

  public func evaluate(
    level: Int, time: Double, _ state: UnsafePointer<Element>, into result: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    let axis = axes[level]
    let spectrum = scratch + (axis.count + 15) / 16 * 16
    axis.synthesize(state, into: scratch, scratch: spectrum)
    Self.square(scratch, count: axis.count)
    axis.transform(scratch, into: spectrum)
    factors[level].withUnsafeBufferPointer { factors in
      guard let factors = factors.baseAddress else { return }
      Self.differentiate(spectrum, factors, into: result, modes: axis.cutoff + 1)
    }
  }

  public func courantRate(
    _ state: UnsafePointer<Element>, scratch: UnsafeMutablePointer<Element>
  ) -> Double {
    axis.synthesize(state, into: scratch, scratch: scratch + (axis.count + 15) / 16 * 16)
    return Double(CoefficientKernels.largest(scratch, 0..<axis.count)) * Double(axis.count) / length
  }

  /// Convection conserves the norm, diffusion lets it fall.
  public func normBound(at time: Double, from norm: Double) -> Double { norm }

  /// Down while the upper quarter of the next level and everything above it is below roundoff; up as soon as the
  /// upper eighth of this one is not.
  public func level(after level: Int, for state: UnsafePointer<Element>) -> Int {
    let largest = CoefficientKernels.largest(state, 0..<stateCounts[level])
    let negligible = largest * Element.ulpOfOne / 4
    func isNegligible(from mode: Int) -> Bool {
      CoefficientKernels.largest(state, 2 * mode..<stateCounts[level]) <= negligible
    }
    if level > 0, !isNegligible(from: axes[level].cutoff * 7 / 8) { return level - 1 }
    if level + 1 < axes.count, isNegligible(from: axes[level + 1].cutoff * 3 / 4) { return level + 1 }
    return level
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  private static func square(_ values: UnsafeMutablePointer<Element>, count: Int) {
    for index in 0..<count { values[index] *= values[index] }
  }

  /// −½ iκ ŵ/n: `factors` are ½κ/n.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  private static func differentiate(
    _ spectrum: UnsafePointer<Element>, _ factors: UnsafePointer<Element>,
    into result: UnsafeMutablePointer<Element>, modes: Int
  ) {
    for mode in 0..<modes {
      let factor = factors[2 * mode]
      let (real, imaginary) = (spectrum[2 * mode], spectrum[2 * mode + 1])
      result[2 * mode] = factor * imaginary
      result[2 * mode + 1] = -factor * real
    }
  }
}
