// How the learning rate changes while training goes on.

import RealModule

/// Where training is, in whole epochs and steps of the current one, both counted from zero.
public struct TrainingPosition: Codable, Sendable, Hashable {
  public var epoch: Int
  public var step: Int

  public init(epoch: Int = 0, step: Int = 0) {
    self.epoch = epoch
    self.step = step
  }
}

/// The learning rate as a function of the position: a course over the epochs, after a linear warm-up where one is
/// wanted.
///
/// A value; the one course that looks at losses keeps what it saw in ``State``, which checkpoints hold.
public struct LearningRateSchedule: Codable, Sendable, Hashable {
  public enum Course: Codable, Sendable, Hashable {
    case constant
    /// `η_T + (η − η_T)(1 + cos πt/T)/2` with t the epochs since the warm-up and T all there are: to `finalValue`
    /// at the end of the last. As `torch.optim.lr_scheduler.CosineAnnealingLR`, stepped as `updates` says.
    case cosine(finalValue: Double = 0, updates: Updates = .everyEpoch)
    /// Times `factor` after every `size` epochs, as `StepLR`.
    case step(size: Int, factor: Double)
    /// Times `factor`, but never below `minimum`, when for more than `patience` epochs in a row the loss was not
    /// below the best one by the part `threshold`, as `ReduceLROnPlateau`.
    case plateau(factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4, minimum: Double = 0)
  }

  public enum Updates: String, Codable, Sendable, CaseIterable {
    case everyEpoch
    case everyStep
  }

  /// From `startFactor` times the learning rate to all of it, linearly over `epochs` (a fraction is allowed),
  /// updated every step; as `LinearLR` stepped with the batches. The course begins when it is over.
  public struct WarmUp: Codable, Sendable, Hashable {
    public var epochs: Double
    public var startFactor: Double

    public init(epochs: Double, startFactor: Double = 0.01) {
      self.epochs = epochs
      self.startFactor = startFactor
    }
  }

  /// What a plateau schedule has seen.
  public struct State: Codable, Sendable, Hashable {
    var bestLoss: Double?
    var epochsWithoutImprovement = 0
    /// Reductions so far.
    var reductions = 0

    public init() {}
  }

  public var course: Course
  public var warmUp: WarmUp?

  public init(_ course: Course = .cosine(), warmUp: WarmUp? = nil) {
    self.course = course
    self.warmUp = warmUp
  }

  /// The learning rate of the step at `position`.
  ///
  /// - Parameters:
  ///   - base: The learning rate that the schedule scales.
  ///   - epochs: How many there are in all.
  ///   - stepsPerEpoch: How many steps an epoch has.
  public func learningRate(
    base: Double, at position: TrainingPosition, epochs: Int, stepsPerEpoch: Int, state: State = State()
  ) -> Double {
    let now = Double(position.epoch) + Double(position.step) / Double(max(stepsPerEpoch, 1))
    let warmUpEpochs = warmUp?.epochs ?? 0
    if let warmUp, now < warmUp.epochs {
      return base * (warmUp.startFactor + (1 - warmUp.startFactor) * now / warmUp.epochs)
    }
    switch course {
    case .constant:
      return base
    case .cosine(let finalValue, let updates):
      let reached = (updates == .everyEpoch ? Double(position.epoch) : now) - warmUpEpochs
      let whole = max(Double(epochs) - warmUpEpochs, .leastNonzeroMagnitude)
      let part = min(max(reached / whole, 0), 1)
      return finalValue + (base - finalValue) * (1 + Double.cos(.pi * part)) / 2
    case .step(let size, let factor):
      let passed = max(Double(position.epoch) - warmUpEpochs, 0)
      return base * Double.pow(factor, Int(passed) / max(size, 1))
    case .plateau(let factor, _, _, let minimum):
      return max(base * Double.pow(factor, state.reductions), min(minimum, base))
    }
  }

  /// Tells a plateau schedule the loss at the end of an epoch: the validation loss, or without one the training
  /// loss.
  public func observe(loss: Double, state: inout State) {
    guard case .plateau(_, let patience, let threshold, _) = course else { return }
    if state.bestLoss.map({ loss < $0 * (1 - threshold) }) ?? true {
      state.bestLoss = loss
      state.epochsWithoutImprovement = 0
      return
    }
    state.epochsWithoutImprovement += 1
    guard state.epochsWithoutImprovement > patience else { return }
    state.reductions += 1
    state.epochsWithoutImprovement = 0
  }
}

extension LearningRateSchedule {
  /// What is wrong with the settings; nil where nothing is.
  public var problem: ConfigurationError? {
    if let warmUp, !(warmUp.epochs >= 0 && warmUp.epochs.isFinite && (0...1).contains(warmUp.startFactor)) {
      return ConfigurationError(key: "warm_up", reason: "0 or more epochs from a factor between 0 and 1")
    }
    switch course {
    case .step(let size, let factor) where size < 1 || !(factor > 0):
      return ConfigurationError(key: "schedule", reason: "steps of at least 1 epoch and a positive factor")
    case .plateau(let factor, let patience, _, let minimum)
    where !(0..<1).contains(factor) || patience < 0 || !(minimum >= 0):
      return ConfigurationError(
        key: "schedule", reason: "a factor from 0 to below 1, and patience and minimum of 0 or more")
    case .cosine(let finalValue, _) where !(finalValue >= 0):
      return ConfigurationError(key: "schedule", reason: "a final value of 0 or more")
    default:
      return nil
    }
  }
}
