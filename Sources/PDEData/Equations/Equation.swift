// The equations there are, and what each can be asked for.

import Tensors

/// An equation that data can be made of: its parameters, and the problem they make.
///
/// Three things are kept apart: the equation (here: parameters, random inputs, what is input and output), its
/// discretization, and the time stepper or algebraic solver (both in `Solvers/`). A new equation is one conformance.
public protocol Equation: Sendable {
  /// As the command line calls it.
  var name: String { get }
  /// The equation in one line, with its boundary conditions.
  var summary: String { get }
  /// Space dimensions it can be solved in, the usual one first.
  var dimensions: [Int] { get }
  var parameters: [ParameterDescription] { get }

  /// The problem with these parameters; throws a ``CategorizedError``.
  func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem
}

extension Equation {
  /// The problem with parameters as the command line gives them, by their names.
  public func problem(options: [String: String], input: InputSource) throws -> any DatasetProblem {
    let values = try ParameterValues(parameters, equation: name, texts: options)
    switch input {
    case .random(let seed, let resolution):
      return try problem(values, input: .random(seed: seed, resolution: complete(resolution, values)))
    case .dataset(let reader):
      guard !values.given.contains(CommonParameters.dimensionName) else {
        throw ParameterError(CommonParameters.dimensionName, "is told by the coordinates of \(reader.path)")
      }
      return try problem(values, input: input)
    }
  }

  /// One number stands for all axes of the equation's usual dimension, or of that asked for.
  private func complete(_ resolution: [Int], _ values: ParameterValues) throws(ParameterError) -> [Int] {
    let shape = try completeShape(resolution, values)
    try CommonParameters.requireBounded(shape, parameter: "resolution")
    return shape
  }

  private func completeShape(_ resolution: [Int], _ values: ParameterValues) throws(ParameterError) -> [Int] {
    let text = resolution.map(String.init).joined(separator: "x")
    guard let smallest = resolution.min(), smallest >= 1 else {
      throw ParameterError("resolution", "\"\(text)\" is not a number of points, such as 64 or 64x128")
    }
    let asked = Int(values.text(CommonParameters.dimensionName))
    if resolution.count == 1 { return [Int](repeating: resolution[0], count: asked ?? dimensions[0]) }
    if let asked, asked != resolution.count {
      throw ParameterError("dimension", "\(asked) is not that of --resolution \(text)")
    }
    if dimensions.contains(resolution.count) { return resolution }
    throw ParameterError(
      "resolution",
      "\(text) has \(resolution.count) axes; \(name) has \(dimensions.map(String.init).joined(separator: " or "))"
    )
  }
}

/// All equations.
public enum Equations {
  public static let all: [any Equation] = [
    BurgersEquation(), DarcyEquation(), NavierStokesEquation(), AdvectionEquation(), HeatFlowEquation(),
    FitzHughNagumoEquation(), ShallowWaterEquation(), PoissonEquation(), HelmholtzEquation(),
    CavityEquation(),
  ]

  public static func named(_ name: String) throws(ParameterError) -> any Equation {
    if let equation = all.first(where: { $0.name == name }) { return equation }
    throw ParameterError(
      "equation", "there is no \"\(name)\"; there are \(all.map(\.name).joined(separator: ", "))")
  }
}
