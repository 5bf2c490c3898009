// The training loop: it learns, it can be interrupted anywhere, and it says when it cannot go on.

import Autodiff
import Foundation
import Operators
import Spectral
import Synchronization
import Tensors
import Testing

@Suite struct TrainerTests {
  private let folder: TemporaryFolder
  private let training = tinySource(samples: 23)
  private let validation = tinySource(samples: 9, offset: 50)
  private let configuration = TrainingConfiguration(
    epochs: 5, batchSize: 4, optimizer: OptimizerConfiguration(learningRate: 0.02),
    schedule: LearningRateSchedule(.plateau(factor: 0.5, patience: 0, threshold: 0.05)), gradientClip: 1,
    seed: 7)

  init() throws { folder = try TemporaryFolder() }

  private func trainer(
    in name: String?, _ configuration: TrainingConfiguration? = nil, validated: Bool = true
  ) throws -> Trainer<Float> {
    let files = try name.map { name in
      let path = folder.file(name)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      return TrainingFiles(folder: path, configuration: #"{"model":"tiny"}"#)
    }
    return try Trainer(
      tinyNormalized(training), configuration ?? self.configuration, training: training,
      validation: validated ? validation : nil, files: files)
  }

  private func parameters(_ trainer: Trainer<Float>) -> [[Float]] {
    trainer.normalized.model.parameters.map(\.parameter.canonicalValues)
  }

  /// A history without the columns that say how long it took.
  private func losses(_ records: [EpochRecord]) -> [[Double?]] {
    records.map { [Double($0.epoch), $0.learningRate, $0.trainingLoss, $0.validationLoss] }
  }

  private func tensors(_ path: String) throws -> [String: [Double]] {
    let file = try SafetensorsFile(path: path)
    return try Dictionary(
      uniqueKeysWithValues: file.tensors.map { ($0.name, try file.values(of: $0, as: Double.self)) })
  }

  @Test func theLossFalls() throws {
    let trainer = try trainer(
      in: nil,
      TrainingConfiguration(epochs: 60, batchSize: 4, optimizer: OptimizerConfiguration(learningRate: 0.02)))
    #expect(try trainer.run() == .finished)
    let history = trainer.state.history
    #expect(history.map(\.epoch) == Array(1...60))
    #expect(history[59].trainingLoss < history[0].trainingLoss / 2)
    let loss = try trainer.normalized.meanLoss(.relativeL2, over: validation, batchSize: 2)
    #expect(abs(loss - (history[59].validationLoss ?? 0)) <= 1e-12)
  }

  @Test func withAndWithoutFilesTrainsTheSame() throws {
    let (one, two) = (try trainer(in: nil), try trainer(in: "run"))
    #expect(try one.run() == .finished && two.run() == .finished)
    #expect(parameters(one) == parameters(two))
    #expect(losses(one.state.history) == losses(two.state.history))
  }

  /// Stopped after any step, in the middle or at the end of an epoch, once or again and again, a run goes on to the
  /// same bits: parameters, optimizer, best model, losses.
  @Test(arguments: [[1], [3], [6], [7], [12], [29], [2, 3, 11, 18, 30]])
  func aResumedRunEndsWithTheSameBits(stops: [Int]) throws {
    let whole = try trainer(in: "whole")
    #expect(try whole.run() == .finished)

    var steps = 0
    var stops = stops
    var outcome = TrainingOutcome.stopped
    var last: Trainer<Float>?
    while outcome == .stopped {
      let trainer = try trainer(in: "parts")
      let path = folder.file("parts/checkpoint.safetensors")
      if FileManager.default.fileExists(atPath: path) { try trainer.resume(from: Checkpoint(path: path)) }
      let stop = StopSignal()
      outcome = try trainer.run(stop: stop) { event in
        guard case .step = event else { return }
        steps += 1
        if steps == stops.first {
          stops.removeFirst()
          stop.request()
        }
      }
      last = trainer
    }
    let resumed = try #require(last)
    #expect(stops.isEmpty && steps == 5 * 6)
    #expect(parameters(resumed) == parameters(whole))
    #expect(losses(resumed.state.history) == losses(whole.state.history))
    #expect(resumed.state.best == whole.state.best)
    #expect(resumed.state.schedule == whole.state.schedule)
    for name in ["checkpoint.safetensors", "model.safetensors"] {
      #expect(try tensors(folder.file("whole/\(name)")) == tensors(folder.file("parts/\(name)")))
    }
    let rows = try ["whole", "parts"].map { name in
      try String(contentsOfFile: folder.file("\(name)/history.csv"), encoding: .utf8)
        .split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false).prefix(4) }
    }
    #expect(rows[0] == rows[1] && rows[0].count == 6)
  }

  /// A stop while the validation runs leaves the epoch's steps done and its end to come.
  @Test func aStopDuringValidationLosesNothing() throws {
    /// Asks for a stop when it is read from.
    struct StoppingSource: BatchSource {
      let base: TensorSource<Float>
      let stop: StopSignal
      var sampleCount: Int { base.sampleCount }
      var positions: GridPositions { base.positions }

      func batch(_ indices: [Int]) -> Batch<Float> {
        stop.request()
        return base.batch(indices)
      }
    }
    let whole = try trainer(in: nil)
    #expect(try whole.run() == .finished)

    let stop = StopSignal()
    let path = folder.file("parts")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let first = try Trainer(
      tinyNormalized(training), configuration, training: training,
      validation: StoppingSource(base: validation, stop: stop),
      files: TrainingFiles(folder: path, configuration: "{}"))
    #expect(try first.run(stop: stop) == .stopped)
    #expect(first.state.position == TrainingPosition(epoch: 0, step: 6))
    let second = try trainer(in: "parts")
    try second.resume(from: Checkpoint(path: "\(path)/checkpoint.safetensors"))
    #expect(try second.run() == .finished)
    #expect(parameters(second) == parameters(whole))
    #expect(losses(second.state.history) == losses(whole.state.history))
  }

  /// A run that was killed goes on from its last checkpoint; the history forgets what came after.
  @Test func historyFollowsTheCheckpoint() throws {
    let first = try trainer(in: "run")
    let stop = StopSignal()
    #expect(
      try first.run(stop: stop) { event in
        if case .epoch(let record, _, _) = event, record.epoch == 2 { stop.request() }
      } == .stopped)
    let path = folder.file("run/history.csv")
    let before = try String(contentsOfFile: path, encoding: .utf8)
    try (before + "3,0.1,0.2,0.3,1.0,2.0\n4,0.1,0.2").write(toFile: path, atomically: true, encoding: .utf8)
    let second = try trainer(in: "run")
    try second.resume(from: Checkpoint(path: folder.file("run/checkpoint.safetensors")))
    #expect(try second.run(stop: stop) == .stopped)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == before)
    #expect(
      before.hasPrefix(
        "epoch,learning_rate,training_loss,validation_loss,seconds,samples_per_second\n1,0.02,"))
  }

  @Test func theBestEpochIsKeptAndWithoutValidationTheLast() throws {
    let validated = try trainer(in: "validated")
    var best: [[Float]] = []
    #expect(
      try validated.run { event in
        if case .epoch(_, of: _, isBest: true) = event { best = parameters(validated) }
      } == .finished)
    let scores = validated.state.history.compactMap(\.validationLoss)
    #expect(validated.state.best?.validationLoss == scores.min())
    let model = TinyOperator<Float>()
    try Checkpoint(path: folder.file("validated/model.safetensors")).restoreParameters(of: model)
    #expect(model.parameters.map(\.parameter.canonicalValues) == best)

    let unvalidated = try trainer(in: "unvalidated", validated: false)
    #expect(try unvalidated.run() == .finished)
    #expect(unvalidated.state.history.allSatisfy { $0.validationLoss == nil })
    try Checkpoint(path: folder.file("unvalidated/model.safetensors")).restoreParameters(of: model)
    #expect(model.parameters.map(\.parameter.canonicalValues) == parameters(unvalidated))
  }

  @Test func anEpochSeesEverySampleOnceInItsOwnOrder() {
    let epochs = (0..<3).map { SampleOrder.batches(sampleCount: 23, batchSize: 4, seed: 7, epoch: $0) }
    for batches in epochs {
      #expect(batches.map(\.count) == [4, 4, 4, 4, 4, 3])
      #expect(batches.flatMap(\.self).sorted() == Array(0..<23))
    }
    #expect(Set(epochs).count == 3)
    #expect(SampleOrder.batches(sampleCount: 23, batchSize: 4, seed: 7, epoch: 1) == epochs[1])
    #expect(SampleOrder.batches(sampleCount: 23, batchSize: 4, seed: 8, epoch: 1) != epochs[1])
    #expect(SampleOrder.batches(sampleCount: 2, batchSize: 4, seed: 8, epoch: 1).map(\.count) == [2])
  }

  @Test func heldOutSamplesAreNotTrainedOn() {
    for (count, fraction, held) in [(50, 0.1, 5), (3, 0.1, 1), (1, 0.5, 0), (10, 0, 0), (4, 1, 3)] {
      let (training, validation) = SampleOrder.split(
        sampleCount: count, validationFraction: fraction, seed: 1)
      #expect(validation.count == held)
      #expect((training + validation).sorted() == Array(0..<count))
    }
  }

  @Test func aDivergingRunStopsAndLeavesItsLastGoodCheckpoint() throws {
    var settings = configuration
    settings.optimizer = OptimizerConfiguration(rule: .sgd, learningRate: 1e30)
    settings.gradientClip = nil
    let trainer = try trainer(in: "run", settings)
    let checkpoint = folder.file("run/checkpoint.safetensors")
    let error = #expect(throws: TrainingError.self) { try trainer.run() }
    guard case .notFinite(_, epoch: 1, step: let step, learningRate: 1e30, checkpoint) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(step > 1)
    #expect(try tensors(checkpoint).values.joined().allSatisfy(\.isFinite))
    #expect(error?.description.contains("epoch 1, step \(step)") == true)
  }

  @Test func aTargetOfZeroIsSaid() throws {
    let source = TensorSource(
      inputs: training.inputs, targets: .zeros(training.targets.shape), positions: training.positions)
    // Nothing is normalized by a standard deviation of zero.
    let normalized = NormalizedOperator(
      TinyOperator<Float>(), inputNormalizer: .identity(channels: 2),
      outputNormalizer: .identity(channels: 1))
    let trainer = try Trainer(normalized, configuration, training: source)
    #expect(throws: TrainingError.zeroTarget(epoch: 1, step: 1)) { try trainer.run() }
  }

  @Test func aGradientThatIsNotFiniteChangesNothing() throws {
    let normalized = NormalizedOperator(
      BrokenOperator(), inputNormalizer: .identity(channels: 2), outputNormalizer: .identity(channels: 1))
    let trainer = try Trainer(normalized, configuration, training: training)
    #expect(
      throws: TrainingError.notFinite(.gradient, epoch: 1, step: 1, learningRate: 0.02, checkpoint: nil)
    ) { try trainer.run() }
    #expect(normalized.model.parameters[0].parameter.canonicalValues == [1, 1])
  }

  @Test func aSourceThatFailsEndsTheRunWithItsError() throws {
    struct Broken: Error {}
    struct BrokenSource: BatchSource {
      let base: TensorSource<Float>
      var sampleCount: Int { base.sampleCount }
      var positions: GridPositions { base.positions }

      func batch(_ indices: [Int]) throws -> Batch<Float> {
        if indices.contains(11) { throw Broken() }
        return base.batch(indices)
      }
    }
    let trainer = try Trainer(
      tinyNormalized(training), configuration, training: BrokenSource(base: training))
    #expect(throws: Broken.self) { try trainer.run() }
  }

  @Test func anotherRunsCheckpointIsRefused() throws {
    let first = try trainer(in: "run")
    #expect(try first.run() == .finished)
    let path = folder.file("run/checkpoint.safetensors")
    var other = configuration
    other.seed = 8
    #expect(throws: TrainingError.cannotResume(file: path, setting: "seed", stored: "7", given: "8")) {
      try trainer(in: nil, other).resume(from: Checkpoint(path: path))
    }
    #expect(throws: CheckpointError.self) {
      try trainer(in: nil).resume(from: Checkpoint(path: folder.file("run/model.safetensors")))
    }
    // More epochs than before are a longer run.
    other.seed = 7
    other.epochs = 6
    let longer = try trainer(in: nil, other)
    try longer.resume(from: Checkpoint(path: path))
    #expect(try longer.run() == .finished)
    #expect(losses(Array(longer.state.history.prefix(5))) == losses(first.state.history))
    #expect(longer.state.history.count == 6)
  }

  @Test func badSettingsAreNamed() throws {
    var settings = configuration
    settings.batchSize = 0
    #expect(throws: ConfigurationError(key: "batch_size", reason: "at least 1, not 0")) {
      try trainer(in: nil, settings)
    }
    settings = configuration
    settings.optimizer.learningRate = .nan
    #expect(throws: ConfigurationError(key: "learning_rate", reason: "a positive number, not nan")) {
      try trainer(in: nil, settings)
    }
    #expect(throws: TrainingError.noSamples) {
      try Trainer(tinyNormalized(training), configuration, training: tinySource(samples: 0))
    }
  }

  @Test func progressCountsUp() throws {
    let trainer = try trainer(in: nil)
    var seen: [TrainingProgress] = []
    #expect(try trainer.run { if case .step(let progress) = $0 { seen.append(progress) } } == .finished)
    #expect(seen.map(\.epoch) == (1...5).flatMap { [Int](repeating: $0, count: 6) })
    #expect(seen.map(\.step) == (1...5).flatMap { _ in Array(1...6) })
    #expect(seen.allSatisfy { $0.stepsPerEpoch == 6 && $0.loss > 0 && $0.samplesPerSecond > 0 })
    #expect(seen.last?.secondsRemaining == 0)
    #expect(abs((seen.last?.meanLoss ?? 0) - (trainer.state.history.last?.trainingLoss ?? 1)) <= 1e-15)
  }

  /// Batches come in their order, and no further ahead than one.
  @Test func twoBatchesAtMostAreInMemory() throws {
    final class Counter: Sendable {
      let read = Atomic(0)
    }
    struct CountingSource: BatchSource {
      let base: TensorSource<Float>
      let counter: Counter
      var sampleCount: Int { base.sampleCount }
      var positions: GridPositions { base.positions }

      func batch(_ indices: [Int]) -> Batch<Float> {
        counter.read.add(1, ordering: .relaxed)
        return base.batch(indices)
      }
    }
    let counter = Counter()
    let reader = BatchReader(
      CountingSource(base: training, counter: counter), batches: (0..<10).map { [$0, 2 * $0] })
    for index in 0..<10 {
      let batch = try #require(try reader.next())
      #expect(batch.input.values == training.batch([index, 2 * index]).input.values)
      #expect(counter.read.load(ordering: .relaxed) <= index + 2)
    }
    #expect(try reader.next() == nil)
  }

  /// The checkpoint holds how Fourier transforms were planned, and a resumed run plans them so. In a process of its
  /// own, whose plans are nobody else's.
  @Test func aResumedRunPlansItsTransformsAsBefore() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      FFTPlanner.folder = WisdomFolder(path: folder.file("wisdom"))
      FFTPlanner.effort = .measure
      _ = FFT.realToComplex(Tensor<Float>.zeros([64]), axes: [0])
      func lines(_ wisdom: FFTPlanner.Wisdom?) -> [Substring] {
        wisdom?.float32.split(separator: "\n").sorted() ?? []
      }
      let training = tinySource(samples: 12)
      func trainer(_ files: TrainingFiles?) throws -> Trainer<Float> {
        let model = FNO<Float>(FNOConfiguration(modes: [4], inChannels: 2, outChannels: 1, width: 4), seed: 1)
        let normalized = NormalizedOperator(
          model, inputNormalizer: .identity(channels: 2), outputNormalizer: .identity(channels: 1))
        return try Trainer(
          normalized, TrainingConfiguration(epochs: 3, batchSize: 5), training: training, files: files)
      }
      let whole = try trainer(nil)
      #expect(try whole.run() == .finished)

      let files = TrainingFiles(folder: folder.path, configuration: "{}")
      let stop = StopSignal()
      #expect(
        try trainer(files).run(stop: stop) { event in
          if case .step(let progress) = event, progress.epoch == 2 { stop.request() }
        } == .stopped)
      FFTPlanner.effort = .estimate
      FFTPlanner.replaceWisdom(with: FFTPlanner.Wisdom(float32: "", float64: ""))
      let resumed = try trainer(files)
      let checkpoint = try Checkpoint(path: files.checkpoint)
      try resumed.resume(from: checkpoint)
      #expect(FFTPlanner.effort == .measure)
      let stored = try checkpoint.trainingState()?.plans?.wisdom
      #expect(lines(stored).count > 2 && lines(FFTPlanner.wisdom) == lines(stored))
      #expect(try resumed.run() == .finished)
      #expect(
        resumed.normalized.model.parameters.map(\.parameter.canonicalValues)
          == whole.normalized.model.parameters.map(\.parameter.canonicalValues))
    }
  }

  /// After some epochs a run lives on the memory it has. In a process of its own, for the pool is everybody's, and on
  /// one thread: with several, chance decides when as many as there are want scratch memory at once.
  @Test func steadyStateTakesNothingFromTheSystem() async {
    await #expect(processExitsWith: .success) {
      WorkerPool.shared.threadCount = 1
      let training = tinySource(samples: 64)
      let normalizers = try Normalizer.fit(input: .gaussian, output: .gaussian, to: training)
      let normalized = NormalizedOperator(
        FNO<Float>(FNOConfiguration(modes: [4], inChannels: 2, outChannels: 1, width: 4), seed: 1),
        inputNormalizer: normalizers.input, outputNormalizer: normalizers.output)
      let trainer = try Trainer(
        normalized, TrainingConfiguration(epochs: 30, batchSize: 16), training: training,
        validation: tinySource(samples: 20, offset: 70))
      var before = 0
      #expect(
        try trainer.run { event in
          guard case .epoch(let record, _, _) = event, record.epoch == 10 else { return }
          before = BufferPool.shared.statistics.systemAllocations
        } == .finished)
      #expect(before > 0)
      #expect(BufferPool.shared.statistics.systemAllocations == before)
    }
  }
}

/// A gate whose gradient is NaN.
private final class BrokenOperator: NeuralOperator {
  let gain = Parameter<Float>(shape: [1, 2])

  init() { gain.setCanonicalValues([1, 1]) }

  private struct NaNGradient: DifferentiableOperation {
    func forward(_ inputs: consuming [Tensor<Float>], recording: Bool) -> Tensor<Float> { inputs[0] }

    func backward(_ gradient: consuming Tensor<Float>, into slots: GradientSlots<Float>) {
      slots.add(0, Tensor(repeating: .nan, shape: gradient.shape))
    }
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Float>) throws -> Void) rethrows {
    try body("gain", gain)
  }

  func callAsFunction(
    _ input: Variable<Float>, at positions: GridPositions, on tape: Tape<Float>
  ) -> Variable<Float> {
    tape.apply(NaNGradient(), [tape.channelMix(input, weight: tape.variable(gain))])
  }
}
