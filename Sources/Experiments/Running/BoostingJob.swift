// Training an ensemble: one member after the other, each on what the sum of those before it leaves.

import Foundation
import Operators
import PDEData
import Tensors

/// One run of an ensemble. Every member is trained in a folder of its own below the run's, with its own checkpoint and
/// history, by the same loop as any operator; the ensemble so far is the run's `model.safetensors`.
final class BoostingJob {
  private let job: TrainingJob
  private let run: Run
  private let configuration: EnsembleConfiguration
  private let training: any BatchSource<Float>
  private let validation: (any BatchSource<Float>)?
  private let stop: StopSignal
  private let onEvent: (TrainingEvent) -> Void
  private var history: [EpochRecord] = []
  private var accepted: [(trained: NormalizedOperator<Float>, shrinkage: Double)] = []
  private var best: (epoch: Int, validationLoss: Double?)?
  // The sum of the members so far, for all samples.
  private var predictions: (training: Tensor<Float>, validation: Tensor<Float>?)?

  init(
    _ job: TrainingJob, _ configuration: EnsembleConfiguration, in run: Run, stop: StopSignal,
    onEvent: @escaping (TrainingEvent) -> Void
  ) throws {
    self.job = job
    self.run = run
    self.configuration = configuration
    (training, validation) = try job.makeSources()
    self.stop = stop
    self.onEvent = onEvent
  }

  /// Whether members that exist can be members of this ensemble, before anything is written.
  ///
  /// - Throws: where a trained first member does not fit, or a member of the run to go on with has done more epochs than
  ///   it is to have.
  func checkMembers(_ policy: ExistingOutput) throws {
    for (index, member) in configuration.members.enumerated() {
      if let path = member.run { _ = try existing(path, member) }
      guard policy == .resume, member.run == nil else { continue }
      let own = Run(folder: "\(run.memberFolder)/\(index)")
      guard FileManager.default.fileExists(atPath: own.checkpoint),
        let state = try Checkpoint(path: own.checkpoint).trainingState()
      else { continue }
      let key = member.epochs == nil ? "training.epochs" : "model.members.\(index).epochs"
      try own.requireEpochs(epochs(of: member), of: key, done: state.position.epoch)
    }
  }

  private func epochs(of member: EnsembleConfiguration.Member) -> Int {
    member.epochs ?? job.experiment.training.epochs
  }

  /// Trains the members that are not trained yet, until one of them gains nothing.
  func start() throws -> TrainingJob.Result {
    if validation == nil {
      onEvent(.warning("without validation samples all members are taken as they are, with shrinkage 1"))
    }
    for (index, member) in configuration.members.enumerated() {
      guard let trained = try train(index, member) else { return result(.stopped) }
      guard try accept(trained, index) else { break }
      if stop.isRequested, index + 1 < configuration.members.count { return result(.stopped) }
    }
    return result(.finished)
  }

  private func result(_ outcome: TrainingOutcome) -> TrainingJob.Result {
    TrainingJob.Result(
      outcome: outcome, epochs: history, best: best,
      parameterCount: accepted.reduce(0) { $0 + $1.trained.model.parameterCount })
  }

  // MARK: - A member

  /// The trained member; nil where a stop was requested before its last epoch.
  private func train(
    _ index: Int, _ member: EnsembleConfiguration.Member
  ) throws -> NormalizedOperator<Float>? {
    if let path = member.run {
      onEvent(.note("member \(index + 1) of \(configuration.members.count): \(path)"))
      return try existing(path, member)
    }
    let folder = "\(run.memberFolder)/\(index)"
    let own = Run(folder: folder)
    try createFolder(folder)
    var settings = job.experiment.training.configuration
    settings.epochs = epochs(of: member)
    settings.optimizer.learningRate = member.learningRate ?? settings.optimizer.learningRate
    let hasCheckpoint = FileManager.default.fileExists(atPath: own.checkpoint)
    let checkpoint = hasCheckpoint ? try Checkpoint(path: own.checkpoint) : nil
    let normalized = try makeOperator(index, member, checkpoint)
    let sources = memberSources()
    let description = job.description(of: member.model)
    let trainer = try Trainer(
      normalized, settings, training: sources.training, validation: sources.validation,
      lossUnit: try lossBefore(),
      files: TrainingFiles(folder: folder, configuration: try JSONValue.json(description)))
    if let checkpoint { try trainer.resume(from: checkpoint) }
    let isOver = trainer.state.position.epoch >= settings.epochs
    if !isOver {
      try discardMembers(after: index)
      onEvent(
        .note("member \(index + 1) of \(configuration.members.count): \(member.model.kind.rawValue)"))
    }
    let before = history
    defer { history = before + renumbered(trainer.state.history, after: before.count) }
    guard try trainer.run(stop: stop, onEvent: onEvent) == .finished else { return nil }
    let kept = try Checkpoint(path: own.model)
    try kept.restoreParameters(of: normalized.model)
    return normalized
  }

  /// Members that corrected what this one will no longer be are trained anew.
  private func discardMembers(after index: Int) throws {
    for later in configuration.members.indices.dropFirst(index + 1) {
      let folder = "\(run.memberFolder)/\(later)"
      guard FileManager.default.fileExists(atPath: folder) else { continue }
      onEvent(.note("member \(later + 1) is trained anew: member \(index + 1) goes on"))
      do {
        try FileManager.default.removeItem(atPath: folder)
      } catch {
        throw ExperimentError(.cannotCreate, "\(folder): cannot be removed")
      }
    }
  }

  /// The loss on the training samples that members so far leave; 1 before the first.
  private func lossBefore() throws -> Double {
    guard let predictions else { return 1 }
    let loss = try ShrinkageSearch.meanLoss(
      job.experiment.training.loss, predictions.training, over: training)
    return loss > 0 && loss.isFinite ? loss : 1
  }

  private func renumbered(_ records: [EpochRecord], after count: Int) -> [EpochRecord] {
    records.map { record in
      var record = record
      record.epoch += count
      return record
    }
  }

  private func makeOperator(
    _ index: Int, _ member: EnsembleConfiguration.Member, _ checkpoint: Checkpoint?
  ) throws -> NormalizedOperator<Float> {
    let section = job.experiment.training
    let model = member.model.makeModel(seed: section.seed &+ UInt64(index))
    let earlier: NormalizedOperator<Float>.Earlier =
      predictions == nil ? .none : configuration.seesPrediction ? .addedAndSeen : .added
    if let checkpoint {
      return NormalizedOperator(
        model, inputNormalizer: checkpoint.inputNormalizer, outputNormalizer: checkpoint.outputNormalizer,
        earlier: earlier)
    }
    var source = training
    if let predictions {
      source = BoostingSource(
        training, predictions: predictions.training,
        for: .statistics(seesPrediction: configuration.seesPrediction))
    }
    let (input, output) = try Normalizer.fit(
      input: section.inputNormalization, output: section.outputNormalization, to: source)
    try model.prepare(from: source, outputNormalizer: output)
    return NormalizedOperator(model, inputNormalizer: input, outputNormalizer: output, earlier: earlier)
  }

  private func memberSources() -> (
    training: any BatchSource<Float>, validation: (any BatchSource<Float>)?
  ) {
    guard let predictions else { return (training, validation) }
    let held: (any BatchSource<Float>)? = validation.flatMap { source in
      predictions.validation.map { BoostingSource(source, predictions: $0, for: .training) }
    }
    return (BoostingSource(training, predictions: predictions.training, for: .training), held)
  }

  /// A first member that was trained before: on the same variables and grid.
  private func existing(
    _ path: String, _ member: EnsembleConfiguration.Member
  ) throws -> NormalizedOperator<Float> {
    let trained = try TrainedModel(path: path)
    let (fields, own) = (trained.description.fields, job.data.mapping)
    func names(_ mapping: FieldMapping) -> String {
      let sides = [mapping.inputs, mapping.outputs].map { $0.map(\.description).joined(separator: " ") }
      return sides.joined(separator: " to ")
    }
    guard trained.description.rollout == nil else {
      throw ExperimentError(
        .invalidData, "\(trained.path): this member steps through time, the ensemble does not")
    }
    guard fields == own else {
      throw ExperimentError(
        .invalidData,
        "\(trained.path): this member maps \(names(fields)), but the ensemble \(names(own))")
    }
    if let grid = trained.description.trainingGrid, grid != job.data.outputGrid {
      throw ExperimentError(
        .invalidData,
        "\(trained.path): this member was trained on the grid \(grid), but the ensemble is on \(job.data.outputGrid)"
      )
    }
    for normalizer in [trained.normalized.inputNormalizer, trained.normalized.outputNormalizer]
    where normalizer.kind == .pointwiseGaussian {
      throw ExperimentError(
        .invalidData, "\(trained.path): members of an ensemble are normalized by channel, not point by point")
    }
    if let (key, its, wanted) = try ConfigurationDocument.difference(trained.description.model, member.model)
    {
      throw ExperimentError(
        .invalidData, "\(trained.path): its model.\(key) is \(its), but this member's is \(wanted)")
    }
    return trained.normalized
  }

  // MARK: - The sum

  /// Adds a member to the sum where it gains something on the validation samples; writes the ensemble.
  private func accept(_ trained: NormalizedOperator<Float>, _ index: Int) throws -> Bool {
    let loss = job.experiment.training.loss
    var shrinkage = 1.0
    let sources = memberSources()
    let held = try sources.validation.map { try outputs(trained, over: $0) }
    if let validation, let held {
      if let before = predictions?.validation {
        let choice = try ShrinkageSearch(
          loss: loss, before: before, after: held, over: validation
        ).best()
        let gain = 1 - choice.loss / choice.lossBefore
        guard gain > configuration.minimumGain else {
          onEvent(
            .note(
              "member \(index + 1) takes nothing more from the validation loss (\(choice.lossBefore)): "
                + "the ensemble ends with \(index)"))
          return false
        }
        shrinkage = choice.shrinkage
        best = (history.count, choice.loss)
        onEvent(
          .note(
            "member \(index + 1): validation loss \(choice.lossBefore) to \(choice.loss) with shrinkage \(shrinkage)"
          ))
      } else {
        best = (history.count, try ShrinkageSearch.meanLoss(loss, held, over: validation))
      }
    } else {
      best = (history.count, nil)
    }
    let all = try outputs(trained, over: sources.training)
    predictions = (
      Self.combined(predictions?.training, all, shrinkage),
      held.map { Self.combined(predictions?.validation, $0, shrinkage) }
    )
    accepted.append((trained, shrinkage))
    try write()
    return true
  }

  /// `before + shrinkage·(after − before)`.
  static func combined(_ before: Tensor<Float>?, _ after: Tensor<Float>, _ shrinkage: Double) -> Tensor<Float>
  {
    guard let before else { return after }
    let factor = Float(shrinkage)
    return Tensor(
      zip(before.values, after.values).map { $0 + factor * ($1 - $0) }, shape: after.shape)
  }

  private func outputs(
    _ trained: NormalizedOperator<Float>, over source: any BatchSource<Float>
  ) throws -> Tensor<Float> {
    let shape = [source.sampleCount, configuration.outChannels] + source.targetPositions.shape
    var result = Tensor<Float>(uninitialized: shape)
    let size = shape[1...].reduce(1, *)
    try trained.forEachPrediction(
      over: source, batchSize: job.experiment.training.batchSize, savesMemory: true
    ) { prediction in
      let values = prediction.output.values
      result.withUnsafeMutableBuffer { target in
        for (index, value) in values.enumerated() {
          target[prediction.indices.lowerBound * size + index] = value
        }
      }
    }
    return result
  }

  private func write() throws {
    var ensemble = configuration
    ensemble.members = Array(ensemble.members.prefix(accepted.count))
    let model = ModelConfiguration.ensemble(ensemble)
    guard let boosted = model.makeModel(seed: nil) as? BoostedOperator<Float> else { return }
    for (index, member) in accepted.enumerated() {
      boosted.set(index, to: member.trained, shrinkage: member.shrinkage)
    }
    let normalized = NormalizedOperator<Float>(
      boosted, inputNormalizer: .identity(channels: configuration.inChannels),
      outputNormalizer: .identity(channels: configuration.outChannels))
    try SafetensorsContents(
      checkpointOf: normalized, configuration: try JSONValue.json(job.description(of: model))
    ).write(to: run.model)
    try HistoryTable.write(history, to: run.history)
  }

  private func createFolder(_ path: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw ExperimentError(.cannotCreate, "\(path): cannot be created or written")
    }
  }
}

/// How much of a member's correction is best for the validation samples.
struct ShrinkageSearch {
  let loss: Loss
  /// Predictions for all samples without the member.
  let before: Tensor<Float>
  /// The same with all of its correction.
  let after: Tensor<Float>
  let source: any BatchSource<Float>

  init(loss: Loss, before: Tensor<Float>, after: Tensor<Float>, over source: any BatchSource<Float>) {
    self.loss = loss
    self.before = before
    self.after = after
    self.source = source
  }

  /// The best of 0.05, 0.1, …, 1.5.
  func best() throws -> (shrinkage: Double, loss: Double, lossBefore: Double) {
    let lossBefore = try Self.meanLoss(loss, before, over: source)
    var best = (shrinkage: 0.0, loss: lossBefore, lossBefore: lossBefore)
    for step in 1...30 {
      let shrinkage = Double(step) / 20
      let value = try Self.meanLoss(loss, BoostingJob.combined(before, after, shrinkage), over: source)
      if value < best.loss { best = (shrinkage, value, lossBefore) }
    }
    return best
  }

  static func meanLoss(
    _ loss: Loss, _ predictions: Tensor<Float>, over source: any BatchSource<Float>
  ) throws -> Double {
    var sum = 0.0
    let size = predictions.count / max(source.sampleCount, 1)
    let function = LossFunction<Float>(loss, on: source.grid)
    let values = predictions.values
    for start in stride(from: 0, to: source.sampleCount, by: 64) {
      let indices = Array(start..<min(start + 64, source.sampleCount))
      let target = try source.batch(indices).target
      let part = Tensor(values[start * size..<(start + indices.count) * size], shape: target.shape)
      for value in function.perSample(part, target) { sum += value }
    }
    return sum / Double(max(source.sampleCount, 1))
  }
}
