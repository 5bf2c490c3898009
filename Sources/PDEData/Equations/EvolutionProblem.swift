// Samples of an equation in time: initial states and the states that follow, whatever the discretization.

import Tensors

/// Where an equation's samples begin: the initial states, stored on one grid and solved on another.
protocol EvolutionInputs: Sendable {
  /// The grid that is solved on, with what else a discretization wants to know of it.
  associatedtype Domain: Sendable

  var domain: Domain { get }
  var stored: Grid { get }
  var solved: Grid { get }
  /// The variables of files: `u0`.
  var names: [String] { get }
  /// Those that differ from sample to sample.
  var operatorInputs: [String] { get }
  /// What files tell of them.
  var attributes: [Attribute] { get }

  /// The state of a sample on the grid that is solved on, `[field, …grid]`, and every field as it is stored.
  func values(sample: Int) throws(DatasetError) -> (solved: Tensor<Double>, stored: [String: Tensor<Double>])
  /// `[time, …grid]` of the grid that is solved on, at the points that are stored.
  func store(_ values: Tensor<Double>) -> Tensor<Double>
  /// The same states, solved on half the spacing.
  func refined() throws -> Self
}

/// An equation discretized on a grid.
protocol EvolutionSystem: Sendable {
  /// What is made once for samples that share all parameters.
  associatedtype Solver: Sendable

  /// The fields of files, in the order of a state's components: `u`, its initial state being `u0`, and what it is.
  var fields: [(name: String, longName: String)] { get }
  /// What `--record` can ask for.
  var quantities: StateQuantities { get }
  /// For the attribute `solver`.
  var discretization: String { get }

  /// - Parameter numbers: The parameters that may vary from sample to sample, in the order in which the problem was
  ///   given them.
  func solver(_ numbers: [Double], _ settings: EvolutionSettings) -> Solver
  /// The saved states that follow `initial`, `[field, …grid]`.
  func evolve(_ initial: Tensor<Double>, _ solver: Solver, _ settings: EvolutionSettings) -> EvolutionResult
}

/// Initial states and the states that follow.
struct EvolutionProblem<Inputs: EvolutionInputs, System: EvolutionSystem>: DatasetProblem {
  private let makeSystem: @Sendable (Inputs.Domain) throws -> System
  private let system: System
  private let inputs: Inputs
  private let parameters: [SampleParameter]
  private let settings: EvolutionSettings
  private let recording: Recording
  private let equation: any Equation
  private let extraAttributes: [Attribute]
  /// For all samples, where they share the parameters.
  private let shared: System.Solver?

  /// - Parameters:
  ///   - parameters: Those that may vary from sample to sample.
  ///   - makeSystem: The equation on a grid.
  init(
    _ inputs: Inputs, _ parameters: [SampleParameter], _ settings: EvolutionSettings,
    equation: any Equation, attributes: [Attribute] = [],
    makeSystem: @escaping @Sendable (Inputs.Domain) throws -> System
  ) throws {
    let system = try makeSystem(inputs.domain)
    precondition(system.fields.count == inputs.names.count, "an initial state for every field")
    self.makeSystem = makeSystem
    self.system = system
    self.inputs = inputs
    self.parameters = parameters
    self.settings = settings
    self.equation = equation
    extraAttributes = attributes
    recording = try Recording(system.quantities, settings.recorded, on: inputs.solved)
    let constants = parameters.compactMap(\.constant)
    shared = constants.count == parameters.count ? system.solver(constants, settings) : nil
  }

  var grid: Grid { inputs.stored }
  var times: [Double]? { settings.times }
  private var varying: [SampleParameter] { parameters.filter { $0.constant == nil } }

  var fields: [FieldDescription] {
    zip(inputs.names, system.fields).map { FieldDescription($0, longName: "\($1.longName) at time 0") }
      + system.fields.map { FieldDescription($0.name, hasTime: true, longName: $0.longName) }
      + recording.fields(on: inputs.solved)
  }

  var scalars: [ScalarDescription] {
    varying.map { ScalarDescription($0.variable, longName: $0.name) } + settings.scalars
  }

  var attributes: [Attribute] {
    settings.attributes(
      of: equation, inputs.attributes + parameters.map(\.attribute) + extraAttributes,
      solver: system.discretization, grid: inputs.solved,
      inputs: inputs.operatorInputs + varying.map(\.variable), outputs: system.fields.map(\.name))
  }

  func refined() throws -> any DatasetProblem {
    try EvolutionProblem(
      inputs.refined(), parameters, settings.refined(), equation: equation, attributes: extraAttributes,
      makeSystem: makeSystem)
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    let (start, stored) = try inputs.values(sample: sample)
    let numbers = parameters.map { $0.value(sample: sample) }
    let result = system.evolve(start, shared ?? system.solver(numbers, settings), settings)
    var solution = settings.solution(
      result, fields: stored, names: system.fields.map(\.name), on: inputs.solved, store: inputs.store)
    for (parameter, number) in zip(parameters, numbers) where parameter.constant == nil {
      solution.scalars[parameter.variable] = number
    }
    if let states = result.states { recording.record(states, on: inputs.solved, in: &solution) }
    return solution
  }
}
