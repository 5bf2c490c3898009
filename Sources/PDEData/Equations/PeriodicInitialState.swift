// Initial states on periodic grids: random ones, or the user's.

import Spectral
import Tensors

/// The initial state of an equation on a periodic grid: where it comes from, where it is stored and solved.
struct PeriodicInitialState: Sendable {
  /// The variable of files: `u0`.
  let name: String
  private(set) var thinning: Thinning
  private let field: InputField
  /// The user's own states may be coarser than the grid that is solved on.
  private let interpolation: PeriodicInterpolation?
  /// From the points that fields are drawn on to those that are stored.
  private let drawn: Thinning
  /// To half the spacing, where that is solved on.
  private var refinement: PeriodicInterpolation?
  /// What files tell of it.
  let attributes: [Attribute]

  /// The presets of `--random-field`.
  struct Presets {
    var paper: GaussianMeasure
    var script: GaussianMeasure
  }

  /// Below this no wave interacts with another under the 2/3 rule.
  private static let fewestPoints = 8

  /// The parameters that ``init(_:rank:equation:parameters:input:presets:)`` understands.
  static var parameters: [ParameterDescription] {
    [
      CommonParameters.domain,
      ParameterDescription(
        "boundary", .choice(["periodic"]), default: "periodic", help: "boundary condition"),
      CommonParameters.solveResolution, CommonParameters.randomField("random initial states"),
    ]
  }

  init(
    _ name: String, rank: Int, equation: String, parameters: ParameterValues, input: InputSource,
    presets: Presets
  ) throws {
    self.name = name
    let (stored, file) = try Self.storedGrid(name, rank, equation, parameters, input)
    var thinning = try Thinning(stored: stored, resolution: stored.shape)
    if case .text(let text)? = parameters["solve-resolution"] {
      thinning = try Thinning(
        stored: stored,
        resolution: CommonParameters.resolution(text, rank: rank, parameter: "solve-resolution"))
    }
    self.thinning = thinning
    drawn = thinning
    var attributes = [Attribute("boundary_conditions", "periodic")]
    switch input {
    case .random(let seed, _):
      let measure = try CommonParameters.measure(
        parameters, paper: presets.paper, script: presets.script)
      field = .random(try GaussianSampler(measure, grid: thinning.solved), seed: seed)
      interpolation = nil
      attributes.append(Attribute("random_field", .text("\(name) ~ \(measure)")))
    case .dataset(let reader):
      guard let file else { preconditionFailure("a file has its variable") }
      field = .dataset(reader, file)
      interpolation =
        thinning.isIdentity ? nil : PeriodicInterpolation(from: stored.shape, to: thinning.solved.shape)
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
    _ name: String, _ rank: Int, _ equation: String, _ parameters: ParameterValues, _ input: InputSource
  ) throws -> (Grid, DatasetVariable?) {
    switch input {
    case .random(_, let resolution):
      if let few = resolution.first(where: { $0 < fewestPoints }) {
        throw ParameterError(
          "resolution", "\(few) points are too few; \(equation) wants at least \(fewestPoints)")
      }
      let (lower, upper) = parameters.interval("domain") ?? (0, 1)
      let axes = zip(["z", "y", "x"].suffix(rank), resolution).map { axis, count in
        Grid.Axis(name: axis, lowerBound: lower, upperBound: upper, count: count, placement: .periodic)
      }
      return (Grid(axes: axes), nil)
    case .dataset(let reader):
      guard !parameters.given.contains("random-field") else {
        throw ParameterError(
          "random-field", "is for generated data; the initial states come from \(reader.path)")
      }
      guard !parameters.given.contains("domain") else {
        throw ParameterError("domain", "is told by the coordinates of \(reader.path)")
      }
      let (variable, grid) = try InputField.find(name, in: reader, rank: rank)
      func failure(_ message: String) -> DatasetError {
        DatasetError(.invalidData, path: reader.path, variable: name, message)
      }
      guard grid.axes.allSatisfy(\.isPeriodic) else {
        throw failure("lies on \(grid); periodic points x_j = a + j·L/n were expected")
      }
      if let few = grid.shape.first(where: { $0 < fewestPoints }) {
        throw failure("has \(few) points; \(equation) wants at least \(fewestPoints)")
      }
      return (grid, variable)
    }
  }

  /// The state of a sample on the grid that is solved on, and as it is stored.
  func values(
    sample: Int
  ) throws(DatasetError) -> (solved: Tensor<Double>, stored: Tensor<Double>) {
    let values = try field.values(sample: sample)
    let (solved, stored) = interpolation.map { ($0(values), values) } ?? (values, drawn(values))
    return (refinement?(solved) ?? solved, stored)
  }

  /// The same states, solved on half the spacing.
  func refined() throws(ParameterError) -> PeriodicInitialState {
    let shape = drawn.solved.shape
    var result = self
    result.thinning = try Thinning(stored: drawn.stored, resolution: shape.map { 2 * $0 })
    result.refinement = PeriodicInterpolation(from: shape, to: result.thinning.solved.shape)
    return result
  }
}
