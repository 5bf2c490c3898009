// The geometry that metrics need: neighbours and distances, boundary points, wavenumbers.

import Tensors

/// Where the points of evaluated fields are.
public struct MetricGrid: Sendable {
  public struct Axis: Sendable {
    /// Increasing; at least one.
    public let coordinates: [Double]
    public let isPeriodic: Bool
    /// The extent of the domain along the axis.
    public let length: Double

    public init(coordinates: [Double], isPeriodic: Bool, length: Double) {
      self.coordinates = coordinates
      self.isPeriodic = isPeriodic
      self.length = length
    }
  }

  public let axes: [Axis]
  public let shape: [Int]
  /// False for points that form no grid: there are no differences, wavenumbers or boundaries.
  public let hasNeighbours: Bool

  public init(axes: [Axis], hasNeighbours: Bool = true) {
    self.axes = axes
    self.hasNeighbours = hasNeighbours
    shape = axes.map(\.coordinates.count)
  }

  public init(_ grid: Grid) {
    self.init(
      axes: grid.axes.map {
        Axis(coordinates: $0.coordinates, isPeriodic: $0.isPeriodic, length: $0.length)
      })
  }

  public var pointCount: Int { shape.reduce(1, *) }

  /// For every point of an axis its neighbours and one over their distance: central differences, one-sided at the
  /// ends of an axis that is not periodic.
  struct Differences {
    var lower: [Int] = []
    var upper: [Int] = []
    var inverseDistance: [Double] = []
  }

  func differences(along axis: Int) -> Differences {
    let axis = axes[axis]
    let (x, n) = (axis.coordinates, axis.coordinates.count)
    var result = Differences()
    for j in 0..<n {
      let lower = axis.isPeriodic ? (j + n - 1) % n : max(j - 1, 0)
      let upper = axis.isPeriodic ? (j + 1) % n : min(j + 1, n - 1)
      var distance = x[upper] - x[lower]
      if axis.isPeriodic, j == 0 || j == n - 1 { distance += axis.length }
      result.lower.append(lower)
      result.upper.append(upper)
      result.inverseDistance.append(distance == 0 ? 0 : 1 / distance)
    }
    return result
  }

  /// Row-major indices of the points at an end of some of the axes.
  func boundaryPoints(where isBounded: (Axis) -> Bool) -> [Int] {
    let strides = Tensor<Double>.strides(of: shape)
    let bounded = axes.indices.filter { isBounded(axes[$0]) }
    guard !bounded.isEmpty else { return [] }
    return (0..<pointCount).filter { point in
      bounded.contains { axis in
        let index = point / strides[axis] % shape[axis]
        return index == 0 || index == shape[axis] - 1
      }
    }
  }

  /// For every coefficient of a halved spectrum: the square of its radial integer wavenumber, and how often it
  /// counts in a sum over the whole spectrum.
  func halvedSpectrum() -> (squaredWavenumbers: [Int], weights: [Double]) {
    guard let last = shape.last else { return ([], []) }
    let kept = shape.dropLast() + [last / 2 + 1]
    let strides = Tensor<Double>.strides(of: Array(kept))
    var squares: [Int] = []
    var weights: [Double] = []
    for index in 0..<kept.reduce(1, *) {
      var square = 0
      for axis in kept.indices {
        let position = index / strides[axis] % kept[axis]
        let wavenumber = position <= shape[axis] / 2 ? position : position - shape[axis]
        square += wavenumber * wavenumber
      }
      let column = index % kept[kept.count - 1]
      squares.append(square)
      weights.append(column == 0 || 2 * column == last ? 1 : 2)
    }
    return (squares, weights)
  }
}
