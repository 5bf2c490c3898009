// The differences on a box.

import Tensors

extension BoxDomain {
  static let orderParameter = ParameterDescription(
    "order", .choice(["second", "compact"]), default: "second",
    help: "of the differences in space: second, or compact fourth (on nodes and periodic axes)")

  static func order(_ parameters: ParameterValues) -> SecondDifference.Order {
    parameters.text("order") == "compact" ? .compactFourth : .second
  }

  /// The second differences along the axes.
  ///
  /// - Parameter path: Of the input file, for what is wrong with its points.
  func differences(
    _ order: SecondDifference.Order, path: String? = nil
  ) throws -> [SecondDifference] {
    try solved.axes.indices.map { index in
      let axis = solved.axes[index]
      let isStretched = isStretched(index)
      func failure(_ message: String) -> any Error {
        path.map { DatasetError(.invalidData, path: $0, variable: axis.name, message) }
          ?? ParameterError("order", message)
      }
      guard isStretched else {
        guard order == .second || axis.placement != .cells else {
          throw failure("the compact formula is for nodes and periodic axes; \(axis.name) has cells")
        }
        return SecondDifference(axis, boundary[index], order: order)
      }
      guard axis.placement == .nodes, case .ends(let lower, let upper) = boundary[index] else {
        throw failure("points that are not evenly spaced are taken as nodes, both ends among them")
      }
      guard order == .second else {
        throw failure("the compact formula wants evenly spaced points")
      }
      return SecondDifference(nodes: solvedCoordinates[index], lower: lower.kind, upper: upper.kind)
    }
  }
}
