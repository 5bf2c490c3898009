// Making datasets: random inputs solved, the user's own inputs solved, shards joined.

import Operators
import PDEData
import Spectral
import Tensors

/// Makes a dataset with a classical solver.
public struct DataGeneration: Sendable {
  /// As the command line calls it: `burgers`, `darcy`.
  public var equation: String
  /// Parameters of the equation by their names, as text: `["viscosity": "1e-3"]`.
  public var parameters: [String: String]
  /// The type of stored fields: `float32` or `float64`.
  public var store: String
  /// Every so many samples the discretization error is estimated, by half the step and half the spacing; nil: never.
  public var checkEvery: Int?
  /// The line that `history` begins with.
  public var history: String

  public init(
    equation: String, parameters: [String: String] = [:], store: String = "float32", checkEvery: Int? = nil,
    history: String = ""
  ) {
    self.equation = equation
    self.parameters = parameters
    self.store = store
    self.checkEvery = checkEvery
    self.history = history
  }

  /// Random inputs of a seed.
  ///
  /// - Parameter resolution: points along each axis, slowest first; one number stands for all.
  /// - Throws: `CategorizedError`. A solver that fails on some samples is no error: their `status` tells.
  public func generate(
    samples: Range<Int>, resolution: [Int], seed: UInt64, output: String,
    existing policy: ExistingOutput = .refuse, stop: StopSignal = StopSignal(),
    onProgress: (GenerationProgress) -> Void = { _ in }
  ) throws -> GenerationSummary {
    try run(
      .random(seed: seed, resolution: resolution), samples, output, policy, stop, onProgress)
  }

  /// The inputs of a file.
  public func solve(
    inputs: String, output: String, existing policy: ExistingOutput = .refuse,
    stop: StopSignal = StopSignal(), onProgress: (GenerationProgress) -> Void = { _ in }
  ) throws -> GenerationSummary {
    if policy == .replace { try DistinctFiles.require(output: output, inputs: [inputs]) }
    let reader = try DatasetReader(path: inputs)
    return try run(.dataset(reader), 0..<reader.sampleCount, output, policy, stop, onProgress)
  }

  private func run(
    _ input: InputSource, _ samples: Range<Int>, _ output: String, _ policy: ExistingOutput,
    _ stop: StopSignal, _ onProgress: (GenerationProgress) -> Void
  ) throws -> GenerationSummary {
    FFTPlanner.effort = .measure
    guard let type: NetCDFType = ["float32": .float32, "float64": .float64][store] else {
      throw ParameterError("store", "expected float32 or float64, found \"\(store)\"")
    }
    let generator = DatasetGenerator(
      equation: try Equations.named(equation), options: parameters, input: input, samples: samples,
      store: type, checkEvery: checkEvery,
      program: "operatorctl \(Toolkit.version)", history: history)
    return try generator.run(
      to: output, existing: policy, isCancelled: { stop.isRequested }, progress: onProgress)
  }

  /// Joins shards of one dataset.
  public static func merge(
    _ shards: [String], output: String, existing policy: ExistingOutput = .refuse, history: String? = nil
  ) throws -> DatasetMerge.Summary {
    _ = try DatasetFiles(path: output).check(policy)
    try DistinctFiles.require(output: output, inputs: shards)
    return try DatasetMerge.merge(shards, to: output, existing: policy, history: history)
  }

  /// The equations there are with their parameters, in lines for people.
  public static var help: String {
    Equations.all.map { equation in
      let parameters = equation.parameters.map { parameter in
        "  --\(parameter.name): \(parameter.help)\(choices(parameter))"
          + (parameter.defaultText.map { " (\($0))" } ?? "")
      }
      return (["\(equation.name): \(equation.summary)"] + parameters).joined(separator: "\n")
    }.joined(separator: "\n\n")
  }

  /// What a choice is between, where its help does not say.
  private static func choices(_ parameter: ParameterDescription) -> String {
    guard case .choice(let names) = parameter.kind, names.contains(where: { !parameter.help.contains($0) })
    else { return "" }
    return ": \(names.joined(separator: ", "))"
  }

  /// The names of the parameters of all equations.
  public static var parameterNames: Set<String> {
    Set(Equations.all.flatMap { $0.parameters.map(\.name) })
  }
}
