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
    [
      CommonParameters.viscosity, CommonParameters.finalTime, CommonParameters.saveEvery,
      CommonParameters.domain,
      ParameterDescription(
        "boundary", .choice(["periodic"]), default: "periodic", help: "boundary condition"),
      ParameterDescription(
        "method", .choice(ExponentialTableau.all.map(Self.methodName)),
        default: Self.methodName(.etdrk4), help: "discretization and time stepper"),
      CommonParameters.step,
      CommonParameters.tolerance(
        "1e-6", "relative error in L2 of every saved state that the time step may cause"),
      CommonParameters.precision, CommonParameters.solveResolution,
      CommonParameters.randomField("random initial states"),
    ]
  }

  private static func methodName(_ tableau: ExponentialTableau) -> String {
    "spectral-\(tableau.name.lowercased())"
  }

  /// Below this no wave interacts with another under the 2/3 rule.
  private static let fewestPoints = 8

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    parameters.text("precision") == "float32"
      ? try makeProblem(parameters, input, Float.self) : try makeProblem(parameters, input, Double.self)
  }

  private func makeProblem<Element: SpectralScalar>(
    _ parameters: ParameterValues, _ input: InputSource, _ element: Element.Type
  ) throws -> BurgersProblem<Element> {
    let (stored, file) = try storedGrid(parameters, input)
    var thinning = try Thinning(stored: stored, resolution: stored.shape)
    if case .text(let text)? = parameters["solve-resolution"] {
      thinning = try Thinning(
        stored: stored,
        resolution: CommonParameters.resolution(text, rank: 1, parameter: "solve-resolution"))
    }
    var attributes = [
      Attribute("equation", name), Attribute("equation_text", summary),
      Attribute("boundary_conditions", "periodic"),
    ]
    let initial: InputField
    switch input {
    case .random(let seed, _):
      let measure = try CommonParameters.measure(
        parameters, paper: .burgersPaper, script: .burgersScript)
      initial = .random(try GaussianSampler(measure, grid: thinning.solved), seed: seed)
      attributes.append(Attribute("random_field", "u0 ~ \(measure)"))
    case .dataset(let reader):
      guard let file else { preconditionFailure("a file has its variable") }
      initial = .dataset(reader, file)
    }
    let tableau = ExponentialTableau.all.first { Self.methodName($0) == parameters.text("method") } ?? .etdrk4
    return try BurgersProblem<Element>(
      thinning: thinning, initial: initial,
      viscosity: SampleParameter("viscosity", parameters, input),
      times: CommonParameters.times(parameters), tableau: tableau,
      control: CommonParameters.control(parameters), attributes: attributes)
  }

  private func storedGrid(
    _ parameters: ParameterValues, _ input: InputSource
  ) throws -> (Grid, DatasetVariable?) {
    switch input {
    case .random(_, let resolution):
      guard resolution[0] >= Self.fewestPoints else {
        throw ParameterError(
          "resolution", "\(resolution[0]) points are too few; \(name) wants at least \(Self.fewestPoints)")
      }
      let (lower, upper) = parameters.interval("domain") ?? (0, 1)
      let axis = Grid.Axis(
        name: "x", lowerBound: lower, upperBound: upper, count: resolution[0], placement: .periodic)
      return (Grid(axes: [axis]), nil)
    case .dataset(let reader):
      guard !parameters.given.contains("random-field") else {
        throw ParameterError(
          "random-field", "is for generated data; the initial states come from \(reader.path)")
      }
      guard !parameters.given.contains("domain") else {
        throw ParameterError("domain", "is told by the coordinates of \(reader.path)")
      }
      let (variable, grid) = try InputField.find("u0", in: reader, rank: 1)
      func failure(_ message: String) -> DatasetError {
        DatasetError(.invalidData, path: reader.path, variable: "u0", message)
      }
      guard grid.axes[0].placement == .periodic else {
        throw failure("lies on \(grid); periodic points x_j = a + j·L/n were expected")
      }
      guard grid.pointCount >= Self.fewestPoints else {
        throw failure("has \(grid.pointCount) points; \(name) wants at least \(Self.fewestPoints)")
      }
      return (grid, variable)
    }
  }
}

/// Initial states of Burgers' equation and the states that follow.
struct BurgersProblem<Element: SpectralScalar>: DatasetProblem {
  private let thinning: Thinning
  private let initial: InputField
  private let viscosity: SampleParameter
  private let savedTimes: [Double]
  private let tableau: ExponentialTableau
  private let control: StepControl
  private let convection: ConservativeConvection<Element>
  private let interpolation: PeriodicInterpolation?
  private let shared: ExponentialIntegrator<ConservativeConvection<Element>>?
  let attributes: [Attribute]

  init(
    thinning: Thinning, initial: InputField, viscosity: SampleParameter, times: [Double],
    tableau: ExponentialTableau, control: StepControl, attributes: [Attribute]
  ) {
    self.thinning = thinning
    self.initial = initial
    self.viscosity = viscosity
    savedTimes = times
    self.tableau = tableau
    self.control = control
    let axis = thinning.solved.axes[0]
    convection = ConservativeConvection(count: axis.count, length: axis.length)
    // The user's own states may be coarser than the grid that is solved on.
    if case .dataset = initial, !thinning.isIdentity {
      interpolation = PeriodicInterpolation(from: thinning.stored.pointCount, to: axis.count)
    } else {
      interpolation = nil
    }
    shared = viscosity.constant.map { [convection] viscosity in
      Self.integrator(tableau, convection, viscosity, length: axis.length)
    }
    var attributes = attributes
    attributes += [
      viscosity.attribute, Attribute("final_time", .real(times[times.count - 1])),
      Attribute("save_every", .real(times[0])),
      Attribute(
        "solver",
        "pseudo-spectral, \(axis.count) points, 2/3 dealiased: |k| <= \(convection.axis.cutoff); \(Element.name)"
      ),
      Attribute("solve_resolution", .integers([Int64(axis.count)], .int64)),
      Attribute("precision", Element.name), Attribute("time_stepper", tableau.name),
    ]
    switch control {
    case .fixed(let step):
      attributes.append(
        Attribute("dt", .real(times[0] / max(1, (times[0] / step * (1 - 1e-12)).rounded(.up)))))
    case .tolerance(let tolerance):
      attributes += [
        Attribute("dt", "of every sample, in time_step"), Attribute("tolerance", .real(tolerance)),
      ]
    }
    let inputs = viscosity.constant == nil ? "u0 viscosity" : "u0"
    attributes += [Attribute("operator_inputs", inputs), Attribute("operator_outputs", "u")]
    self.attributes = attributes
  }

  var grid: Grid { thinning.stored }
  var times: [Double]? { savedTimes }
  var fields: [FieldDescription] {
    [
      FieldDescription("u0", longName: "velocity at time 0"),
      FieldDescription("u", hasTime: true, longName: "velocity"),
    ]
  }

  var scalars: [ScalarDescription] {
    var scalars: [ScalarDescription] = []
    if viscosity.constant == nil { scalars.append(ScalarDescription("viscosity", longName: "viscosity")) }
    scalars.append(ScalarDescription("time_step", longName: "time step of the solver"))
    if case .tolerance = control {
      scalars.append(
        ScalarDescription(
          "discretization_error",
          longName: "estimated relative L2 error of the worst saved state, of the time step alone"))
    }
    scalars.append(
      ScalarDescription(
        "spectral_tail",
        longName: "share of the highest quarter of the kept modes in the L2 norm of the worst saved state"))
    return scalars
  }

  private static func integrator(
    _ tableau: ExponentialTableau, _ convection: ConservativeConvection<Element>, _ viscosity: Double,
    length: Double
  ) -> ExponentialIntegrator<ConservativeConvection<Element>> {
    let eigenvalues = (0..<convection.axis.coefficientCount).map { index -> Double in
      let frequency = 2 * Double.pi * Double(index / 2) / length
      return -viscosity * frequency * frequency
    }
    return ExponentialIntegrator(tableau, eigenvalues: eigenvalues, nonlinearity: convection)
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    let start = try initial.values(sample: sample)
    let axis = thinning.solved.axes[0]
    let state = interpolation?(start) ?? start
    let viscosity = viscosity.value(sample: sample)
    let evolution = SpectralEvolution(
      integrator: shared ?? Self.integrator(tableau, convection, viscosity, length: axis.length),
      axis: convection.axis, interval: savedTimes[0], savedCount: savedTimes.count, control: control)
    let stored = start.count == axis.count ? thinning(start) : start
    let scalars = self.viscosity.constant == nil ? ["viscosity": viscosity] : [:]
    guard let result = evolution.solve(state, guess: guess(state, length: axis.length)) else {
      return SampleSolution(fields: ["u0": stored], scalars: scalars, isSolved: false)
    }
    return SampleSolution(
      fields: ["u0": stored, "u": thinning(result.states)],
      scalars: scalars.merging(
        [
          "time_step": result.step, "discretization_error": result.error ?? .nan,
          "spectral_tail": result.tail,
        ], uniquingKeysWith: { $1 }))
  }

  /// Steps per interval to begin error control with: in one, the fastest point travels a tenth of the domain. Rounded
  /// up to 2^k or 3·2^k, so that samples share the weights of their steps.
  private func guess(_ state: Tensor<Double>, length: Double) -> Int {
    let speed = state.withUnsafeBuffer { $0.reduce(0) { max($0, abs($1)) } }
    let wanted = min(savedTimes[0] * speed * 10 / length, 1e5)
    var steps = 1
    while Double(steps) < wanted { steps *= 2 }
    return steps >= 4 && Double(steps / 4 * 3) >= wanted ? steps / 4 * 3 : steps
  }
}
