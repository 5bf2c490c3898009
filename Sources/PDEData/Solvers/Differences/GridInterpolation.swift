// Values at the points of one grid from those at another's.

import Tensors

/// From the points of one grid of a box to those of another, axis by axis: at points that both have, the value there; between,
/// the polynomial through the eight nearest points.
struct GridInterpolation: Sendable {
  let sourceShape: [Int]
  let targetShape: [Int]
  private let axes: [Axis]

  /// For every target point, some source points and their weights.
  private struct Axis: Sendable {
    let count: Int
    let isIdentity: Bool
    /// Of point j: `indices[starts[j]..<starts[j + 1]]`.
    var starts = [0]
    var indices: [Int] = []
    var weights: [Double] = []

    private static let stencil = 8

    /// - Parameter period: Of periodic axes.
    init(from source: [Double], to target: [Double], period: Double?) {
      count = target.count
      isIdentity = source == target
      guard !isIdentity else { return }
      let n = source.count
      let width = min(Self.stencil, n)
      let spacing = n > 1 ? (source[n - 1] - source[0]) / Double(n - 1) : 1
      var below = 0
      for x in target {
        while below + 1 < n, source[below + 1] <= x + 1e-9 * spacing { below += 1 }
        if abs(source[below] - x) <= 1e-9 * spacing {
          indices.append(below)
          weights.append(1)
        } else {
          var first = below - width / 2 + 1
          if period == nil { first = min(max(first, 0), n - width) }
          let window = (first..<first + width).map { index -> (place: Int, position: Double) in
            let place = (index % n + n) % n
            return (place, source[place] + (period ?? 0) * Double((index - place) / n))
          }
          indices += window.map(\.place)
          weights += InterpolationWeights.weights(at: x, window.map(\.position), derivative: 0)
        }
        starts.append(indices.count)
      }
    }
  }

  init(from source: [[Double]], to target: [[Double]], periods: [Double?]) {
    sourceShape = source.map(\.count)
    targetShape = target.map(\.count)
    axes = source.indices.map { Axis(from: source[$0], to: target[$0], period: periods[$0]) }
  }

  /// Between grids of the same box.
  init(from source: Grid, to target: Grid) {
    self.init(
      from: source.axes.map(\.coordinates), to: target.axes.map(\.coordinates),
      periods: source.axes.map { $0.isPeriodic ? $0.length : nil })
  }

  var isIdentity: Bool { axes.allSatisfy(\.isIdentity) }

  /// Of `[…batch, …source grid]`.
  func callAsFunction(_ values: Tensor<Double>) -> Tensor<Double> {
    let first = values.rank - axes.count
    precondition(Array(values.shape[first...]) == sourceShape, "\(values.shape) on a grid of \(sourceShape)")
    return axes.indices.reduce(values) { axes[$1].isIdentity ? $0 : along($1, first + $1, $0) }
  }

  private func along(_ index: Int, _ axis: Int, _ values: Tensor<Double>) -> Tensor<Double> {
    let map = axes[index]
    var shape = values.shape
    let (n, inner) = (shape[axis], shape[(axis + 1)...].reduce(1, *))
    shape[axis] = map.count
    let outer = shape[..<axis].reduce(1, *)
    var result = Tensor<Double>(uninitialized: shape)
    let (source, target) = (values.unsafePointer, result.unsafeMutablePointer())
    for slab in 0..<outer {
      for point in 0..<map.count {
        let row = target + (slab * map.count + point) * inner
        for entry in map.starts[point]..<map.starts[point + 1] {
          let from = source + (slab * n + map.indices[entry]) * inner
          if entry == map.starts[point] {
            Pointwise.scale(from, by: map.weights[entry], into: row, count: inner)
          } else {
            Pointwise.addScaled(from, by: map.weights[entry], to: row, count: inner)
          }
        }
      }
    }
    withExtendedLifetime(values) {}
    return result
  }
}
