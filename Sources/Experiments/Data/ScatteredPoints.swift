// Points that form no grid, as a file gives them: CF's auxiliary coordinates.

import Operators
import PDEData
import Tensors

/// Reads `u(sample, point)` with `u:coordinates = "point_t point_x"`, each a variable on the dimension `point`.
enum ScatteredPoints {
  /// For each coordinate the position of every point, scaled to [0, 1]: by the coordinate's attribute `domain`, or
  /// else by the extent of the axis of the inputs that it is named after (`point_x` after `x`), or else not at all. Nil
  /// where the outputs lie on a grid.
  ///
  /// - Throws: `DatasetError` where a coordinate is missing or of another shape, or the outputs do not share theirs.
  static func positions(
    of outputs: [FieldSelection], in reader: DatasetReader, domain: Grid
  ) throws -> [[Double]]? {
    var found: (names: [String], owner: String)?
    for (index, output) in outputs.enumerated() {
      let names = try coordinateNames(of: reader.variable(output.variable), in: reader)
      if index > 0, names != found?.names ?? [] {
        throw DatasetError(
          .invalidData, path: reader.path, variable: output.variable,
          "has other coordinates than \(outputs[0].variable)")
      }
      if !names.isEmpty { found = (names, output.variable) }
    }
    guard let (names, owner) = found else { return nil }
    let dimension = try reader.variable(owner).gridDimensions
    return try names.map { name in
      guard reader.hasVariable(name) else {
        throw DatasetError(
          .invalidData, path: reader.path, variable: owner,
          "names the coordinate \(name), which the file lacks")
      }
      let variable = try reader.variable(name)
      guard variable.type.isNumeric, variable.dimensions.map(\.name) == dimension.map(\.name) else {
        throw DatasetError(
          .invalidData, path: reader.path, variable: name,
          "is a coordinate of \(owner): expected one number for each of its points")
      }
      let values: Tensor<Double> = try reader.read(variable)
      if let bad = values.values.firstIndex(where: { !$0.isFinite }) {
        throw DatasetError(
          .invalidData, path: reader.path, variable: name, "its value \(bad) is not finite")
      }
      let (lower, upper) = extent(of: variable, domain) ?? (0, 1)
      return values.values.map { ($0 - lower) / (upper - lower) }
    }
  }

  /// The coordinates that a variable on a single dimension names, which has none of its own.
  private static func coordinateNames(of variable: DatasetVariable, in reader: DatasetReader) -> [String] {
    guard variable.gridDimensions.count == 1, let text = variable.attributes["coordinates"]?.text else {
      return []
    }
    let dimension = variable.gridDimensions[0].name
    return text.split(separator: " ").map(String.init).filter { $0 != dimension }
  }

  private static func extent(of variable: DatasetVariable, _ grid: Grid) -> (Double, Double)? {
    if let domain = variable.attributes["domain"]?.numbers, domain.count == 2, domain[0] < domain[1] {
      return (domain[0], domain[1])
    }
    let name = variable.name.split(separator: "_").last.map(String.init) ?? variable.name
    return grid.axes.first { $0.name == name }.map { ($0.lowerBound, $0.upperBound) }
  }
}
