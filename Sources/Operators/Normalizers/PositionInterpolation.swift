// Piecewise linear interpolation between the points of one grid and another.

import Tensors

/// Values `[channel, …grid]` at other positions, linearly along one axis after the other; constant beyond the
/// outermost points, around the end where the positions are j/n (a periodic axis).
func interpolate(
  _ values: Tensor<Double>, from source: GridPositions, to target: GridPositions
) -> Tensor<Double> {
  var result = values
  for axis in source.axes.indices {
    result = interpolate(result, axis: axis + 1, from: source.axes[axis], to: target.axes[axis])
  }
  return result
}

private func interpolate(
  _ values: Tensor<Double>, axis: Int, from source: [Double], to target: [Double]
) -> Tensor<Double> {
  guard source != target else { return values }
  var shape = values.shape
  let inner = shape[(axis + 1)...].reduce(1, *)
  let outer = shape[..<axis].reduce(1, *)
  shape[axis] = target.count
  let places = target.map { neighbours(of: $0, in: source) }
  var result = Tensor<Double>(uninitialized: shape)
  values.withUnsafeBuffer { x in
    result.withUnsafeMutableBuffer { y in
      for block in 0..<outer {
        for (index, (lower, upper, part)) in places.enumerated() {
          let (a, b) = ((block * source.count + lower) * inner, (block * source.count + upper) * inner)
          let first = (block * target.count + index) * inner
          for i in 0..<inner { y[first + i] = x[a + i] + part * (x[b + i] - x[a + i]) }
        }
      }
    }
  }
  return result
}

/// The points on both sides of a position, and how far it is from the first to the second, from 0 to 1.
private func neighbours(of position: Double, in points: [Double]) -> (lower: Int, upper: Int, part: Double) {
  let last = points.count - 1
  guard let upper = points.firstIndex(where: { $0 > position }) else {
    let gap = 1 - points[last]
    let isPeriodic = points[0] == 0 && last > 0 && abs(gap - (points[last] - points[last - 1])) < 1e-9
    return isPeriodic ? (last, 0, min((position - points[last]) / gap, 1)) : (last, last, 0)
  }
  guard upper > 0 else { return (0, 0, 0) }
  return (upper - 1, upper, (position - points[upper - 1]) / (points[upper] - points[upper - 1]))
}
