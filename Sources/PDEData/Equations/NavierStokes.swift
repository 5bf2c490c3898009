// The Navier–Stokes equations of an incompressible fluid in two dimensions, by their vorticity.

import RealModule
import Spectral
import Tensors

/// ω_t + u·∇ω = νΔω − μω + f with u = (∂_y ψ, −∂_x ψ), −Δψ = ω, periodic.
public struct NavierStokesEquation: Equation {
  public let name = "navier-stokes"
  public let summary = "w_t + u.grad w = nu lap w - mu w + f, u = (psi_y, -psi_x), -lap psi = w, periodic"
  public let dimensions = [2]

  public init() {}

  public var parameters: [ParameterDescription] {
    [
      ParameterDescription(
        "viscosity", .positive(allowsRange: true), default: "1e-3",
        help: "viscosity ν, or a range a:b drawn per sample (uniform in the logarithm)"),
      ParameterDescription(
        "forcing", .choice(["paper", "none", "kolmogorov"]), default: "paper",
        help:
          "paper: s (sin 2π(x+y) + cos 2π(x+y)) on the unit square; kolmogorov: the curl of s sin(2πky/L) along x"
      ),
      ParameterDescription(
        "forcing-scale", .real, default: nil, help: "s (paper: 0.1, kolmogorov: 1)"),
      ParameterDescription(
        "forcing-wavenumber", .positive(allowsRange: false), default: nil, help: "k of kolmogorov (4)"),
      ParameterDescription("drag", .real, default: "0", help: "linear drag μ, zero or positive"),
    ] + EvolutionSettings.parameters + PeriodicInitialState.parameters
  }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let settings = try EvolutionSettings(parameters)
    let initial = try PeriodicInitialState(
      "w0", rank: 2, equation: name, parameters: parameters, input: input,
      presets: .init(paper: .navierStokesPaper, script: .navierStokesScript))
    let drag = parameters.real("drag") ?? 0
    guard drag >= 0 else { throw ParameterError("drag", "\(drag) is negative") }
    let fluid = VorticityParameters(
      viscosity: try SampleParameter("viscosity", parameters, input), drag: drag,
      forcing: try Forcing(parameters))
    let attributes = [Attribute("equation", name), Attribute("equation_text", summary)]
    return settings.isSinglePrecision
      ? try NavierStokesProblem<Float>(initial, fluid, settings, attributes)
      : try NavierStokesProblem<Double>(initial, fluid, settings, attributes)
  }
}

/// What drives the fluid, of the command line's choices.
private enum Forcing {
  case none
  case diagonal(scale: Double)
  case kolmogorov(scale: Double, wavenumber: Int)

  init(_ parameters: ParameterValues) throws(ParameterError) {
    let kind = parameters.text("forcing")
    for name in ["forcing-scale", "forcing-wavenumber"] where parameters.given.contains(name) {
      guard kind != "none", kind == "kolmogorov" || name == "forcing-scale" else {
        throw ParameterError(name, "is no parameter of --forcing \(kind)")
      }
    }
    switch kind {
    case "none": self = .none
    case "kolmogorov":
      let wavenumber = parameters.real("forcing-wavenumber") ?? 4
      guard wavenumber == wavenumber.rounded(), wavenumber <= 1e6 else {
        throw ParameterError("forcing-wavenumber", "\(wavenumber) is not a whole number of periods")
      }
      self = .kolmogorov(scale: parameters.real("forcing-scale") ?? 1, wavenumber: Int(wavenumber))
    default: self = .diagonal(scale: parameters.real("forcing-scale") ?? 0.1)
    }
  }

  func onGrid(_ grid: Grid) throws(ParameterError) -> VorticityForcing {
    switch self {
    case .none: return .none
    case .diagonal(let scale): return .diagonal(on: grid, scale: scale)
    case .kolmogorov(let scale, let wavenumber):
      let most = (grid.axes[0].count - 1) / 3
      guard wavenumber <= most else {
        throw ParameterError(
          "forcing-wavenumber",
          "\(wavenumber) is not resolved by \(grid.axes[0].count) points, which keep \(most)")
      }
      return .kolmogorov(on: grid, scale: scale, wavenumber: wavenumber)
    }
  }

  var attribute: Attribute {
    switch self {
    case .none: Attribute("forcing", "none")
    case .diagonal(let scale): Attribute("forcing", .text("\(scale) (sin θ + cos θ), θ = 2π(x/Lx + y/Ly)"))
    case .kolmogorov(let scale, let wavenumber):
      Attribute("forcing", .text("-κ \(scale) cos κy, κ = 2π \(wavenumber)/Ly"))
    }
  }
}

private struct VorticityParameters {
  var viscosity: SampleParameter
  var drag: Double
  var forcing: Forcing
}

/// Initial vorticities and the states that follow.
private struct NavierStokesProblem<Element: SpectralScalar>: DatasetProblem {
  private let initial: PeriodicInitialState
  private let viscosity: SampleParameter
  private let drag: Double
  private let settings: EvolutionSettings
  private let transport: VorticityTransport<Element>
  private let shared: SemilinearIntegrator<VorticityTransport<Element>>?
  let attributes: [Attribute]

  init(
    _ initial: PeriodicInitialState, _ fluid: VorticityParameters, _ settings: EvolutionSettings,
    _ attributes: [Attribute]
  ) throws(ParameterError) {
    self.initial = initial
    self.settings = settings
    viscosity = fluid.viscosity
    drag = fluid.drag
    let grid = initial.thinning.solved
    let transport = VorticityTransport<Element>(
      shape: grid.shape, lengths: grid.axes.map(\.length), forcing: try fluid.forcing.onGrid(grid))
    self.transport = transport
    shared = viscosity.constant.map { viscosity in
      Self.integrator(settings.method, transport, viscosity, fluid.drag)
    }
    let shape = grid.shape.map(String.init).joined(separator: "x")
    let cutoffs = transport.box.cutoffs.map(String.init).joined(separator: ", ")
    self.attributes =
      attributes + initial.attributes
      + [viscosity.attribute, Attribute("drag", .real(drag)), fluid.forcing.attribute]
      + settings.attributes(
        solver: "pseudo-spectral, \(shape) points, 2/3 dealiased: |ky|, |kx| <= \(cutoffs)", grid: grid)
      + [
        Attribute("operator_inputs", viscosity.constant == nil ? "w0 viscosity" : "w0"),
        Attribute("operator_outputs", "w"),
      ]
  }

  var grid: Grid { initial.thinning.stored }
  var times: [Double]? { settings.times }
  var fields: [FieldDescription] {
    [
      FieldDescription("w0", longName: "vorticity at time 0"),
      FieldDescription("w", hasTime: true, longName: "vorticity"),
    ]
  }

  var scalars: [ScalarDescription] {
    (viscosity.constant == nil ? [ScalarDescription("viscosity", longName: "viscosity")] : [])
      + settings.scalars
  }

  private static func integrator(
    _ method: SemilinearMethod, _ transport: VorticityTransport<Element>, _ viscosity: Double, _ drag: Double
  ) -> SemilinearIntegrator<VorticityTransport<Element>> {
    SemilinearIntegrator(
      method, eigenvalues: transport.eigenvalues(viscosity: viscosity, drag: drag), nonlinearity: transport)
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    let (start, stored) = try initial.values(sample: sample)
    let viscosity = viscosity.value(sample: sample)
    let evolution = SpectralEvolution(
      integrator: shared ?? Self.integrator(settings.method, transport, viscosity, drag),
      basis: transport.box, interval: settings.times[0], savedCount: settings.times.count,
      control: settings.control)
    let result = evolution.solve(start)
    var solution = settings.solution(result, fields: ["w0": stored], name: "w", initial.thinning)
    if self.viscosity.constant == nil { solution.scalars["viscosity"] = viscosity }
    return solution
  }
}
