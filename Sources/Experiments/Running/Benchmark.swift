// The time and memory of a model on synthetic data.

import Autodiff
import Operators
import Spectral
import Tensors

/// What a training step and an inference of a model take.
public struct Benchmark: Sendable {
  /// The median time of forward pass, loss, backward pass and optimizer, in milliseconds.
  public let trainStepMilliseconds: Double
  /// The median time of a forward pass, nothing recorded, in milliseconds.
  public let inferenceMilliseconds: Double
  /// A complex parameter counts as two.
  public let parameters: Int
  /// The most memory that the process ever had, in MB of 10⁶ bytes.
  public let peakMemoryMegabytes: Double
  public let threads: Int

  /// `{"train_step_ms":…,"inference_ms":…,"parameters":…,"peak_memory_mb":…,"threads":…}`.
  public var json: JSONValue {
    [
      "train_step_ms": .real(trainStepMilliseconds), "inference_ms": .real(inferenceMilliseconds),
      "parameters": .integer(parameters), "peak_memory_mb": .real(peakMemoryMegabytes),
      "threads": .integer(threads),
    ]
  }

  /// Times a model on normal random fields.
  ///
  /// - Parameters:
  ///   - grid: Points along each axis.
  ///   - queries: Of a model whose output may lie elsewhere, how many points it is wanted at; nil: on the grid.
  ///   - memory: What a training step keeps for its way back.
  ///   - batches: Of the pass that the inference belongs to: where there are several, what does not depend on the input
  ///     was computed before.
  ///   - repetitions: How often each is timed; nil: for about two seconds, at least five times.
  public init(
    _ model: ModelConfiguration, grid: [Int], queries: Int? = nil, batchSize: Int,
    memory: TrainingSection.Memory = .normal, batches: Int = 1, repetitions: Int? = nil,
    watch: Watch = Watch()
  ) throws {
    var model = model
    model.channels = (max(model.channels.inputs, 1), max(model.channels.outputs, 1))
    let positions = GridPositions(uniform: grid)
    guard queries == nil || model.separatesGrids else {
      throw ExperimentError(
        .usage, "--queries: a \(model.kind.rawValue) gives its output on the grid of its input")
    }
    let targets = queries.map { count in
      GridPositions(scattered: grid.map { _ in (0..<count).map { Double($0) / Double(count) } })
    }
    if case .deepONet(var configuration) = model {
      configuration.sensors = grid
      configuration.queryDimensions = grid.count
      configuration.queryShape = targets?.shape ?? grid
      configuration.queriesAreScattered = targets != nil
      model = .deepONet(configuration)
    }
    if case .uNet(var configuration) = model {
      configuration.dimensions = grid.count
      model = .uNet(configuration)
    }
    if let problem = model.problem { throw ExperimentError(.usage, problem) }
    guard model.dimensions == 0 || grid.count == model.dimensions, grid.allSatisfy({ $0 >= 1 }),
      batchSize >= 1
    else {
      throw ExperimentError(
        .usage,
        "expected a grid of \(model.dimensions) axes and a batch of at least 1, found \(grid), \(batchSize)")
    }
    if let problem = model.problem(grid: grid) { throw ExperimentError(.usage, "--grid: \(problem)") }
    let points = grid.reduce(Double(batchSize)) { $0 * Double($1) }
    guard points * Double(max(model.channels.inputs, model.channels.outputs)) < 0x1p50 else {
      throw ExperimentError(.usage, "a batch of \(batchSize) on the grid \(grid) is beyond any memory")
    }
    FFTPlanner.effort = .measure
    let stream = RandomStream(seed: 0, purpose: "benchmark")
    let input = Tensor<Float>.normal([batchSize, model.channels.inputs] + grid, from: stream)
    let target = Tensor<Float>.normal(
      [batchSize, model.channels.outputs] + (targets ?? positions).shape, from: stream)
    let module = model.makeModel()
    let normalized = NormalizedOperator(
      module, inputNormalizer: .identity(channels: model.channels.inputs),
      outputNormalizer: .identity(channels: model.channels.outputs))
    let configuration = TrainingConfiguration()
    let optimizer = Optimizer(configuration.optimizer.updateRule, of: module)
    let lossFunction = LossFunction<Float>(
      configuration.loss, on: Grid(periodicUnit: (targets ?? positions).shape))
    memory.apply()
    var step: UInt64 = 0
    trainStepMilliseconds = try Self.time(repetitions, watch) {
      module.clearGradients(releasing: memory == .low)
      let tape = Tape<Float>(savesMemory: memory == .low, step: step)
      let loss = lossFunction(
        try normalized(input, at: positions, queries: targets, on: tape), target, on: tape)
      tape.backward(from: loss)
      optimizer.step(learningRate: configuration.optimizer.learningRate)
      step += 1
    }
    module.clearGradients()
    let prepared = batches > 1 ? PreparedValues<Float>(batches: batches) : nil
    // A process that predicts has not got what a training step left behind.
    if prepared != nil { BufferPool.shared.trim() }
    inferenceMilliseconds = try Self.time(repetitions, watch) {
      _ = try normalized.predict(input, at: positions, queries: targets, reusing: prepared)
    }
    parameters = module.parameterCount
    threads = WorkerPool.shared.threadCount
    peakMemoryMegabytes = ProcessMemory.peakMegabytes
  }

  private static func time(_ repetitions: Int?, _ watch: Watch, _ body: () throws -> Void) throws -> Double {
    let clock = ContinuousClock()
    var times: [Double] = []
    for _ in 0..<2 { try body() }
    let start = clock.now
    while times.count < repetitions ?? 5 || (repetitions == nil && clock.now - start < .seconds(2)) {
      try watch.check()
      times.append(try clock.measure(body) / .milliseconds(1))
    }
    return median(times)
  }
}
