// `operatorctl export`.

import ArgumentParser
import Experiments

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a model for another library.", subcommands: [ExportNeuralOperator.self])
}

struct ExportNeuralOperator: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neuraloperator",
    abstract:
      "Write a model as neuraloperator's FNO reads it: a state_dict as safetensors, and its arguments.",
    discussion: """
      The exported model takes and gives raw fields: normalizations per channel are folded into its first and last \
      layers. What cannot be exported exactly is refused.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("A run folder or a .safetensors file.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("The state_dict to write.", valueName: "file.safetensors"))
  var weights: String

  @Option(help: ArgumentHelp("The arguments of the constructor to write.", valueName: "file.json"))
  var config: String

  @Flag(help: "Replace the output where it exists.")
  var force = false

  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    try NeuralOperatorInterchange.export(
      TrainedModel(path: model), weights: weights, configuration: config, existing: force ? .replace : .refuse
    )
  }
}
