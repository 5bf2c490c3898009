// A field on more points.

import Spectral
import Tensors

/// Interpolation to a finer grid of the same extent: by waves where the axes are periodic; by sine waves on nodes, where
/// the field is zero at both ends; piece by piece, the same value in every part of a cell, on cells.
struct FieldInterpolation: Sendable {
  private let from: Grid
  private let to: Grid
  private let waves: PeriodicInterpolation?

  init(from: Grid, to: Grid) {
    self.from = from
    self.to = to
    let placement = from.axes[0].placement
    precondition(
      (from.axes + to.axes).allSatisfy { $0.placement == placement }, "points of one kind along all axes")
    waves =
      switch placement {
      case .periodic: PeriodicInterpolation(from: from.shape, to: to.shape)
      case .nodes:
        PeriodicInterpolation(from: Self.oddShape(from.shape), to: Self.oddShape(to.shape))
      case .cells: nil
      }
  }

  func callAsFunction(_ values: Tensor<Double>) -> Tensor<Double> {
    guard let waves else {
      return Self.gather(values, into: to.shape) { axis, position in
        (position * from.axes[axis].count / to.axes[axis].count, 1)
      }
    }
    guard from.axes[0].placement == .nodes else { return waves(values) }
    let odd = Self.gather(values, into: Self.oddShape(from.shape)) { axis, position in
      let last = from.axes[axis].count - 1
      if position % last == 0 { return (0, 0) }
      return position < last ? (position, 1) : (2 * last - position, -1)
    }
    return Self.gather(waves(odd), into: to.shape) { axis, position in
      let last = to.axes[axis].count - 1
      return (position % last, position % last == 0 ? 0 : 1)
    }
  }

  /// Periodic points of the odd continuation of a function on nodes.
  private static func oddShape(_ shape: [Int]) -> [Int] { shape.map { 2 * ($0 - 1) } }

  /// For every point of `shape` the value at another point times a factor, axis by axis.
  private static func gather(
    _ values: Tensor<Double>, into shape: [Int], from place: (_ axis: Int, _ position: Int) -> (Int, Double)
  ) -> Tensor<Double> {
    let tables = shape.indices.map { axis in (0..<shape[axis]).map { place(axis, $0) } }
    var result = Tensor<Double>(uninitialized: shape)
    let (strides, sourceStrides) = (result.strides, values.strides)
    result.withUnsafeMutableBuffer { target in
      values.withUnsafeBuffer { source in
        for point in target.indices {
          var (index, factor) = (0, 1.0)
          for axis in shape.indices {
            let entry = tables[axis][point / strides[axis] % shape[axis]]
            index += entry.0 * sourceStrides[axis]
            factor *= entry.1
          }
          target[point] = factor == 0 ? 0 : factor * source[index]
        }
      }
    }
    return result
  }
}
