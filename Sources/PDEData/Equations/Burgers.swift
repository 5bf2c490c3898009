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
      ? PeriodicProblem(system(initial, Float.self), initial, viscosity, settings, equation: self)
      : PeriodicProblem(system(initial, Double.self), initial, viscosity, settings, equation: self)
  }

  private func system<Element: SpectralScalar>(
    _ initial: PeriodicInitialState, _ element: Element.Type
  ) -> PeriodicSystem<ConservativeConvection<Element>, PeriodicAxis<Element>> {
    let axis = initial.thinning.solved.axes[0]
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
