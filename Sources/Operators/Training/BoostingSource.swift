// What a member of an ensemble is trained on: another source's samples with what earlier members make of them.

import Tensors

/// Samples with an earlier prediction of their targets.
///
/// For training, inputs `[x, prediction]` and the targets themselves: the member's output is added to the prediction
/// (see ``NormalizedOperator/earlier``), so that losses are those of the sum. For statistics and bases, what the member
/// itself sees and gives: residuals as targets.
public struct BoostingSource<Element: Scalar>: BatchSource {
  public enum Purpose: Sendable {
    case training
    case statistics(seesPrediction: Bool)
  }

  private let base: any BatchSource<Element>
  /// `[sample, channel, …grid]`, in the order of the base.
  private let predictions: Tensor<Element>
  private let purpose: Purpose

  public init(_ base: any BatchSource<Element>, predictions: Tensor<Element>, for purpose: Purpose) {
    precondition(predictions.shape[0] == base.sampleCount, "a prediction for every sample")
    self.base = base
    self.predictions = predictions
    self.purpose = purpose
  }

  public var sampleCount: Int { base.sampleCount }
  public var positions: GridPositions { base.positions }
  public var targetPositions: GridPositions { base.targetPositions }
  public var grid: Grid { base.grid }

  public func batch(_ indices: [Int]) throws -> Batch<Element> {
    var batch = try base.batch(indices)
    let earlier = gather(predictions, indices)
    switch purpose {
    case .training:
      batch.input = Self.joined(batch.input, earlier)
    case .statistics(let seesPrediction):
      if seesPrediction { batch.input = Self.joined(batch.input, earlier) }
      let (target, prediction) = (batch.target.values, earlier.values)
      batch.target = Tensor(zip(target, prediction).map { $0 - $1 }, shape: earlier.shape)
    }
    return batch
  }

  /// Channels one after the other, without the worker pool: see ``BatchSource/batch(_:)``.
  private static func joined(_ first: Tensor<Element>, _ second: Tensor<Element>) -> Tensor<Element> {
    let samples = first.shape[0]
    var result = Tensor<Element>(
      uninitialized: [samples, first.shape[1] + second.shape[1]] + first.shape[2...])
    let (a, b) = (first.count / max(samples, 1), second.count / max(samples, 1))
    let (x, y, target) = (first.unsafePointer, second.unsafePointer, result.unsafeMutablePointer())
    for sample in 0..<samples {
      let place = target + sample * (a + b)
      place.update(from: x + sample * a, count: a)
      (place + a).update(from: y + sample * b, count: b)
    }
    withExtendedLifetime((first, second)) {}
    return result
  }
}
