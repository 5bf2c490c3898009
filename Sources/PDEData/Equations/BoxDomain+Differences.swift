// The differences on a box, and means over it.

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

  /// The mean over the box of a function of the values at the solved points: every point counts with the length it
  /// stands for.
  func mean(_ values: UnsafeBufferPointer<Double>, _ function: (Double) -> Double = { $0 }) -> Double {
    let weights = solved.axes.indices.map(weights)
    let strides = Tensor<Double>.strides(of: solved.shape)
    guard let last = weights.last else { return .nan }
    var total = 0.0
    for row in 0..<values.count / last.count {
      let start = row * last.count
      var factor = 1.0
      for axis in weights.indices.dropLast() {
        factor *= weights[axis][start / strides[axis] % weights[axis].count]
      }
      var sum = 0.0
      for index in last.indices { sum += last[index] * function(values[start + index]) }
      total += factor * sum
    }
    return total
  }

  /// The share of the axis that every point stands for.
  private func weights(_ axis: Int) -> [Double] {
    let x = solvedCoordinates[axis]
    guard solved.axes[axis].placement == .nodes else {
      return [Double](repeating: 1 / Double(x.count), count: x.count)
    }
    let length = x[x.count - 1] - x[0]
    return x.indices.map { (x[min($0 + 1, x.count - 1)] - x[max($0 - 1, 0)]) / (2 * length) }
  }
}

/// Numbers recorded of saved states.
enum RecordedQuantities {
  static func parameter(_ names: [String]) -> ParameterDescription {
    ParameterDescription(
      "record", .text, default: nil,
      help: "also, of every saved state: \(names.joined(separator: ", ")) (several: with commas)")
  }

  /// Those that were asked for, each once.
  static func chosen(
    _ parameters: ParameterValues, of all: [(name: String, longName: String)]
  ) throws(ParameterError) -> [(name: String, longName: String)] {
    var found: [(name: String, longName: String)] = []
    for name in parameters.text("record").split(separator: ",") {
      guard let quantity = all.first(where: { $0.name == name }) else {
        throw ParameterError(
          "record",
          "there is no \"\(name)\"; there \(all.count == 1 ? "is" : "are") \(all.map(\.name).joined(separator: ", "))"
        )
      }
      if !found.contains(where: { $0.name == name }) { found.append(quantity) }
    }
    return found
  }
}
