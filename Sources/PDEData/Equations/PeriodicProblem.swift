// Samples of a semilinear equation on a periodic grid.

import Spectral
import Tensors

/// What an equation on a periodic grid is made of: its linear part, its nonlinear part, and names.
struct PeriodicSystem<Nonlinearity: SpectralNonlinearity, Basis: PeriodicBasis>: Sendable
where Basis.Element == Nonlinearity.Element {
  /// With its dealiasing.
  var nonlinearity: Nonlinearity
  /// The coefficients that states consist of.
  var basis: Basis
  /// Of the linear part at a viscosity (or diffusivity), for each real number of a state.
  var eigenvalues: @Sendable (_ viscosity: Double) -> [Double]
  /// The fields of files, in the order of the basis's components: `u`, its initial state being `u0`, and what it is.
  var fields: [(name: String, longName: String)]
  /// The Courant number to begin error control with.
  var courantGuess = 1.0
  /// Numbers recorded along the time axis, and how they follow from a state.
  var quantities: [(name: String, longName: String)] = []
  var measure: @Sendable (Tensor<Double>) -> [String: Double] = { _ in [:] }
}

/// Initial states and the states that follow.
struct PeriodicProblem<Nonlinearity: SpectralNonlinearity, Basis: PeriodicBasis>: DatasetProblem
where Basis.Element == Nonlinearity.Element {
  /// What the equation is on a grid.
  typealias System = @Sendable (Grid) throws -> PeriodicSystem<Nonlinearity, Basis>

  private let makeSystem: System
  private let system: PeriodicSystem<Nonlinearity, Basis>
  private let initial: InitialState
  private let viscosity: SampleParameter
  private let settings: EvolutionSettings
  /// For all samples, where they share the viscosity.
  private let shared: SemilinearIntegrator<Nonlinearity>?
  let attributes: [Attribute]
  private let equation: any Equation
  private let extraAttributes: [Attribute]

  /// - Parameter makeSystem: the equation on a grid.
  init(
    _ initial: InitialState, _ viscosity: SampleParameter, _ settings: EvolutionSettings,
    equation: any Equation, attributes: [Attribute] = [], makeSystem: @escaping System
  ) throws {
    let system = try makeSystem(initial.thinning.solved)
    self.makeSystem = makeSystem
    self.system = system
    self.equation = equation
    extraAttributes = attributes
    self.initial = initial
    self.viscosity = viscosity
    self.settings = settings
    shared = viscosity.constant.map { Self.integrator(system, settings, $0) }
    func list(_ numbers: [Int], _ separator: String) -> String {
      numbers.map(String.init).joined(separator: separator)
    }
    let kind = initial.thinning.solved.axes[0].isPeriodic ? "" : " by sine series of the odd continuation"
    let solver =
      "pseudo-spectral\(kind), \(list(initial.thinning.solved.shape, "x")) points, 2/3 dealiased: "
      + "|k| <= \(list(system.basis.cutoffs, ", "))"
    let inputs = initial.operatorInputs + (viscosity.constant == nil ? [viscosity.name] : [])
    self.attributes =
      [Attribute("equation", .text(equation.name)), Attribute("equation_text", .text(equation.summary))]
      + initial.attributes + [viscosity.attribute] + attributes
      + settings.attributes(solver: solver, grid: initial.thinning.solved)
      + [
        Attribute("operator_inputs", .text(inputs.joined(separator: " "))),
        Attribute("operator_outputs", .text(system.fields.map(\.name).joined(separator: " "))),
      ]
  }

  var grid: Grid { initial.thinning.stored }
  var times: [Double]? { settings.times }
  var fields: [FieldDescription] {
    zip(initial.names, system.fields).map {
      FieldDescription($0, longName: "\($1.longName) at time 0")
    }
      + system.fields.map { FieldDescription($0.name, hasTime: true, longName: $0.longName) }
      + system.quantities.map {
        FieldDescription($0.name, hasTime: true, isOnGrid: false, longName: $0.longName)
      }
  }

  var scalars: [ScalarDescription] {
    (viscosity.constant == nil ? [ScalarDescription(viscosity.name, longName: viscosity.name)] : [])
      + settings.scalars
  }

  func refined() throws -> any DatasetProblem {
    try PeriodicProblem(
      initial.refined(), viscosity, settings.refined(), equation: equation, attributes: extraAttributes,
      makeSystem: makeSystem)
  }

  private static func integrator(
    _ system: PeriodicSystem<Nonlinearity, Basis>, _ settings: EvolutionSettings, _ viscosity: Double
  ) -> SemilinearIntegrator<Nonlinearity> {
    SemilinearIntegrator(
      settings.method, eigenvalues: system.eigenvalues(viscosity), nonlinearity: system.nonlinearity)
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    let (start, stored) = try initial.values(sample: sample)
    let number = viscosity.value(sample: sample)
    let evolution = SpectralEvolution(
      integrator: shared ?? Self.integrator(system, settings, number), basis: system.basis,
      interval: settings.times[0], savedCount: settings.times.count, control: settings.control)
    let result = evolution.solve(start, guess: system.courantGuess)
    var solution = settings.solution(
      result, fields: stored, names: system.fields.map(\.name), initial.thinning)
    if viscosity.constant == nil { solution.scalars[viscosity.name] = number }
    if let states = result.states { record(states, in: &solution) }
    return solution
  }

  private func record(_ states: Tensor<Double>, in solution: inout SampleSolution) {
    guard !system.quantities.isEmpty else { return }
    let points = system.basis.shape.reduce(1, *)
    let measured = states.withUnsafeBuffer { buffer in
      (0..<settings.times.count).map { saved in
        system.measure(
          Tensor(buffer[saved * points..<(saved + 1) * points], shape: system.basis.shape))
      }
    }
    for quantity in system.quantities {
      solution.fields[quantity.name] = Tensor(
        measured.map { $0[quantity.name] ?? .nan }, shape: [measured.count])
    }
  }
}
