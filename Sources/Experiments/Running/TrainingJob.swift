// Training an operator on datasets: from an experiment to a run.

import Foundation
import Operators
import PDEData
import Spectral
import Tensors

/// One training run, checked and ready to start: data opened, every default of the experiment filled in.
///
/// ```swift
/// let job = try TrainingJob(experiment)
/// let result = try job.start(in: Run(folder: "runs/darcy")) { event in … }
/// ```
public final class TrainingJob {
  /// With every default filled in from the data.
  public let experiment: Experiment
  public let data: OperatorData
  /// What the user should know that is no error.
  public private(set) var warnings: [String] = []

  /// Where the operator steps through time, how.
  let rollout: RolloutLayout?
  private let validationData: OperatorData?
  private let split: (training: [Int], validation: [Int])

  /// What a finished or stopped run came to.
  public struct Result: Sendable {
    public let outcome: TrainingOutcome
    /// The epochs that are done.
    public let epochs: [EpochRecord]
    /// The epoch whose model is kept, and its validation loss where there is validation.
    public let best: (epoch: Int, validationLoss: Double?)?
    public let parameterCount: Int

    /// `{"epochs":…,"parameters":…,"training_loss":…,"best_epoch":…,"validation_loss":…,"seconds":…,
    /// "peak_memory_mb":…}`: the losses of the last and of the best epoch, the seconds of all epochs (of resumed runs
    /// too), the memory of this process.
    public var json: JSONValue {
      .object([
        ("epochs", .integer(epochs.count)), ("parameters", .integer(parameterCount)),
        ("training_loss", .real(epochs.last?.trainingLoss)),
        ("best_epoch", best.map { .integer($0.epoch) } ?? .null),
        ("validation_loss", .real(best?.validationLoss)),
        ("seconds", .real(epochs.reduce(0) { $0 + $1.seconds })),
        ("peak_memory_mb", .real(ProcessMemory.peakMegabytes)),
      ])
    }
  }

  /// Opens the data and checks that model and data fit. Nothing is written.
  ///
  /// - Throws: ``ExperimentError``, `DatasetError`.
  public init(_ experiment: Experiment) throws {
    var experiment = experiment
    let reader = try DatasetReader(path: experiment.data.train)
    let mapping = try Self.mapping(&experiment.data, reader)
    let separatesGrids = experiment.model.separatesGrids
    data = try OperatorData(reader, mapping, requiresOutputs: true, separatesGrids: separatesGrids)
    if let steps = experiment.training.rollout {
      rollout = try Self.rollout(steps, experiment, data)
    } else {
      rollout = nil
    }
    try experiment.model.check(data, rollout: rollout, statedBy: "the configuration")
    try experiment.model.adapt(to: data)
    if let rollout { experiment.model.channels = (rollout.inChannels, rollout.components) }
    if let problem = experiment.model.problem { throw ExperimentError(.invalidData, "model.\(problem)") }
    if case .ensemble = experiment.model { try Self.checkEnsemble(experiment.training) }
    if let coarse = experiment.model.coarseAxes(of: data.grid).first {
      throw ExperimentError(
        .invalidData,
        "\(reader.path): axis \(coarse.axis) has \(coarse.points) points, "
          + "model.\(coarse.key) needs at least \(coarse.needed)")
    }
    if let path = experiment.data.validation {
      let other = try OperatorData(
        DatasetReader(path: path), mapping, requiresOutputs: true, separatesGrids: separatesGrids)
      try experiment.model.check(other, rollout: rollout, statedBy: "the training data")
      validationData = other
      split = (data.samples, other.samples)
      if Provenance(reader)?.overlaps(other.reader) == true {
        warnings.append("\(path): holds samples that \(reader.path) holds too (same seed and sample numbers)")
      }
    } else {
      validationData = nil
      let parts = SampleOrder.split(
        sampleCount: data.samples.count, validationFraction: experiment.data.validationFraction,
        seed: experiment.training.seed)
      split = (
        parts.training.map { [data] in data.samples[$0] }, parts.validation.map { [data] in data.samples[$0] }
      )
      if experiment.data.validationFraction > 0, parts.validation.isEmpty {
        warnings.append("\(reader.path): a single sample leaves none for validation")
      }
    }
    if let problem = experiment.model.architecture.problem(trainingSamples: split.training.count) {
      throw ExperimentError(.invalidData, "model.\(problem)")
    }
    if let text = experiment.model.architecture.warning(grid: data.grid) {
      warnings.append("\(reader.path): \(text)")
    }
    for opened in [data, validationData].compactMap(\.self) where opened.skippedCount > 0 {
      warnings.append("\(opened.reader.path): \(opened.skippedCount) samples that are not whole are left out")
    }
    self.experiment = experiment
  }

  private static func rollout(
    _ steps: Int, _ experiment: Experiment, _ data: OperatorData
  ) throws -> RolloutLayout {
    func fail(_ key: String, _ reason: String) -> ExperimentError {
      ExperimentError(.invalidData, "training.\(key): \(reason)")
    }
    let layout = try RolloutLayout(data)
    guard (0...layout.steps).contains(steps) else {
      throw fail(
        "rollout", "expected 0 (all) to \(layout.steps) steps, as many as the data have, found \(steps)")
    }
    let (input, output) = (experiment.training.inputNormalization, experiment.training.outputNormalization)
    guard input == output, input != .pointwiseGaussian else {
      throw fail(
        "output_normalization",
        "expected the kind of the inputs' for a rollout, by channel: its outputs become inputs")
    }
    guard experiment.model.kind != .specBoost, experiment.model.kind != .podDeepONet else {
      throw fail("rollout", "expected a model of one time, which a \(experiment.model.kind.rawValue) is not")
    }
    return layout
  }

  /// Steps that are unrolled in training.
  private var rolloutSteps: Int {
    let steps = experiment.training.rollout ?? 0
    return steps == 0 ? rollout?.steps ?? 0 : steps
  }

  /// What a stepping operator is trained on: every window of so many steps.
  private func stepping(
    _ normalized: NormalizedOperator<Float>, _ training: any BatchSource<Float>
  ) -> (normalized: NormalizedOperator<Float>, source: any BatchSource<Float>)? {
    guard let rollout, let stepper = normalized.model as? RolloutOperator<Float> else { return nil }
    let limited = NormalizedOperator<Float>(
      stepper.limited(to: rolloutSteps), inputNormalizer: normalized.inputNormalizer,
      outputNormalizer: rollout.normalizer(normalized.outputNormalizer, limitedTo: rolloutSteps))
    return (limited, WindowSource(training, layout: rollout, steps: rolloutSteps))
  }

  private static func checkEnsemble(_ training: TrainingSection) throws {
    if training.initializeFrom != nil {
      throw ExperimentError(
        .invalidData,
        "training.initialize_from: an ensemble begins with no model; expected the first member's key run")
    }
    for (key, kind) in [("input", training.inputNormalization), ("output", training.outputNormalization)]
    where kind == .pointwiseGaussian {
      throw ExperimentError(
        .invalidData,
        "training.\(key)_normalization: members of an ensemble are normalized by channel, not point by point")
    }
  }

  /// Training and validation samples.
  public var sampleCounts: (training: Int, validation: Int) { (split.training.count, split.validation.count) }

  /// Trains.
  ///
  /// - Parameter policy: what to do where the run folder holds a run; ``ExistingOutput/resume`` goes on from its
  ///   checkpoint, or begins where there is none.
  /// - Returns: also after a stop on request, which leaves a checkpoint to resume from.
  public func start(
    in run: Run, existing policy: ExistingOutput = .refuse, stop: StopSignal = StopSignal(),
    onEvent: (TrainingEvent) -> Void = { _ in }
  ) throws -> Result {
    try run.check(policy)
    let policy = policy == .resume && !run.isResumable ? .replace : policy
    if policy == .resume { try requireSame(as: run) }
    FFTPlanner.effort = experiment.training.deterministic ? .estimate : .measure
    if case .ensemble(let configuration) = experiment.model {
      return try withoutActuallyEscaping(onEvent) { onEvent in
        let job = try BoostingJob(self, configuration, in: run, stop: stop, onEvent: onEvent)
        try job.checkMembers(policy)
        try run.begin(experiment, policy)
        return try job.start()
      }
    }
    let sources = try makeSources()
    let checkpoint = policy == .resume ? try Checkpoint(path: run.checkpoint) : nil
    let normalized = try makeOperator(sources.training, checkpoint)
    let files = TrainingFiles(folder: run.folder, configuration: try JSONValue.json(description))
    let stepping = stepping(normalized, sources.training)
    let trainer = try Trainer(
      normalized, experiment.training.configuration, training: stepping?.source ?? sources.training,
      validation: sources.validation, trainingOperator: stepping?.normalized, files: files)
    if let checkpoint {
      try trainer.resume(from: checkpoint)
      try run.requireEpochs(
        experiment.training.epochs, of: "training.epochs", done: trainer.state.position.epoch)
    }
    try run.begin(experiment, policy)
    let outcome: TrainingOutcome
    do {
      outcome = try trainer.run(stop: stop, onEvent: onEvent)
    } catch {
      run.discard()
      throw error
    }
    let last = trainer.state.history.last.map { (epoch: $0.epoch, validationLoss: $0.validationLoss) }
    return Result(
      outcome: outcome, epochs: trainer.state.history,
      best: trainer.state.best.map { (epoch: $0.epoch, validationLoss: $0.validationLoss) } ?? last,
      parameterCount: normalized.model.parameterCount)
  }

  func makeSources() throws -> (
    training: any BatchSource<Float>, validation: (any BatchSource<Float>)?
  ) {
    let limit = Int(experiment.data.memoryLimit * 1e6)
    let training = DatasetBatchSource(data, samples: split.training)
    let validation =
      split.validation.isEmpty ? nil : DatasetBatchSource(validationData ?? data, samples: split.validation)
    let total = training.byteCount + (validation?.byteCount ?? 0)
    let isSmall = total <= limit
    return (
      try training.loaded(upTo: isSmall ? limit : 0),
      try validation?.loaded(upTo: isSmall ? limit : 0)
    )
  }

  private func makeOperator(
    _ training: any BatchSource<Float>, _ checkpoint: Checkpoint?
  ) throws -> NormalizedOperator<Float> {
    let model = description.makeModel(seed: experiment.training.seed)
    if let checkpoint {
      return NormalizedOperator(
        model, inputNormalizer: checkpoint.inputNormalizer, outputNormalizer: checkpoint.outputNormalizer)
    }
    if let path = experiment.training.initializeFrom { return try initialOperator(path) }
    var (input, output) = try Normalizer.fit(
      input: experiment.training.inputNormalization, output: experiment.training.outputNormalization,
      to: training)
    if let rollout { (input, output) = rollout.tied(input, output) }
    try model.prepare(from: training, outputNormalizer: output)
    return NormalizedOperator(model, inputNormalizer: input, outputNormalizer: output)
  }

  /// The model to begin with. Its parameters mean something only with the normalizers they were trained with.
  private func initialOperator(_ path: String) throws -> NormalizedOperator<Float> {
    let initial = try TrainedModel(path: path)
    if let (key, its, wanted) = try ConfigurationDocument.difference(
      initial.description.model, experiment.model)
    {
      throw ExperimentError(
        .invalidData, "\(initial.path): its model.\(key) is \(its), but the experiment's is \(wanted)")
    }
    guard initial.description.rollout == rollout else {
      throw ExperimentError(
        .invalidData,
        "\(initial.path): steps through time otherwise than training.rollout says, or not at all")
    }
    return initial.normalized
  }

  private var description: ModelDescription { description(of: experiment.model) }

  func description(of model: ModelConfiguration) -> ModelDescription {
    var timeCounts: [String: Int] = [:]
    for selection in data.mapping.outputs {
      let variable = data.reader.variables.first { $0.name == selection.variable }
      timeCounts[selection.variable] = variable?.length(of: .time)
    }
    return ModelDescription(
      model: model, fields: data.mapping, trainingGrid: data.outputGrid, timeCounts: timeCounts,
      provenance: Provenance(data.reader), rollout: rollout)
  }

  /// What the experiment names, or else what the file does; writes it into the experiment.
  private static func mapping(_ section: inout DataSection, _ reader: DatasetReader) throws -> FieldMapping {
    func selections(_ key: DataSection.CodingKeys) throws -> [FieldSelection] {
      let stated = try section.selections(key)
      guard stated.isEmpty else { return stated }
      let attribute = "operator_\(key.rawValue)"
      guard let text = reader.text(attribute), !text.isEmpty else {
        throw ExperimentError(
          .invalidData, "data.\(key.rawValue) is missing, and \(reader.path) has no attribute \(attribute)")
      }
      return try FieldSelection.list(text)
    }
    let mapping = FieldMapping(
      inputs: try selections(.inputs), outputs: try selections(.outputs), timeAs: section.timeAs)
    section.inputs = mapping.inputs.map(\.description)
    section.outputs = mapping.outputs.map(\.description)
    return mapping
  }

  /// What may change when a run goes on: how long, how fast, and what does not touch the result.
  private static let changeable: Set<String> = [
    "training.epochs", "training.learning_rate", "training.schedule", "training.schedule_updates",
    "training.schedule_period", "training.schedule_factor", "training.schedule_patience",
    "training.final_learning_rate", "training.warmup_epochs", "training.checkpoint_interval",
    "data.memory_limit_mb",
  ]

  private func requireSame(as run: Run) throws {
    let before = try Experiment(ConfigurationDocument(contentsOf: run.experiment))
    guard
      let (key, old, new) = try ConfigurationDocument.difference(before, experiment, except: Self.changeable)
    else { return }
    throw ExperimentError(
      .invalidData,
      "\(run.experiment): \(key) is \(old), a resumed run cannot change it to \(new); --force begins anew")
  }
}

extension TrainingJob {
  /// What a run would be, found without one: shapes, parameters, memory.
  public struct Rehearsal: Sendable {
    /// `[batch, channel, …grid]`.
    public let inputShape: [Int]
    public let outputShape: [Int]
    public let parameterCount: Int
    /// Bytes of a training step at most: parameters, gradients, the optimizer's memory and all that is kept for the
    /// way back.
    public let stepBytes: Int
    /// Bytes of the samples where they are kept in memory; 0 where they are read as they are used.
    public let dataBytes: Int
    public let samples: (training: Int, validation: Int)
  }

  /// Takes two steps on a batch of zeros and measures what they needed: the optimizer's memory is there from the
  /// first one's end. Nothing is written.
  public func rehearse() throws -> Rehearsal {
    let batch = min(experiment.training.batchSize, split.training.count)
    var channels = experiment.model.channels
    if rollout != nil { channels.outputs *= rolloutSteps }
    let source = TensorSource<Float>(
      inputs: .zeros([batch, channels.inputs] + data.grid.shape),
      targets: Tensor(repeating: 1, shape: [batch, channels.outputs] + data.outputGrid.shape),
      positions: data.positions, targetPositions: data.outputPositions, grid: data.outputGrid)
    var module = description.makeModel(seed: experiment.training.seed)
    if let stepper = module as? RolloutOperator<Float> { module = stepper.limited(to: rolloutSteps) }
    let normalized = NormalizedOperator(
      module, inputNormalizer: .identity(channels: channels.inputs),
      outputNormalizer: .identity(channels: channels.outputs))
    var configuration = experiment.training.configuration
    configuration.epochs = 2
    let trainer = try Trainer(normalized, configuration, training: source)
    _ = try trainer.run()
    let samples =
      DatasetBatchSource(data, samples: split.training).byteCount
      + DatasetBatchSource(validationData ?? data, samples: split.validation).byteCount
    return Rehearsal(
      inputShape: source.inputs.shape, outputShape: source.targets.shape,
      parameterCount: normalized.model.parameterCount,
      stepBytes: BufferPool.shared.statistics.peakBytesInUse,
      dataBytes: Double(samples) <= experiment.data.memoryLimit * 1e6 ? samples : 0,
      samples: (split.training.count, split.validation.count))
  }
}

extension TrainingJob.Rehearsal: CustomStringConvertible {
  public var description: String {
    func megabytes(_ bytes: Int) -> String {
      "\((bytes + 99_999) / 100_000 / 10).\((bytes + 99_999) / 100_000 % 10) MB"
    }
    return """
      samples     \(samples.training) for training, \(samples.validation) for validation
      input       \(inputShape)
      output      \(outputShape)
      parameters  \(parameterCount)
      memory      \(megabytes(stepBytes)) in a training step, \(dataBytes > 0 ? megabytes(dataBytes) : "none") for samples
      """
  }
}
