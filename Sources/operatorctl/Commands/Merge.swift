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
    let count = try DataGeneration.merge(
      shards, output: output.output, existing: output.policy, history: Toolkit.historyLine())
    Console.log.info("\(output.output): \(count) samples from \(shards.count) files")
  }
}
