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
    let attributes = [Attribute("equation", name), Attribute("equation_text", summary)]
    return settings.isSinglePrecision
      ? BurgersProblem<Float>(initial, viscosity, settings, attributes)
      : BurgersProblem<Double>(initial, viscosity, settings, attributes)
  }
}

/// Initial states of Burgers' equation and the states that follow.
struct BurgersProblem<Element: SpectralScalar>: DatasetProblem {
  private let initial: PeriodicInitialState
  private let viscosity: SampleParameter
  private let settings: EvolutionSettings
  private let convection: ConservativeConvection<Element>
  private let shared: SemilinearIntegrator<ConservativeConvection<Element>>?
  let attributes: [Attribute]

  init(
    _ initial: PeriodicInitialState, _ viscosity: SampleParameter, _ settings: EvolutionSettings,
    _ attributes: [Attribute]
  ) {
    self.initial = initial
    self.viscosity = viscosity
    self.settings = settings
    let axis = initial.thinning.solved.axes[0]
    let convection = ConservativeConvection<Element>(count: axis.count, length: axis.length)
    self.convection = convection
    shared = viscosity.constant.map { viscosity in
      Self.integrator(settings.method, convection, viscosity, length: axis.length)
    }
    let solver = "pseudo-spectral, \(axis.count) points, 2/3 dealiased: |k| <= \(convection.axis.cutoff)"
    let inputs = viscosity.constant == nil ? "u0 viscosity" : "u0"
    self.attributes =
      attributes + initial.attributes + [viscosity.attribute]
      + settings.attributes(solver: solver, grid: initial.thinning.solved)
      + [Attribute("operator_inputs", .text(inputs)), Attribute("operator_outputs", "u")]
  }

  var grid: Grid { initial.thinning.stored }
  var times: [Double]? { settings.times }
  var fields: [FieldDescription] {
    [
      FieldDescription("u0", longName: "velocity at time 0"),
      FieldDescription("u", hasTime: true, longName: "velocity"),
    ]
  }

  var scalars: [ScalarDescription] {
    (viscosity.constant == nil ? [ScalarDescription("viscosity", longName: "viscosity")] : [])
      + settings.scalars
  }

  private static func integrator(
    _ method: SemilinearMethod, _ convection: ConservativeConvection<Element>, _ viscosity: Double,
    length: Double
  ) -> SemilinearIntegrator<ConservativeConvection<Element>> {
    let eigenvalues = (0..<convection.axis.coefficientCount).map { index -> Double in
      let frequency = 2 * Double.pi * Double(index / 2) / length
      return -viscosity * frequency * frequency
    }
    return SemilinearIntegrator(method, eigenvalues: eigenvalues, nonlinearity: convection)
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    let (start, stored) = try initial.values(sample: sample)
    let length = initial.thinning.solved.axes[0].length
    let viscosity = viscosity.value(sample: sample)
    let evolution = SpectralEvolution(
      integrator: shared ?? Self.integrator(settings.method, convection, viscosity, length: length),
      basis: convection.axis, interval: settings.times[0], savedCount: settings.times.count,
      control: settings.control)
    let result = evolution.solve(start, guess: guess(start, length: length))
    var solution = settings.solution(result, fields: ["u0": stored], name: "u", initial.thinning)
    if self.viscosity.constant == nil { solution.scalars["viscosity"] = viscosity }
    return solution
  }

  /// Steps per interval to begin error control with: in one, the fastest point travels a tenth of the domain.
  private func guess(_ state: Tensor<Double>, length: Double) -> Int {
    let speed = state.withUnsafeBuffer { $0.reduce(0) { max($0, abs($1)) } }
    return StepMesh.roundedSteps(settings.times[0] * speed * 10 / length)
  }
}
