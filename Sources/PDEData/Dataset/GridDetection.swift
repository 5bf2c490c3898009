// Where the points of a variable are: told by attributes of its coordinates, or found from their values.

import Tensors

extension DatasetReader {
  /// An axis, and whether its coordinates are evenly spaced. A grid knows even spacing only: an uneven axis is
  /// given by its ends.
  public struct AxisReading: Sendable, Hashable {
    public let axis: Grid.Axis
    public let isUniform: Bool
    /// Whether the file has the points in falling order, which a grid does not know.
    public var isDescending = false
  }

  /// The grid of a variable, without its sample, time and channel dimensions; slowest axis first.
  public func grid(of variable: DatasetVariable) throws(DatasetError) -> Grid {
    var axes: [Grid.Axis] = []
    for dimension in variable.gridDimensions { axes.append(try axis(of: dimension).axis) }
    return Grid(axes: axes)
  }

  /// The axis along a dimension. Without coordinates: `j/n`, periodic.
  public func axis(of dimension: DatasetDimension) throws(DatasetError) -> AxisReading {
    guard dimension.length >= 1 else {
      throw DatasetError(.invalidData, path: path, "dimension \(dimension.name) is empty")
    }
    let coordinates = try self.coordinates(of: dimension)
    guard let (variable, values) = coordinates else {
      return AxisReading(
        axis: Grid.Axis(name: dimension.name, count: dimension.length, placement: .periodic),
        isUniform: true)
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw DatasetError(
        .invalidData, path: path, variable: variable.name, "its value \(bad) is not finite")
    }
    let placement = variable.attributes["placement"]?.text.flatMap(Grid.Placement.init)
    let domain = variable.attributes["domain"]?.numbers
    return GridDetection.axis(
      name: dimension.name, coordinates: values, placement: placement,
      domain: domain.flatMap { $0.count == 2 && $0[0] < $0[1] ? ($0[0], $0[1]) : nil })
  }

  /// The coordinate variable of a dimension and its values.
  func coordinates(
    of dimension: DatasetDimension
  ) throws(DatasetError) -> (variable: DatasetVariable, values: [Double])? {
    let anonymousName = dimension.name == "time" ? "t-coordinate" : "\(dimension.name)-coordinate"
    let variable = variables.first {
      $0.type.isNumeric && isCoordinate($0)
        && ($0.name == dimension.name
          // PDEBench has one more time than states.
          || ($0.name == anonymousName
            && $0.shape[0] - dimension.length == (dimension.name == "time" ? 1 : 0))
          || ($0.name == anonymousName && $0.shape[0] == dimension.length))
    }
    guard let variable else { return nil }
    let values: Tensor<Double> = try read(variable)
    return (variable, Array(values.values.prefix(dimension.length)))
  }

  /// The saved times of a variable, where it has a time dimension with coordinates.
  public func times(of variable: DatasetVariable) throws(DatasetError) -> [Double]? {
    guard let index = variable.roles.firstIndex(of: .time) else { return nil }
    return try coordinates(of: variable.dimensions[index])?.values
  }
}

enum GridDetection {
  /// The axis on which `coordinates` lie. What is not told is found: among points on nodes, in cells and
  /// periodic, the one whose extent has the roundest ends (in units of 1 or π).
  static func axis(
    name: String, coordinates: [Double], placement: Grid.Placement?, domain: (Double, Double)?
  ) -> DatasetReader.AxisReading {
    let count = coordinates.count
    let first = min(coordinates[0], coordinates[count - 1])
    let last = max(coordinates[0], coordinates[count - 1])
    guard count > 1, last > first else {
      let (lower, upper) = domain ?? (first, first + 1)
      let axis = Grid.Axis(
        name: name, lowerBound: lower, upperBound: upper, count: count, placement: placement ?? .periodic)
      return .init(axis: axis, isUniform: count == 1)
    }
    let spacing = (last - first) / Double(count - 1)
    let isDescending = coordinates[0] > coordinates[count - 1]
    // Coordinates in single precision are even to some 1e-7 of their size.
    let tolerance = 1e-3 * spacing + 1e-6 * max(abs(first), abs(last))
    let isUniform = coordinates.indices.allSatisfy { index in
      let expected = isDescending ? last - Double(index) * spacing : first + Double(index) * spacing
      return abs(coordinates[index] - expected) <= tolerance
    }
    func extent(_ placement: Grid.Placement) -> (lower: Double, upper: Double) {
      switch placement {
      case .nodes: (first, last)
      case .periodic: (first, last + spacing)
      case .cells: (first - spacing / 2, last + spacing / 2)
      }
    }
    let candidates: [Grid.Placement] = isUniform ? [.nodes, .periodic, .cells] : [.nodes]
    let chosen =
      placement
      ?? candidates.min { left, right in
        score(extent(left), domain, tolerance) < score(extent(right), domain, tolerance)
      } ?? .nodes
    var (lower, upper) = extent(chosen)
    if let domain, placement != nil || distance((lower, upper), domain) <= tolerance {
      (lower, upper) = domain
    }
    let axis = Grid.Axis(
      name: name, lowerBound: rounded(lower), upperBound: rounded(upper), count: count, placement: chosen)
    return .init(axis: axis, isUniform: isUniform, isDescending: isDescending)
  }

  private static func distance(_ extent: (Double, Double), _ domain: (Double, Double)) -> Double {
    max(abs(extent.0 - domain.0), abs(extent.1 - domain.1))
  }

  /// How little an extent looks like one that somebody chose; with a known domain, how far it is from that.
  private static func score(
    _ extent: (lower: Double, upper: Double), _ domain: (Double, Double)?, _ tolerance: Double
  ) -> Double {
    if let domain { return distance(extent, domain) }
    let ends = max(abs(extent.lower), abs(extent.upper))
    let roundness = max(denominator(extent.lower, tolerance), denominator(extent.upper, tolerance))
    return roundness + 1e-9 * ends
  }

  /// The smallest q for which `value` is a multiple of 1/q or π/q.
  private static func denominator(_ value: Double, _ tolerance: Double) -> Double {
    for divisor in 1...16 {
      for unit in [1, Double.pi] {
        let multiple = value / unit * Double(divisor)
        if abs(multiple - multiple.rounded()) * unit / Double(divisor)
          <= min(tolerance, 1e-4 * abs(value) + 1e-9)
        {
          return Double(divisor)
        }
      }
    }
    return 17
  }

  /// Takes away the roundoff of `last + spacing`.
  private static func rounded(_ value: Double) -> Double {
    let scaled = (value * 1e9).rounded() / 1e9
    return abs(scaled - value) <= 1e-12 * max(1, abs(value)) ? scaled : value
  }
}
