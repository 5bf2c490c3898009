// Means over a box.

import Tensors

/// The mean over a box of a function of the values at a grid's points: every point counts with the length it stands for, on
/// nodes by the trapezoidal rule.
struct BoxMean: Sendable {
  /// The share of each axis that every point stands for.
  private let weights: [[Double]]

  /// - Parameter coordinates: Where they are not the grid's.
  init(_ grid: Grid, coordinates: [[Double]]? = nil) {
    weights = grid.axes.indices.map { axis in
      let x = coordinates?[axis] ?? grid.axes[axis].coordinates
      guard grid.axes[axis].placement == .nodes else {
        return [Double](repeating: 1 / Double(x.count), count: x.count)
      }
      let length = x[x.count - 1] - x[0]
      return x.indices.map { (x[min($0 + 1, x.count - 1)] - x[max($0 - 1, 0)]) / (2 * length) }
    }
  }

  /// The mean of a function of the values `[…grid]`, or the sum of the means of several fields `[field, …grid]`.
  func callAsFunction(_ values: Tensor<Double>, _ function: (Double) -> Double = { $0 }) -> Double {
    let strides = Tensor<Double>.strides(of: weights.map(\.count))
    guard let last = weights.last else { return .nan }
    return values.withUnsafeBuffer { values in
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
  }
}
