import Foundation
import PDEData
import Tensors

/// Files of fields on any grid, and what solvers make of them.
enum BoxInputs {
  /// Writes functions of the point as samples of the named fields.
  static func write(
    _ path: String, _ grid: Grid, _ samples: [[String: ([Double]) -> Double]],
    coordinates: [String: [Double]] = [:]
  ) throws {
    var schema = DatasetSchema(sampleCount: samples.count, grid: grid)
    for (name, values) in coordinates {
      for index in schema.variables.indices where schema.variables[index].name == name {
        schema.variables[index].fixedValues = .numbers(values)
      }
    }
    let points = grid.axes.map { coordinates[$0.name] ?? $0.coordinates }
    let strides = Tensor<Double>.strides(of: grid.shape)
    let names = samples[0].keys.sorted()
    for name in names {
      schema.addField(name, type: .float64, hasTime: false, axes: grid.axes.map(\.name), longName: name)
    }
    let writer = try DatasetWriter(path: path, schema: schema, existing: .replace)
    for name in names {
      let values = samples.flatMap { sample in
        (0..<grid.pointCount).map { index in
          sample[name]?(grid.axes.indices.map { points[$0][index / strides[$0] % grid.shape[$0]] }) ?? 0
        }
      }
      try writer.write(name, samples: 0..<samples.count, values: values)
    }
    try writer.finish()
  }

  /// What `solve` makes of a file.
  @discardableResult
  static func solve(
    _ equation: any Equation, _ folder: TemporaryFolder, _ input: String, _ options: [String: String] = [:],
    output: String = "G.nc", checkEvery: Int? = nil
  ) throws -> (reader: DatasetReader, summary: GenerationSummary, warning: String?) {
    let reader = try DatasetReader(path: folder.path(input))
    var warning: String?
    let summary = try DatasetGenerator(
      equation: equation, options: options, input: .dataset(reader), samples: 0..<reader.sampleCount,
      store: .float64, checkEvery: checkEvery
    ).run(to: folder.path(output), existing: .replace, progress: { warning = $0.warning?.text ?? warning })
    return (try DatasetReader(path: folder.path(output)), summary, warning)
  }

  static func generate(
    _ equation: any Equation, _ folder: TemporaryFolder, _ resolution: [Int],
    _ options: [String: String] = [:],
    samples: Int = 2, output: String = "F.nc", checkEvery: Int? = nil
  ) throws -> DatasetReader {
    _ = try DatasetGenerator(
      equation: equation, options: options, input: .random(seed: 5, resolution: resolution),
      samples: 0..<samples, store: .float64, checkEvery: checkEvery
    ).run(to: folder.path(output), existing: .replace)
    return try DatasetReader(path: folder.path(output))
  }
}

/// An axis of the unit interval with a condition at its ends, and an eigenmode of its discrete second derivative.
enum BoxAxis: CaseIterable, Sendable {
  case periodic, dirichletNodes, neumannNodes, dirichletCells, neumannCells, mixedNodes, mixedCells

  var placement: Grid.Placement {
    switch self {
    case .periodic: .periodic
    case .dirichletNodes, .neumannNodes, .mixedNodes: .nodes
    case .dirichletCells, .neumannCells, .mixedCells: .cells
    }
  }

  /// As `--boundary` has it.
  var option: String {
    switch self {
    case .periodic: "periodic"
    case .dirichletNodes, .dirichletCells: "dirichlet"
    case .neumannNodes, .neumannCells: "neumann"
    case .mixedNodes, .mixedCells: "dirichlet-neumann"
    }
  }

  var boundary: AxisBoundary {
    switch self {
    case .periodic: .periodic
    case .dirichletNodes, .dirichletCells: .dirichlet
    case .neumannNodes, .neumannCells: .neumann
    case .mixedNodes, .mixedCells: .ends(lower: .dirichlet, upper: .neumann)
    }
  }

  /// Of the first mode that depends on the place.
  var wavenumber: Double {
    switch self {
    case .periodic: 2 * .pi
    case .mixedNodes, .mixedCells: .pi / 2
    default: .pi
    }
  }

  func mode(_ x: Double) -> Double {
    switch self {
    case .neumannNodes, .neumannCells: cos(wavenumber * x)
    default: sin(wavenumber * x)
    }
  }

  /// Of minus the second difference with n points: `(4/h²) s²`, s = sin(kh/2); compact: over `1 − s²/3`.
  func eigenvalue(_ n: Int, isCompact: Bool = false) -> Double {
    let h = placement == .nodes ? 1 / Double(n - 1) : 1 / Double(n)
    let square = sin(wavenumber * h / 2) * sin(wavenumber * h / 2)
    return 4 / (h * h) * (isCompact ? square / (1 - square / 3) : square)
  }
}
