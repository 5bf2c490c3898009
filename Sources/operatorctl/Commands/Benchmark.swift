// `operatorctl benchmark`.

import ArgumentParser
import Experiments

struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Time a training step and an inference of a model on synthetic data.")

  @OptionGroup(title: "Model") var model: ModelOptions

  @Option(help: ArgumentHelp("Input channels.", valueName: "n"))
  var inChannels = 1

  @Option(help: ArgumentHelp("Output channels.", valueName: "n"))
  var outChannels = 1

  @Option(help: ArgumentHelp("Points along each axis.", valueName: "64x64"))
  var grid: Sizes

  @Option(
    help: ArgumentHelp("Points at which a deeponet's output is wanted (default: the grid's).", valueName: "n")
  )
  var queries: Int?

  @Option(help: ArgumentHelp("Samples a step.", valueName: "n"))
  var batchSize = 20

  @Option(
    help: ArgumentHelp(
      "What a training step keeps: normal, or low, where activations are computed again on the way back.",
      valueName: "use"))
  var memory = TrainingSection.Memory.normal

  @Option(
    help: ArgumentHelp(
      "Batches of the prediction that the inference belongs to: what does not depend on the input is computed once for all "
        + "of them and not timed where there are several.", valueName: "n"))
  var batches = 1

  @Option(help: ArgumentHelp("How often each is timed (default: for two seconds).", valueName: "n"))
  var repetitions: Int?

  @Flag(help: "Print one JSON object and nothing else.")
  var json = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if model.modes == nil, model.needsModes {
      throw ValidationError("--modes: expected the modes of the model, such as 24x24")
    }
    for (name, value) in [
      ("in-channels", inChannels), ("out-channels", outChannels), ("batch-size", batchSize),
      ("batches", batches), ("repetitions", repetitions ?? 1), ("queries", queries ?? 1),
    ] where value < 1 {
      throw ValidationError("--\(name): expected at least 1, found \(value)")
    }
  }

  func run() throws {
    common.apply()
    var document = ConfigurationDocument()
    try model.apply(to: &document)
    try document.set("model.in_channels", to: inChannels, origin: "--in-channels")
    try document.set("model.out_channels", to: outChannels, origin: "--out-channels")
    let configuration = try document.model()
    let benchmark = try Benchmark(
      configuration, grid: grid.values, queries: queries, batchSize: batchSize, memory: memory,
      batches: batches, repetitions: repetitions, watch: Watch(stop: Interruption.stop))
    try Console.result(json ? "\(benchmark.json)" : text(benchmark))
  }

  private func text(_ benchmark: Benchmark) -> String {
    """
    training step  \(benchmark.trainStepMilliseconds.shown()) ms
    inference      \(benchmark.inferenceMilliseconds.shown()) ms
    parameters     \(benchmark.parameters)
    peak memory    \(benchmark.peakMemoryMegabytes.shown()) MB
    threads        \(benchmark.threads)
    """
  }
}

extension TrainingSection.Memory: ExpressibleByArgument {}
