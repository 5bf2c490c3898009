// A periodic function on more points.

import Spectral
import Tensors

/// Trigonometric interpolation from n to m ≥ n points along each axis of a periodic grid; of an even n the Nyquist mode,
/// of which n points tell no phase, is left out.
public struct PeriodicInterpolation: Sendable {
  private let coarse: PeriodicBox<Double>
  private let fine: PeriodicBox<Double>

  public init(from shape: [Int], to fineShape: [Int]) {
    precondition(
      shape.count == fineShape.count && zip(shape, fineShape).allSatisfy { $0 >= 1 && $1 >= $0 },
      "from \(shape) to \(fineShape) points")
    coarse = PeriodicBox(shape: shape, cutoffs: shape.map { ($0 - 1) / 2 })
    fine = PeriodicBox(shape: fineShape, cutoffs: coarse.cutoffs)
  }

  public func callAsFunction(_ values: Tensor<Double>) -> Tensor<Double> {
    precondition(values.shape == coarse.shape, "\(values.shape) values of \(coarse.shape)")
    let coefficients = AlignedMemory<Double>(count: coarse.coefficientCount)
    let scratch = AlignedMemory<Double>(count: fine.scratchCount)
    var result = Tensor<Double>(uninitialized: fine.shape)
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
