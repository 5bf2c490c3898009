// What holds on the boundary of a box, and its values at a time.

import Tensors

/// A function of a point (its coordinates in the order of the grid's axes) and of time.
public typealias PointFunction = @Sendable (_ point: [Double], _ time: Double) -> Double

/// What holds at one end of an axis.
public struct EndCondition: Sendable {
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// u is given.
    case dirichlet
    /// The outward normal derivative ∂u/∂n is given.
    case neumann
  }

  public var kind: Kind
  /// The given values; nil: zero. At a Dirichlet end of nodes the state holds them itself.
  public var value: PointFunction?

  public init(_ kind: Kind, _ value: PointFunction? = nil) {
    self.kind = kind
    self.value = value
  }

  public static let dirichlet = EndCondition(.dirichlet)
  public static let neumann = EndCondition(.neumann)
  public static func dirichlet(_ value: @escaping PointFunction) -> EndCondition {
    EndCondition(.dirichlet, value)
  }
  public static func neumann(_ value: @escaping PointFunction) -> EndCondition {
    EndCondition(.neumann, value)
  }
}

/// What holds at the ends of one axis.
public enum AxisBoundary: Sendable {
  case periodic
  case ends(lower: EndCondition, upper: EndCondition)

  public static let dirichlet = AxisBoundary.ends(lower: .dirichlet, upper: .dirichlet)
  public static let neumann = AxisBoundary.ends(lower: .neumann, upper: .neumann)

  /// The same condition at both ends.
  public static func both(_ condition: EndCondition) -> AxisBoundary {
    .ends(lower: condition, upper: condition)
  }

  var isPeriodic: Bool { if case .periodic = self { true } else { false } }

  /// The two ends, lower and upper; none of a periodic axis.
  var ends: [EndCondition] {
    switch self {
    case .periodic: []
    case .ends(let lower, let upper): [lower, upper]
    }
  }
}

/// The given values on the faces of a box at one time: for every axis and end, in the shape of the other axes; nil
/// where they are zero.
struct BoundaryFaces<Element: Scalar>: Sendable {
  var values: [[Tensor<Element>?]]

  /// `self − other`.
  func difference(from other: BoundaryFaces) -> BoundaryFaces {
    var result = self
    for axis in values.indices {
      for end in values[axis].indices {
        guard var face = values[axis][end], let earlier = other.values[axis][end] else { continue }
        face -= earlier
        result.values[axis][end] = face
      }
    }
    return result
  }
}

extension BoundaryFaces {
  /// `self + weight·(self − other)`.
  func extrapolated(from other: BoundaryFaces, by weight: Double) -> BoundaryFaces {
    var result = self
    for axis in values.indices {
      for end in values[axis].indices {
        guard var change = values[axis][end], let earlier = other.values[axis][end] else { continue }
        change -= earlier
        result.values[axis][end]?.addScaled(change, by: Element(weight))
      }
    }
    return result
  }
}

/// The given values of all faces as functions of time.
struct BoundaryData: Sendable {
  private let boundary: [AxisBoundary]
  /// The points along each axis, and the axis's ends.
  private let coordinates: [[Double]]
  private let bounds: [[Double]]

  init(_ boundary: [AxisBoundary], coordinates: [[Double]], bounds: [[Double]]) {
    self.boundary = boundary
    self.coordinates = coordinates
    self.bounds = bounds
  }

  /// Whether anything is given that is not zero.
  var isHomogeneous: Bool { boundary.allSatisfy { $0.ends.allSatisfy { $0.value == nil } } }

  func faces<Element: Scalar>(time: Double) -> BoundaryFaces<Element> {
    BoundaryFaces(
      values: boundary.indices.map { axis in
        boundary[axis].ends.enumerated().map { end, condition in
          guard let function = condition.value else { return nil }
          return face(axis, bounds[axis][end], function, time)
        }
      })
  }

  private func face<Element: Scalar>(
    _ axis: Int, _ position: Double, _ function: PointFunction, _ time: Double
  ) -> Tensor<Element> {
    let others = coordinates.indices.filter { $0 != axis }
    let shape = others.map { coordinates[$0].count }
    let strides = Tensor<Element>.strides(of: shape)
    var point = [Double](repeating: position, count: coordinates.count)
    var face = Tensor<Element>(uninitialized: shape)
    face.withUnsafeMutableBuffer { values in
      for index in values.indices {
        for (other, along) in others.enumerated() {
          point[along] = coordinates[along][index / strides[other] % shape[other]]
        }
        values[index] = Element(function(point, time))
      }
    }
    return face
  }
}
