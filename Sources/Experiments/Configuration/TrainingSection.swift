// The section `training` of an experiment: the optimizer, its schedule, the loss, normalization, seeds.

import Operators

/// How an operator is trained. Every value has a default.
public struct TrainingSection: Codable, Sendable, Equatable {
  /// The course of the learning rate.
  public enum Schedule: String, Codable, Sendable, CaseIterable {
    case constant, cosine, step, plateau
  }

  /// How often a cosine schedule sets the learning rate.
  public enum Updates: String, Codable, Sendable, CaseIterable {
    case everyEpoch = "every_epoch"
    case everyStep = "every_step"
  }

  /// What is kept of a step for its way back.
  public typealias Memory = TrainingConfiguration.Memory

  public var epochs = 100
  public var batchSize = 20
  public var loss = Loss.relativeL2
  public var optimizer = OptimizerConfiguration.Rule.adam
  public var learningRate = 1e-3
  public var weightDecay = 1e-4
  public var beta1 = 0.9
  public var beta2 = 0.999
  public var epsilon = 1e-8
  /// Of `sgd`.
  public var momentum = 0.9
  public var nesterov = false
  public var schedule = Schedule.cosine
  public var scheduleUpdates = Updates.everyEpoch
  /// Epochs between two reductions of `step`.
  public var schedulePeriod = 100
  /// What `step` and `plateau` multiply the learning rate by.
  public var scheduleFactor = 0.5
  /// Epochs without progress that `plateau` waits for.
  public var schedulePatience = 10
  /// The learning rate that `cosine` ends with and `plateau` does not go below.
  public var finalLearningRate = 0.0
  /// Epochs of linear growth before the schedule begins.
  public var warmupEpochs = 0.0
  /// The largest norm of all gradients; nil: no limit.
  public var gradientClip: Double?
  public var inputNormalization = Normalizer.Kind.gaussian
  public var outputNormalization = Normalizer.Kind.gaussian
  /// Where outputs are the times that follow those of the inputs: the operator gives one time and is applied again and
  /// again, in training so many times from every window of the data, 0 for all; nil: it gives all times at once.
  public var rollout: Int?
  /// Of initial parameters, the order of samples and the choice of validation samples.
  public var seed: UInt64 = 0
  /// Seconds between two checkpoints.
  public var checkpointInterval = 10.0
  /// Whether Fourier transforms are planned by rule instead of by measurement.
  public var deterministic = false
  /// Whether activations that are cheap to compute are computed again on the way back, to save memory.
  public var memory = Memory.normal
  /// How modes come into use while training; nil: all from the beginning.
  public var incrementalModes: ModeGrowth?
  /// A model (run folder or file) to begin with instead of random parameters.
  public var initializeFrom: String?

  public init() {}

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    epochs = try values.decode(.epochs, default: epochs)
    batchSize = try values.decode(.batchSize, default: batchSize)
    loss = try values.decode(.loss, default: loss)
    optimizer = try values.decode(.optimizer, default: optimizer)
    learningRate = try values.decode(.learningRate, default: learningRate)
    weightDecay = try values.decode(.weightDecay, default: weightDecay)
    beta1 = try values.decode(.beta1, default: beta1)
    beta2 = try values.decode(.beta2, default: beta2)
    epsilon = try values.decode(.epsilon, default: epsilon)
    momentum = try values.decode(.momentum, default: momentum)
    nesterov = try values.decode(.nesterov, default: nesterov)
    schedule = try values.decode(.schedule, default: schedule)
    scheduleUpdates = try values.decode(.scheduleUpdates, default: scheduleUpdates)
    schedulePeriod = try values.decode(.schedulePeriod, default: schedulePeriod)
    scheduleFactor = try values.decode(.scheduleFactor, default: scheduleFactor)
    schedulePatience = try values.decode(.schedulePatience, default: schedulePatience)
    finalLearningRate = try values.decode(.finalLearningRate, default: finalLearningRate)
    warmupEpochs = try values.decode(.warmupEpochs, default: warmupEpochs)
    gradientClip = try values.decodeIfPresent(Double.self, forKey: .gradientClip)
    inputNormalization = try values.decode(.inputNormalization, default: inputNormalization)
    outputNormalization = try values.decode(.outputNormalization, default: outputNormalization)
    rollout = try values.decodeIfPresent(Int.self, forKey: .rollout)
    seed = try values.decode(.seed, default: seed)
    checkpointInterval = try values.decode(.checkpointInterval, default: checkpointInterval)
    deterministic = try values.decode(.deterministic, default: deterministic)
    memory = try values.decode(.memory, default: memory)
    incrementalModes = try values.decodeIfPresent(ModeGrowth.self, forKey: .incrementalModes)
    initializeFrom = try values.decodeIfPresent(String.self, forKey: .initializeFrom)
  }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case epochs
    case batchSize = "batch_size"
    case loss, optimizer
    case learningRate = "learning_rate"
    case weightDecay = "weight_decay"
    case beta1, beta2, epsilon, momentum, nesterov, schedule
    case scheduleUpdates = "schedule_updates"
    case schedulePeriod = "schedule_period"
    case scheduleFactor = "schedule_factor"
    case schedulePatience = "schedule_patience"
    case finalLearningRate = "final_learning_rate"
    case warmupEpochs = "warmup_epochs"
    case gradientClip = "gradient_clip"
    case inputNormalization = "input_normalization"
    case outputNormalization = "output_normalization"
    case rollout, seed
    case checkpointInterval = "checkpoint_interval"
    case deterministic, memory
    case incrementalModes = "incremental_modes"
    case initializeFrom = "initialize_from"
  }

  /// The settings of the training loop.
  var configuration: TrainingConfiguration {
    let updates: LearningRateSchedule.Updates = scheduleUpdates == .everyEpoch ? .everyEpoch : .everyStep
    let course: LearningRateSchedule.Course =
      switch schedule {
      case .constant: .constant
      case .cosine: .cosine(finalValue: finalLearningRate, updates: updates)
      case .step: .step(size: schedulePeriod, factor: scheduleFactor)
      case .plateau:
        .plateau(factor: scheduleFactor, patience: schedulePatience, minimum: finalLearningRate)
      }
    return TrainingConfiguration(
      epochs: epochs, batchSize: batchSize,
      optimizer: OptimizerConfiguration(
        rule: optimizer, learningRate: learningRate, weightDecay: weightDecay, beta1: beta1, beta2: beta2,
        epsilon: epsilon, momentum: momentum, nesterov: nesterov),
      schedule: LearningRateSchedule(course, warmUp: warmupEpochs == 0 ? nil : .init(epochs: warmupEpochs)),
      loss: loss, gradientClip: gradientClip, seed: seed, checkpointInterval: checkpointInterval,
      modeGrowth: incrementalModes, memory: memory)
  }
}
