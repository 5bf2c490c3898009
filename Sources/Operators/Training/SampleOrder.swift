// Which samples a step sees, and which are never trained on.

import Tensors

/// The order of samples: a function of (seed, epoch), so that any epoch can be entered anywhere.
public enum SampleOrder {
  /// The batches of an epoch, counted from zero: every sample once; the last batch has what is left.
  public static func batches(sampleCount: Int, batchSize: Int, seed: UInt64, epoch: Int) -> [[Int]] {
    let order = shuffledIndices(count: sampleCount, seed: seed, epoch: epoch)
    return stride(from: 0, to: sampleCount, by: batchSize).map {
      Array(order[$0..<min($0 + batchSize, sampleCount)])
    }
  }

  /// Holds out `fraction` of the samples, chosen at random, for validation: at least one where the fraction is
  /// not zero, and never all. Both parts are in ascending order.
  public static func split(
    sampleCount: Int, validationFraction: Double, seed: UInt64
  ) -> (training: [Int], validation: [Int]) {
    let wanted = Int((Double(sampleCount) * validationFraction).rounded())
    let count = validationFraction > 0 ? min(max(wanted, 1), sampleCount - 1) : 0
    // No epoch has the number −1: the choice is independent of every order.
    let order = shuffledIndices(count: sampleCount, seed: seed, epoch: -1)
    return (order.dropFirst(max(count, 0)).sorted(), order.prefix(max(count, 0)).sorted())
  }
}
