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
      CommonParameters.viscosity("1e-3"),
      ParameterDescription(
        "forcing", .choice(["paper", "none", "kolmogorov"]), default: "paper",
        help:
          "paper: s (sin 2π(x+y) + cos 2π(x+y)) on the unit square; kolmogorov: the curl of s sin(2πky/L) along x"
      ),
      ParameterDescription(
        "forcing-scale", .real, default: nil, help: "s (paper: 0.1, kolmogorov: 1)"),
      ParameterDescription(
        "forcing-wavenumber", .positive(allowsRange: false), default: nil, help: "k of kolmogorov (4)"),
      ParameterDescription("drag", .notNegative, default: "0", help: "linear drag μ, zero or positive"),
    ]
      + EvolutionSettings.parameters(
        methods: SemilinearMethod.all.map(EvolutionSettings.methodName) + FlowMethod.allCases.map(\.rawValue),
        quantities: .vorticity)
      + InitialState.parameters
  }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let differences = FlowMethod(rawValue: parameters.text("method"))
    let settings = try EvolutionSettings(parameters, stepper: differences?.settings)
    let initial = try InitialState(
      "w0", rank: 2, equation: name, parameters: parameters, input: input,
      presets: .init(paper: .navierStokesPaper, script: .navierStokesScript))
    let drag = parameters.real("drag") ?? 0
    guard drag >= 0 else { throw ParameterError("drag", "\(drag) is negative") }
    let viscosity = try SampleParameter("viscosity", parameters, input)
    let forcing = try Forcing(parameters)
    let attributes = [Attribute("drag", .real(drag)), forcing.attribute]
    func problem<Element: SpectralScalar>(_ element: Element.Type) throws -> any DatasetProblem {
      if let differences {
        return try EvolutionProblem(
          initial, [viscosity], settings, equation: self, attributes: attributes
        ) { grid in
          VorticitySystem<Element>(
            term: VorticityDifferences(
              grid: grid, drag: drag, steadyForcing: try forcing.onGrid(grid).steadyField),
            stepper: differences.stepper())
        }
      }
      return try EvolutionProblem(
        initial, [viscosity], settings, equation: self, attributes: attributes
      ) { grid in
        let transport = VorticityTransport<Element>(
          shape: grid.shape, lengths: grid.axes.map(\.length), forcing: try forcing.onGrid(grid))
        return PeriodicSystem(
          nonlinearity: transport, basis: transport.box,
          eigenvalues: { transport.eigenvalues(viscosity: $0, drag: drag) },
          fields: [("w", "vorticity")], quantities: .vorticity)
      }
    }
    return settings.isSinglePrecision ? try problem(Float.self) : try problem(Double.self)
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
