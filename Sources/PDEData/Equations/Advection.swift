// Advection, with or without diffusion.

import Spectral
import Tensors

/// u_t + c·∇u = νΔu, periodic, with the same speed c along every axis.
public struct AdvectionEquation: Equation {
  public let name = "advection"
  public let summary = "u_t + c (u_x + u_y + ...) = nu lap u, periodic"
  public let dimensions = [1, 2, 3]

  public init() {}

  public var parameters: [ParameterDescription] {
    [
      ParameterDescription("speed", .real, default: "1", help: "speed c along every axis"),
      ParameterDescription("viscosity", .notNegative, default: "0", help: "diffusivity ν, zero or positive"),
      CommonParameters.dimension(dimensions),
    ] + EvolutionSettings.parameters() + InitialState.parameters
  }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let settings = try EvolutionSettings(parameters)
    let rank = try InitialState.rank("u0", input)
    let initial = try InitialState(
      "u0", rank: rank, equation: name, parameters: parameters, input: input,
      presets: .init(paper: .burgersPaper, script: .burgersScript))
    let viscosity = try SampleParameter("viscosity", parameters, input)
    let speed = parameters.real("speed") ?? 1
    return settings.isSinglePrecision
      ? try problem(initial, viscosity, settings, speed, Float.self)
      : try problem(initial, viscosity, settings, speed, Double.self)
  }

  private func problem<Element: SpectralScalar>(
    _ initial: InitialState, _ viscosity: SampleParameter, _ settings: EvolutionSettings,
    _ speed: Double, _ element: Element.Type
  ) throws -> any DatasetProblem {
    try EvolutionProblem(
      initial, [viscosity], settings, equation: self, attributes: [Attribute("speed", .real(speed))]
    ) { grid in
      let lengths = grid.axes.map(\.length)
      let advection = LinearAdvection<Element>(
        shape: grid.shape, lengths: lengths, velocity: lengths.map { _ in speed })
      return PeriodicSystem(
        nonlinearity: advection, basis: advection.box,
        eigenvalues: { advection.box.laplacian(lengths: lengths, times: $0) }, fields: [("u", "density")])
    }
  }
}
