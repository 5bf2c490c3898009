// Options that several commands share.

import ArgumentParser
import Experiments

/// Every command's.
struct CommonOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Threads to compute with (default: the processors there are).", valueName: "n"))
  var threads: Int?

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads: expected at least 1, found \(threads)") }
  }

  func apply() {
    if let threads { Compute.threadCount = threads }
  }
}

/// Those of commands that write one file.
struct OutputOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
  var output: String

  @Flag(help: "Replace the output where it exists.")
  var force = false

  var policy: ExistingOutput { force ? .replace : .refuse }
}

/// Which dataset variables are inputs and outputs.
struct FieldOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Input variables, slices of their times allowed: a, w[0:10].", valueName: "variable"))
  var inputs: [String] = []

  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("Output variables, likewise.", valueName: "variable"))
  var outputs: [String] = []

  @Option(help: "What the times of variables become: channels, or the slowest axis of the grid.")
  var timeAs: DataSection.TimeRole?
}

extension DataSection.TimeRole: ExpressibleByArgument {}

/// Numbers of points or modes along the axes: `64`, `12x12`.
struct Sizes: ExpressibleByArgument {
  let values: [Int]

  init?(argument: String) {
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard !parts.isEmpty, parts.allSatisfy({ ($0 ?? 0) >= 1 }) else { return nil }
    values = parts.compactMap(\.self)
  }

  var defaultValueDescription: String { values.map(String.init).joined(separator: "x") }
}
