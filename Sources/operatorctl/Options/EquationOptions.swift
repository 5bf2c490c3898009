// An equation and its parameters: options that the equation knows, not the command line.

import ArgumentParser
import Experiments

/// The equation, its parameters, and what else `generate` and `solve` share.
struct EquationOptions: ParsableArguments {
  @Argument(help: "The equation.")
  var equation: String

  @Argument(
    parsing: .allUnrecognized,
    help: ArgumentHelp(
      "Parameters of the equation: --viscosity 1e-3, or 1e-4:1e-2.", valueName: "--parameter value"))
  var rest: [String] = []

  @Option(help: ArgumentHelp("Type of the stored fields: float32 or float64.", valueName: "type"))
  var store = "float32"

  @Option(
    help: ArgumentHelp(
      "Estimate the discretization error of every k-th sample, at half the step and half the spacing.",
      valueName: "k"))
  var checkError: Int?

  @Option(name: .shortAndLong, help: ArgumentHelp("The dataset to write.", valueName: "file"))
  var output: String

  @Flag(help: "Begin anew where the dataset exists, whole or in part.")
  var force = false

  @Flag(help: "Go on with a dataset that was left unfinished.")
  var resume = false

  @Flag(help: "Print one JSON object about what was made.")
  var json = false

  @OptionGroup var common: CommonOptions

  func policy() throws -> ExistingOutput {
    if force, resume { throw ValidationError("expected one of --force (begins anew) and --resume (goes on)") }
    return force ? .replace : resume ? .resume : .refuse
  }

  /// `--name value` or `--name=value`, as often as there are.
  func generation() throws -> DataGeneration {
    var parameters: [String: String] = [:]
    var words = rest[...]
    while let word = words.popFirst() {
      guard word.hasPrefix("--"), word.count > 2 else {
        throw ValidationError("Unexpected argument '\(word)'")
      }
      let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let value = parts.count > 1 ? String(parts[1]) : words.popFirst() else {
        throw ValidationError("Missing value for '--\(name)'")
      }
      guard parameters.updateValue(value, forKey: name) == nil else {
        throw ValidationError("--\(name): expected once")
      }
    }
    return DataGeneration(
      equation: equation, parameters: parameters, store: store, checkEvery: checkError,
      history: Toolkit.historyLine())
  }
}

/// What `generate` and `solve` show and how they end.
final class GenerationDisplay {
  private let output: String
  private let json: Bool
  private var last = ContinuousClock.now
  private var hasWarned = false

  init(output: String, json: Bool) {
    self.output = output
    self.json = json
  }

  func show(_ progress: GenerationProgress) {
    if let warning = progress.warning, !hasWarned {
      hasWarned = true
      Console.log.warning("\(output): sample \(warning.sample): \(warning.text)")
    }
    var line =
      "\(progress.done)/\(progress.total) samples  \(TrainingDisplay.rate(progress.samplesPerSecond))"
    if let seconds = progress.secondsLeft { line += "  \(TrainingDisplay.duration(seconds)) left" }
    if Console.isTerminal {
      Console.progress("\(bar(progress.done, progress.total))  \(line)")
    } else if ContinuousClock.now - last > .seconds(30), progress.done < progress.total {
      last = .now
      Console.log.info("\(output): \(line)")
    }
  }

  /// Failed samples are recorded in the file; the command nevertheless says so.
  func end(_ summary: GenerationSummary) throws {
    Console.endProgress()
    Console.log.info(
      "\(output): \(summary.samples) samples, \(summary.made) of them made in \(summary.seconds.shown(3)) s")
    if json {
      let object: JSONValue = [
        "samples": .integer(summary.samples), "made": .integer(summary.made),
        "failed": .list(summary.failed.map { .integer($0) }), "seconds": .real(summary.seconds),
        "seconds_per_sample": .real(summary.solverSecondsPerSample),
      ]
      try Console.result("\(object)")
    }
    guard let first = summary.failed.first else { return }
    throw ExperimentError(
      .numericalFailure,
      "\(output): the solver failed on \(summary.failed.count) of \(summary.samples) samples, first on \(first); "
        + "their status(sample) is not 0")
  }
}
