// Samples of the vorticity equation on a periodic grid, by finite differences.

import Spectral
import Tensors

/// Initial vorticities and the flows that follow, by ``VorticityEvolution``.
struct PeriodicFlowProblem<Element: SpectralScalar>: DatasetProblem {
  /// What the equation has beside diffusion, on a grid.
  typealias Term = @Sendable (Grid) throws -> VorticityDifferences<Element>

  private let makeTerm: Term
  private let term: VorticityDifferences<Element>
  private let initial: InitialState
  private let viscosity: SampleParameter
  private let settings: EvolutionSettings
  private let stepper: VorticitySolver<Element>.Stepper
  private let recording: Recording
  private let equation: any Equation
  private let extraAttributes: [Attribute]
  let attributes: [Attribute]

  init(
    _ initial: InitialState, _ viscosity: SampleParameter, _ settings: EvolutionSettings,
    stepper: VorticitySolver<Element>.Stepper, equation: any Equation, attributes: [Attribute],
    makeTerm: @escaping Term
  ) throws {
    self.makeTerm = makeTerm
    term = try makeTerm(initial.thinning.solved)
    self.initial = initial
    self.viscosity = viscosity
    self.settings = settings
    self.stepper = stepper
    self.equation = equation
    recording = try Recording(.vorticity, settings.recorded, on: initial.thinning.solved)
    extraAttributes = attributes
    let points = initial.thinning.solved.shape.map(String.init).joined(separator: "x")
    let inputs = initial.operatorInputs + (viscosity.constant == nil ? [viscosity.name] : [])
    self.attributes =
      [Attribute("equation", .text(equation.name)), Attribute("equation_text", .text(equation.summary))]
      + initial.attributes + [viscosity.attribute] + attributes
      + settings.attributes(
        solver: "finite differences, \(points) points: \(FlowMethod.solverText)",
        grid: initial.thinning.solved)
      + [
        Attribute("operator_inputs", .text(inputs.joined(separator: " "))),
        Attribute("operator_outputs", "w"),
      ]
  }

  var grid: Grid { initial.thinning.stored }
  var times: [Double]? { settings.times }
  var fields: [FieldDescription] {
    initial.names.map { FieldDescription($0, longName: "vorticity at time 0") }
      + [FieldDescription("w", hasTime: true, longName: "vorticity")]
      + recording.fields(on: initial.thinning.solved)
  }

  var scalars: [ScalarDescription] {
    (viscosity.constant == nil ? [ScalarDescription(viscosity.name, longName: viscosity.name)] : [])
      + settings.scalars
  }

  func refined() throws -> any DatasetProblem {
    try PeriodicFlowProblem(
      initial.refined(), viscosity, settings.refined(), stepper: stepper, equation: equation,
      attributes: extraAttributes, makeTerm: makeTerm)
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    let (start, stored) = try initial.values(sample: sample)
    let number = viscosity.value(sample: sample)
    let result = VorticityEvolution(
      term, viscosity: number, stepper: stepper, interval: settings.times[0],
      savedCount: settings.times.count, control: settings.control
    ).solve(start.reshaped(initial.thinning.solved.shape))
    var solution = settings.solution(result, fields: stored, names: ["w"], initial.thinning)
    if viscosity.constant == nil { solution.scalars[viscosity.name] = number }
    if let states = result.states {
      recording.record(states, on: initial.thinning.solved, in: &solution)
    }
    return solution
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
