// `operatorctl import`.

import ArgumentParser
import Experiments

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read a model of another library.",
    subcommands: [ImportNeuralOperator.self, ImportDeepXDE.self])
}

struct ImportNeuralOperator: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "neuraloperator",
    abstract: "Read a PyTorch state_dict of neuraloperator's FNO, saved as safetensors.")

  @Option(help: ArgumentHelp("The state_dict.", valueName: "file.safetensors"))
  var weights: String

  @Option(help: ArgumentHelp("The arguments of the constructor.", valueName: "file.json"))
  var config: String

  @OptionGroup var fields: FieldOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    for (name, list) in [("inputs", fields.inputs), ("outputs", fields.outputs)] where list.isEmpty {
      throw ValidationError("--\(name): expected the variables that the model's \(name) are")
    }
  }

  func run() throws {
    common.apply()
    let mapping = try FieldMapping(inputs: fields.inputs, outputs: fields.outputs, timeAs: fields.timeAs)
    try NeuralOperatorInterchange.import(
      weights: weights, configuration: config, fields: mapping, to: output.output, existing: output.policy)
  }
}

struct ImportDeepXDE: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deepxde",
    abstract: "Read a PyTorch state_dict of DeepXDE's DeepONetCartesianProd, saved as safetensors.",
    discussion: """
      The model takes the raw values of the inputs at as many points as its branch has inputs, and the coordinates of \
      the data scaled to [0, 1], or to "coordinate_range": [[lower, upper], …] in the arguments.
      """)

  @Option(help: ArgumentHelp("The state_dict.", valueName: "file.safetensors"))
  var weights: String

  @Option(help: ArgumentHelp("The arguments of the constructor.", valueName: "file.json"))
  var config: String

  @OptionGroup var fields: FieldOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    for (name, list) in [("inputs", fields.inputs), ("outputs", fields.outputs)] where list.isEmpty {
      throw ValidationError("--\(name): expected the variables that the model's \(name) are")
    }
  }

  func run() throws {
    common.apply()
    let mapping = try FieldMapping(inputs: fields.inputs, outputs: fields.outputs, timeAs: fields.timeAs)
    try DeepXDEInterchange.import(
      weights: weights, configuration: config, fields: mapping, to: output.output, existing: output.policy)
  }
}
