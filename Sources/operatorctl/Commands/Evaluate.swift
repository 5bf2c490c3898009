// `operatorctl evaluate`.

import ArgumentParser
import Experiments

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure the error and the time of a trained operator on a dataset.")

  @OptionGroup var application: ApplicationOptions

  @Option(help: "Whose definitions the figures follow.")
  var metrics = MetricConvention.standard

  @Flag(help: "Print one JSON object and nothing else.")
  var json = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let model = try TrainedModel(path: application.model)
    let display = ProgressDisplay("evaluate")
    let (evaluation, warnings) = try model.evaluate(
      data: application.data, convention: metrics, batchSize: application.batchSize, watch: display.watch)
    Console.endProgress()
    for warning in warnings { Console.log.warning("\(warning)") }
    try Console.result(json ? "\(evaluation.json)" : text(evaluation))
  }

  private func text(_ evaluation: Evaluation) -> String {
    func line(_ name: String, _ value: String) -> String {
      name + String(repeating: " ", count: max(1, 20 - name.count)) + value
    }
    let figures = evaluation.metrics.named.map { line($0.name, $0.value.map { $0.shown() } ?? "-") }
    let head = [line("samples", "\(evaluation.samples)")]
    return (head + figures + [line("seconds_per_sample", evaluation.secondsPerSample.shown())])
      .joined(separator: "\n")
  }
}

extension MetricConvention: ExpressibleByArgument {}
