// Real functions on a periodic axis and their Fourier coefficients.

import Spectral
import Tensors

/// Transforms of one axis of n points between values and the coefficients û_k, k = 0…K (pairs of real and imaginary
/// part), u(x_j) = Σ_k û_k e^{2πikj/n} over −K…K. Modes above K are zero.
public struct PeriodicAxis<Element: SpectralScalar>: Sendable {
  public let count: Int
  /// K.
  public let cutoff: Int
  private let forward: FFTPlan<Element>
  private let inverse: FFTPlan<Element>

  public init(count: Int, cutoff: Int) {
    precondition(cutoff >= 0 && 2 * cutoff < count, "\(count) points do not resolve wavenumber \(cutoff)")
    self.count = count
    self.cutoff = cutoff
    let geometry = TransformGeometry(axes: [.init(count: count, inputStride: 1, outputStride: 1)])
    forward = FFTPlan.shared(.realToComplex, geometry)
    inverse = FFTPlan.shared(.complexToReal, geometry)
  }

  /// Real numbers in the kept coefficients.
  public var coefficientCount: Int { 2 * (cutoff + 1) }

  /// Real numbers in the whole halved spectrum, the scratch memory that the transforms want.
  public var spectrumCount: Int { 2 * (count / 2 + 1) }

  /// Values from coefficients.
  public func synthesize(
    _ coefficients: UnsafePointer<Element>, into values: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    CoefficientKernels.copy(coefficients, to: scratch, count: coefficientCount, paddedTo: spectrumCount)
    inverse.execute(scratch, values)
  }

  /// n·û, the whole halved spectrum.
  public func transform(
    _ values: UnsafePointer<Element>, into spectrum: UnsafeMutablePointer<Element>
  ) {
    forward.execute(values, spectrum)
  }

  /// The kept coefficients of values.
  public func analyze(
    _ values: UnsafePointer<Element>, into coefficients: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    forward.execute(values, scratch)
    CoefficientKernels.scale(scratch, by: 1 / Element(count), to: coefficients, count: coefficientCount)
    coefficients[1] = 0
  }
}
