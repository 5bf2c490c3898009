// `operatorctl decompose`.

import ArgumentParser
import Experiments

struct Decompose: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Factorize the spectral weights of a trained dense operator.",
    discussion: """
      Tucker by higher-order singular values and alternating projections, CP by alternating least squares, a tensor \
      train by successive singular values. For a fraction or a number of parameters the ranks are chosen from the \
      singular values. Fine-tuning goes on from the result: train --initialize-from M.safetensors.
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("A run folder or a .safetensors file.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("tucker, cp or tt.", valueName: "kind"))
  var factorization: String

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("A fraction of the dense weights (0.05), or ranks ([64]; 3 3 3 2).", valueName: "rank")
  )
  var rank: [String] = []

  @Option(help: ArgumentHelp("Parameters of all spectral weights together, at most.", valueName: "n"))
  var rankParameters: Int?

  @Flag(help: "One factorization of the weights of all layers together.")
  var joint = false

  @Flag(help: "Print one JSON object and nothing else.")
  var json = false

  @OptionGroup var output: OutputOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard rank.isEmpty != (rankParameters == nil) else {
      throw ValidationError("expected one of --rank and --rank-parameters")
    }
  }

  func run() throws {
    common.apply()
    let request = try DecompositionRequest(
      factorization: factorization, rank: rank, parameters: rankParameters)
    let result = try TrainedModel(path: model).decompose(
      request.factorization, rank: request.rank, joint: joint, to: output.output, existing: output.policy,
      watch: ProgressDisplay("layers").watch)
    Console.endProgress()
    let lines = result.errors.map { "\($0.part)  \($0.error.shown())" } + [result.sizes]
    try Console.result(json ? "\(result.json)" : lines.joined(separator: "\n"))
  }
}
