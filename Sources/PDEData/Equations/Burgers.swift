// Burgers' equation.

import RealModule
import Spectral
import Tensors

/// u_t + (u²/2)_x = ν u_xx, periodic.
public struct BurgersEquation: Equation {
  public let name = "burgers"
  public let summary = "u_t + (u^2/2)_x = nu u_xx, periodic"
  public let dimensions = [1]

  public init() {}

  public var parameters: [ParameterDescription] {
    [CommonParameters.viscosity] + EvolutionSettings.parameters + PeriodicInitialState.parameters
  }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let settings = try EvolutionSettings(parameters)
    let initial = try PeriodicInitialState(
      "u0", rank: 1, equation: name, parameters: parameters, input: input,
      presets: .init(paper: .burgersPaper, script: .burgersScript))
    let viscosity = try SampleParameter("viscosity", parameters, input)
    return settings.isSinglePrecision
      ? try problem(initial, viscosity, settings, Float.self)
      : try problem(initial, viscosity, settings, Double.self)
  }

  private func problem<Element: SpectralScalar>(
    _ initial: PeriodicInitialState, _ viscosity: SampleParameter, _ settings: EvolutionSettings,
    _ element: Element.Type
  ) throws -> any DatasetProblem {
    try PeriodicProblem(initial, viscosity, settings, equation: self) { grid in
      let axis = grid.axes[0]
      let convection = ConservativeConvection<Element>(count: axis.count, length: axis.length)
      return PeriodicSystem(
        nonlinearity: convection, basis: convection.axis,
        eigenvalues: { viscosity in
          (0..<convection.axis.coefficientCount).map { index in
            let frequency = 2 * Double.pi * Double(index / 2) / axis.length
            return -viscosity * frequency * frequency
          }
        },
        field: ("u", "velocity"),
        // In a step, the fastest point travels a tenth of the domain.
        courantGuess: Double(axis.count) / 10)
    }
  }
}
