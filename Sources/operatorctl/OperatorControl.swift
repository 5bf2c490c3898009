// The command line: its root, and how every command ends.

import ArgumentParser
import Experiments

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

struct OperatorControl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operatorctl",
    abstract:
      "Neural operators for partial differential equations: data, training, prediction, and their errors.",
    version: "operatorctl \(Toolkit.version)",
    subcommands: [
      Generate.self, Solve.self, Merge.self, Train.self, Predict.self, Evaluate.self, Info.self,
      BenchmarkCommand.self, Import.self, Export.self, Decompose.self,
    ])
}

enum Program {
  /// Parses the command line, runs the command and ends the process with its exit code.
  @inline(never)
  static func start() -> Never {
    Interruption.prepare()
    Console.prepare()
    do {
      var command = try OperatorControl.parseAsRoot()
      try command.run()
      try Console.finish()
      exit(0)
    } catch {
      exit(report(error))
    }
  }

  /// Says in one line what went wrong, or prints the help or version that was asked for.
  ///
  /// - Returns: the exit code.
  private static func report(_ error: any Error) -> Int32 {
    let message = OperatorControl.message(for: error)
    switch OperatorControl.exitCode(for: error) {
    case .success:
      do {
        try Console.result(message)
        try Console.finish()
        return 0
      } catch {
        return report(Failure(error))
      }
    case .validationFailure:
      let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
      Console.error(line.isEmpty ? "expected a command; operatorctl --help lists them" : line)
      return 64
    default:
      return report(Failure(error))
    }
  }

  private static func report(_ failure: Failure) -> Int32 {
    Console.error(failure.message)
    return failure.exitCode
  }
}
