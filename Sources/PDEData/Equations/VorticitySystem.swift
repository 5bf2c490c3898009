// The vorticity equation on a periodic grid, by finite differences.

import Spectral
import Tensors

/// Plane flows by ``VorticityEvolution``.
struct VorticitySystem<Element: SpectralScalar>: EvolutionSystem {
  /// What the equation has beside diffusion.
  var term: VorticityDifferences<Element>
  var stepper: VorticitySolver<Element>.Stepper
  let fields: [(name: String, longName: String)] = [("w", "vorticity")]
  let quantities = StateQuantities.vorticity

  var discretization: String {
    let points = term.grid.shape.map(String.init).joined(separator: "x")
    return "finite differences, \(points) points: \(FlowMethod.solverText)"
  }

  func solver(_ numbers: [Double], _ settings: EvolutionSettings) -> VorticityEvolution<Element> {
    VorticityEvolution(
      term, viscosity: numbers[0], stepper: stepper, interval: settings.times[0],
      savedCount: settings.times.count, control: settings.control)
  }

  func evolve(
    _ initial: Tensor<Double>, _ solver: VorticityEvolution<Element>, _ settings: EvolutionSettings
  ) -> EvolutionResult {
    solver.solve(initial.reshaped(term.grid.shape))
  }
}

/// The methods by finite differences that flows can be solved with, as the command line calls them.
enum FlowMethod: String, CaseIterable {
  case alternatingDirections = "differences-adi"
  case implicitMidpoint = "differences-midpoint"

  var settings: EvolutionSettings.Stepper {
    switch self {
    case .alternatingDirections: EvolutionSettings.Stepper(name: "RK3-Crank-Nicolson-ADI", order: 2)
    case .implicitMidpoint: EvolutionSettings.Stepper(name: "implicit midpoint", order: 2)
    }
  }

  func stepper<Element>() -> VorticitySolver<Element>.Stepper {
    self == .implicitMidpoint ? .implicitMidpoint : .rungeKuttaCrankNicolson
  }

  static let solverText =
    "streamfunction and vorticity, Arakawa's Jacobian, diffusion by alternating directions, fast Poisson solve"
}
