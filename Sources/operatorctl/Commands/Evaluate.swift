// `operatorctl evaluate`.

import ArgumentParser
import Experiments

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure the error and the time of a trained operator on a dataset.",
    discussion:
      "With --predictions, the error of a dataset of predictions made earlier, or by another solver.")

  @Option(name: .shortAndLong, help: ArgumentHelp("A run folder or a .safetensors file.", valueName: "model"))
  var model: String?

  @Option(help: ArgumentHelp("A dataset of predictions, instead of a model.", valueName: "file"))
  var predictions: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "With --predictions: what is compared (default: the data's outputs).", valueName: "variable"))
  var outputs: [String] = []

  @OptionGroup var application: BatchedDataOptions

  @Option(help: "Whose definitions the figures follow.")
  var metrics = MetricConvention.standard

  @Flag(help: "Print one JSON object and nothing else.")
  var json = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (model == nil) != (predictions == nil) else {
      throw ValidationError("expected one of --model and --predictions")
    }
    guard outputs.isEmpty || predictions != nil else {
      throw ValidationError("--outputs goes with --predictions; a model knows its own")
    }
  }

  func run() throws {
    common.apply()
    let (evaluation, warnings) = try evaluate()
    Console.endProgress()
    for warning in warnings { Console.log.warning("\(warning)") }
    try Console.result(json ? "\(evaluation.json)" : text(evaluation))
  }

  private func evaluate() throws -> (evaluation: Evaluation, warnings: [String]) {
    let watch = ProgressDisplay("evaluate").watch
    if let predictions {
      return try Evaluation.comparing(
        predictions: predictions, with: application.data, outputs: outputs, convention: metrics,
        batchSize: application.batchSize, watch: watch)
    }
    return try TrainedModel(path: model ?? "").evaluate(
      data: application.data, convention: metrics, batchSize: application.batchSize, watch: watch)
  }

  private func text(_ evaluation: Evaluation) -> String {
    func line(_ name: String, _ value: String) -> String {
      name + String(repeating: " ", count: max(1, 20 - name.count)) + value
    }
    let figures = evaluation.metrics.named.map { line($0.name, $0.value.map { $0.shown() } ?? "-") }
    let head = [line("samples", "\(evaluation.samples)")]
    let time = evaluation.secondsPerSample.map { $0.shown() } ?? "-"
    let members = evaluation.members.enumerated().map { index, member in
      let parts = [
        member.metrics.relativeL2, member.metrics.fourierRMSELow, member.metrics.fourierRMSEMid,
        member.metrics.fourierRMSEHigh,
      ]
      .map { $0.map { $0.shown(4) } ?? "-" }
      return line(
        "after member \(index + 1)",
        "relative_l2 \(parts[0])  rmse of k < 4 \(parts[1]), k < 12 \(parts[2]), k ≥ 12 \(parts[3])")
    }
    let overTime = evaluation.overTime.enumerated().map { index, error in
      line("time \(error.time?.shown() ?? "\(index)")", "relative_l2 \(error.relativeL2?.shown(4) ?? "-")")
    }
    return (head + figures + [line("seconds_per_sample", time)] + members + overTime)
      .joined(separator: "\n")
  }
}

extension MetricConvention: ExpressibleByArgument {}
