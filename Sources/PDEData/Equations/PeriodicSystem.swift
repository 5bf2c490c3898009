// A semilinear equation on a periodic grid.

import Spectral
import Tensors

/// What an equation on a periodic grid is made of: its linear part, its nonlinear part, and names.
struct PeriodicSystem<Nonlinearity: SpectralNonlinearity, Basis: PeriodicBasis>: EvolutionSystem
where Basis.Element == Nonlinearity.Element {
  /// With its dealiasing.
  var nonlinearity: Nonlinearity
  /// The coefficients that states consist of.
  var basis: Basis
  /// Of the linear part at a viscosity (or diffusivity), for each real number of a state.
  var eigenvalues: @Sendable (_ viscosity: Double) -> [Double]
  var fields: [(name: String, longName: String)]
  /// The Courant number to begin error control with.
  var courantGuess = 1.0
  /// For the attribute `solver`.
  var expansion = "pseudo-spectral"
  var quantities = StateQuantities.scalar

  var discretization: String {
    func list(_ numbers: [Int], _ separator: String) -> String {
      numbers.map(String.init).joined(separator: separator)
    }
    return "\(expansion), \(list(Array(basis.shape.suffix(basis.cutoffs.count)), "x")) points, "
      + "2/3 dealiased: |k| <= \(list(basis.cutoffs, ", "))"
  }

  func solver(_ numbers: [Double], _ settings: EvolutionSettings) -> SemilinearIntegrator<Nonlinearity> {
    SemilinearIntegrator(settings.method, eigenvalues: eigenvalues(numbers[0]), nonlinearity: nonlinearity)
  }

  func evolve(
    _ initial: Tensor<Double>, _ solver: SemilinearIntegrator<Nonlinearity>, _ settings: EvolutionSettings
  ) -> EvolutionResult {
    SpectralEvolution(
      integrator: solver, basis: basis, interval: settings.times[0], savedCount: settings.times.count,
      control: settings.control
    ).solve(initial, guess: courantGuess)
  }
}
