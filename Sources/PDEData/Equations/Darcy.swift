// Darcy's equation.

import Spectral
import Tensors

/// −∇·(a∇u) = f on a rectangle, u = 0 on its boundary.
public struct DarcyEquation: Equation {
  public let name = "darcy"
  public let summary = "-div(a grad u) = f, u = 0 on the boundary"
  public let dimensions = [2]

  public init() {}

  public var parameters: [ParameterDescription] {
    [
      ParameterDescription(
        "grid", .choice(["nodes", "cells"]), default: "nodes",
        help:
          "nodes: points on the boundary too, coarser grids are whole strides of finer ones; cells: centres"),
      ParameterDescription(
        "coefficient", .positivePair, default: nil,
        help: "values above:below zero of the random field (default: 12:3; 12:4 for --random-field script)"),
      ParameterDescription("forcing", .real, default: "1", help: "the source f, constant"),
      CommonParameters.domain,
      ParameterDescription(
        "boundary", .choice(["dirichlet"]), default: "dirichlet", help: "boundary condition, u = 0"),
      ParameterDescription(
        "method", .choice(["finite-volumes"]), default: "finite-volumes", help: "discretization and solver"),
      CommonParameters.tolerance("1e-10", "relative error of the algebraic solve in the energy norm"),
      ParameterDescription(
        "precision", .choice(["float64"]), default: "float64", help: "arithmetic of the solver"),
      CommonParameters.solveResolution,
      ParameterDescription(
        "random-field", .text, default: "paper",
        help: "the field under the coefficient: paper, script, or a covariance such as \"9 (-Δ + 9)^-2\""),
    ]
  }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    var attributes = [
      Attribute("equation", name), Attribute("equation_text", summary),
      Attribute("boundary_conditions", "u = 0"),
    ]
    let tolerance = parameters.real("tolerance") ?? 1e-10
    guard tolerance >= 1e-14 else {
      throw ParameterError("tolerance", "\(tolerance) is below what float64 can reach, 1e-14")
    }
    let forcing = parameters.real("forcing") ?? 1
    let thinning: Thinning
    let coefficient: DarcyProblem.Coefficient
    switch input {
    case .random(let seed, let resolution):
      thinning = try self.thinning(parameters, resolution)
      let measure = try CommonParameters.measure(parameters, paper: .darcyPaper, script: .darcyPaper)
      let (above, below) =
        parameters.interval("coefficient") ?? (12, parameters.text("random-field") == "script" ? 4 : 3)
      coefficient = .threshold(
        .random(try GaussianSampler(measure, grid: thinning.solved), seed: seed), above: above, below: below)
      attributes += [
        Attribute("random_field", "a = \(above) where g >= 0, \(below) elsewhere; g ~ \(measure)"),
        Attribute("coefficient", .reals([above, below], .float64)),
      ]
    case .dataset(let reader):
      for name in ["random-field", "coefficient", "domain", "grid", "solve-resolution"]
      where parameters.given.contains(name) {
        throw ParameterError(
          name, "is for generated data; the coefficient and its points come from \(reader.path)")
      }
      let (variable, grid) = try InputField.find("a", in: reader, rank: 2)
      try check(variable, grid, reader)
      thinning = try Thinning(stored: grid, resolution: grid.shape)
      coefficient = .given(.dataset(reader, variable))
    }
    let solved = thinning.solved.shape.map(String.init).joined(separator: "x")
    attributes += [
      Attribute("forcing", .real(forcing)),
      Attribute(
        "solver",
        "finite volumes on \(solved) \(thinning.solved.axes[0].placement.rawValue), harmonic means; "
          + "conjugate gradients preconditioned by the constant-coefficient operator"),
      Attribute("solve_resolution", .integers(thinning.solved.shape.map(Int64.init), .int64)),
      Attribute("tolerance", .real(tolerance)), Attribute("precision", "float64"),
      Attribute("operator_inputs", "a"), Attribute("operator_outputs", "u"),
    ]
    return DarcyProblem(
      thinning: thinning, coefficient: coefficient, forcing: forcing, tolerance: tolerance,
      attributes: attributes)
  }

  private func fewest(_ placement: Grid.Placement) -> Int { placement == .nodes ? 3 : 2 }

  private func thinning(_ parameters: ParameterValues, _ resolution: [Int]) throws(ParameterError) -> Thinning
  {
    let placement: Grid.Placement = parameters.text("grid") == "cells" ? .cells : .nodes
    let (lower, upper) = parameters.interval("domain") ?? (0, 1)
    guard let smallest = resolution.min(), smallest >= fewest(placement) else {
      throw ParameterError(
        "resolution",
        "\(resolution.min() ?? 0) \(placement.rawValue) are too few; \(name) wants at least \(fewest(placement))"
      )
    }
    let axes = zip(["y", "x"], resolution).map { name, count in
      Grid.Axis(name: name, lowerBound: lower, upperBound: upper, count: count, placement: placement)
    }
    let stored = Grid(axes: axes)
    guard case .text(let text)? = parameters["solve-resolution"] else {
      return try Thinning(stored: stored, resolution: resolution)
    }
    return try Thinning(
      stored: stored,
      resolution: CommonParameters.resolution(text, rank: 2, parameter: "solve-resolution"))
  }

  private func check(_ variable: DatasetVariable, _ grid: Grid, _ reader: DatasetReader) throws(DatasetError)
  {
    func failure(_ message: String) -> DatasetError {
      DatasetError(.invalidData, path: reader.path, variable: variable.name, message)
    }
    let placement = grid.axes[0].placement
    guard !grid.axes.contains(where: \.isPeriodic), grid.axes.allSatisfy({ $0.placement == placement }) else {
      throw failure("lies on \(grid); nodes or cells along both axes were expected")
    }
    guard grid.shape.allSatisfy({ $0 >= fewest(placement) }) else {
      throw failure(
        "has \(grid.shape) points; at least \(fewest(placement)) \(placement.rawValue) along each axis are wanted"
      )
    }
  }
}

/// Coefficients and the pressures that belong to them.
struct DarcyProblem: DatasetProblem {
  enum Coefficient: Sendable {
    case threshold(InputField, above: Double, below: Double)
    case given(InputField)
  }

  private let thinning: Thinning
  private let coefficient: Coefficient
  private let forcing: Double
  private let tolerance: Double
  private let solver: DarcySolver
  let attributes: [Attribute]

  init(
    thinning: Thinning, coefficient: Coefficient, forcing: Double, tolerance: Double,
    attributes: [Attribute]
  ) {
    self.thinning = thinning
    self.coefficient = coefficient
    self.forcing = forcing
    self.tolerance = tolerance
    self.attributes = attributes
    solver = DarcySolver(grid: thinning.solved)
  }

  var grid: Grid { thinning.stored }
  var times: [Double]? { nil }
  var fields: [FieldDescription] {
    [FieldDescription("a", longName: "coefficient"), FieldDescription("u", longName: "pressure")]
  }

  var scalars: [ScalarDescription] {
    [
      ScalarDescription(
        "residual",
        longName: "upper bound of the relative error of the algebraic solve in the energy norm"),
      ScalarDescription("iterations", longName: "iterations of conjugate gradients"),
    ]
  }

  func refined() throws -> any DatasetProblem {
    let shape = thinning.solved.axes.map { $0.placement == .nodes ? 2 * $0.count - 1 : 2 * $0.count }
    _ = shape
    throw ParameterError("check-error", "darcy cannot be refined yet")
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    let values: Tensor<Double>
    switch coefficient {
    case .given(let field):
      values = try field.values(sample: sample)
      let smallest = values.withUnsafeBuffer { $0.reduce(.infinity) { min($0, $1) } }
      guard smallest > 0 else {
        guard case .dataset(let reader, let variable) = field else { break }
        throw DatasetError(
          .invalidData, path: reader.path, variable: variable.name,
          "sample \(sample) has the value \(smallest); a coefficient is positive")
      }
    case .threshold(let field, let above, let below):
      var thresholded = try field.values(sample: sample)
      thresholded.withUnsafeMutableBuffer { buffer in
        for index in buffer.indices { buffer[index] = buffer[index] >= 0 ? above : below }
      }
      values = thresholded
    }
    let result = solver.solve(
      coefficient: values, source: Tensor(repeating: forcing, shape: values.shape), tolerance: tolerance)
    var fields = ["a": thinning(values)]
    if result.isConverged { fields["u"] = thinning(result.solution) }
    return SampleSolution(
      fields: fields,
      scalars: ["residual": result.residual, "iterations": Double(result.iterations)],
      isSolved: result.isConverged)
  }
}
