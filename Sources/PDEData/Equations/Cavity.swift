// The flow in a closed cavity that its lid drives.

import Spectral
import Tensors

/// ω_t + u·∇ω = νΔω with u = (∂_y ψ, −∂_x ψ), −Δψ = ω in a rectangle of walls at rest, but for the upper one, the lid,
/// which moves along itself with u = g(x); from rest.
public struct CavityEquation: Equation {
  public let name = "cavity"
  public let summary =
    "w_t + u.grad w = nu lap w, u = (psi_y, -psi_x), -lap psi = w, walls at rest but the lid at y = b: u = lid(x)"
  public let dimensions = [2]

  /// Nodes along each axis that Thom's formula and the Jacobian take.
  private static let fewestNodes = 5
  /// The finest wave of random lids.
  private static let largestWavenumber = 32

  public init() {}

  public var parameters: [ParameterDescription] {
    [
      CommonParameters.viscosity("1e-2"),
      ParameterDescription(
        "lid", .choice(["random", "smooth", "uniform"]), default: "random",
        help:
          "uniform: U; smooth: 16 U s²(1−s)², s from 0 to 1 along the lid; random: that times 1 + g, g a random field"
      ),
      CommonParameters.sampled("lid-speed", "1", "U"),
      CommonParameters.randomField("g of random lids", "100 (-Δ + 25)^-2"),
    ]
      + EvolutionSettings.parameters(
        methods: [FlowMethod.alternatingDirections.rawValue], quantities: .walledVorticity,
        tolerance: "1e-4")
      + [CommonParameters.domain(), CommonParameters.solveResolution]
  }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let settings = try EvolutionSettings(
      parameters, stepper: FlowMethod.alternatingDirections.settings)
    let viscosity = try SampleParameter("viscosity", parameters, input)
    let thinning = try thinning(parameters, input)
    let lid = try lid(parameters, input, thinning)
    let recording = try Recording(.walledVorticity, settings.recorded, on: thinning.solved)
    return settings.isSinglePrecision
      ? try CavityProblem<Float>(lid, viscosity, settings, recording, thinning, equation: self)
      : try CavityProblem<Double>(lid, viscosity, settings, recording, thinning, equation: self)
  }

  private func lid(
    _ parameters: ParameterValues, _ input: InputSource, _ thinning: Thinning
  ) throws -> CavityLid {
    let alongX = Grid(axes: [thinning.solved.axes[1]])
    switch input {
    case .dataset(let reader):
      let (variable, grid) = try InputField.find("lid", in: reader, rank: 1)
      return CavityLid(.given(.dataset(reader, variable)), points: grid.axes[0].count, on: alongX)
    case .random(let seed, _):
      guard parameters.text("lid") == "random" || !parameters.given.contains("random-field") else {
        throw ParameterError("random-field", "is for --lid random")
      }
      let speed = try SampleParameter("lid-speed", parameters, input)
      switch parameters.text("lid") {
      case "uniform": return CavityLid(.uniform(speed), points: alongX.pointCount, on: alongX)
      case "smooth": return CavityLid(.smooth(speed, nil, nil), points: alongX.pointCount, on: alongX)
      default:
        do throws(GaussianMeasureError) {
          let measure = try GaussianMeasure(
            formula: parameters.text("random-field"), boundary: .neumann,
            maximumWavenumber: min(Self.largestWavenumber, alongX.pointCount - 2))
          let field = InputField.random(try GaussianSampler(measure, grid: alongX), seed: seed)
          return CavityLid(
            .smooth(speed, field, measure.description), points: alongX.pointCount, on: alongX)
        } catch {
          throw ParameterError("random-field", error.description)
        }
      }
    }
  }

  private func thinning(_ parameters: ParameterValues, _ input: InputSource) throws -> Thinning {
    let stored: Grid
    switch input {
    case .random(_, let resolution):
      if let few = resolution.first(where: { $0 < Self.fewestNodes }) {
        throw ParameterError(
          "resolution", "\(few) nodes are too few; \(name) wants at least \(Self.fewestNodes)")
      }
      let (lower, upper) = parameters.interval("domain") ?? (0, 1)
      stored = Grid(
        axes: zip(["y", "x"], resolution).map {
          Grid.Axis(name: $0, lowerBound: lower, upperBound: upper, count: $1, placement: .nodes)
        })
    case .dataset(let reader):
      for name in ["lid", "lid-speed", "random-field", "domain"] where parameters.given.contains(name) {
        throw ParameterError(name, "is for generated data; the lid and its points come from \(reader.path)")
      }
      stored = try grid(reader)
    }
    guard case .text(let text)? = parameters["solve-resolution"] else {
      return try Thinning(stored: stored, resolution: stored.shape)
    }
    return try Thinning(
      stored: stored,
      resolution: CommonParameters.resolution(text, rank: 2, parameter: "solve-resolution"))
  }

  /// The nodes of a file's lids along x, and its nodes along y; without those, a square.
  private func grid(_ reader: DatasetReader) throws(DatasetError) -> Grid {
    let (variable, lid) = try InputField.find("lid", in: reader, rank: 1)
    var x = lid.axes[0]
    x.name = "x"
    var y = x
    if let dimension = reader.dimensions.first(where: { $0.name == "y" }) {
      let reading = try reader.axis(of: dimension)
      guard reading.isUniform else {
        throw DatasetError(.invalidData, path: reader.path, variable: "y", "is not evenly spaced")
      }
      y = reading.axis
    }
    y.name = "y"
    let grid = Grid(axes: [y, x])
    guard grid.axes.allSatisfy({ $0.placement == .nodes && $0.count >= Self.fewestNodes }) else {
      throw DatasetError(
        .invalidData, path: reader.path, variable: variable.name,
        "lies on \(grid); \(Self.fewestNodes) nodes or more, the walls among them, were expected")
    }
    return grid
  }
}
