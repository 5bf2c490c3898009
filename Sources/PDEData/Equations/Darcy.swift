// Darcy's equation.

import Foundation
import Spectral
import Tensors

/// −∇·(a∇u) = f in a box, u = 0 or no flow at its ends.
public struct DarcyEquation: Equation {
  public let name = "darcy"
  public let summary = "-div(a grad u) = f, u = 0 or no flow on the boundary"
  public let dimensions = [2, 3]

  public init() {}

  public var parameters: [ParameterDescription] {
    [
      CommonParameters.placement(),
      ParameterDescription(
        "coefficient", .text, default: nil,
        help: "values above:below zero of the random field (default: 12:3; 12:4 for --random-field script), "
          + "one number for a constant, or log-normal"),
      ParameterDescription(
        "log-scale", .positive(allowsRange: false), default: nil,
        help: "s of a log-normal coefficient exp(s g), g the random field (default: 1)"),
      ParameterDescription(
        "forcing", .text, default: "1",
        help:
          "the source f: a constant, or random (a second field of the measure); f(sample, ...) of the input file"
      ),
      CommonParameters.domain(),
      ParameterDescription("boundary", .text, default: "dirichlet", help: BoundaryText.help),
      ParameterDescription(
        "method", .choice(DarcyMethod.allCases.map(\.rawValue)),
        default: DarcyMethod.conjugateGradients.rawValue,
        help: "solver of the finite-volume equations: conjugate-gradients (preconditioned by the "
          + "constant-coefficient operator), multigrid, multigrid-conjugate-gradients, adi, cholesky"),
      CommonParameters.tolerance("1e-10", "relative error of the algebraic solve in the energy norm"),
      ParameterDescription(
        "max-iterations", .positive(allowsRange: false), default: "1000",
        help: "iterations after which a sample has failed"),
      CommonParameters.precision(),
      CommonParameters.solveResolution,
      CommonParameters.randomField("the field under the coefficient", example: "9 (-Δ + 9)^-2"),
    ]
  }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let tolerance = parameters.real("tolerance") ?? 1e-10
    guard tolerance >= 1e-14 else {
      throw ParameterError("tolerance", "\(tolerance) is below what float64 can reach, 1e-14")
    }
    let iterations = parameters.real("max-iterations") ?? 1000
    guard iterations <= 1e9, iterations == iterations.rounded() else {
      throw ParameterError("max-iterations", "\(iterations) is not a whole number up to 1e9")
    }
    let inputs = try inputs(parameters, input)
    let grid = inputs.thinning.solved
    let boundary = try BoundaryText(parameters.text("boundary"), axes: grid.axes.map(\.name))
    let method = DarcyMethod(rawValue: parameters.text("method")) ?? .conjugateGradients
    let settings = DarcyProblem.Settings(
      boundary: boundary.boundary, method: method, tolerance: tolerance, mostIterations: Int(iterations))
    if case .constant(let value) = inputs.source, value != 0,
      boundary.ends.allSatisfy({ $0 == [.neumann, .neumann] })
    {
      throw ParameterError(
        "forcing",
        "\(value) has no solution with no flow through any boundary; a source with mean zero is wanted: random, or f of the input file"
      )
    }
    if method == .cholesky { try requireMemory(grid, boundary.boundary) }
    return DarcyProblem(
      thinning: inputs.thinning, coefficient: inputs.coefficient, source: inputs.source, settings: settings,
      attributes: [
        Attribute("equation", name), Attribute("equation_text", summary),
        Attribute("boundary_conditions", .text(boundary.summary)),
      ] + inputs.attributes + solverAttributes(method, grid, tolerance)
        + [
          Attribute("operator_inputs", inputs.source.isField ? "a f" : "a"),
          Attribute("operator_outputs", "u"),
        ])
  }

  private func solverAttributes(_ method: DarcyMethod, _ grid: Grid, _ tolerance: Double) -> [Attribute] {
    let solved = grid.shape.map(String.init).joined(separator: "x")
    let solver =
      switch method {
      case .conjugateGradients: "conjugate gradients preconditioned by the constant-coefficient operator"
      case .multigrid: "multigrid W-cycles with Galerkin operators, recombined"
      case .multigridConjugateGradients: "conjugate gradients preconditioned by a multigrid V-cycle"
      case .alternatingDirections:
        "alternating directions with optimal shifts, with conjugate gradients where the coefficient varies"
      case .cholesky: "banded Cholesky factorization"
      }
    return [
      Attribute(
        "solver",
        .text("finite volumes on \(solved) \(grid.axes[0].placement.rawValue), harmonic means; \(solver)")
      ),
      Attribute("method", .text(method.rawValue)),
      Attribute("solve_resolution", .integers(grid.shape.map(Int64.init), .int64)),
      Attribute("tolerance", .real(tolerance)), Attribute("precision", "float64"),
    ]
  }

  /// Every thread factors a sample of its own.
  private func requireMemory(_ grid: Grid, _ boundary: [AxisBoundary]) throws(ParameterError) {
    let bytes = DarcySolver.factorizationBytes(grid: grid, boundary: boundary)
    let most = Int(clamping: ProcessInfo.processInfo.physicalMemory) / 2
    guard bytes <= most / WorkerPool.shared.threadCount else {
      throw ParameterError(
        "method",
        "cholesky takes \(bytes) bytes for every thread's sample on \(grid.shape) points, of \(most) that half the memory is; take fewer --threads or another method"
      )
    }
  }
}
