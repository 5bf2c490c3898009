// Real functions on periodic grids and the Fourier coefficients that are kept of them.

import Spectral

/// Transforms between the values of real functions on a periodic grid and their kept coefficients, and norms by
/// Parseval's identity.
public protocol PeriodicBasis: Sendable {
  associatedtype Element: SpectralScalar

  /// Points along each axis.
  var shape: [Int] { get }
  /// Real numbers in the kept coefficients.
  var coefficientCount: Int { get }
  /// Real numbers of scratch memory that transforms want.
  var scratchCount: Int { get }

  /// Values from coefficients.
  func synthesize(
    _ coefficients: UnsafePointer<Element>, into values: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>)

  /// The kept coefficients of values.
  func analyze(
    _ values: UnsafePointer<Element>, into coefficients: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>)

  /// The mean square of a function.
  func meanSquare(_ coefficients: UnsafePointer<Element>) -> Double

  /// The mean square of the difference of two.
  func meanSquare(_ coefficients: UnsafePointer<Element>, minus other: UnsafePointer<Element>) -> Double

  /// The mean square of the modes in the highest quarter, along any axis, of those kept.
  func highestMeanSquare(_ coefficients: UnsafePointer<Element>) -> Double
}

extension PeriodicAxis: PeriodicBasis {
  public var shape: [Int] { [count] }
  public var scratchCount: Int { spectrumCount }

  public func meanSquare(_ coefficients: UnsafePointer<Element>) -> Double {
    CoefficientKernels.energy(coefficients, count: coefficientCount, single: 1)
  }

  public func meanSquare(_ coefficients: UnsafePointer<Element>, minus other: UnsafePointer<Element>)
    -> Double
  {
    CoefficientKernels.energyOfDifference(coefficients, other, count: coefficientCount, single: 1)
  }

  public func highestMeanSquare(_ coefficients: UnsafePointer<Element>) -> Double {
    let first = (cutoff + 1) * 3 / 4
    return CoefficientKernels.energy(
      coefficients + 2 * first, count: coefficientCount - 2 * first, single: first == 0 ? 1 : 0)
  }
}
