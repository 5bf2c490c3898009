// What a training run is, apart from the model and the data.

import Tensors

/// The settings of a training run.
public struct TrainingConfiguration: Codable, Sendable, Hashable {
  /// What is kept of a step for its way back.
  public enum Memory: String, Codable, Sendable, CaseIterable {
    /// Whatever is quicker kept than computed again.
    case normal
    /// Less: what is cheap is computed again, and what is not needed for the moment goes back to the system: the
    /// memory of gradients on the way forward, that of what the way forward kept on the way back.
    case low

    /// Makes the process keep no more memory than this.
    public func apply() { BufferPool.shared.limitCache(to: self == .low ? 64 << 20 : .max) }
  }

  public var epochs: Int
  /// Samples a step; the last batch of an epoch has what is left.
  public var batchSize: Int
  public var optimizer: OptimizerConfiguration
  public var schedule: LearningRateSchedule
  public var loss: Loss
  /// The largest Euclidean norm of all gradients together; longer ones are scaled down to it.
  public var gradientClip: Double?
  /// Of the order of samples.
  public var seed: UInt64
  /// Seconds between two checkpoints, at least: so many that writing them takes no more than two percent of the
  /// time.
  public var checkpointInterval: Double
  /// How modes come into use; nil: all from the beginning.
  public var modeGrowth: ModeGrowth?
  /// How much memory a step takes. Results do not depend on it, and checkpoints do not hold it.
  public var memory = Memory.normal

  private enum CodingKeys: String, CodingKey {
    case epochs, batchSize, optimizer, schedule, loss, gradientClip, seed, checkpointInterval, modeGrowth
  }

  public init(
    epochs: Int = 100, batchSize: Int = 20, optimizer: OptimizerConfiguration = OptimizerConfiguration(),
    schedule: LearningRateSchedule = LearningRateSchedule(), loss: Loss = .relativeL2,
    gradientClip: Double? = nil, seed: UInt64 = 0, checkpointInterval: Double = 10,
    modeGrowth: ModeGrowth? = nil, memory: Memory = .normal
  ) {
    self.epochs = epochs
    self.batchSize = batchSize
    self.optimizer = optimizer
    self.schedule = schedule
    self.loss = loss
    self.gradientClip = gradientClip
    self.seed = seed
    self.checkpointInterval = checkpointInterval
    self.modeGrowth = modeGrowth
    self.memory = memory
  }
}

extension TrainingConfiguration {
  /// What is wrong with the settings; nil where nothing is.
  public var problem: ConfigurationError? {
    func check(_ isGood: Bool, _ key: String, _ reason: String) -> ConfigurationError? {
      isGood ? nil : ConfigurationError(key: key, reason: reason)
    }
    let rule = optimizer
    let optimizerProblem =
      check(epochs >= 1, "epochs", "at least 1, not \(epochs)")
      ?? check(batchSize >= 1, "batch_size", "at least 1, not \(batchSize)")
      ?? check(
        rule.learningRate > 0 && rule.learningRate.isFinite, "learning_rate",
        "a positive number, not \(rule.learningRate)")
      ?? check(
        rule.weightDecay >= 0 && rule.weightDecay.isFinite, "weight_decay",
        "0 or more, not \(rule.weightDecay)")
      ?? check((0..<1).contains(rule.beta1), "beta1", "from 0 to below 1, not \(rule.beta1)")
      ?? check((0..<1).contains(rule.beta2), "beta2", "from 0 to below 1, not \(rule.beta2)")
      ?? check(rule.epsilon > 0, "epsilon", "a positive number, not \(rule.epsilon)")
      ?? check(rule.momentum >= 0, "momentum", "0 or more, not \(rule.momentum)")
      ?? check(
        checkpointInterval >= 0 && checkpointInterval.isFinite, "checkpoint_interval",
        "seconds, 0 or more, not \(checkpointInterval)")
      ?? check(gradientClip.map { $0 > 0 } ?? true, "gradient_clip", "a positive number")
    return optimizerProblem ?? loss.problem ?? modeGrowth?.problem ?? schedule.problem
  }
}
