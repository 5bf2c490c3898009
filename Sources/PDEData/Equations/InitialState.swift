// Initial states: random ones, or the user's.

import Spectral
import Tensors

/// The initial state of an equation, of one or several fields: where it comes from, where it is stored and solved.
struct InitialState: EvolutionInputs {
  /// The variables of files: `u0`.
  let names: [String]
  /// Those that differ from sample to sample.
  let operatorInputs: [String]
  private(set) var thinning: Thinning
  private var sources: [InputField]
  /// How random states are drawn; nil for the user's.
  private let random: (fields: Random.Fields, seed: UInt64)?
  /// The user's own states may be coarser than the grid that is solved on.
  private let interpolation: FieldInterpolation?
  /// From the points that are solved on where nothing is refined.
  private let drawn: Thinning
  /// To half the spacing, where that is solved on.
  private var refinement: FieldInterpolation?
  /// What files tell of it.
  let attributes: [Attribute]
  /// What the user's values of the first field have to be.
  var firstField = Sign.any

  enum Sign: String { case any, notNegative = "zero or positive", positive }

  /// The presets of `--random-field`.
  struct Presets {
    var paper: GaussianMeasure
    var script: GaussianMeasure
  }

  /// Random states: a field for each name.
  struct Random {
    /// Those of a seed on a grid; with a coarser one, of modes that it resolves too.
    typealias Fields =
      @Sendable (_ grid: Grid, _ coarser: Grid?, _ seed: UInt64) throws -> [InputField]

    /// The names of the fields that are random; nil: all of them.
    var operatorInputs: [String]?
    var attributes: [Attribute]
    var fields: Fields
  }

  /// What holds at the boundary, and where the points are that go with it.
  struct Surroundings {
    var name: String
    /// For the attribute `boundary_conditions`.
    var text: String
    var placement: Grid.Placement
    /// The fields vanish at the ends.
    var isZero = false

    var isPeriodic: Bool { placement == .periodic }

    static let periodic = Surroundings(name: "periodic", text: "periodic", placement: .periodic)
    /// Nodes, at whose ends all fields are zero.
    static let zero = Surroundings(name: "dirichlet", text: "zero", placement: .nodes, isZero: true)
    /// Cells within walls.
    static let walls = Surroundings(name: "walls", text: "walls, no flow through them", placement: .cells)
  }

  /// Below this no wave interacts with another under the 2/3 rule.
  private static let fewestPoints = 8

  /// The parameters that ``init(_:rank:equation:parameters:input:presets:)`` understands.
  static var parameters: [ParameterDescription] { parameters([.periodic]) }

  static func parameters(_ surroundings: [Surroundings], domain: String = "0:1") -> [ParameterDescription] {
    [
      CommonParameters.domain(domain),
      ParameterDescription(
        "boundary", .choice(surroundings.map(\.name)), default: surroundings[0].name,
        help: "boundary condition"),
      CommonParameters.solveResolution, CommonParameters.randomField("random initial states"),
    ]
  }

  /// Gaussian random fields.
  init(
    _ names: String..., rank: Int, equation: String, parameters: ParameterValues, input: InputSource,
    presets: Presets, surroundings: Surroundings = .periodic
  ) throws {
    var measure = try CommonParameters.measure(parameters, paper: presets.paper, script: presets.script)
    measure.boundary = surroundings.isZero ? .dirichlet : .periodic
    let random = Random(attributes: [
      Attribute("random_field", .text("\(names.joined(separator: ", ")) ~ \(measure)"))
    ]) { [measure] grid, coarser, seed in
      let sampler = try GaussianSampler(measure, grid: grid, resolvedBy: coarser)
      // The first of several fields takes the numbers that a single one would.
      return names.indices.map {
        $0 == 0
          ? .random(sampler, seed: seed)
          : .random(sampler, seed: seed, purpose: RandomPurpose("field \(names[$0])"))
      }
    }
    try self.init(
      names, rank: rank, equation: equation, parameters: parameters, input: input, random: random,
      surroundings: surroundings)
  }

  init(
    _ names: [String], rank: Int, equation: String, parameters: ParameterValues, input: InputSource,
    random: Random, surroundings: Surroundings
  ) throws {
    self.names = names
    let (stored, files) = try Self.storedGrid(names, rank, equation, parameters, input, surroundings)
    var thinning = try Thinning(stored: stored, resolution: stored.shape)
    if case .text(let text)? = parameters["solve-resolution"] {
      thinning = try Thinning(
        stored: stored,
        resolution: CommonParameters.resolution(text, rank: rank, parameter: "solve-resolution"))
    }
    self.thinning = thinning
    drawn = thinning
    var attributes = [Attribute("boundary_conditions", .text(surroundings.text))]
    switch input {
    case .random(let seed, _):
      self.random = (random.fields, seed)
      operatorInputs = random.operatorInputs ?? names
      sources = try random.fields(thinning.solved, nil, seed)
      interpolation = nil
      attributes += random.attributes
    case .dataset(let reader):
      self.random = nil
      operatorInputs = names
      sources = files.map { surroundings.isZero ? .zeroEndedDataset(reader, $0) : .dataset(reader, $0) }
      interpolation = thinning.isIdentity ? nil : FieldInterpolation(from: stored, to: thinning.solved)
    }
    self.attributes = attributes
  }

  /// The dimension that an input asks for, of equations that have several.
  static func rank(_ name: String, _ input: InputSource) throws(DatasetError) -> Int {
    if case .random(_, let resolution) = input { return resolution.count }
    guard case .dataset(let reader) = input else { return 1 }
    let variable = try reader.variable(name)
    return min(3, max(1, variable.gridDimensions.count))
  }

  private static func storedGrid(
    _ names: [String], _ rank: Int, _ equation: String, _ parameters: ParameterValues, _ input: InputSource,
    _ surroundings: Surroundings
  ) throws -> (Grid, [DatasetVariable]) {
    switch input {
    case .random(_, let resolution):
      if let few = resolution.first(where: { $0 < fewestPoints }) {
        throw ParameterError(
          "resolution", "\(few) points are too few; \(equation) wants at least \(fewestPoints)")
      }
      let (lower, upper) = parameters.interval("domain") ?? (0, 1)
      let axes = zip(["z", "y", "x"].suffix(rank), resolution).map { axis, count in
        Grid.Axis(
          name: axis, lowerBound: lower, upperBound: upper, count: count, placement: surroundings.placement)
      }
      return (Grid(axes: axes), [])
    case .dataset(let reader):
      guard !parameters.given.contains("random-field") else {
        throw ParameterError(
          "random-field", "is for generated data; the initial states come from \(reader.path)")
      }
      guard !parameters.given.contains("domain") else {
        throw ParameterError("domain", "is told by the coordinates of \(reader.path)")
      }
      let found = try names.map { name in
        let (variable, grid) = try InputField.find(name, in: reader, rank: rank)
        try check(name, grid, equation, reader, surroundings)
        return (variable: variable, grid: grid)
      }
      if let stray = found.firstIndex(where: { $0.grid != found[0].grid }) {
        throw DatasetError(
          .invalidData, path: reader.path, variable: names[stray],
          "lies on \(found[stray].grid), \(names[0]) on \(found[0].grid)")
      }
      return (found[0].grid, found.map(\.variable))
    }
  }

  private static func check(
    _ name: String, _ grid: Grid, _ equation: String, _ reader: DatasetReader, _ surroundings: Surroundings
  ) throws(DatasetError) {
    func failure(_ message: String) -> DatasetError {
      DatasetError(.invalidData, path: reader.path, variable: name, message)
    }
    guard grid.axes.allSatisfy({ $0.placement == surroundings.placement }) else {
      let wanted =
        switch surroundings.placement {
        case .periodic: "periodic points x_j = a + j·L/n"
        case .nodes: "nodes x_j = a + j·L/(n-1)"
        case .cells: "centres of cells x_j = a + (j+1/2)·L/n"
        }
      throw failure("lies on \(grid); \(wanted) were expected for --boundary \(surroundings.name)")
    }
    if let few = grid.shape.first(where: { $0 < fewestPoints }) {
      throw failure("has \(few) points; \(equation) wants at least \(fewestPoints)")
    }
  }

  /// The state of a sample on the grid that is solved on, `[field, …grid]`, and every field as it is stored.
  func values(
    sample: Int
  ) throws(DatasetError) -> (solved: Tensor<Double>, stored: [String: Tensor<Double>]) {
    let grid = thinning.solved
    var solved = Tensor<Double>(uninitialized: [names.count] + grid.shape)
    var stored: [String: Tensor<Double>] = [:]
    for (index, source) in sources.enumerated() {
      let field: Tensor<Double>
      if case .function(let function) = source {
        field = function(sample, grid)
        stored[names[index]] = function(sample, thinning.stored)
      } else {
        let values = try source.values(sample: sample)
        if random == nil {
          if index == 0 { try requireSign(values, source, sample: sample) }
          let interpolated = interpolation?(values) ?? values
          field = refinement?(interpolated) ?? interpolated
          stored[names[index]] = values
        } else {
          field = values
          stored[names[index]] = thinning(values)
        }
      }
      solved.withUnsafeMutableBuffer { target in
        field.withUnsafeBuffer { source in
          for point in source.indices { target[index * source.count + point] = source[point] }
        }
      }
    }
    return (solved, stored)
  }

  private func requireSign(
    _ values: Tensor<Double>, _ source: InputField, sample: Int
  ) throws(DatasetError) {
    guard firstField != .any, case .dataset(let reader, let variable) = source else { return }
    let smallest = values.withUnsafeBuffer { $0.reduce(.infinity) { min($0, $1) } }
    guard smallest < 0 || (smallest == 0 && firstField == .positive) else { return }
    throw DatasetError(
      .invalidData, path: reader.path, variable: variable.name,
      "sample \(sample) has the value \(smallest), which is not \(firstField.rawValue)")
  }

  var domain: Grid { thinning.solved }
  var stored: Grid { thinning.stored }
  var solved: Grid { thinning.solved }

  func store(_ values: Tensor<Double>) -> Tensor<Double> { thinning(values) }

  /// The same states, solved on half the spacing.
  func refined() throws -> InitialState {
    var result = self
    result.thinning = try drawn.refined()
    let (grid, coarser) = (result.thinning.solved, drawn.solved)
    if let random {
      result.sources = try random.fields(grid, coarser, random.seed)
    } else {
      result.refinement = FieldInterpolation(from: coarser, to: grid)
    }
    return result
  }
}
