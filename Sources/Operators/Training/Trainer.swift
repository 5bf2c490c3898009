// The training loop.

import Autodiff
import Spectral
import Tensors

/// Trains a ``NormalizedOperator`` on a source of batches.
///
/// Losses are of raw (de-normalized) fields. What happens follows from the configuration, the data and the model
/// alone: a run that was stopped anywhere and resumed ends with the same bits as one that was not.
///
/// ```swift
/// let trainer = try Trainer(normalized, TrainingConfiguration(epochs: 50), training: source, validation: held)
/// let outcome = try trainer.run(stop: stop) { event in … }
/// ```
public final class Trainer<Element: SpectralScalar> {
  public let normalized: NormalizedOperator<Element>
  public let configuration: TrainingConfiguration
  public private(set) var state: TrainingState

  private let trainingOperator: NormalizedOperator<Element>
  private let lossUnit: Double
  private let training: any BatchSource<Element>
  private let validation: (any BatchSource<Element>)?
  private let files: TrainingFiles?
  private let optimizer: Optimizer<Element>
  private let loss: LossFunction<Element>
  private let stepsPerEpoch: Int
  private let clock = ContinuousClock()
  private var session: Session
  private var warnings: [String] = []
  // The parameters of the best epoch, until they are in a file.
  private var unwrittenBest: [Tensor<Element>]?

  /// What this process has done of the run.
  private struct Session {
    var start: ContinuousClock.Instant
    var samples = 0
    var lastCheckpoint: ContinuousClock.Instant?
    var secondsOfLastCheckpoint = 0.0
  }

  /// - Parameters:
  ///   - training: What is trained on.
  ///   - validation: What the best epoch is chosen on; never a test set.
  ///   - trainingOperator: What is applied in training where it is not quite what is validated and kept, but shares its
  ///     parameters.
  ///   - lossUnit: What losses are divided by before gradients are taken. Where all that is to be learned is a small
  ///     correction, its size: beside gradients of the undivided loss the decay of weights would outweigh it.
  ///   - files: Where checkpoints and history go; none are written without.
  /// - Throws: ``ConfigurationError``, ``TrainingError/noSamples``.
  public init(
    _ normalized: NormalizedOperator<Element>, _ configuration: TrainingConfiguration,
    training: any BatchSource<Element>, validation: (any BatchSource<Element>)? = nil,
    trainingOperator: NormalizedOperator<Element>? = nil, lossUnit: Double = 1, files: TrainingFiles? = nil
  ) throws {
    if let problem = configuration.problem { throw problem }
    guard training.sampleCount > 0, validation?.sampleCount != 0 else { throw TrainingError.noSamples }
    self.normalized = normalized
    self.configuration = configuration
    self.training = training
    self.trainingOperator = trainingOperator ?? normalized
    self.lossUnit = lossUnit
    self.validation = validation
    self.files = files
    optimizer = Optimizer(configuration.optimizer.updateRule, of: normalized.model)
    loss = LossFunction(configuration.loss, on: training.grid)
    let largestBatch = min(configuration.batchSize, max(1, training.sampleCount))
    stepsPerEpoch = (training.sampleCount + largestBatch - 1) / largestBatch
    state = TrainingState(configuration: configuration, sampleCount: training.sampleCount)
    session = Session(start: clock.now)
    guard let growth = configuration.modeGrowth else { return }
    guard let model = growingModel else {
      throw ConfigurationError(key: "incremental_modes", reason: "a model that has modes")
    }
    if let problem = growth.problem(modes: model.modes) { throw problem }
    model.activeModes = growth.start
    model.clearInactiveModes()
    state.activeModes = growth.start
  }

  /// Takes up parameters, optimizer and position from a training checkpoint.
  ///
  /// The number of epochs, the learning rate and its schedule may differ from those of the checkpoint; what gives
  /// the position its meaning may not.
  ///
  /// - Throws: ``CheckpointError``, ``TrainingError/cannotResume(file:setting:stored:given:)``.
  public func resume(from checkpoint: Checkpoint) throws {
    let path = checkpoint.file.path
    guard let stored = try checkpoint.trainingState() else {
      throw CheckpointError.badMetadata(
        file: path, key: "kind", reason: "this is a model, not a state of training to go on from")
    }
    func check(
      _ setting: String, _ stored: some CustomStringConvertible, _ given: some CustomStringConvertible
    )
      throws
    {
      guard stored.description != given.description else { return }
      throw TrainingError.cannotResume(
        file: path, setting: setting, stored: stored.description, given: given.description)
    }
    let before = stored.configuration
    try check("seed", before.seed, configuration.seed)
    try check("batch size", before.batchSize, configuration.batchSize)
    try check("optimizer", before.optimizer.rule.rawValue, configuration.optimizer.rule.rawValue)
    try check("number of training samples", stored.sampleCount, training.sampleCount)
    try checkpoint.restoreParameters(of: normalized.model)
    try checkpoint.restore(optimizer, stepCounts: stored.optimizerStepCounts)
    state = stored
    state.configuration = configuration
    if let modes = stored.activeModes, let model = growingModel {
      model.activeModes = modes
    }
    if stored.plans?.takeUp() == false {
      warnings.append(
        "\(path): its plans of Fourier transforms are of another FFTW: results may differ in the last bits")
    }
  }

  /// Trains until the last epoch is over or `stop` is requested.
  ///
  /// - Throws: ``TrainingError``, ``CheckpointError``, and what the sources throw.
  public func run(
    stop: StopSignal = StopSignal(), onEvent: (TrainingEvent) -> Void = { _ in }
  ) throws -> TrainingOutcome {
    session = Session(start: clock.now)
    configuration.memory.apply()
    for warning in warnings { onEvent(.warning(warning)) }
    warnings = []
    if let files { try HistoryFile(path: files.history).write(state.history) }
    while state.position.epoch < configuration.epochs {
      guard try runEpoch(stop, onEvent), let validationLoss = try validate(stop) else {
        try save(onEvent)
        return .stopped
      }
      try endEpoch(validationLoss, onEvent)
    }
    try save(onEvent)
    return .finished
  }

  // MARK: - One epoch

  /// Takes the steps that are left of the current epoch; false where a stop was requested before the last.
  private func runEpoch(_ stop: StopSignal, _ onEvent: (TrainingEvent) -> Void) throws -> Bool {
    let batches = SampleOrder.batches(
      sampleCount: training.sampleCount, batchSize: configuration.batchSize, seed: configuration.seed,
      epoch: state.position.epoch)
    let reader = BatchReader(training, batches: Array(batches[min(state.position.step, batches.count)...]))
    while true {
      guard state.position.step == stepsPerEpoch || !stop.isRequested else { return false }
      let start = clock.now
      guard let batch = try reader.next() else { return true }
      let (loss, norm) = try takeStep(batch)
      state.partialEpoch.trainingSeconds += (clock.now - start).inSeconds
      state.position.step += 1
      session.samples += batch.input.shape[0]
      onEvent(.step(progress(loss: loss, gradientNorm: norm)))
      if isCheckpointDue { try save(onEvent) }
    }
  }

  /// One step: forward, backward, update. Nothing is changed where loss or gradient is not finite.
  private func takeStep(_ batch: Batch<Element>) throws -> (loss: Double, gradientNorm: Double) {
    let position = state.position
    let rate = configuration.schedule.learningRate(
      base: configuration.optimizer.learningRate, at: position, epochs: configuration.epochs,
      stepsPerEpoch: stepsPerEpoch, state: state.schedule)
    normalized.model.clearGradients(releasing: configuration.memory == .low)
    let tape = Tape<Element>(
      savesMemory: configuration.memory == .low, seed: configuration.seed,
      step: UInt64(position.epoch * stepsPerEpoch + position.step))
    let prediction = try trainingOperator(
      batch.input, at: training.positions, queries: training.targetPositions, on: tape)
    let lossOnTape = loss(prediction, batch.target, on: tape)
    let loss = Double(lossOnTape.value.scalarValue)
    guard loss.isFinite else {
      if Self.holdsZeroSample(batch.target) {
        throw TrainingError.zeroTarget(epoch: position.epoch + 1, step: position.step + 1)
      }
      throw try notFinite(.loss, learningRate: rate)
    }
    tape.backward(from: lossOnTape, seed: Element(1 / lossUnit))
    let norm = optimizer.gradientNorm()
    guard norm.isFinite else { throw try notFinite(.gradient, learningRate: rate) }
    let factor = configuration.gradientClip.map { min(1, $0 / (norm + 1e-6)) } ?? 1
    optimizer.step(learningRate: rate, gradientFactor: factor)
    let samples = batch.input.shape[0]
    state.partialEpoch.lossSum += loss * Double(samples)
    state.partialEpoch.samples += samples
    state.partialEpoch.learningRate = rate
    return (loss, norm)
  }

  private static func holdsZeroSample(_ target: Tensor<Element>) -> Bool {
    let size = target.count / max(target.shape[0], 1)
    return (0..<target.shape[0]).contains { sample in
      Reductions.maximumMagnitude(target.unsafePointer + sample * size, count: size) == 0
    }
  }

  private enum Validation {
    case none
    case loss(Double, seconds: Double)
  }

  private struct Interrupted: Error {}

  /// The loss on the validation samples; nil where a stop was requested meanwhile.
  private func validate(_ stop: StopSignal) throws -> Validation? {
    guard let validation else { return Validation.none }
    let lossFunction =
      validation.grid == training.grid ? loss : LossFunction<Element>(configuration.loss, on: validation.grid)
    let start = clock.now
    var sum = 0.0
    do {
      // What training needs is in memory, too.
      try normalized.forEachPrediction(
        over: validation, batchSize: configuration.batchSize, savesMemory: true
      ) { batch in
        for loss in lossFunction.perSample(batch.output, batch.batch.target) { sum += loss }
        if stop.isRequested { throw Interrupted() }
      }
    } catch is Interrupted {
      return nil
    }
    let loss = sum / Double(validation.sampleCount)
    guard loss.isFinite else {
      throw try notFinite(.validationLoss, learningRate: state.partialEpoch.learningRate)
    }
    return .loss(loss, seconds: (clock.now - start).inSeconds)
  }

  private func endEpoch(_ validation: Validation, _ onEvent: (TrainingEvent) -> Void) throws {
    let partial = state.partialEpoch
    var record = EpochRecord(
      epoch: state.position.epoch + 1, learningRate: partial.learningRate,
      trainingLoss: partial.lossSum / Double(max(partial.samples, 1)), validationLoss: nil,
      seconds: partial.trainingSeconds,
      samplesPerSecond: Double(partial.samples) / max(partial.trainingSeconds, 1e-9))
    var isBest = true
    if case .loss(let loss, let seconds) = validation {
      record.validationLoss = loss
      record.seconds += seconds
      isBest = state.best.map { loss < $0.validationLoss } ?? true
      if isBest { state.best = TrainingState.Best(epoch: record.epoch, validationLoss: loss) }
    }
    if isBest, files != nil { unwrittenBest = normalized.model.parameters.map(\.parameter.value) }
    configuration.schedule.observe(loss: record.validationLoss ?? record.trainingLoss, state: &state.schedule)
    state.history.append(record)
    state.partialEpoch = TrainingState.PartialEpoch()
    state.position = TrainingPosition(epoch: state.position.epoch + 1)
    if let files { try HistoryFile(path: files.history).append(record) }
    onEvent(.epoch(record, of: configuration.epochs, isBest: isBest))
    growModes(onEvent)
  }

  /// The model, or what it applies patch by patch, where it has modes.
  private var growingModel: (any GrowingModes)? {
    var model = normalized.model
    if let stepper = model as? RolloutOperator<Element> { model = stepper.base }
    if let patched = model as? PatchedOperator<Element> { model = patched.base }
    return model as? any GrowingModes
  }

  /// Takes in more modes where the configuration says so. Their weights are zero: the function stays the same.
  private func growModes(_ onEvent: (TrainingEvent) -> Void) {
    guard let growth = configuration.modeGrowth, let model = growingModel else { return }
    let modes = growth.modes(
      after: state.position.epoch, active: model.activeModes, of: model.modes, strengths: model.modeStrengths)
    guard modes != model.activeModes else { return }
    model.activeModes = modes
    state.activeModes = modes
    onEvent(.modes(modes))
  }

  private func progress(loss: Double, gradientNorm: Double) -> TrainingProgress {
    let seconds = (clock.now - session.start).inSeconds
    let speed = Double(session.samples) / max(seconds, 1e-9)
    let done = state.position.epoch * training.sampleCount + state.partialEpoch.samples
    return TrainingProgress(
      epoch: state.position.epoch + 1, epochs: configuration.epochs, step: state.position.step,
      stepsPerEpoch: stepsPerEpoch, learningRate: state.partialEpoch.learningRate, loss: loss,
      meanLoss: state.partialEpoch.lossSum / Double(max(state.partialEpoch.samples, 1)),
      validationLoss: state.history.last?.validationLoss, bestValidationLoss: state.best?.validationLoss,
      gradientNorm: gradientNorm, samplesPerSecond: speed,
      secondsRemaining: Double(configuration.epochs * training.sampleCount - done) / max(speed, 1e-9))
  }

  // MARK: - Files

  /// The first checkpoint comes after the first step, when the plans of transforms are known that it is to hold.
  private var isCheckpointDue: Bool {
    guard files != nil else { return false }
    guard let last = session.lastCheckpoint else { return true }
    let interval = max(configuration.checkpointInterval, 50 * session.secondsOfLastCheckpoint)
    return (clock.now - last).inSeconds >= interval
  }

  /// Writes the best model, where it is not in its file yet, and the latest state.
  private func save(_ onEvent: (TrainingEvent) -> Void) throws {
    guard let files else { return }
    let start = clock.now
    try writeBest(files)
    state.optimizerStepCounts = optimizer.stepCounts
    state.plans = .current
    var contents = try SafetensorsContents(checkpointOf: normalized, configuration: files.configuration)
    try contents.add(state, optimizer)
    try contents.write(to: files.checkpoint)
    session.lastCheckpoint = clock.now
    session.secondsOfLastCheckpoint = (clock.now - start).inSeconds
    onEvent(.checkpoint(path: files.checkpoint))
  }

  private func writeBest(_ files: TrainingFiles) throws {
    guard let best = unwrittenBest else { return }
    try SafetensorsContents(checkpointOf: normalized, configuration: files.configuration, values: best)
      .write(to: files.model)
    unwrittenBest = nil
  }

  /// The error of a run that has left the finite numbers; what was good before is in the files.
  private func notFinite(_ quantity: TrainingError.Quantity, learningRate: Double) throws -> TrainingError {
    if let files { try writeBest(files) }
    return .notFinite(
      quantity, epoch: state.position.epoch + 1, step: min(state.position.step + 1, stepsPerEpoch),
      learningRate: learningRate, checkpoint: session.lastCheckpoint == nil ? nil : files?.checkpoint)
  }
}
