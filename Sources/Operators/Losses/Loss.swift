// What training makes small.

import Autodiff
import Tensors

/// The distance of predictions from targets, of raw (de-normalized) fields.
public enum Loss: String, Codable, Sendable, CaseIterable {
  /// The mean over samples of `‖p − t‖₂ / ‖t‖₂`, norms over all channels and points.
  case relativeL2 = "relative_l2"
  /// The mean of `(p − t)²` over samples, channels and points.
  case meanSquaredError = "mse"

  /// The loss of a batch as a scalar on the tape.
  public func callAsFunction<Element: Scalar>(
    _ prediction: consuming Variable<Element>, _ target: Tensor<Element>, on tape: Tape<Element>
  ) -> Variable<Element> {
    switch self {
    case .relativeL2: tape.relativeL2(prediction, target)
    case .meanSquaredError: tape.meanSquaredError(prediction, target)
    }
  }

  /// The loss of every sample, summed in double precision; its mean is what ``callAsFunction(_:_:on:)`` gives up to
  /// rounding.
  public func perSample<Element: Scalar>(
    _ prediction: Tensor<Element>, _ target: Tensor<Element>
  ) -> [Double] {
    precondition(prediction.shape == target.shape, "a prediction has its target's shape")
    let samples = prediction.shape[0]
    let count = prediction.count / max(samples, 1)
    let losses = AlignedMemory<Double>(count: samples)
    let (p, t, results) = (prediction.unsafePointer, target.unsafePointer, losses.pointer)
    WorkerPool.shared.run(tasks: samples) { sample in
      let (first, second) = (p + sample * count, t + sample * count)
      let squares = Reductions.sumOfSquaredDifferences(first, second, count: count)
      results[sample] =
        switch self {
        case .relativeL2: (squares / Reductions.sumOfSquares(second, count: count)).squareRoot()
        case .meanSquaredError: squares / Double(count)
        }
    }
    withExtendedLifetime((prediction, target)) {}
    return Array(losses.buffer)
  }
}
