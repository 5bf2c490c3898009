// `operatorctl merge`.

import ArgumentParser
import Experiments

struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Join shards of one dataset (generate --sample-offset) in the order of their samples.")

  @Argument(help: "The shards.")
  var shards: [String]

  @OptionGroup var output: OutputOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let summary = try DataGeneration.merge(
      shards, output: output.output, existing: output.policy, history: Toolkit.historyLine())
    for gap in summary.gaps {
      let (first, last) = (gap.samples.lowerBound, gap.samples.upperBound - 1)
      Console.log.warning(
        "\(output.output): no shard holds \(first == last ? "sample \(first)" : "samples \(first) to \(last)") of seed \(gap.seed)"
      )
    }
    Console.log.info("\(output.output): \(summary.samples) samples from \(shards.count) files")
  }
}
