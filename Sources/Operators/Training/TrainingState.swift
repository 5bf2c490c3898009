// All that a run must know, besides numbers in tensors, to go on as if it had never stopped.

import Spectral

/// One finished epoch: a line of `history.csv`.
public struct EpochRecord: Codable, Sendable, Hashable {
  /// Counted from one.
  public var epoch: Int
  /// Of the epoch's last step.
  public var learningRate: Double
  /// The mean over the epoch's samples, each at the step that used it.
  public var trainingLoss: Double
  public var validationLoss: Double?
  /// What the epoch took, validation included.
  public var seconds: Double
  /// Of the training steps alone.
  public var samplesPerSecond: Double
}

/// Where a run is and what it has seen.
public struct TrainingState: Codable, Sendable, Equatable {
  /// The next step.
  public var position = TrainingPosition()
  /// Of the steps of the current epoch that are done.
  public var partialEpoch = PartialEpoch()
  public var schedule = LearningRateSchedule.State()
  public var best: Best?
  public var history: [EpochRecord] = []
  /// What the position means only with.
  public var configuration: TrainingConfiguration
  public var sampleCount: Int
  public var optimizerStepCounts: [Int] = []
  public var plans: TransformPlans?
  /// The modes in use, where they grow.
  public var activeModes: [Int]?

  public struct PartialEpoch: Codable, Sendable, Equatable {
    /// Losses of the batches, each times its samples.
    public var lossSum = 0.0
    public var samples = 0
    public var trainingSeconds = 0.0
    public var learningRate = 0.0
  }

  public struct Best: Codable, Sendable, Equatable {
    /// Counted from one.
    public var epoch: Int
    public var validationLoss: Double
  }

  /// How Fourier transforms were planned: the same plans give the same bits.
  public struct TransformPlans: Codable, Sendable, Equatable {
    public var effort: FFTPlanner.Effort
    public var wisdom: FFTPlanner.Wisdom

    /// Those of this process.
    static var current: TransformPlans {
      TransformPlans(effort: FFTPlanner.effort, wisdom: FFTPlanner.wisdom)
    }

    /// Plans as the run that stored this did. False where the wisdom is not that of this FFTW.
    func takeUp() -> Bool {
      FFTPlanner.effort = effort
      guard !wisdom.float32.isEmpty || !wisdom.float64.isEmpty else { return true }
      return FFTPlanner.replaceWisdom(with: wisdom)
    }
  }
}

/// Why training ended before its time.
public enum TrainingError: Error, Equatable, CustomStringConvertible {
  public enum Quantity: String, Sendable {
    case loss
    case gradient
    case validationLoss = "validation loss"
  }

  /// Epoch and step are counted from one. `checkpoint` is the last good one.
  case notFinite(Quantity, epoch: Int, step: Int, learningRate: Double, checkpoint: String?)
  /// The checkpoint's position means something else in this run.
  case cannotResume(file: String, setting: String, stored: String, given: String)
  case noSamples
  /// A sample's target is zero everywhere, and the loss is relative to it.
  case zeroTarget(epoch: Int, step: Int)

  public var description: String {
    switch self {
    case .notFinite(let quantity, let epoch, let step, let learningRate, let checkpoint):
      "the \(quantity.rawValue) is not finite in epoch \(epoch), step \(step), at learning rate \(learningRate)"
        + (checkpoint.map { "; the last good checkpoint is \($0)" } ?? "")
    case .cannotResume(let file, let setting, let stored, let given):
      "\(file): was made with \(setting) \(stored), which cannot be continued with \(given)"
    case .zeroTarget(let epoch, let step):
      "a target in epoch \(epoch), step \(step) is zero everywhere, and no error is relative to that: "
        + "leave the sample out, or train with the loss mse"
    case .noSamples:
      "there are no samples to train on"
    }
  }
}
