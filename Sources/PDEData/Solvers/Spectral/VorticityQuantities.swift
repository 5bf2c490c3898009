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

extension VorticityTransport {
  /// The quantities of the kept modes of a vorticity on the grid.
  public func quantities(of vorticity: Tensor<Double>) -> VorticityQuantities {
    precondition(vorticity.shape == box.shape, "\(vorticity.shape) on a grid of \(box.shape)")
    let box = PeriodicBox<Double>(shape: box.shape, cutoffs: box.cutoffs)
    let values = AlignedMemory<Double>(count: vorticity.count)
    let coefficients = AlignedMemory<Double>(count: box.coefficientCount)
    let scratch = AlignedMemory<Double>(count: box.scratchCount)
    vorticity.withUnsafeBuffer { source in
      guard let source = source.baseAddress else { return }
      CoefficientKernels.convert(source, to: values.pointer, count: vorticity.count)
    }
    box.analyze(values.pointer, into: coefficients.pointer, scratch: scratch.pointer)
    let largest = box.cutoffs.reduce(0) { $0 + $1 * $1 }
    var result = VorticityQuantities(
      energy: 0, enstrophy: 0, palinstrophy: 0,
      spectrum: [Double](repeating: 0, count: Int(Double(largest).squareRoot()) + 1))
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
    return result
  }
}
