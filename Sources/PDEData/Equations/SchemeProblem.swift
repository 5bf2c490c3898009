// Samples of a conservation law by a scheme whose steps follow the Courant number.

import Tensors

/// What an equation is on a grid: a solver for every viscosity, and names.
struct SchemeSystem: Sendable {
  /// For the attribute `solver`.
  var solver: String
  /// The fields of files, in the order of a state's components.
  var fields: [(name: String, longName: String)]
  /// The saved states that follow an initial one, `[field, …grid]`.
  var evolve:
    @Sendable (_ initial: Tensor<Double>, _ viscosity: Double, _ settings: EvolutionSettings) ->
      EvolutionResult
}

extension SchemeSystem {
  /// Of a scheme for every viscosity; `remark` is what the user should know of an initial state.
  init<Scheme: DifferenceScheme>(
    solver: String, fields: [(name: String, longName: String)],
    remark: @escaping @Sendable (_ scheme: Scheme, _ initial: Tensor<Double>) -> String? = { _, _ in nil },
    scheme: @escaping @Sendable (_ viscosity: Double) -> Scheme
  ) {
    self.init(solver: solver, fields: fields) { initial, viscosity, settings in
      let scheme = scheme(viscosity)
      var result = scheme.evolve(
        initial, interval: settings.times[0], savedCount: settings.times.count, control: settings.control)
      result.remark = remark(scheme, initial)
      return result
    }
  }
}

/// Initial states and the states that follow.
struct SchemeProblem: DatasetProblem {
  private let makeSystem: @Sendable (Grid) throws -> SchemeSystem
  private let system: SchemeSystem
  private let initial: InitialState
  private let viscosity: SampleParameter?
  private let settings: EvolutionSettings
  private let equation: any Equation
  private let extraAttributes: [Attribute]
  let attributes: [Attribute]

  /// - Parameters:
  ///   - viscosity: nil for equations without.
  ///   - makeSystem: the equation on a grid.
  init(
    _ initial: InitialState, _ viscosity: SampleParameter?, _ settings: EvolutionSettings,
    equation: any Equation, attributes: [Attribute] = [],
    makeSystem: @escaping @Sendable (Grid) throws -> SchemeSystem
  ) throws {
    let system = try makeSystem(initial.thinning.solved)
    self.makeSystem = makeSystem
    self.system = system
    self.initial = initial
    self.viscosity = viscosity
    self.settings = settings
    self.equation = equation
    extraAttributes = attributes
    let isInput = viscosity.map { $0.constant == nil } ?? false
    let inputs = initial.operatorInputs + (isInput ? viscosity.map { [$0.name] } ?? [] : [])
    self.attributes =
      [Attribute("equation", .text(equation.name)), Attribute("equation_text", .text(equation.summary))]
      + initial.attributes + (viscosity.map { [$0.attribute] } ?? []) + attributes
      + settings.attributes(solver: system.solver, grid: initial.thinning.solved)
      + [
        Attribute("operator_inputs", .text(inputs.joined(separator: " "))),
        Attribute("operator_outputs", .text(system.fields.map(\.name).joined(separator: " "))),
      ]
  }

  var grid: Grid { initial.thinning.stored }
  var times: [Double]? { settings.times }
  var fields: [FieldDescription] {
    zip(initial.names, system.fields).map { FieldDescription($0, longName: "\($1.longName) at time 0") }
      + system.fields.map { FieldDescription($0.name, hasTime: true, longName: $0.longName) }
  }

  var scalars: [ScalarDescription] {
    var scalars = settings.scalars
    if let viscosity, viscosity.constant == nil {
      scalars.insert(ScalarDescription(viscosity.name, longName: viscosity.name), at: 0)
    }
    return scalars
  }

  func refined() throws -> any DatasetProblem {
    try SchemeProblem(
      initial.refined(), viscosity, settings.refined(), equation: equation, attributes: extraAttributes,
      makeSystem: makeSystem)
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    let (start, stored) = try initial.values(sample: sample)
    let number = viscosity?.value(sample: sample) ?? 0
    let result = system.evolve(start, number, settings)
    var solution = settings.solution(
      result, fields: stored, names: system.fields.map(\.name), initial.thinning)
    if let viscosity, viscosity.constant == nil { solution.scalars[viscosity.name] = number }
    return solution
  }
}
