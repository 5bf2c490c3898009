// `operatorctl info`.

import ArgumentParser
import Experiments

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a dataset, a checkpoint or a run holds.")

  @Argument(help: "A dataset, a .safetensors file or a run folder.")
  var file: String

  @Flag(help: "Print one JSON object and nothing else.")
  var json = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let information = try Information(path: file)
    try Console.result(json ? "\(information.json)" : information.text)
  }
}
