// What equations in time share: times, time stepper, precision, and what files tell of them.

import RealModule
import Spectral
import Tensors

/// A way to solve in time by differences in space, beside the spectral ones.
struct DifferenceMethod: Sendable, Hashable {
  /// As the command line calls it: `differences-adi`.
  let choice: String
  /// Of the time stepper.
  let name: String
  let order: Int
}

/// When states are saved and how the time between is stepped over.
struct EvolutionSettings: Sendable {
  let times: [Double]
  /// Of spectral solutions.
  let method: SemilinearMethod
  /// Of others; nil: the solution is spectral.
  let differences: DifferenceMethod?
  /// The quantities that `--record` names.
  let recorded: [String]
  private(set) var control: StepControl
  let isSinglePrecision: Bool

  static func methodName(_ method: SemilinearMethod) -> String { "spectral-\(method.name.lowercased())" }

  /// What float32 can reach over many steps, and by how much the default tolerance is larger.
  private static let singlePrecisionTolerance = 1e-5
  /// What float64 can reach.
  private static let doublePrecisionTolerance = 1e-13

  /// The parameters that ``init(_:)`` understands.
  static let parameters = parameters()

  /// The same, of equations that have more quantities to record, or can be solved by differences too (or by those
  /// alone).
  static func parameters(
    quantities: StateQuantities = .scalar, differences: [DifferenceMethod] = [], isSpectral: Bool = true,
    tolerance: String = "1e-6"
  ) -> [ParameterDescription] {
    let methods =
      (isSpectral ? SemilinearMethod.all.map(methodName) : []) + differences.map(\.choice)
    return [
      CommonParameters.finalTime, CommonParameters.saveEvery,
      ParameterDescription(
        "method", .choice(methods), default: methods[0], help: "discretization and time stepper"),
      CommonParameters.step,
      ParameterDescription(
        "cfl", .positive(allowsRange: false), default: nil,
        help: "instead of error control: steps of at most this Courant number"),
      CommonParameters.tolerance(
        tolerance,
        "relative error in L2 of every saved state that the time step may cause (float32: 1e-4)"),
      CommonParameters.precision, quantities.parameter,
    ]
  }

  init(
    _ parameters: ParameterValues, differences known: [DifferenceMethod] = []
  ) throws(ParameterError) {
    times = try CommonParameters.times(parameters)
    differences = known.first { $0.choice == parameters.text("method") }
    recorded = parameters.text("record").split(separator: ",").map(String.init)
    method = SemilinearMethod.all.first { Self.methodName($0) == parameters.text("method") } ?? .etdrk4
    isSinglePrecision = parameters.text("precision") == "float32"
    if let step = parameters.real("dt") {
      guard parameters.real("cfl") == nil else {
        throw ParameterError("cfl", "chooses the steps that --dt gives: one of them is wanted")
      }
      control = .fixed(step)
    } else if let number = parameters.real("cfl") {
      control = .courant(number)
    } else {
      let given = parameters.real("tolerance") ?? 1e-6
      guard isSinglePrecision else {
        guard given >= Self.doublePrecisionTolerance else {
          throw ParameterError(
            "tolerance", "\(given) is beyond float64, which reaches \(Self.doublePrecisionTolerance)")
        }
        control = .tolerance(given)
        return
      }
      guard parameters.given.contains("tolerance") else {
        control = .tolerance(1e-4)
        return
      }
      guard given >= Self.singlePrecisionTolerance else {
        throw ParameterError(
          "tolerance", "\(given) is beyond float32, which reaches \(Self.singlePrecisionTolerance)")
      }
      control = .tolerance(given)
    }
  }

  private var order: Int { differences?.order ?? method.order }
  private var stepperName: String { differences?.name ?? method.name }

  /// Half the steps.
  func refined() -> EvolutionSettings {
    var result = self
    switch control {
    case .fixed(let step): result.control = .fixed(step / 2)
    // The steps follow the spacing.
    case .courant: break
    case .tolerance(let tolerance):
      let least = isSinglePrecision ? Self.singlePrecisionTolerance : Self.doublePrecisionTolerance
      result.control = .tolerance(max(least, tolerance / Double(1 << order)))
    }
    return result
  }

  /// Attributes of files; `solver` tells of the discretization.
  func attributes(solver: String, grid: Grid) -> [Attribute] {
    let precision = isSinglePrecision ? "float32" : "float64"
    var attributes = [
      Attribute("final_time", .real(times[times.count - 1])), Attribute("save_every", .real(times[0])),
      Attribute("solver", .text("\(solver); \(precision)")),
      Attribute("solve_resolution", .integers(grid.shape.map(Int64.init), .int64)),
      Attribute("precision", .text(precision)), Attribute("time_stepper", .text(stepperName)),
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
    if differences == nil {
      scalars.append(
        ScalarDescription(
          "spectral_tail",
          longName: "share of the highest quarter of the kept modes in the L2 norm of the worst saved state"
        ))
    }
    return scalars
  }

  /// A sample of what was found: its fields and, where the integration did not fail, the states by their name.
  func solution(
    _ result: EvolutionResult, fields: [String: Tensor<Double>], name: String, _ thinning: Thinning
  ) -> SampleSolution {
    var solution = SampleSolution(fields: fields, isSolved: false)
    solution.warning = warning(result)
    guard let states = result.states else { return solution }
    solution.isSolved = true
    solution.fields[name] = thinning(states)
    solution.scalars = ["time_step": result.step, "spectral_tail": result.tail]
    solution.scalars["time_step_error"] = result.error
    return solution
  }

  /// What is to be said of steps that were asked for and are too long.
  private func warning(_ result: EvolutionResult) -> String? {
    switch control {
    case .courant(let number):
      guard result.states == nil else { return nil }
      return "--cfl \(Float(number)) was unstable with \(stepperName): smaller steps are wanted"
    case .tolerance(let tolerance):
      guard result.states == nil else { return nil }
      return "no step reached --tolerance \(Float(tolerance)) with \(stepperName)"
    case .fixed:
      guard result.step > result.stepLimit else { return nil }
    }
    let exponent = Double.pow(10, Double.log10(result.stepLimit).rounded(.down) - 1)
    let limit = (result.stepLimit / exponent).rounded(.down) * exponent
    return
      "--dt \(Float(result.step)) is longer than \(stepperName) is stable for with this input: about \(Float(limit))"
  }
}
