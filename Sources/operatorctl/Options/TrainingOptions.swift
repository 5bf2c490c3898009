// Options that describe data and training: those of `train`.

import ArgumentParser
import Experiments

struct TrainingOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The dataset to train on.", valueName: "file"))
  var data: String?

  @Option(help: ArgumentHelp("A dataset to choose the best epoch on.", valueName: "file"))
  var validation: String?

  @Option(
    help: ArgumentHelp(
      "Part of the training samples held out for that, without --validation (default: 0.1).",
      valueName: "part"))
  var validationFraction: Double?

  @Option(
    help: ArgumentHelp("Memory for samples; more are read as they are used (default: 4000).", valueName: "MB")
  )
  var memoryLimitMb: Double?

  @Option(help: ArgumentHelp("Passes over the data (default: 100).", valueName: "n"))
  var epochs: Int?

  @Option(help: ArgumentHelp("Samples a step (default: 20).", valueName: "n"))
  var batchSize: Int?

  @Option(
    help: ArgumentHelp(
      "relative_l2 (default), mse, relative_h1, relative_h1_spectral or relative_sobolev.", valueName: "kind")
  )
  var loss: String?

  @Option(help: ArgumentHelp("adam (default: decay added to the gradient), adamw or sgd.", valueName: "kind"))
  var optimizer: String?

  @Option(
    help: ArgumentHelp("The learning rate that the schedule begins with (default: 1e-3).", valueName: "rate"))
  var learningRate: Double?

  @Option(help: ArgumentHelp("Decay of the weights (default: 1e-4).", valueName: "rate"))
  var weightDecay: Double?

  @Option(help: ArgumentHelp("constant, cosine (default), step or plateau.", valueName: "kind"))
  var schedule: String?

  @Option(help: ArgumentHelp("Epochs of linear growth of the learning rate.", valueName: "n"))
  var warmupEpochs: Double?

  @Option(help: ArgumentHelp("The largest norm of the gradient.", valueName: "norm"))
  var gradientClip: Double?

  @Option(help: ArgumentHelp("gaussian (default), pointwise_gaussian, min_max or none.", valueName: "kind"))
  var inputNormalization: String?

  @Option(help: ArgumentHelp("The same of the outputs.", valueName: "kind"))
  var outputNormalization: String?

  @Option(
    help: ArgumentHelp(
      "Step through the times of the outputs, so many at once in training, 0 for all.", valueName: "steps"))
  var rollout: Int?

  @Option(help: ArgumentHelp("Of initial parameters and the order of samples (default: 0).", valueName: "n"))
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("A model to begin with: a run folder or a .safetensors file.", valueName: "model"))
  var initializeFrom: String?

  @Flag(inversion: .prefixedNo, help: "Plan Fourier transforms by rule, not by measurement.")
  var deterministic: Bool?

  @Option(
    help: ArgumentHelp(
      "normal (default), or low: activations are computed again on the way back.", valueName: "use"))
  var memory: String?

  /// Puts what was given over a configuration.
  func apply(to document: inout ConfigurationDocument) throws {
    func set(_ key: String, _ value: (some Encodable)?, _ option: String) throws {
      if let value { try document.set(key, to: value, origin: "--\(option)") }
    }
    try set("data.train", data, "data")
    try set("data.validation", validation, "validation")
    try set("data.validation_fraction", validationFraction, "validation-fraction")
    try set("data.memory_limit_mb", memoryLimitMb, "memory-limit-mb")
    try set("training.epochs", epochs, "epochs")
    try set("training.batch_size", batchSize, "batch-size")
    try set("training.loss", loss, "loss")
    try set("training.optimizer", optimizer, "optimizer")
    try set("training.learning_rate", learningRate, "learning-rate")
    try set("training.weight_decay", weightDecay, "weight-decay")
    try set("training.schedule", schedule, "schedule")
    try set("training.warmup_epochs", warmupEpochs, "warmup-epochs")
    try set("training.gradient_clip", gradientClip, "gradient-clip")
    try set("training.input_normalization", inputNormalization, "input-normalization")
    try set("training.output_normalization", outputNormalization, "output-normalization")
    try set("training.rollout", rollout, "rollout")
    try set("training.seed", seed, "seed")
    try set("training.initialize_from", initializeFrom, "initialize-from")
    try set("training.deterministic", deterministic, "deterministic")
    try set("training.memory", memory, "memory")
  }
}
