// What is conserved, or known to fall, in two-dimensional flows.

import RealModule
import Spectral
import Tensors

/// Means over the domain of a flow with vorticity ω and velocity u.
public struct VorticityQuantities: Sendable, Hashable {
  /// ½|u|².
  public var energy: Double
  /// ½ω².
  public var enstrophy: Double
  /// ½|∇ω|².
  public var palinstrophy: Double
  /// The energy of the modes with κ ≤ |k| < κ + 1, k the integer wavevector; its sum over κ is the energy.
  public var spectrum: [Double]
}

extension VorticityQuantities {
  /// Wavenumbers of the spectrum on `[y, x]` points: all that they resolve (of an even number, the Nyquist mode has no
  /// phase and is left out).
  static func wavenumberCount(shape: [Int]) -> Int {
    Int(Double(shape.reduce(0) { $0 + ($1 - 1) / 2 * (($1 - 1) / 2) }).squareRoot()) + 1
  }

  /// Of a vorticity `[y, x]` on a periodic grid of these lengths, by its Fourier coefficients.
  public init(of vorticity: Tensor<Double>, lengths: [Double]) {
    precondition(vorticity.rank == 2 && lengths.count == 2, "a plane flow")
    let shape = vorticity.shape
    let box = PeriodicBox<Double>(shape: shape, cutoffs: shape.map { ($0 - 1) / 2 })
    let coefficients = AlignedMemory<Double>(count: box.coefficientCount)
    let scratch = AlignedMemory<Double>(count: box.scratchCount)
    let values = AlignedMemory<Double>(count: vorticity.count)
    vorticity.withUnsafeBuffer { source in
      guard let source = source.baseAddress else { return }
      CoefficientKernels.convert(source, to: values.pointer, count: vorticity.count)
    }
    box.analyze(values.pointer, into: coefficients.pointer, scratch: scratch.pointer)
    var result = VorticityQuantities(
      energy: 0, enstrophy: 0, palinstrophy: 0,
      spectrum: [Double](repeating: 0, count: Self.wavenumberCount(shape: shape)))
    var mode = 0
    for ky in box.wavenumbers[0] {
      for kx in box.wavenumbers[1] {
        let (real, imaginary) = (coefficients.pointer[2 * mode], coefficients.pointer[2 * mode + 1])
        let enstrophy = (ky == 0 ? 0.5 : 1) * (real * real + imaginary * imaginary)
        let (y, x) = (2 * Double.pi * Double(ky) / lengths[0], 2 * Double.pi * Double(kx) / lengths[1])
        let square = x * x + y * y
        result.enstrophy += enstrophy
        result.palinstrophy += square * enstrophy
        if square > 0 {
          result.energy += enstrophy / square
          result.spectrum[Int(Double(ky * ky + kx * kx).squareRoot())] += enstrophy / square
        }
        mode += 1
      }
    }
    self = result
  }
}
