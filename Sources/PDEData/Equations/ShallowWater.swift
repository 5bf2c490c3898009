// The shallow-water equations.

import RealModule
import Spectral
import Tensors

/// Water of depth h over a flat bed that moves with the velocity (u, v), rotating or not.
public struct ShallowWaterEquation: Equation {
  public let name = "shallow-water"
  public let summary =
    "h_t + div(h u) = 0, u_t + (u.grad) u + f k x u = -g grad h (+ nu lap u), periodic or within walls"
  public let dimensions = [2, 1]

  public init() {}

  private static let surroundings = [InitialState.Surroundings.periodic, .walls]
  private static let volumes = "finite-volumes"
  private static let stepper = EvolutionSettings.Stepper(
    name: "SSPRK3", order: ShallowWaterVolumes<Double>.order)
  /// Where no step is asked for: h stays positive up to ½.
  private static let courantNumber = 0.45

  public var parameters: [ParameterDescription] {
    [
      CommonParameters.dimension(dimensions),
      ParameterDescription("gravity", .positive(allowsRange: false), default: "1", help: "gravity g"),
      ParameterDescription("coriolis", .real, default: "0", help: "rotation f, in two dimensions"),
      ParameterDescription(
        "initial-state", .choice(["dam-break", "random"]), default: nil,
        help:
          "dam-break: twice the depth in a disc around the middle, its radius between 0.06 and 0.14 of the domain "
          + "(PDEBench); random: a Gaussian field added to the depth (default: dam-break for finite-volumes)"),
      ParameterDescription(
        "depth", .positive(allowsRange: false), default: "1", help: "mean depth, of dam-break the outer one"),
      ParameterDescription(
        "viscosity", .notNegative, default: "1e-3",
        help: "of spectral methods: ν of νΔ, on all fields; zero or positive"),
      ParameterDescription(
        "hyperviscosity", .notNegative, default: "0", help: "of spectral methods: the same of -νΔΔ"),
    ]
      + EvolutionSettings.parameters(
        methods: [Self.volumes] + SemilinearMethod.all.map(EvolutionSettings.methodName),
        quantities: .shallowWater(gravity: 1),
        courantDefault: "\(Self.courantNumber) of finite-volumes, where no --tolerance is asked for")
      + InitialState.parameters(Self.surroundings, domain: "-2.5:2.5")
  }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let isSpectral = parameters.text("method") != Self.volumes
    let surroundings: InitialState.Surroundings =
      parameters.text("boundary") == InitialState.Surroundings.walls.name ? .walls : .periodic
    let settings = try EvolutionSettings(
      parameters, stepper: isSpectral ? nil : Self.stepper,
      defaultCourant: isSpectral ? nil : Self.courantNumber)
    let rank = try InitialState.rank("h0", input)
    guard rank <= 2 else { throw ParameterError("dimension", "\(name) has one or two, not \(rank)") }
    let water = Water(
      gravity: parameters.real("gravity") ?? 1, coriolis: parameters.real("coriolis") ?? 0)
    guard rank == 2 || water.coriolis == 0 else {
      throw ParameterError("coriolis", "rotation is for two dimensions")
    }
    if isSpectral, !surroundings.isPeriodic {
      throw ParameterError("method", "spectral methods are for --boundary periodic; finite-volumes is not")
    }
    for dissipation in ["viscosity", "hyperviscosity"] {
      let number = parameters.real(dissipation) ?? 0
      guard number >= 0 else { throw ParameterError(dissipation, "\(number) is negative") }
      guard isSpectral || !parameters.given.contains(dissipation) else {
        throw ParameterError(dissipation, "is a parameter of spectral methods")
      }
    }
    let random = try self.random(parameters, rank, isSpectral, surroundings, input)
    var initial = try InitialState(
      Array(["h0", "u0", "v0"].prefix(rank + 1)), rank: rank, equation: name, parameters: parameters,
      input: input, random: random, surroundings: surroundings)
    // Volumes can run dry.
    initial.firstField = isSpectral ? .positive : .notNegative
    var attributes = [
      Attribute("gravity", .real(water.gravity)), Attribute("coriolis", .real(water.coriolis)),
    ]
    guard isSpectral else {
      return settings.isSinglePrecision
        ? try volumes(initial, settings, water, attributes, Float.self)
        : try volumes(initial, settings, water, attributes, Double.self)
    }
    let hyperviscosity = parameters.real("hyperviscosity") ?? 0
    attributes.append(Attribute("hyperviscosity", .real(hyperviscosity)))
    let viscosity = try SampleParameter("viscosity", parameters, input)
    return settings.isSinglePrecision
      ? try spectral(initial, viscosity, hyperviscosity, settings, water, attributes, Float.self)
      : try spectral(initial, viscosity, hyperviscosity, settings, water, attributes, Double.self)
  }

  private struct Water {
    var gravity: Double
    var coriolis: Double
  }

  private func fields(_ rank: Int) -> [(name: String, longName: String)] {
    Array(
      [("h", "depth"), ("u", "velocity along x"), ("v", "velocity along y")].prefix(rank + 1)
    )
  }

  private func volumes<Element: Scalar>(
    _ initial: InitialState, _ settings: EvolutionSettings, _ water: Water, _ attributes: [Attribute],
    _ element: Element.Type
  ) throws -> any DatasetProblem {
    try EvolutionProblem(initial, [], settings, equation: self, attributes: attributes) { grid in
      let scheme = ShallowWaterVolumes<Element>(
        grid: grid, gravity: water.gravity, coriolis: water.coriolis)
      let points = grid.shape.map(String.init).joined(separator: "x")
      return SchemeSystem(
        discretization: "finite volumes, \(points) cells, van Leer's limiter, HLL flux",
        fields: fields(grid.axes.count), quantities: .shallowWater(gravity: water.gravity),
        conserved: { $0.conserved($1) }, restored: { $0.velocities($1) }, scheme: { _ in scheme })
    }
  }

  private func spectral<Element: SpectralScalar>(
    _ initial: InitialState, _ viscosity: SampleParameter, _ hyperviscosity: Double,
    _ settings: EvolutionSettings, _ water: Water, _ attributes: [Attribute], _ element: Element.Type
  ) throws -> any DatasetProblem {
    try EvolutionProblem(initial, [viscosity], settings, equation: self, attributes: attributes) { grid in
      let (shape, lengths) = (grid.shape, grid.axes.map(\.length))
      let transport = ShallowWaterTransport<Element>(
        shape: shape, lengths: lengths, gravity: water.gravity, coriolis: water.coriolis)
      return PeriodicSystem(
        nonlinearity: transport, basis: transport.basis,
        eigenvalues: { viscosity in
          let laplacian = transport.box.laplacian(lengths: lengths, times: 1)
          let field = laplacian.map { viscosity * $0 - hyperviscosity * $0 * $0 }
          return (0...shape.count).flatMap { _ in field }
        },
        fields: fields(shape.count), quantities: .shallowWater(gravity: water.gravity))
    }
  }

  // MARK: - Initial states

  private func random(
    _ parameters: ParameterValues, _ rank: Int, _ isSpectral: Bool,
    _ surroundings: InitialState.Surroundings, _ input: InputSource
  ) throws -> InitialState.Random {
    let depth = parameters.real("depth") ?? 1
    let given = parameters.text("initial-state")
    if case .dataset(let reader) = input {
      for name in ["initial-state", "depth"] where parameters.given.contains(name) {
        throw ParameterError(name, "is for generated data; the initial states come from \(reader.path)")
      }
    }
    let still = InputField.function { _, grid in .zeros(grid.shape) }
    let rest = [InputField](repeating: still, count: rank)
    guard given == "random" || (given.isEmpty && isSpectral) else {
      guard !parameters.given.contains("random-field") else {
        throw ParameterError("random-field", "is for --initial-state random")
      }
      let text =
        "\(2 * depth) within r of the middle, \(depth) outside, r = L*U(0.06, 0.14); at rest"
      return InitialState.Random(
        operatorInputs: ["h0"],
        attributes: [
          Attribute("initial_state", "dam-break"), Attribute("random_field", .text("h0 = \(text)")),
        ]
      ) { _, _, seed in
        [.function { sample, grid in Self.dam(depth, seed: seed, sample: sample, grid) }] + rest
      }
    }
    var measure = try CommonParameters.measure(
      parameters, paper: .navierStokesPaper, script: .navierStokesScript)
    measure.boundary = surroundings.isPeriodic ? .periodic : .neumann
    return InitialState.Random(
      operatorInputs: ["h0"],
      attributes: [
        Attribute("initial_state", "random"), Attribute("depth", .real(depth)),
        Attribute("random_field", .text("h0 - \(depth) ~ \(measure); at rest")),
      ]
    ) { [measure] grid, coarser, seed in
      [.randomAround(depth, try GaussianSampler(measure, grid: grid, resolvedBy: coarser), seed: seed)] + rest
    }
  }

  /// The radial dam break of PDEBench (Takamoto et al. 2022), on any domain.
  private static func dam(_ depth: Double, seed: UInt64, sample: Int, _ grid: Grid) -> Tensor<Double> {
    let stream = RandomStream(seed: seed, purpose: "dam radius", sample: UInt64(sample))
    let length = grid.axes.map(\.length).min() ?? 1
    let radius = length * (0.06 + 0.08 * stream.uniform(at: 0))
    var squares = [0.0]
    for axis in grid.axes {
      let middle = (axis.lowerBound + axis.upperBound) / 2
      squares = squares.flatMap { square in
        axis.coordinates.map { square + ($0 - middle) * ($0 - middle) }
      }
    }
    return Tensor(squares.map { $0 < radius * radius ? 2 * depth : depth }, shape: grid.shape)
  }
}
