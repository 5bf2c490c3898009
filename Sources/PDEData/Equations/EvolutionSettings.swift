// What equations in time share: times, time stepper, precision, and what files tell of them.

import RealModule
import Spectral
import Tensors

/// When states are saved and how the time between is stepped over.
struct EvolutionSettings: Sendable {
  let times: [Double]
  /// Of spectral solvers.
  let method: SemilinearMethod
  let stepper: Stepper
  private(set) var control: StepControl
  let isSinglePrecision: Bool
  /// The quantities that `--record` names.
  let recorded: [String]

  /// What is known of a time stepper.
  struct Stepper: Sendable {
    var name: String
    /// The order that errors of the step are estimated and refined with.
    var order: Int
    var isSpectral = false

    /// What float64 can reach; differences add up their roundoff over more steps.
    var leastTolerance: Double { isSpectral ? 1e-13 : 1e-12 }
  }

  static func methodName(_ method: SemilinearMethod) -> String { "spectral-\(method.name.lowercased())" }

  /// What float32 can reach over many steps; the default tolerance is larger.
  private static let singlePrecisionTolerance = 1e-5
  private static let singlePrecisionDefault = "1e-4"

  /// The parameters that ``init(_:stepper:defaultCourant:)`` understands.
  ///
  /// - Parameters:
  ///   - method: The equation's choices, by their names; the first is the default unless `defaultMethod` says otherwise
  ///     in words.
  ///   - followsFlow: There is a Courant number; `courantDefault` says where it is the default.
  ///   - precisions: Of the solvers there are.
  static func parameters(
    methods: [String] = SemilinearMethod.all.map(methodName),
    methodHelp: String = "discretization and time stepper",
    defaultMethod: String? = nil, quantities: StateQuantities = .scalar, finalTime: String = "1",
    tolerance: String = "1e-6", followsFlow: Bool = true, courantDefault: String? = nil,
    precisions: [String] = ["float64", "float32"]
  ) -> [ParameterDescription] {
    let isSinglePossible = precisions.contains("float32")
    let choice = defaultMethod.map { "\(methodHelp) (default: \($0))" } ?? methodHelp
    let courant = ParameterDescription(
      "cfl", .positive(allowsRange: false), default: nil,
      help: "instead of error control: steps of at most this Courant number"
        + (courantDefault.map { " (default: \($0))" } ?? ""))
    return [
      CommonParameters.finalTime(finalTime), CommonParameters.saveEvery,
      ParameterDescription(
        "method", .choice(methods), default: defaultMethod == nil ? methods[0] : nil, help: choice),
      CommonParameters.step,
    ] + (followsFlow ? [courant] : []) + [
      CommonParameters.tolerance(
        tolerance,
        "of error control: relative error in L2 of every saved state that the time step may cause"
          + (isSinglePossible ? " (float32: \(singlePrecisionDefault))" : "")),
      CommonParameters.precision(precisions), quantities.parameter,
    ]
  }

  /// - Parameters:
  ///   - stepper: of methods that are not spectral.
  ///   - defaultCourant: the Courant number of steps where neither they nor a tolerance are asked for.
  init(
    _ parameters: ParameterValues, stepper: Stepper? = nil, defaultCourant: Double? = nil
  ) throws(ParameterError) {
    times = try CommonParameters.times(parameters)
    method = SemilinearMethod.all.first { Self.methodName($0) == parameters.text("method") } ?? .etdrk4
    self.stepper = stepper ?? Stepper(name: method.name, order: method.order, isSpectral: true)
    isSinglePrecision = parameters.text("precision") == "float32"
    recorded = parameters.text("record").split(separator: ",").map(String.init)
    let least = isSinglePrecision ? Self.singlePrecisionTolerance : self.stepper.leastTolerance
    if let step = parameters.real("dt") {
      guard parameters.real("cfl") == nil else {
        throw ParameterError("cfl", "chooses the steps that --dt gives: one of them is wanted")
      }
      control = .fixed(step)
    } else if let number = parameters.real("cfl") {
      control = .courant(number)
    } else if let defaultCourant, !parameters.given.contains("tolerance") {
      control = .courant(defaultCourant)
    } else {
      let isDefault = isSinglePrecision && !parameters.given.contains("tolerance")
      let given = isDefault ? Double(Self.singlePrecisionDefault) : parameters.real("tolerance")
      let tolerance = given ?? 1e-6
      guard tolerance >= least else {
        throw ParameterError(
          "tolerance",
          "\(tolerance) is beyond \(isSinglePrecision ? "float32" : "float64"), which reaches \(least)")
      }
      control = .tolerance(tolerance)
    }
  }

  /// Half the steps.
  func refined() -> EvolutionSettings {
    var result = self
    switch control {
    case .fixed(let step): result.control = .fixed(step / 2)
    // The steps follow the spacing.
    case .courant: break
    case .tolerance(let tolerance):
      let least = isSinglePrecision ? Self.singlePrecisionTolerance : stepper.leastTolerance
      result.control = .tolerance(max(least, tolerance / Double(1 << stepper.order)))
    }
    return result
  }

  /// Everything that files tell of an equation's samples.
  ///
  /// - Parameters:
  ///   - particulars: Boundary conditions, inputs, and the equation's own parameters.
  ///   - solver: The discretization.
  ///   - inputs: Of an operator, and its outputs.
  func attributes(
    of equation: any Equation, _ particulars: [Attribute], solver: String, grid: Grid, inputs: [String],
    outputs: [String]
  ) -> [Attribute] {
    [Attribute("equation", .text(equation.name)), Attribute("equation_text", .text(equation.summary))]
      + particulars + attributes(solver: solver, grid: grid)
      + [
        Attribute("operator_inputs", .text(inputs.joined(separator: " "))),
        Attribute("operator_outputs", .text(outputs.joined(separator: " "))),
      ]
  }

  private func attributes(solver: String, grid: Grid) -> [Attribute] {
    let precision = isSinglePrecision ? "float32" : "float64"
    var attributes = [
      Attribute("final_time", .real(times[times.count - 1])), Attribute("save_every", .real(times[0])),
      Attribute("solver", .text("\(solver); \(precision)")),
      Attribute("solve_resolution", .integers(grid.shape.map(Int64.init), .int64)),
      Attribute("precision", .text(precision)), Attribute("time_stepper", .text(stepper.name)),
    ]
    switch control {
    case .fixed(let step):
      attributes.append(Attribute("dt", .real(times[0] / Double(StepMesh.steps(of: step, in: times[0])))))
    case .courant(let number):
      attributes += [
        Attribute("dt", "of every sample, in time_step"), Attribute("courant_number", .real(number)),
      ]
    case .tolerance(let tolerance):
      attributes += [
        Attribute("dt", "of every sample, in time_step"), Attribute("tolerance", .real(tolerance)),
      ]
      if stepper.isSpectral {
        attributes.append(Attribute("extrapolation", "of the last two runs, one with half the other's steps"))
      }
    }
    return attributes
  }

  /// What every sample tells of its solution.
  var scalars: [ScalarDescription] {
    var scalars = [ScalarDescription("time_step", longName: "largest time step of the solver")]
    if case .tolerance = control {
      scalars.append(
        ScalarDescription(
          "time_step_error",
          longName: "estimated relative L2 error of the worst saved state, of the time step alone"))
    }
    guard stepper.isSpectral else { return scalars }
    scalars.append(
      ScalarDescription(
        "spectral_tail",
        longName: "share of the highest quarter of the kept modes in the L2 norm of the worst saved state"))
    return scalars
  }

  /// A sample of what was found: its fields and, where the integration did not fail, the states `[time, name, …grid]` by
  /// their names, as `store` takes them from `[time, …grid]`.
  func solution(
    _ result: EvolutionResult, fields: [String: Tensor<Double>], names: [String], on grid: Grid,
    store: (Tensor<Double>) -> Tensor<Double>
  ) -> SampleSolution {
    var solution = SampleSolution(fields: fields, isSolved: false)
    solution.warning = warning(result)
    guard let states = result.states else { return solution }
    solution.isSolved = true
    for (index, name) in names.enumerated() {
      solution.fields[name] = store(field(index, of: names.count, states, grid))
    }
    solution.scalars = ["time_step": result.step]
    if stepper.isSpectral { solution.scalars["spectral_tail"] = result.tail }
    solution.scalars["time_step_error"] = result.error
    return solution
  }

  /// `[time, …grid]` of one of the fields of `[time, field, …grid]`.
  private func field(_ index: Int, of count: Int, _ states: Tensor<Double>, _ grid: Grid) -> Tensor<Double> {
    let shape = [times.count] + grid.shape
    guard count > 1 else { return states.reshaped(shape) }
    let points = grid.pointCount
    var result = Tensor<Double>(uninitialized: shape)
    let target = result.unsafeMutablePointer()
    for saved in times.indices {
      (target + saved * points).update(
        from: states.unsafePointer + (saved * count + index) * points, count: points)
    }
    withExtendedLifetime(states) {}
    return result
  }

  /// Shares of the highest modes above which a solution is called under-resolved.
  private static let largestTail = 1e-2

  /// What is to be said of steps that were asked for and are too long, and of grids that are too coarse.
  private func warning(_ result: EvolutionResult) -> String? {
    if case .fixed = control, result.step > result.stepLimit {
      let exponent = Double.pow(10, Double.log10(result.stepLimit).rounded(.down) - 1)
      let limit = (result.stepLimit / exponent).rounded(.down) * exponent
      return
        "--dt \(Float(result.step)) is longer than \(stepper.name) is stable for with this input: about \(Float(limit))"
    }
    if result.states == nil, case .courant(let number) = control {
      return "--cfl \(Float(number)) was unstable with \(stepper.name): smaller steps are wanted"
    }
    if result.states == nil, case .tolerance(let tolerance) = control {
      return "no step reached --tolerance \(Float(tolerance)) with \(stepper.name)"
    }
    if result.tail > Self.largestTail {
      return
        "under-resolved: the highest quarter of the modes has \(Float((result.tail * 1e4).rounded() / 1e4)) of the "
        + "solution's norm; a finer --solve-resolution is wanted"
    }
    return result.remark
  }
}
