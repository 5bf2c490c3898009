// Samples of an evolution equation in a box, by a finite-difference solver that takes steps.

import RealModule
import Spectral
import Tensors

/// What an equation discretized on a grid is made of: a solver that takes steps, names, and limits.
///
/// Parameters that may vary from sample to sample arrive as numbers in the order in which the problem was given them.
struct DifferenceSystem: Sendable {
  /// The fields of files: `u`, its initial state being `u0`, and what it is; a state is `[component, …grid]`.
  var components: [(name: String, longName: String)]
  /// What files tell of the discretization and of the time stepper.
  var discretization: String
  var timeStepper: String
  /// In time.
  var order = 2
  /// The solver for a step.
  var solver: @Sendable (_ step: Double, _ parameters: [Double]) -> StepAdvance
  /// Of the fastest decaying mode: under error control the first steps are graded towards the initial state.
  var fastestRate: @Sendable (_ parameters: [Double]) -> Double = { _ in 0 }
  /// Error control begins with steps of at most this.
  var firstStep: @Sendable (_ initial: Tensor<Double>, _ parameters: [Double]) -> Double = { _, _ in .infinity
  }
  /// The longest stable step.
  var stepLimit: @Sendable (_ initial: Tensor<Double>, _ parameters: [Double]) -> Double = { _, _ in .infinity
  }
  /// The largest magnitude that a solution may reach.
  var bound: @Sendable (_ initial: Tensor<Double>) -> Double = { _ in .infinity }
  /// Numbers recorded along the time axis, and how they follow from a state.
  var quantities: [(name: String, longName: String)] = []
  var measure: @Sendable (_ state: Tensor<Double>) -> [String: Double] = { _ in [:] }
}

/// When states are saved and how the time between is stepped over.
struct DifferenceSettings: Sendable {
  let times: [Double]
  private(set) var control: StepControl

  /// What float64 can reach over many steps.
  private static let leastTolerance = 1e-12

  /// The parameters that ``init(_:)`` understands.
  static func parameters(finalTime: String = "1", tolerance: String = "1e-6") -> [ParameterDescription] {
    [
      ParameterDescription(
        "final-time", .positive(allowsRange: false), default: finalTime, help: "time of the last saved state"),
      CommonParameters.saveEvery, CommonParameters.step,
      CommonParameters.tolerance(
        tolerance, "relative error in L2 of every saved state that the time step may cause"),
      ParameterDescription(
        "precision", .choice(["float64"]), default: "float64", help: "arithmetic of the solver"),
    ]
  }

  init(_ parameters: ParameterValues) throws(ParameterError) {
    times = try CommonParameters.times(parameters)
    control = CommonParameters.control(parameters)
    guard case .tolerance(let tolerance) = control, tolerance < Self.leastTolerance else { return }
    throw ParameterError("tolerance", "\(tolerance) is beyond float64, which reaches \(Self.leastTolerance)")
  }

  /// Half the steps.
  func refined(order: Int) -> DifferenceSettings {
    var result = self
    switch control {
    case .fixed(let step): result.control = .fixed(step / 2)
    case .tolerance(let tolerance):
      result.control = .tolerance(max(Self.leastTolerance, tolerance / Double(1 << order)))
    case .courant: break
    }
    return result
  }

  var attributes: [Attribute] {
    var attributes = [
      Attribute("final_time", .real(times[times.count - 1])), Attribute("save_every", .real(times[0])),
      Attribute("precision", "float64"),
    ]
    switch control {
    case .fixed(let step):
      attributes.append(Attribute("dt", .real(times[0] / Double(StepMesh.steps(of: step, in: times[0])))))
    case .tolerance(let tolerance):
      attributes += [
        Attribute("dt", "of every sample, in time_step"), Attribute("tolerance", .real(tolerance)),
      ]
    case .courant: attributes.append(Attribute("dt", "of every sample, in time_step"))
    }
    return attributes
  }
}

/// Initial states and the states that follow.
struct DifferenceProblem: DatasetProblem {
  /// What the equation is on a domain's grid of solved points.
  typealias System = @Sendable (BoxDomain) throws -> DifferenceSystem

  private let makeSystem: System
  private let system: DifferenceSystem
  private let domain: BoxDomain
  private let initial: [BoxField]
  private let parameters: [SampleParameter]
  private let settings: DifferenceSettings
  private let toStored: GridInterpolation
  private let equation: any Equation
  private let extraAttributes: [Attribute]

  /// - Parameters:
  ///   - initial: The initial state of every component.
  ///   - parameters: Those that may vary from sample to sample.
  ///   - makeSystem: The equation on a domain.
  init(
    _ domain: BoxDomain, _ initial: [BoxField], _ parameters: [SampleParameter],
    _ settings: DifferenceSettings,
    equation: any Equation, attributes: [Attribute] = [], makeSystem: @escaping System
  ) throws {
    system = try makeSystem(domain)
    precondition(system.components.count == initial.count, "an initial state for every component")
    self.makeSystem = makeSystem
    self.domain = domain
    self.initial = initial
    self.parameters = parameters
    self.settings = settings
    self.equation = equation
    extraAttributes = attributes
    toStored = domain.interpolation(toSolved: false)
  }

  var grid: Grid { domain.stored }
  var times: [Double]? { settings.times }

  var fields: [FieldDescription] {
    zip(initial, system.components).map {
      FieldDescription($0.name, longName: "\($1.longName) at time 0")
    }
      + system.components.map { FieldDescription($0.name, hasTime: true, longName: $0.longName) }
      + system.quantities.map {
        FieldDescription($0.name, hasTime: true, isOnGrid: false, longName: $0.longName)
      }
  }

  private var varying: [SampleParameter] { parameters.filter { $0.constant == nil } }

  var scalars: [ScalarDescription] {
    var scalars = varying.map { ScalarDescription($0.name, longName: $0.name) }
    scalars.append(ScalarDescription("time_step", longName: "largest time step of the solver"))
    if case .tolerance = settings.control {
      scalars.append(
        ScalarDescription(
          "time_step_error",
          longName: "estimated relative L2 error of the worst saved state, of the time step alone"))
    }
    return scalars
  }

  var attributes: [Attribute] {
    let inputs = initial.map(\.name) + varying.map(\.name)
    return [
      Attribute("equation", .text(equation.name)), Attribute("equation_text", .text(equation.summary)),
      Attribute("boundary_conditions", .text(domain.description)),
    ]
      + BoxField.attributes(initial) + parameters.map(\.attribute) + extraAttributes + settings.attributes
      + [
        Attribute("solver", .text("\(system.discretization); float64")),
        Attribute("solve_resolution", .integers(domain.solved.shape.map(Int64.init), .int64)),
        Attribute("time_stepper", .text(system.timeStepper)),
        Attribute("operator_inputs", .text(inputs.joined(separator: " "))),
        Attribute("operator_outputs", .text(system.components.map(\.name).joined(separator: " "))),
      ]
  }

  func refined() throws -> any DatasetProblem {
    let finer = domain.refined()
    return try DifferenceProblem(
      finer, initial.map { try $0.refined(finer) }, parameters, settings.refined(order: system.order),
      equation: equation, attributes: extraAttributes, makeSystem: makeSystem)
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    var solution = SampleSolution(fields: [:], isSolved: false)
    let points = domain.solved.pointCount
    var state = Tensor<Double>(uninitialized: [initial.count] + domain.solved.shape)
    for (component, field) in initial.enumerated() {
      let (solved, stored) = try field.values(sample: sample)
      solution.fields[field.name] = stored
      (state.unsafeMutablePointer() + component * points).update(from: solved.unsafePointer, count: points)
      withExtendedLifetime(solved) {}
    }
    let numbers = parameters.map { $0.value(sample: sample) }
    for (parameter, number) in zip(parameters, numbers) where parameter.constant == nil {
      solution.scalars[parameter.name] = number
    }
    let result = SteppedEvolution(
      interval: settings.times[0], savedCount: settings.times.count, control: settings.control,
      order: system.order, fastestRate: system.fastestRate(numbers),
      firstStep: system.firstStep(state, numbers), bound: system.bound(state),
      solver: { [system] in system.solver($0, numbers) }
    ).solve(state)
    solution.warning = warning(step: result.step, limit: system.stepLimit(state, numbers))
    guard let states = result.states else { return solution }
    solution.isSolved = true
    solution.scalars["time_step"] = result.step
    solution.scalars["time_step_error"] = result.error
    for (component, field) in system.components.enumerated() {
      solution.fields[field.name] = toStored(Self.component(component, of: states))
    }
    record(states, in: &solution)
    return solution
  }

  /// `[time, …grid]` of one component of `[time, component, …grid]`.
  private static func component(_ index: Int, of states: Tensor<Double>) -> Tensor<Double> {
    let (times, components) = (states.shape[0], states.shape[1])
    var shape = states.shape
    shape.remove(at: 1)
    guard components > 1 else { return states.reshaped(shape) }
    var result = Tensor<Double>(uninitialized: shape)
    let points = shape.dropFirst().reduce(1, *)
    let target = result.unsafeMutablePointer()
    for time in 0..<times {
      (target + time * points).update(
        from: states.unsafePointer + (time * components + index) * points, count: points)
    }
    withExtendedLifetime(states) {}
    return result
  }

  private func record(_ states: Tensor<Double>, in solution: inout SampleSolution) {
    guard !system.quantities.isEmpty else { return }
    let shape = Array(states.shape.dropFirst())
    let count = shape.reduce(1, *)
    let measured = states.withUnsafeBuffer { buffer in
      settings.times.indices.map { saved in
        system.measure(Tensor(buffer[saved * count..<(saved + 1) * count], shape: shape))
      }
    }
    for quantity in system.quantities {
      solution.fields[quantity.name] = Tensor(
        measured.map { $0[quantity.name] ?? .nan }, shape: [measured.count])
    }
  }

  /// What is to be said of steps that were asked for and are too long.
  private func warning(step: Double, limit: Double) -> String? {
    guard case .fixed = settings.control, step > limit else { return nil }
    let exponent = Double.pow(10, Double.log10(limit).rounded(.down) - 1)
    let shown = (limit / exponent).rounded(.down) * exponent
    return
      "--dt \(Float(step)) is longer than \(system.timeStepper) is stable for with this input: about \(Float(shown))"
  }
}
