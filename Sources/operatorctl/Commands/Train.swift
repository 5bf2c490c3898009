// `operatorctl train`.

import ArgumentParser
import Experiments

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train an operator on a dataset.",
    discussion: """
      From a configuration (--config E.yaml, single values replaced by --set training.epochs=10 or by the options \
      below), or from the options alone. The output is a run folder: experiment.yaml with every default filled in, \
      model.safetensors (best on validation), checkpoint.safetensors (the latest state) and history.csv. A run that \
      was stopped (Ctrl-C) goes on with --resume.
      """)

  @Option(help: ArgumentHelp("The configuration.", valueName: "file"))
  var config: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Replaces a value of the configuration; may be repeated.", valueName: "key=value"))
  var assignments: [String] = []

  @Option(name: .shortAndLong, help: ArgumentHelp("The run folder.", valueName: "folder"))
  var output: String?

  @Flag(help: "Begin anew where the run folder holds a run.")
  var force = false

  @Flag(help: "Go on from the run's latest checkpoint; begin where there is none.")
  var resume = false

  @Flag(help: "Say what the run would be (shapes, parameters, memory) and stop.")
  var dryRun = false

  @Flag(help: "Print one JSON object about the finished run and nothing else.")
  var json = false

  @OptionGroup(title: "Data and training") var training: TrainingOptions
  @OptionGroup var fields: FieldOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    if output == nil, !dryRun { throw ValidationError("--output: expected a folder for the run") }
    if force, resume { throw ValidationError("expected one of --force (begins anew) and --resume (goes on)") }
    common.apply()
    let run = Run(folder: output ?? "")
    let job = try TrainingJob(Experiment(document(run)))
    for warning in job.warnings { Console.log.warning("\(warning)") }
    if dryRun { return try Console.result(job.rehearse().description) }
    let display = TrainingDisplay()
    let result = try job.start(
      in: run, existing: resume ? .resume : force ? .replace : .refuse, stop: Interruption.stop
    ) { display.show($0) }
    Console.endProgress()
    if result.outcome == .stopped {
      throw ExperimentError(
        .interrupted, "\(run.folder): stopped after \(result.epochs.count) whole epochs; --resume goes on")
    }
    try Console.result(json ? "\(result.json)" : display.summary(of: result, in: run))
  }

  /// The configuration with what the command line says put over it.
  private func document(_ run: Run) throws -> ConfigurationDocument {
    var document = ConfigurationDocument()
    if let config {
      document = try ConfigurationDocument(contentsOf: config)
    } else if resume, run.isResumable {
      document = try ConfigurationDocument(contentsOf: run.experiment)
    } else {
      func isAssigned(_ key: String) -> Bool { assignments.contains { $0.hasPrefix("\(key)=") } }
      // Without data a run was meant to go on.
      guard !resume || training.data != nil || isAssigned("data.train") else {
        throw ExperimentError(
          .missingInput, "\(run.folder): no run to go on with; expected one, or --config or --data")
      }
      guard training.data != nil || isAssigned("data.train") else {
        throw ValidationError("expected a configuration (--config) or a dataset to train on (--data)")
      }
      guard
        model.modes != nil || !model.needsModes || isAssigned("model.kind") || training.initializeFrom != nil
          || isAssigned("model.modes")
      else {
        throw ValidationError(
          "--modes: expected how many wavenumbers the model keeps along each axis, such as 12x12")
      }
    }
    try training.apply(to: &document)
    if !fields.inputs.isEmpty { try document.set("data.inputs", to: fields.inputs, origin: "--inputs") }
    if !fields.outputs.isEmpty { try document.set("data.outputs", to: fields.outputs, origin: "--outputs") }
    if let timeAs = fields.timeAs { try document.set("data.time_as", to: timeAs, origin: "--time-as") }
    try model.apply(to: &document)
    for assignment in assignments { try document.set(assignment) }
    return try document.fillingModelFromInitialModel()
  }
}
