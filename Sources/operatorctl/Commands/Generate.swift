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

  /// What one file can sensibly hold.
  private static let mostSamples = 100_000_000
  private static let mostPoints = 1 << 28

  func run() throws {
    guard 1...Self.mostSamples ~= samples else {
      throw ValidationError("--samples: expected 1 to \(Self.mostSamples), found \(samples)")
    }
    guard 0...Self.mostSamples ~= sampleOffset else {
      throw ValidationError("--sample-offset: expected 0 to \(Self.mostSamples), found \(sampleOffset)")
    }
    guard resolution.values.reduce(1.0, { $0 * Double($1) }) <= Double(Self.mostPoints) else {
      throw ValidationError("--resolution: expected at most \(Self.mostPoints) points in all")
    }
    options.common.apply()
    Interruption.limitPatience(seconds: 5)
    let display = GenerationDisplay(output: options.output, json: options.json)
    let summary = try options.generation().generate(
      samples: sampleOffset..<sampleOffset + samples, resolution: resolution.values, seed: seed,
      output: options.output, existing: options.policy(), stop: Interruption.stop
    ) { display.show($0) }
    try display.end(summary)
  }
}
