// Where the points of a discretized function are.

/// A tensor-product grid: for each axis (slowest in memory first) its name, extent, number of points and where
/// the points sit.
public struct Grid: Sendable, Hashable, Codable {
  /// Where the points of an axis are in its extent [a, b] of length L, n points:
  public enum Placement: String, Sendable, Hashable, Codable, CaseIterable {
    /// `x_j = a + j·L/n`: the end is the beginning and is left out.
    case periodic
    /// `x_j = a + j·L/(n − 1)`: both ends are points.
    case nodes
    /// `x_j = a + (j + ½)·L/n`: the centres of n cells.
    case cells
  }

  public struct Axis: Sendable, Hashable, Codable {
    public var name: String
    public var lowerBound: Double
    public var upperBound: Double
    public var count: Int
    public var placement: Placement

    public init(
      name: String, lowerBound: Double = 0, upperBound: Double = 1, count: Int, placement: Placement
    ) {
      precondition(
        count >= 1 && upperBound > lowerBound, "an axis has at least one point and a positive length")
      self.name = name
      self.lowerBound = lowerBound
      self.upperBound = upperBound
      self.count = count
      self.placement = placement
    }

    public var length: Double { upperBound - lowerBound }
    public var isPeriodic: Bool { placement == .periodic }

    /// The distance between neighbouring points.
    public var spacing: Double {
      switch placement {
      case .periodic, .cells: length / Double(count)
      case .nodes: length / Double(max(count - 1, 1))
      }
    }

    public var coordinates: [Double] {
      let offset = placement == .cells ? 0.5 : 0
      let intervals = placement == .nodes ? max(count - 1, 1) : count
      return (0..<count).map { lowerBound + (Double($0) + offset) * length / Double(intervals) }
    }
  }

  public var axes: [Axis]

  public init(axes: [Axis]) { self.axes = axes }

  /// A periodic grid of length 1 along every axis, axes named by their place: what nobody has said otherwise of.
  public init(periodicUnit shape: [Int]) {
    axes = shape.enumerated().map { Axis(name: "axis \($0)", count: $1, placement: .periodic) }
  }

  public var shape: [Int] { axes.map(\.count) }
  public var pointCount: Int { shape.reduce(1, *) }
}

extension Grid: CustomStringConvertible {
  public var description: String {
    axes.map { "\($0.name): \($0.count) \($0.placement) on [\($0.lowerBound), \($0.upperBound)]" }
      .joined(separator: ", ")
  }
}
