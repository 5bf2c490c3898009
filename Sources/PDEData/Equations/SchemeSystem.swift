// An equation by a scheme whose steps follow the Courant number.

import Tensors

/// What an equation is on a grid: a scheme for every sample's parameters, and names.
struct SchemeSystem<Scheme: DifferenceScheme>: EvolutionSystem {
  var discretization: String
  var fields: [(name: String, longName: String)]
  var quantities = StateQuantities.scalar
  /// What the user should know of an initial state.
  var remark: @Sendable (_ scheme: Scheme, _ initial: Tensor<Double>) -> String? = { _, _ in nil }
  /// From the states of files to the scheme's, and back.
  var conserved: @Sendable (Scheme, Tensor<Double>) -> Tensor<Double> = { $1 }
  var restored: @Sendable (Scheme, Tensor<Double>) -> Tensor<Double> = { $1 }
  var scheme: @Sendable (_ numbers: [Double]) -> Scheme

  func solver(_ numbers: [Double], _ settings: EvolutionSettings) -> Scheme { scheme(numbers) }

  func evolve(_ initial: Tensor<Double>, _ scheme: Scheme, _ settings: EvolutionSettings) -> EvolutionResult {
    var result = scheme.evolve(
      conserved(scheme, initial), interval: settings.times[0], savedCount: settings.times.count,
      control: settings.control)
    result.states = result.states.map { restored(scheme, $0) }
    result.remark = remark(scheme, initial)
    return result
  }
}
