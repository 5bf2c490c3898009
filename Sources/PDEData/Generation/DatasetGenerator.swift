// Makes a dataset: samples in parallel, written in order, stopped and continued at any sample.

import Foundation
import Spectral
import Synchronization
import Tensors

/// How far a generation is.
public struct GenerationProgress: Sendable {
  /// Samples that are in the file, of ``total``.
  public var done: Int
  public var total: Int
  /// Of those made in this run.
  public var failed: Int
  public var samplesPerSecond: Double
  /// The first warning in this run, and the number of its sample.
  public var warning: (sample: Int, text: String)?

  public var secondsLeft: Double? {
    samplesPerSecond > 0 ? Double(total - done) / samplesPerSecond : nil
  }
}

/// What a generation left.
public struct GenerationSummary: Sendable {
  public var samples: Int
  /// The numbers of the samples that the solver failed on, in the whole file; their `status` tells so.
  public var failed: [Int]
  /// Made in this run, and the seconds that took.
  public var made: Int
  public var seconds: Double
  /// The mean over the samples made of the time on one thread that drawing the input and solving took, writing left
  /// out.
  public var solverSecondsPerSample: Double
}

/// A stop on request; the partial file can be continued.
public struct GenerationInterrupted: CategorizedError {
  public let path: String
  public let done: Int
  public let total: Int

  public var category: ErrorCategory { .interrupted }
  public var description: String {
    "\(path): stopped after \(done) of \(total) samples; --resume continues"
  }
}

/// Generates datasets of one equation.
///
/// A sample is a function of its number (with seed and parameters) alone, and numbers are stored as they come: the same
/// command gives the same bytes of data on any number of threads, stopped and resumed or not. Memory is bounded by the
/// samples in flight.
public struct DatasetGenerator: Sendable {
  public var equation: any Equation
  /// Values of the equation's parameters as the command line gives them.
  public var options: [String: String]
  public var input: InputSource
  /// The numbers of the samples.
  public var samples: Range<Int>
  /// The type of the stored fields: `.float32` or `.float64`.
  public var store: NetCDFType
  /// Every K-th sample (by its number) is solved again at half the step and half the grid spacing, and
  /// `discretization_error(sample)` tells the largest relative L² difference of its fields; nil: none.
  public var checkEvery: Int?
  /// Program and version, for the attribute `source`.
  public var program: String
  /// Time and command line, for the attribute `history`.
  public var history: String

  public init(
    equation: any Equation, options: [String: String] = [:], input: InputSource, samples: Range<Int>,
    store: NetCDFType = .float32, checkEvery: Int? = nil, program: String = "operators",
    history: String = ""
  ) {
    self.equation = equation
    self.options = options
    self.input = input
    self.samples = samples
    self.store = store
    self.checkEvery = checkEvery
    self.program = program
    self.history = history
  }

  /// Makes the dataset at `path`. A partial file is continued with the process's transforms planned as they were when
  /// it was begun.
  /// - Parameters:
  ///   - isCancelled: asked before every sample; once true, the run ends with ``GenerationInterrupted``.
  ///   - progress: called after every block of samples, on the calling thread.
  /// - Throws: a ``CategorizedError``. A solver that fails on a sample is no error: see ``GenerationSummary/failed``.
  public func run(
    to path: String, existing: ExistingOutput = .refuse,
    isCancelled: @escaping @Sendable () -> Bool = { false },
    progress: (GenerationProgress) -> Void = { _ in }
  ) throws -> GenerationSummary {
    if case .dataset(let reader) = input, samples.isEmpty {
      throw DatasetError(.invalidData, path: reader.path, "holds no samples")
    }
    guard !samples.isEmpty else { throw ParameterError("samples", "at least one is wanted") }
    guard samples.lowerBound >= 0 else { throw ParameterError("sample-offset", "must not be negative") }
    guard store.isFloatingPoint else {
      throw ParameterError("store", "\(store.name) is not float32 or float64")
    }
    if let checkEvery, checkEvery < 1 {
      throw ParameterError("check-error", "\(checkEvery) is not a positive number of samples")
    }
    let files = DatasetFiles(path: path)
    if try files.check(existing) == .partial { try files.restoreTransformPlans() }
    let problem = try equation.problem(options: options, input: input)
    var schema = schema(problem)
    schema.addTransformPlans()
    let writer = try DatasetWriter(path: path, schema: schema, existing: existing)
    let run = GenerationRun(
      problem: problem, check: try checkEvery.map { (every: $0, refined: try problem.refined()) },
      writer: writer, firstSample: samples.lowerBound, isCancelled: isCancelled)
    return store == .float64
      ? try run.perform(Double.self, progress) : try run.perform(Float.self, progress)
  }

  private func schema(_ problem: any DatasetProblem) -> DatasetSchema {
    var schema = DatasetSchema(
      sampleCount: samples.count, firstSample: samples.lowerBound, grid: problem.grid, times: problem.times)
    for (name, values) in problem.coordinates { schema.setCoordinates(of: name, to: values) }
    schema.attributes = [
      Attribute("Conventions", "CF-1.11"), Attribute("title", equation.summary),
      Attribute("source", program), Attribute("history", history),
    ]
    for attribute in problem.attributes { schema.set(attribute.name, attribute.value) }
    if case .random(let seed, _) = input {
      schema.set("seed", .unsigned([seed]))
      let provenance = DatasetProvenance(ranges: [.init(seed: seed, samples: samples)])
      if let text = provenance.text { schema.set(DatasetProvenance.attribute, .text(text)) }
    }
    let axes = problem.grid.axes.map(\.name)
    for field in problem.fields {
      for axis in field.ownAxes { schema.addCoordinate(axis) }
      schema.addField(
        field.name, type: store, hasTime: field.hasTime,
        axes: field.isOnGrid ? axes : field.ownAxes.map(\.name), longName: field.longName,
        units: field.units)
    }
    for scalar in problem.scalars {
      schema.addScalar(scalar.name, longName: scalar.longName, units: scalar.units)
    }
    if let checkEvery {
      schema.addScalar(
        GenerationRun.errorScalar,
        longName: "relative L2 difference from the solution at half the step and half the grid spacing",
        units: "1")
      schema.set("check_error", .integer(checkEvery))
    }
    schema.addStatus()
    return schema
  }
}
