// Where the points of a function are, for operators: scaled to the unit interval.

import Tensors

/// The coordinates of a grid's points along each axis, scaled to [0, 1] by the extent of the domain; or of points that
/// form no grid.
public struct GridPositions: Sendable, Hashable, Codable {
  /// For each grid axis, slowest first, the position of every point. Points that form no grid have one axis, `j/n`.
  public let axes: [[Double]]
  /// For each coordinate the position of every point, where the points form no grid.
  public let scattered: [[Double]]?

  public init(axes: [[Double]]) {
    self.axes = axes
    scattered = nil
  }

  /// Points that form no grid: for each coordinate the position of every point.
  public init(scattered coordinates: [[Double]]) {
    let count = coordinates.first?.count ?? 0
    precondition(coordinates.allSatisfy { $0.count == count }, "every point has all coordinates")
    axes = [(0..<count).map { Double($0) / Double(count) }]
    scattered = coordinates
  }

  /// `j/n` along every axis: a periodic grid, and what neuraloperator takes every grid for.
  public init(uniform shape: [Int]) {
    self.init(axes: shape.map { count in (0..<count).map { Double($0) / Double(count) } })
  }

  /// Where the points of `grid` are.
  public init(_ grid: Grid) {
    self.init(
      axes: grid.axes.map { axis in axis.coordinates.map { ($0 - axis.lowerBound) / axis.length } })
  }

  public var shape: [Int] { axes.map(\.count) }
  public var pointCount: Int { shape.reduce(1, *) }

  /// Coordinates that a point has.
  public var dimensions: Int { scattered?.count ?? axes.count }

  /// The coordinates of every point: `[point][coordinate]`, points in row-major order.
  public var points: [[Double]] {
    if let scattered { return (0..<pointCount).map { point in scattered.map { $0[point] } } }
    let strides = Tensor<Double>.strides(of: shape)
    return (0..<pointCount).map { point in
      axes.indices.map { axes[$0][point / strides[$0] % axes[$0].count] }
    }
  }

  /// Whether all points are those of another set, but for the last digits of single precision.
  func agrees(with other: GridPositions) -> Bool {
    func agree(_ left: [[Double]], _ right: [[Double]]) -> Bool {
      left.count == right.count
        && zip(left, right).allSatisfy { a, b in
          a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 }
        }
    }
    guard (scattered == nil) == (other.scattered == nil) else { return false }
    return agree(scattered ?? axes, other.scattered ?? other.axes)
  }
}
