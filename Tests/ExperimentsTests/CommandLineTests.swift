import Experiments
import Foundation
import Testing

/// The program itself: exit codes, what goes to which output, signals.
@Suite(.enabled(if: Program.path != nil, "the program is built beside the tests"))
struct CommandLineTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func run(_ arguments: String...) throws -> Program.Outcome {
    try Program.run(arguments, in: folder.path)
  }

  private func expectComplaint(
    _ outcome: Program.Outcome, _ exitCode: Int32, _ words: String...,
    at location: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.exitCode == exitCode, "\(outcome.errors)", sourceLocation: location)
    #expect(outcome.output.isEmpty, sourceLocation: location)
    let lines = outcome.errors.split(separator: "\n")
    #expect(lines.count == 1, "\(outcome.errors)", sourceLocation: location)
    for word in ["operatorctl: error: "] + words {
      #expect(outcome.errors.contains(word), "\(outcome.errors)", sourceLocation: location)
    }
  }

  @Test func wrongUsageEndsWith64AndOneLine() throws {
    expectComplaint(try run("nonsense"), 64, "nonsense")
    expectComplaint(try run("predict", "--model", "run"), 64, "--data")
    expectComplaint(
      try run("evaluate", "--model", "run", "--data", "d.nc", "--threads", "0"), 64, "--threads")
    expectComplaint(
      try run("generate", "burgers", "--samples", "x", "--resolution", "8", "--output", "d.nc"), 64, "samples"
    )
    expectComplaint(
      try run(
        "generate", "burgers", "--samples", "1", "--resolution", "32", "--output", "d.nc", "--viscosty", "1"),
      64,
      "viscosty")
    expectComplaint(
      try run(
        "generate", "burgers", "--samples", "1", "--resolution", "32", "--output", "d.nc", "--viscosity"), 64,
      "viscosity")
    expectComplaint(
      try run("train", "--data", "d.nc", "--modes", "4", "--schedule", "cosin", "--output", "r"), 64, "cosine"
    )
    expectComplaint(try run("train", "--output", "r"), 64, "--config", "--data")
    let help = try run("train", "--help")
    #expect(help.exitCode == 0 && help.errors.isEmpty && help.output.contains("--epochs"))
  }

  @Test func theMainJobRunsFromDataToError() throws {
    let generation = try run(
      "generate", "burgers", "--samples", "8", "--resolution", "32", "--seed", "2", "--output", "d.nc",
      "--viscosity", "1e-2:1e-1", "--json")
    let generated = try #require(
      JSONSerialization.jsonObject(with: Data(generation.output.utf8)) as? [String: Any])
    #expect(generation.exitCode == 0 && generated["samples"] as? Int == 8)
    let training = try run(
      "train", "--data", "d.nc", "--modes", "8", "--width", "6", "--layers", "2", "--epochs", "2", "--output",
      "run")
    #expect(training.exitCode == 0, "\(training.errors)")
    #expect(training.errors.split(separator: "\n").count == 2)  // a line an epoch where there is no terminal
    #expect(!training.errors.contains("\r"))
    let prediction = try run("predict", "--model", "run", "--data", "d.nc", "--output", "p.nc")
    #expect(prediction == Program.Outcome(exitCode: 0, output: "", errors: ""))

    let evaluation = try run("evaluate", "--model", "run/model.safetensors", "--data", "d.nc", "--json")
    // It was trained on these samples.
    #expect(evaluation.exitCode == 0 && evaluation.errors.contains("warning"))
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(evaluation.output.utf8)) as? [String: Any])
    #expect(
      Set(object.keys) == ["samples", "metrics", "seconds_per_sample"] && object["samples"] as? Int == 8)
    let metrics = try #require(object["metrics"] as? [String: Any])
    #expect(
      Set(metrics.keys) == [
        "relative_l2", "relative_h1", "rmse", "nrmse", "max_error", "conserved_rmse", "boundary_rmse",
        "fourier_rmse_low", "fourier_rmse_mid", "fourier_rmse_high",
      ])
    #expect(metrics["boundary_rmse"] is NSNull && (metrics["relative_l2"] as? Double ?? 0) > 0)

    // The same errors of the file that predict wrote.
    let comparison = try run("evaluate", "--predictions", "p.nc", "--data", "d.nc", "--json")
    let compared = try #require(
      JSONSerialization.jsonObject(with: Data(comparison.output.utf8)) as? [String: Any])
    #expect(compared["seconds_per_sample"] is NSNull)
    for (name, value) in try #require(compared["metrics"] as? [String: Any]) {
      guard let value = value as? Double, let expected = metrics[name] as? Double else { continue }
      #expect(abs(value - expected) <= 1e-6 * expected, "\(name)")
    }
    expectComplaint(try run("evaluate", "--data", "d.nc"), 64, "--model", "--predictions")
    expectComplaint(
      try run("evaluate", "--predictions", "p.nc", "--data", "d.nc", "--outputs", "u0", "viscosity", "w"), 65,
      "w")

    for (file, kind) in [("d.nc", "dataset"), ("run", "run"), ("run/model.safetensors", "model")] {
      let information = try run("info", file, "--json")
      let object = try #require(
        JSONSerialization.jsonObject(with: Data(information.output.utf8)) as? [String: Any])
      #expect(object["kind"] as? String == kind)
    }
    expectComplaint(
      try run("predict", "--model", "run", "--data", "d.nc", "--output", "p.nc"), 73, "p.nc", "--force")
  }

  @Test func theBenchmarkPrintsItsFiveFigures() throws {
    let outcome = try run(
      "benchmark", "--model", "fno", "--modes", "4x4", "--width", "4", "--layers", "1", "--grid", "8x8",
      "--batch-size", "2", "--repetitions", "2", "--json")
    let object = try #require(JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    #expect(Set(object.keys) == ["train_step_ms", "inference_ms", "parameters", "peak_memory_mb", "threads"])
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func aSignalLeavesARunThatGoesOn(signal: Int32) throws {
    try writeSquares(folder.file("d.nc"), samples: 40, shape: [16, 16])
    let arguments = [
      "train", "--data", "d.nc", "--inputs", "a", "--outputs", "u", "--modes", "8x8", "--epochs", "400",
      "--output", "run", "--width", "8", "--batch-size", "4",
    ]
    let stopped = try Program.run(
      arguments, in: folder.path, signal: signal, when: folder.file("run/checkpoint.safetensors"))
    #expect(stopped.exitCode == 130, "\(stopped.errors)")
    #expect(
      stopped.errors.contains("operatorctl: error: run: stopped") && stopped.errors.contains("--resume"))
    let rest = try Program.run(arguments + ["--resume", "--set", "training.epochs=1"], in: folder.path)
    #expect(rest.exitCode == 0, "\(rest.errors)")
  }
}

/// The program under test.
enum Program {
  struct Outcome: Equatable {
    let exitCode: Int32
    let output: String
    let errors: String
  }

  /// Beside the bundle of the tests, where the package manager puts both.
  static let path: String? = {
    let bundle = URL(fileURLWithPath: CommandLine.arguments.first ?? "")
    let candidate = bundle.deletingLastPathComponent().appendingPathComponent("operatorctl").path
    return FileManager.default.isExecutableFile(atPath: candidate) ? candidate : nil
  }()

  /// Runs the program; sends it a signal once a file exists.
  static func run(
    _ arguments: [String], in folder: String, signal: Int32? = nil, when file: String? = nil
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path ?? "")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    // Files rather than pipes: nobody has to read while the program writes.
    let names = (output: "\(folder)/.stdout-\(UUID())", errors: "\(folder)/.stderr-\(UUID())")
    for name in [names.output, names.errors] { try Data().write(to: URL(fileURLWithPath: name)) }
    process.standardOutput = FileHandle(forWritingAtPath: names.output)
    process.standardError = FileHandle(forWritingAtPath: names.errors)
    try process.run()
    if let signal, let file {
      let deadline = Date(timeIntervalSinceNow: 30)
      while !FileManager.default.fileExists(atPath: file), Date() < deadline { usleep(2000) }
      kill(process.processIdentifier, signal)
    }
    process.waitUntilExit()
    func text(_ name: String) throws -> String { try String(contentsOfFile: name, encoding: .utf8) }
    return Outcome(
      exitCode: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
      output: try text(names.output), errors: try text(names.errors))
  }
}
