// `operatorctl predict`.

import ArgumentParser
import Experiments

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Apply a trained operator to a dataset, at the dataset's own resolution.",
    discussion: """
      Writes a dataset of the same form: inputs as they were, outputs as predicted, each under its own name. A \
      variable of which only some times are predicted keeps its other times.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("A run folder or a .safetensors file.", valueName: "model"))
  var model: String

  @OptionGroup var application: BatchedDataOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let trained = try TrainedModel(path: model)
    let display = ProgressDisplay("predict")
    let warnings = try trained.predict(
      data: application.data, output: output.output, existing: output.policy, history: Toolkit.historyLine(),
      batchSize: application.batchSize, watch: display.watch)
    Console.endProgress()
    for warning in warnings { Console.log.warning("\(warning)") }
  }
}

/// A dataset that is worked through in batches.
struct BatchedDataOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("The dataset.", valueName: "file"))
  var data: String

  @Option(help: ArgumentHelp("Samples worked on at once (default: some million points).", valueName: "n"))
  var batchSize: Int?

  func validate() throws {
    if let batchSize, batchSize < 1 {
      throw ValidationError("--batch-size: expected at least 1, found \(batchSize)")
    }
  }
}
