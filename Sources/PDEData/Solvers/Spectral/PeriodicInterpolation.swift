// A periodic function on more points.

import Spectral
import Tensors

/// Trigonometric interpolation from n to m > n points of a periodic axis; of an even n the Nyquist mode, of which n
/// points tell no phase, is left out.
public struct PeriodicInterpolation: Sendable {
  private let coarse: PeriodicAxis<Double>
  private let fine: PeriodicAxis<Double>

  public init(from count: Int, to fineCount: Int) {
    precondition(fineCount >= count && count >= 1, "from \(count) to \(fineCount) points")
    coarse = PeriodicAxis(count: count, cutoff: (count - 1) / 2)
    fine = PeriodicAxis(count: fineCount, cutoff: coarse.cutoff)
  }

  public func callAsFunction(_ values: Tensor<Double>) -> Tensor<Double> {
    precondition(values.count == coarse.count, "\(values.count) values of \(coarse.count)")
    let coefficients = AlignedMemory<Double>(count: coarse.coefficientCount)
    let scratch = AlignedMemory<Double>(count: fine.spectrumCount)
    var result = Tensor<Double>(uninitialized: [fine.count])
    result.withUnsafeMutableBuffer { target in
      values.withUnsafeBuffer { source in
        guard let source = source.baseAddress, let target = target.baseAddress else { return }
        coarse.analyze(source, into: coefficients.pointer, scratch: scratch.pointer)
        fine.synthesize(coefficients.pointer, into: target, scratch: scratch.pointer)
      }
    }
    return result
  }
}
