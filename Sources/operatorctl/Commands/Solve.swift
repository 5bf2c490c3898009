// `operatorctl solve`.

import ArgumentParser
import Experiments

struct Solve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Solve an equation for the inputs of a file, and write a dataset.",
    discussion: "Equations and their parameters, with defaults:\n\n\(DataGeneration.help)")

  @OptionGroup var options: EquationOptions

  @Option(help: ArgumentHelp("A dataset with the inputs, such as u0 or a.", valueName: "file"))
  var inputs: String

  func run() throws {
    options.common.apply()
    let display = GenerationDisplay(output: options.output, json: options.json)
    let summary = try options.generation().solve(
      inputs: inputs, output: options.output, existing: options.policy(), stop: Interruption.stop
    ) { display.show($0) }
    try display.end(summary)
  }
}
