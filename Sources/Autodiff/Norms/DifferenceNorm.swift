// The H1 norm by finite differences.

import Tensors

/// `‖u‖² = Σ u² + Σ_a Σ (D_a u)²` over channels and points, D_a the central difference along axis a, one-sided at the
/// ends of axes that are not periodic, in the coordinates of the grid: the H1 norm of the relative H1 error.
public struct DifferenceNorm<Element: Scalar>: FieldNorm {
  private let grid: Grid
  /// For every point of every axis its neighbours, and one over their distance.
  private let differences: [[Difference]]

  private struct Difference: Sendable {
    var lower: Int
    var upper: Int
    var inverseDistance: Element
  }

  public init(_ grid: Grid) {
    self.grid = grid
    differences = grid.axes.map { axis in
      (0..<axis.count).map { j in
        let lower = axis.isPeriodic ? (j + axis.count - 1) % axis.count : max(j - 1, 0)
        let upper = axis.isPeriodic ? (j + 1) % axis.count : min(j + 1, axis.count - 1)
        let steps = axis.isPeriodic ? 2 : upper - lower
        return Difference(
          lower: lower, upper: upper,
          inverseDistance: steps == 0 ? 0 : Element(1 / (Double(steps) * axis.spacing)))
      }
    }
  }

  public func measure(_ field: Tensor<Element>, imageWanted: Bool) -> (
    squares: [Double], image: Tensor<Element>?
  ) {
    precondition(Array(field.shape[2...]) == grid.shape, "a field on the grid of its norm")
    var squares = sampleProducts(field, field)
    var image = imageWanted ? field : nil
    for axis in grid.axes.indices {
      let slope = derivative(field, axis)
      for (sample, square) in sampleProducts(slope, slope).enumerated() { squares[sample] += square }
      image = image.take().map { addAdjoint(of: slope, axis, to: $0) }
    }
    return (squares, image)
  }

  /// `D_a u`.
  private func derivative(_ field: Tensor<Element>, _ axis: Int) -> Tensor<Element> {
    var result = Tensor<Element>(uninitialized: field.shape)
    let (source, target) = (field.unsafePointer, result.unsafeMutablePointer())
    forEachLine(field, axis) { offset, inner in
      for (j, difference) in differences[axis].enumerated() {
        subtract(
          source + offset + difference.upper * inner, source + offset + difference.lower * inner,
          factor: difference.inverseDistance, into: target + offset + j * inner, count: inner)
      }
    }
    withExtendedLifetime(field) {}
    return result
  }

  /// `image + D_aᵀ slope`.
  private func addAdjoint(
    of slope: Tensor<Element>, _ axis: Int, to image: consuming Tensor<Element>
  ) -> Tensor<Element> {
    var result = image
    let (source, target) = (slope.unsafePointer, result.unsafeMutablePointer())
    forEachLine(slope, axis) { offset, inner in
      for (j, difference) in differences[axis].enumerated() {
        let from = source + offset + j * inner
        let factor = difference.inverseDistance
        Pointwise.addScaled(from, by: factor, to: target + offset + difference.upper * inner, count: inner)
        Pointwise.addScaled(from, by: -factor, to: target + offset + difference.lower * inner, count: inner)
      }
    }
    withExtendedLifetime(slope) {}
    return result
  }

  /// Calls `body` with the beginning of every block `[axis, …inner]` and the number of inner points.
  private func forEachLine(
    _ field: Tensor<Element>, _ axis: Int, _ body: (_ offset: Int, _ inner: Int) -> Void
  ) {
    let inner = grid.shape[(axis + 1)...].reduce(1, *)
    let block = grid.shape[axis] * inner
    WorkerPool.shared.forEachRange(count: field.count / block, grain: max(1, 16384 / block)) { range in
      for line in range { body(line * block, inner) }
    }
  }
}

/// `z = factor·(x − y)`.
@specialized(where E == Float)
@specialized(where E == Double)
private func subtract<E: Scalar>(
  _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, factor: E, into z: UnsafeMutablePointer<E>, count: Int
) {
  for i in 0..<count { z[i] = factor * (x[i] - y[i]) }
}
