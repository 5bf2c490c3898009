// What a run tells of itself while it goes on.

/// Where a run is after a step.
public struct TrainingProgress: Sendable {
  /// Counted from one.
  public var epoch: Int
  public var epochs: Int
  /// Steps of this epoch that are done.
  public var step: Int
  public var stepsPerEpoch: Int
  public var learningRate: Double
  /// Of this step.
  public var loss: Double
  /// The mean over the samples of this epoch so far.
  public var meanLoss: Double
  /// Of the epochs before.
  public var validationLoss: Double?
  public var bestValidationLoss: Double?
  /// The Euclidean norm of all gradients, before clipping.
  public var gradientNorm: Double
  /// Of this session, validation and checkpoints included.
  public var samplesPerSecond: Double
  /// Until the last epoch's end, at the speed of this session.
  public var secondsRemaining: Double
}

/// What happens in a run, for whoever shows it.
public enum TrainingEvent: Sendable {
  case step(TrainingProgress)
  /// An epoch of so many is over; `isBest` where its model is the one to keep.
  case epoch(EpochRecord, of: Int, isBest: Bool)
  case checkpoint(path: String)
  /// Something of interest in the course of the run.
  case note(String)
  /// More modes are in use from now on: how many along each axis.
  case modes([Int])
  /// Something the user should know that is no error.
  case warning(String)
}

/// How a run ended.
public enum TrainingOutcome: Sendable, Equatable {
  case finished
  /// On request; the checkpoint says where to go on.
  case stopped
}

/// The files of a run.
public struct TrainingFiles: Sendable {
  public var folder: String
  /// JSON of everything needed to build the model anew, for the checkpoints.
  public var configuration: String

  public init(folder: String, configuration: String) {
    self.folder = folder
    self.configuration = configuration
  }

  /// The best model on validation; without validation, that of the last epoch.
  public var model: String { "\(folder)/model.safetensors" }
  /// The latest state, to go on from.
  public var checkpoint: String { "\(folder)/checkpoint.safetensors" }
  public var history: String { "\(folder)/history.csv" }
}
