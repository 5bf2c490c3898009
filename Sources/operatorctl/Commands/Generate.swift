// `operatorctl generate`.

import ArgumentParser
import Experiments

struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw random inputs, solve an equation, and write a dataset.",
    discussion: "Equations and their parameters, with defaults:\n\n\(DataGeneration.help)")

  @OptionGroup var options: EquationOptions

  @Option(help: ArgumentHelp("How many samples.", valueName: "n"))
  var samples: Int

  @Option(help: ArgumentHelp("Points along each axis, in the file's order.", valueName: "64x64"))
  var resolution: Sizes

  @Option(help: ArgumentHelp("Of the random inputs.", valueName: "n"))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("The number of the first sample, for shards of one seed.", valueName: "n"))
  var sampleOffset = 0

  func run() throws {
    guard samples >= 1 else { throw ValidationError("--samples: expected at least 1, found \(samples)") }
    guard sampleOffset >= 0, sampleOffset <= Int.max - samples else {
      throw ValidationError("--sample-offset: expected 0 or more, found \(sampleOffset)")
    }
    options.common.apply()
    let display = GenerationDisplay(output: options.output, json: options.json)
    let summary = try options.generation().generate(
      samples: sampleOffset..<sampleOffset + samples, resolution: resolution.values, seed: seed,
      output: options.output, existing: options.policy(), stop: Interruption.stop
    ) { display.show($0) }
    try display.end(summary)
  }
}
