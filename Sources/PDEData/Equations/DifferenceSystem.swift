// An evolution equation in a box, by a finite-difference solver that takes steps of one size.

import Spectral
import Tensors

/// What an equation discretized on a grid is made of: a solver that takes steps, names, and limits.
struct DifferenceSystem: EvolutionSystem {
  var fields: [(name: String, longName: String)]
  var discretization: String
  var quantities = StateQuantities.scalar
  /// The solver for a step; a state is `[field, …grid]`.
  var advance: @Sendable (_ step: Double, _ numbers: [Double]) -> StepAdvance
  /// Of the fastest decaying mode: under error control the first steps are graded towards the initial state.
  var fastestRate: @Sendable (_ numbers: [Double]) -> Double = { _ in 0 }
  /// Error control begins with steps of at most this.
  var firstStep: @Sendable (_ initial: Tensor<Double>, _ numbers: [Double]) -> Double = { _, _ in .infinity }
  /// The longest stable step.
  var stepLimit: @Sendable (_ initial: Tensor<Double>, _ numbers: [Double]) -> Double = { _, _ in .infinity }

  func solver(_ numbers: [Double], _ settings: EvolutionSettings) -> [Double] { numbers }

  func evolve(_ initial: Tensor<Double>, _ numbers: [Double], _ settings: EvolutionSettings)
    -> EvolutionResult
  {
    let found = SteppedEvolution(
      interval: settings.times[0], savedCount: settings.times.count, control: settings.control,
      order: settings.stepper.order, fastestRate: fastestRate(numbers),
      firstStep: firstStep(initial, numbers), solver: { advance($0, numbers) }
    ).solve(initial)
    var result = EvolutionResult()
    (result.states, result.step, result.error) = (found.states, found.step, found.error)
    result.stepLimit = stepLimit(initial, numbers)
    return result
  }
}

/// The initial state of an equation in a box: a field for every component.
struct BoxState: EvolutionInputs {
  let domain: BoxDomain
  private let fields: [BoxField]
  private let toStored: GridInterpolation

  init(_ domain: BoxDomain, _ fields: [BoxField]) {
    self.domain = domain
    self.fields = fields
    toStored = domain.interpolation(toSolved: false)
  }

  /// - Parameter names: The first takes the random numbers that a single field would.
  init(_ names: [String], on domain: BoxDomain, parameters: ParameterValues, input: InputSource) throws {
    self.init(
      domain,
      try names.map {
        try BoxField($0, isFirst: $0 == names[0], on: domain, parameters: parameters, input: input)
      })
  }

  var stored: Grid { domain.stored }
  var solved: Grid { domain.solved }
  var names: [String] { fields.map(\.name) }
  var operatorInputs: [String] { names }
  var attributes: [Attribute] {
    [Attribute("boundary_conditions", .text(domain.description))] + BoxField.attributes(fields)
  }

  func values(sample: Int) throws(DatasetError) -> (solved: Tensor<Double>, stored: [String: Tensor<Double>])
  {
    var stored: [String: Tensor<Double>] = [:]
    let points = domain.solved.pointCount
    var state = Tensor<Double>(uninitialized: [fields.count] + domain.solved.shape)
    for (component, field) in fields.enumerated() {
      let (values, kept) = try field.values(sample: sample)
      stored[field.name] = kept
      (state.unsafeMutablePointer() + component * points).update(from: values.unsafePointer, count: points)
      withExtendedLifetime(values) {}
    }
    return (state, stored)
  }

  func store(_ values: Tensor<Double>) -> Tensor<Double> { toStored(values) }

  func refined() throws -> BoxState {
    let finer = domain.refined()
    return BoxState(finer, try fields.map { try $0.refined(finer) })
  }
}
