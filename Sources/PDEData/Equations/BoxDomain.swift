// The box that an equation solved by finite differences lives in: its points, and what holds at its ends.

import Spectral
import Tensors

/// Points along every axis and the condition at its ends, as asked for or as the user's file has them.
struct BoxDomain: Sendable {
  /// With zero data.
  let boundary: [AxisBoundary]
  /// The points of files and those that are solved on.
  let stored: Grid
  private(set) var solved: Grid
  /// Coordinates of the stored and the solved points, the same as the grids' but along stretched axes.
  let storedCoordinates: [[Double]]
  private(set) var solvedCoordinates: [[Double]]
  /// The variables of the input file, by their names.
  let variables: [String: DatasetVariable]

  /// The fewest points of an axis.
  static let fewestPoints = 3

  /// The parameters that ``init(_:equation:parameters:input:allowsStretched:)`` understands.
  static func parameters(
    dimensions: [Int], boundary: String, grid: String = "nodes", domain: String = "0:1"
  ) -> [ParameterDescription] {
    [
      ParameterDescription(
        "boundary", .text, default: boundary,
        help:
          "dirichlet, neumann or periodic, homogeneous; of every axis (dirichlet,periodic) in the file's order, or "
          + "of its two ends (neumann-dirichlet)"),
      CommonParameters.placement(grid), CommonParameters.domain(domain),
      CommonParameters.dimension(dimensions),
      CommonParameters.solveResolution,
    ]
  }

  /// - Parameter names: The input variables: the first tells the grid, the others have to lie on it too.
  init(
    _ names: [String], equation: any Equation, parameters: ParameterValues, input: InputSource,
    allowsStretched: Bool = false
  ) throws {
    var variables: [String: DatasetVariable] = [:]
    switch input {
    case .random(_, let resolution):
      let conditions = try Self.boundary(parameters.text("boundary"), rank: resolution.count)
      boundary = conditions
      if let few = resolution.first(where: { $0 < Self.fewestPoints }) {
        throw ParameterError(
          "resolution", "\(few) points are too few; \(equation.name) wants at least \(Self.fewestPoints)")
      }
      let (lower, upper) = parameters.interval("domain") ?? (0, 1)
      let placement: Grid.Placement = parameters.text("grid") == "cells" ? .cells : .nodes
      stored = Grid(
        axes: resolution.indices.map { axis in
          Grid.Axis(
            name: ["z", "y", "x"].suffix(resolution.count)[3 - resolution.count + axis],
            lowerBound: lower, upperBound: upper, count: resolution[axis],
            placement: conditions[axis].isPeriodic ? .periodic : placement)
        })
      storedCoordinates = stored.axes.map(\.coordinates)
    case .dataset(let reader):
      for name in ["domain", "grid"] where parameters.given.contains(name) {
        throw ParameterError(name, "is told by the coordinates of \(reader.path)")
      }
      let rank = try reader.variable(names[0]).gridDimensions.count
      let known = equation.dimensions.contains(rank) ? rank : equation.dimensions[0]
      var found: Grid?
      for name in names {
        let (variable, grid) = try InputField.find(
          name, in: reader, rank: known, allowsStretched: allowsStretched)
        guard found == nil || found == grid else {
          throw DatasetError(
            .invalidData, path: reader.path, variable: name, "lies on another grid than \(names[0])")
        }
        found = grid
        variables[name] = variable
      }
      guard let grid = found, let first = variables[names[0]] else {
        preconditionFailure("a variable at least")
      }
      stored = grid
      storedCoordinates = try Self.coordinates(first, grid, reader)
      boundary = try Self.boundary(parameters, grid, path: reader.path, variable: names[0])
      if let few = grid.shape.first(where: { $0 < Self.fewestPoints }) {
        throw DatasetError(
          .invalidData, path: reader.path, variable: names[0],
          "has \(few) points along an axis; \(equation.name) wants at least \(Self.fewestPoints)")
      }
    }
    self.variables = variables
    guard case .text(let text)? = parameters["solve-resolution"] else {
      (solved, solvedCoordinates) = (stored, storedCoordinates)
      return
    }
    let isStretched = zip(stored.axes, storedCoordinates).contains { $0.coordinates != $1 }
    guard !isStretched else {
      throw ParameterError("solve-resolution", "the input's points are not evenly spaced: they are solved on")
    }
    solved = try Thinning(
      stored: stored,
      resolution: CommonParameters.resolution(text, rank: stored.axes.count, parameter: "solve-resolution")
    ).solved
    solvedCoordinates = solved.axes.map(\.coordinates)
  }

  /// Half the spacing.
  func refined() -> BoxDomain {
    var result = self
    for axis in solved.axes.indices {
      let isNodes = solved.axes[axis].placement == .nodes
      let coarse = solvedCoordinates[axis]
      let isEven = coarse == solved.axes[axis].coordinates
      result.solved.axes[axis].count = isNodes ? 2 * coarse.count - 1 : 2 * coarse.count
      guard !isEven else {
        result.solvedCoordinates[axis] = result.solved.axes[axis].coordinates
        continue
      }
      var finer = [coarse[0]]
      for (below, above) in zip(coarse, coarse.dropFirst()) { finer += [(below + above) / 2, above] }
      result.solvedCoordinates[axis] = finer
    }
    return result
  }

  /// From the points of files to those that are solved on, or back.
  func interpolation(toSolved: Bool) -> GridInterpolation {
    let periods = stored.axes.map { $0.isPeriodic ? $0.length : nil }
    return toSolved
      ? GridInterpolation(from: storedCoordinates, to: solvedCoordinates, periods: periods)
      : GridInterpolation(from: solvedCoordinates, to: storedCoordinates, periods: periods)
  }

  /// Whether the points along an axis are not evenly spaced.
  func isStretched(_ axis: Int) -> Bool { storedCoordinates[axis] != stored.axes[axis].coordinates }

  /// `value 0 at y = 0.0, value 0 at y = 1.0; x periodic`.
  var description: String {
    zip(stored.axes, boundary).map(Self.describe).joined(separator: "; ")
  }

  private static func describe(_ axis: Grid.Axis, _ boundary: AxisBoundary) -> String {
    guard !boundary.isPeriodic else { return "\(axis.name) periodic" }
    let ends = zip(boundary.ends, [axis.lowerBound, axis.upperBound]).map { (end, place) -> String in
      let what = end.kind == .dirichlet ? "value" : "normal derivative"
      return "\(what) 0 at \(axis.name) = \(place)"
    }
    return ends.joined(separator: ", ")
  }

  /// The one condition that all axes have, for random fields; nil where they differ.
  var commonKind: GaussianMeasure.Boundary? {
    if boundary.allSatisfy(\.isPeriodic) { return .periodic }
    let kinds = Set(boundary.flatMap { $0.isPeriodic ? [nil] : $0.ends.map { Optional($0.kind) } })
    guard kinds.count == 1, let kind = kinds.first ?? nil else { return nil }
    return kind == .dirichlet ? .dirichlet : .neumann
  }
}

// MARK: - Reading

extension BoxDomain {
  /// `dirichlet`, or one of every axis: `dirichlet,periodic`.
  private static func boundary(_ text: String, rank: Int) throws(ParameterError) -> [AxisBoundary] {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 1 || parts.count == rank else {
      throw ParameterError(
        "boundary", "\"\(text)\" has \(parts.count) axes; there \(rank == 1 ? "is 1" : "are \(rank)")")
    }
    var axes: [AxisBoundary] = []
    for part in parts {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false)
      let kinds = ends.compactMap { EndCondition.Kind(rawValue: String($0)) }
      if part == "periodic" {
        axes.append(.periodic)
      } else if kinds.count == ends.count, kinds.count <= 2, let lower = kinds.first, let upper = kinds.last {
        axes.append(.ends(lower: EndCondition(lower), upper: EndCondition(upper)))
      } else {
        throw ParameterError("boundary", "\"\(part)\" is not dirichlet, neumann or periodic")
      }
    }
    return axes.count == rank ? axes : [AxisBoundary](repeating: axes[0], count: rank)
  }

  /// The same for the user's grid: where no condition was asked for, periodic axes are periodic.
  private static func boundary(
    _ parameters: ParameterValues, _ grid: Grid, path: String, variable: String
  ) throws -> [AxisBoundary] {
    let isGiven = parameters.given.contains("boundary")
    let asked = try boundary(parameters.text("boundary"), rank: grid.axes.count)
    return try zip(grid.axes, asked).map { axis, condition in
      if axis.isPeriodic == condition.isPeriodic { return condition }
      guard !isGiven else {
        throw DatasetError(
          .invalidData, path: path, variable: variable,
          "lies on \(axis.count) \(axis.isPeriodic ? "periodic points" : axis.placement.rawValue) along \(axis.name); "
            + (axis.isPeriodic
              ? "--boundary \(parameters.text("boundary")) wants nodes or cells there"
              : "--boundary \(parameters.text("boundary")) wants points a + j·L/n there"))
      }
      return axis.isPeriodic ? .periodic : .neumann
    }
  }

  private static func coordinates(
    _ variable: DatasetVariable, _ grid: Grid, _ reader: DatasetReader
  ) throws -> [[Double]] {
    try zip(variable.gridDimensions, grid.axes).map { dimension, axis in
      guard try !reader.axis(of: dimension).isUniform, let given = try reader.coordinates(of: dimension)
      else {
        return axis.coordinates
      }
      guard zip(given.values, given.values.dropFirst()).allSatisfy(<) else {
        throw DatasetError(
          .invalidData, path: reader.path, variable: dimension.name, "coordinates do not increase")
      }
      return given.values
    }
  }
}
