// What equations in time on periodic grids share: times, time stepper, precision, and what files tell of them.

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

  /// What is known of a time stepper.
  struct Stepper: Sendable {
    var name: String
    /// The order that errors of the step are estimated and refined with.
    var order: Int
    var isSpectral = false
  }

  static func methodName(_ method: SemilinearMethod) -> String { "spectral-\(method.name.lowercased())" }

  /// What float32 can reach over many steps, and by how much the default tolerance is larger.
  private static let singlePrecisionTolerance = 1e-5
  /// What float64 can reach.
  private static let doublePrecisionTolerance = 1e-13

  /// The parameters that ``init(_:)`` understands.
  static let parameters = parameters(methods: SemilinearMethod.all.map(methodName))

  /// The same with these methods, the first one by default.
  static func parameters(methods: [String]) -> [ParameterDescription] {
    [
      CommonParameters.finalTime, CommonParameters.saveEvery,
      ParameterDescription(
        "method", .choice(methods), default: methods[0], help: "discretization and time stepper"),
      CommonParameters.step,
      ParameterDescription(
        "cfl", .positive(allowsRange: false), default: nil,
        help: "instead of error control: steps of at most this Courant number"),
      CommonParameters.tolerance(
        "1e-6", "relative error in L2 of every saved state that the time step may cause (float32: 1e-4)"),
      CommonParameters.precision,
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

  /// Half the steps.
  func refined() -> EvolutionSettings {
    var result = self
    switch control {
    case .fixed(let step): result.control = .fixed(step / 2)
    // The steps follow the spacing.
    case .courant: break
    case .tolerance(let tolerance):
      let least = isSinglePrecision ? Self.singlePrecisionTolerance : Self.doublePrecisionTolerance
      result.control = .tolerance(max(least, tolerance / Double(1 << stepper.order)))
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
  /// their names.
  func solution(
    _ result: EvolutionResult, fields: [String: Tensor<Double>], names: [String], _ thinning: Thinning
  ) -> SampleSolution {
    var solution = SampleSolution(fields: fields, isSolved: false)
    solution.warning = warning(result)
    guard let states = result.states else { return solution }
    solution.isSolved = true
    for (index, name) in names.enumerated() {
      solution.fields[name] = thinning(field(index, of: names.count, states, thinning.solved))
    }
    solution.scalars = ["time_step": result.step]
    if stepper.isSpectral { solution.scalars["spectral_tail"] = result.tail }
    solution.scalars["time_step_error"] = result.error
    return solution
  }

  /// `[time, …grid]` of one of the fields of `[time, field, …grid]`.
  private func field(_ index: Int, of count: Int, _ states: Tensor<Double>, _ grid: Grid) -> Tensor<Double> {
    guard count > 1 else { return states }
    let points = grid.pointCount
    var result = Tensor<Double>(uninitialized: [times.count] + grid.shape)
    result.withUnsafeMutableBuffer { target in
      states.withUnsafeBuffer { source in
        for saved in times.indices {
          for point in 0..<points {
            target[saved * points + point] = source[(saved * count + index) * points + point]
          }
        }
      }
    }
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
    if result.tail > Self.largestTail {
      return
        "under-resolved: the highest quarter of the modes has \(Float((result.tail * 1e4).rounded() / 1e4)) of the "
        + "solution's norm; a finer --solve-resolution is wanted"
    }
    return result.remark
  }
}
