// Poisson's and Helmholtz's equations in a box.

import RealModule
import Spectral
import Tensors

/// −Δu = f in a box.
public struct PoissonEquation: Equation {
  public let name = "poisson"
  public let summary = "-lap u = f"
  public let dimensions = [2, 1, 3]

  public init() {}

  public var parameters: [ParameterDescription] { BoxEllipticProblem.parameters(dimensions) }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    try BoxEllipticProblem(self, parameters, input, shift: .none)
  }
}

/// −Δu − k²u = f, or −Δu + σu = f, in a box.
public struct HelmholtzEquation: Equation {
  public let name = "helmholtz"
  public let summary = "-lap u - k^2 u = f"
  public let dimensions = [2, 1, 3]

  public init() {}

  public var parameters: [ParameterDescription] {
    [
      CommonParameters.sampled("wavenumber", "5", "wavenumber k"),
      ParameterDescription("shift", .real, default: nil, help: "σ, in the place of -k²"),
    ] + BoxEllipticProblem.parameters(dimensions)
  }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    guard let shift = parameters.real("shift") else {
      return try BoxEllipticProblem(
        self, parameters, input, shift: .wavenumber(SampleParameter("wavenumber", parameters, input)))
    }
    guard !parameters.given.contains("wavenumber") else {
      throw ParameterError("shift", "takes the place of --wavenumber: one of them is wanted")
    }
    return try BoxEllipticProblem(self, parameters, input, shift: .constant(shift))
  }
}

/// Sources and the solutions of −Δu + σu = f that belong to them.
struct BoxEllipticProblem: DatasetProblem {
  /// Where σ comes from.
  enum Shift: Sendable {
    case none
    case constant(Double)
    case wavenumber(SampleParameter)

    /// The same for all samples.
    var constant: Double? {
      switch self {
      case .none: 0
      case .constant(let value): value
      case .wavenumber(let parameter): parameter.constant.map { -$0 * $0 }
      }
    }
  }

  static func parameters(_ dimensions: [Int]) -> [ParameterDescription] {
    [
      BoxDomain.orderParameter, BoxField.parameter("random sources f"),
      ParameterDescription(
        "source-mean", .choice(["refuse", "remove"]), default: "refuse",
        help:
          "where only sources of mean zero have a solution: refuse others, or remove their mean; u has mean zero"
      ),
      ParameterDescription(
        "method", .choice(["fast-diagonalization"]), default: "fast-diagonalization",
        help: "transforms to the differences' eigenvectors, axis by axis"),
      CommonParameters.precision(),
    ] + BoxDomain.parameters(dimensions: dimensions, boundary: "dirichlet")
  }

  private let equation: any Equation
  private let domain: BoxDomain
  private let source: BoxField
  private let shift: Shift
  private let order: SecondDifference.Order
  private let removesMean: Bool
  private let differences: [SecondDifference]
  /// For all samples, where they share σ.
  private let shared: PoissonSolver<Double>?
  private let toStored: GridInterpolation
  /// Of the input file, for what is wrong with it.
  private let path: String?

  init(_ equation: any Equation, _ parameters: ParameterValues, _ input: InputSource, shift: Shift) throws {
    let domain = try BoxDomain(
      ["f"], equation: equation, parameters: parameters, input: input, allowsStretched: true)
    var path: String?
    if case .dataset(let reader) = input { path = reader.path }
    try self.init(
      equation, domain, BoxField("f", on: domain, parameters: parameters, input: input), shift,
      BoxDomain.order(parameters), removesMean: parameters.text("source-mean") == "remove", path: path)
  }

  private init(
    _ equation: any Equation, _ domain: BoxDomain, _ source: BoxField, _ shift: Shift,
    _ order: SecondDifference.Order, removesMean: Bool, path: String?
  ) throws {
    self.equation = equation
    self.domain = domain
    self.source = source
    self.shift = shift
    self.order = order
    self.removesMean = removesMean
    self.path = path
    differences = try domain.differences(order, path: path)
    if order == .compactFourth,
      let axis = domain.boundary.firstIndex(where: { $0.ends.contains { $0.kind == .neumann } })
    {
      throw ParameterError(
        "order",
        "the compact formula of \(equation.name) is for dirichlet and periodic axes; "
          + "\(domain.stored.axes[axis].name) has a neumann end")
    }
    shared = shift.constant.map { [differences] in
      PoissonSolver(axes: differences, boundary: domain.boundary, shift: $0)
    }
    toStored = domain.interpolation(toSolved: false)
  }

  var grid: Grid { domain.stored }
  var coordinates: [String: [Double]] {
    var found: [String: [Double]] = [:]
    for axis in grid.axes.indices where domain.isStretched(axis) {
      found[grid.axes[axis].name] = domain.storedCoordinates[axis]
    }
    return found
  }
  var times: [Double]? { nil }
  var fields: [FieldDescription] {
    [FieldDescription("f", longName: "source"), FieldDescription("u", longName: "solution")]
  }

  /// Constants solve the homogeneous equation.
  private var hasFreeConstant: Bool {
    shift.constant == 0 && shared?.isSingular == true
  }

  /// Modes may be resonant.
  private var isIndefinite: Bool { shift.constant.map { $0 < 0 } ?? true }

  private var varying: SampleParameter? {
    if case .wavenumber(let parameter) = shift, parameter.constant == nil { parameter } else { nil }
  }

  var scalars: [ScalarDescription] {
    var scalars = [
      ScalarDescription("residual", longName: "residual of the discrete equations relative to f, in L2")
    ]
    if let varying { scalars.append(ScalarDescription(varying.name, longName: varying.name)) }
    if isIndefinite {
      scalars.append(
        ScalarDescription(
          "resonance_gap", longName: "distance of k^2 from the nearest eigenvalue of the discrete Laplacian"))
    }
    if hasFreeConstant {
      scalars.append(ScalarDescription("source_mean", longName: "mean of f, which was left out"))
    }
    return scalars
  }

  var attributes: [Attribute] {
    var attributes = [
      Attribute("equation", .text(equation.name)), Attribute("equation_text", .text(equation.summary)),
      Attribute("boundary_conditions", .text(domain.description)),
    ]
    attributes += BoxField.attributes([source])
    switch shift {
    case .none: break
    case .constant(let value): attributes.append(Attribute("shift", .real(value)))
    case .wavenumber(let parameter): attributes.append(parameter.attribute)
    }
    if hasFreeConstant {
      attributes.append(
        Attribute(
          "compatibility", "f has mean zero, as a solution wants: its mean is left out; u has mean zero"))
    }
    return attributes + [
      Attribute(
        "solver", .text("finite differences of order \(order.rawValue), fast diagonalization; float64")),
      Attribute("solve_resolution", .integers(domain.solved.shape.map(Int64.init), .int64)),
      Attribute("order", .integer(order.rawValue)), Attribute("precision", "float64"),
      Attribute("operator_inputs", .text((["f"] + (varying.map { [$0.name] } ?? [])).joined(separator: " "))),
      Attribute("operator_outputs", "u"),
    ]
  }

  func refined() throws -> any DatasetProblem {
    let finer = domain.refined()
    return try BoxEllipticProblem(
      equation, finer, source.refined(finer), shift, order, removesMean: removesMean, path: path)
  }

  private static let largestResidual = 1e-6

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    var (f, stored) = try source.values(sample: sample)
    var solution = SampleSolution(fields: ["f": stored], isSolved: false)
    if hasFreeConstant { solution.scalars["source_mean"] = try removeMean(of: &f, sample: sample) }
    var sigma = shift.constant ?? 0
    if let varying {
      let wavenumber = varying.value(sample: sample)
      solution.scalars[varying.name] = wavenumber
      sigma = -wavenumber * wavenumber
    }
    let solver = shared ?? PoissonSolver(axes: differences, boundary: domain.boundary, shift: sigma)
    if sigma < 0 {
      solution.scalars["resonance_gap"] = solver.resonanceGap
      solution.warning = warning(sigma, gap: solver.resonanceGap, isResonant: solver.isSingular)
      guard !solver.isSingular else { return solution }
    }
    let u = solver.solve(f)
    guard u.maximumMagnitude().isFinite else { return solution }
    let residual = solver.relativeResidual(of: u, source: f)
    solution.scalars["residual"] = residual
    // A direct solver's is roundoff times the condition, far below this.
    guard residual <= Self.largestResidual else {
      solution.warning = "the residual of the discrete equations is \(Float(residual)) of f: not solved"
      return solution
    }
    solution.fields["u"] = toStored(u)
    solution.isSolved = true
    return solution
  }

  /// Takes the mean away that no solution can have; throws where there is more of it than differences and rounding of a
  /// compatible source leave.
  private func removeMean(of f: inout Tensor<Double>, sample: Int) throws(DatasetError) -> Double {
    let boxMean = BoxMean(domain.solved, coordinates: domain.solvedCoordinates)
    let (mean, square) = (boxMean(f), boxMean(f) { $0 * $0 })
    if !removesMean, abs(mean) > 1e-3 * square.squareRoot() {
      throw DatasetError(
        .invalidData, path: path ?? "random source", variable: "f",
        "sample \(sample) has the mean \(Float(mean)); with these boundary conditions only sources of mean zero have a "
          + "solution (--source-mean remove leaves the mean out)")
    }
    f += -mean
    return mean
  }

  /// What is to be said where −σ = k² is nearer to an eigenvalue than the grid's own error in it.
  private func warning(_ sigma: Double, gap: Double, isResonant: Bool) -> String? {
    let k = (-sigma).squareRoot()
    let h = differences.reduce(0) { max($0, $1.largestSpacing) }
    guard !isResonant else {
      return "k^2 = \(Float(-sigma)) is an eigenvalue of the discrete Laplacian: there is no solution"
    }
    let phase = k * h
    let error = order == .second ? phase * phase / 12 : phase * phase * phase * phase / 240
    guard gap < k * k * error else { return nil }
    return
      "k^2 = \(Float(-sigma)) is within \(Float(gap)) of an eigenvalue, which this grid has to \(Float(k * k * error)): "
      + "the solution is not resolved"
  }
}
