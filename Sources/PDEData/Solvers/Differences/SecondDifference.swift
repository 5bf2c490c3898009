// The second derivative along one axis by finite differences, with the conditions at its ends.

import Tensors

/// `M u'' = D u + c g` along one axis, M and D tridiagonal (of a periodic axis cyclic), g given at the ends.
///
/// Second order: M = 1, D the three-point difference; an end's condition is put in by a point beyond it. Compact
/// fourth order (Padé; Collatz 1960): `(u''_{i−1} + 10 u''_i + u''_{i+1})/12 = (u_{i−1} − 2u_i + u_{i+1})/h²`, and at
/// a Neumann end `u''_0 + 2u''_1 = (3/2)(u_2 − u_0)/h² + 3 g/h`, g = −u'_0, third order there and fourth overall; the
/// eigenvalues of M⁻¹D are real and not positive.
///
/// At a Dirichlet end of nodes the end point is an unknown of a trivial equation: its row of M is the identity's,
/// its row of D zero, so that any `M − θD` leaves it as it is.
public struct SecondDifference: Sendable {
  public enum Order: Int, Sendable, Hashable, Codable, CaseIterable {
    case second = 2
    case compactFourth = 4
  }

  /// An end of an axis, as the difference sees it.
  struct End: Sendable {
    var kind: EndCondition.Kind
    /// The end point is a node whose value is given.
    var isFixed: Bool
    /// c: what one unit of the given datum adds to the end's row of M u''.
    var coupling: Double
    /// Numbers w with g ≈ Σ w_j v_j over the points nearest to the end (nearest first): what the datum is of a
    /// function known at the points alone.
    var extrapolation: [Double]
  }

  public let mass: TridiagonalMatrix
  public let stiffness: TridiagonalMatrix
  public let order: Order
  public let coordinates: [Double]
  /// The two ends of the axis.
  public let bounds: [Double]
  /// The distance of the points where it is the same everywhere.
  let uniformSpacing: Double?
  let placement: Grid.Placement
  /// Lower and upper; none of a periodic axis.
  let ends: [End]

  public var count: Int { coordinates.count }
  public var isPeriodic: Bool { placement == .periodic }
  /// M is the identity.
  var isLumped: Bool { order == .second }

  /// On the uniform points of a grid's axis; a periodic boundary goes with a periodic axis.
  ///
  /// - Precondition: Two points at least on an axis with ends. The compact order is for periodic axes and nodes; with a
  ///   Neumann end it takes three nodes.
  public init(_ axis: Grid.Axis, _ boundary: AxisBoundary, order: Order = .second) {
    let kinds = boundary.ends.map(\.kind)
    precondition(axis.isPeriodic == kinds.isEmpty, "a periodic boundary goes with a periodic axis")
    precondition(order == .second || axis.placement != .cells, "the compact formula wants nodes")
    precondition(axis.isPeriodic || axis.count >= 2, "an axis with two ends has two points")
    let (n, h) = (axis.count, axis.spacing)
    let isPeriodic = axis.isPeriodic
    let scale = 1 / (h * h)
    let outer = order == .second ? 0 : 1.0 / 12
    var mass = TridiagonalMatrix(
      count: n, lower: outer, diagonal: 1 - 2 * outer, upper: outer, isCyclic: isPeriodic)
    var stiffness = TridiagonalMatrix(
      count: n, lower: scale, diagonal: -2 * scale, upper: scale, isCyclic: isPeriodic)
    let bounds = [axis.lowerBound, axis.upperBound]
    var ends: [End] = []
    for (index, kind) in kinds.enumerated() {
      let row = BoundaryRow(kind, axis.placement, order, spacing: h, points: n)
      row.place(in: &mass, row.mass, atUpperEnd: index == 1)
      row.place(in: &stiffness, row.stiffness, atUpperEnd: index == 1)
      let isFixed = kind == .dirichlet && axis.placement == .nodes
      ends.append(
        End(
          kind: kind, isFixed: isFixed, coupling: row.coupling,
          extrapolation: isFixed
            ? []
            : Self.extrapolation(kind, axis.coordinates, end: bounds[index], atUpperEnd: index == 1)))
    }
    self.init(
      mass: mass, stiffness: stiffness, order: order, coordinates: axis.coordinates, bounds: bounds,
      uniformSpacing: h, placement: axis.placement, ends: ends)
  }

  /// On nodes at any increasing places, both ends among them; second order.
  public init(nodes: [Double], lower: EndCondition.Kind, upper: EndCondition.Kind) {
    let n = nodes.count
    precondition(n >= 2 && zip(nodes, nodes.dropFirst()).allSatisfy(<), "two or more increasing nodes")
    var mass = TridiagonalMatrix.identity(count: n)
    var stiffness = TridiagonalMatrix(count: n, lower: 0, diagonal: 0, upper: 0)
    for i in 1..<max(n - 1, 1) {
      let (below, above) = (nodes[i] - nodes[i - 1], nodes[i + 1] - nodes[i])
      stiffness.lower[i] = 2 / (below * (below + above))
      stiffness.upper[i] = 2 / (above * (below + above))
      stiffness.diagonal[i] = -2 / (below * above)
    }
    let bounds = [nodes[0], nodes[n - 1]]
    var ends: [End] = []
    for (index, kind) in [lower, upper].enumerated() {
      let spacing = index == 0 ? nodes[1] - nodes[0] : nodes[n - 1] - nodes[n - 2]
      let row = BoundaryRow(kind, .nodes, .second, spacing: spacing, points: n)
      row.place(in: &mass, row.mass, atUpperEnd: index == 1)
      row.place(in: &stiffness, row.stiffness, atUpperEnd: index == 1)
      ends.append(
        End(
          kind: kind, isFixed: kind == .dirichlet, coupling: row.coupling,
          extrapolation: kind == .dirichlet
            ? [] : Self.extrapolation(kind, nodes, end: bounds[index], atUpperEnd: index == 1)))
    }
    self.init(
      mass: mass, stiffness: stiffness, order: .second, coordinates: nodes, bounds: bounds,
      uniformSpacing: nil, placement: .nodes, ends: ends)
  }

  private init(
    mass: TridiagonalMatrix, stiffness: TridiagonalMatrix, order: Order, coordinates: [Double],
    bounds: [Double], uniformSpacing: Double?, placement: Grid.Placement, ends: [End]
  ) {
    self.mass = mass
    self.stiffness = stiffness
    self.order = order
    self.coordinates = coordinates
    self.bounds = bounds
    self.uniformSpacing = uniformSpacing
    self.placement = placement
    self.ends = ends
  }

  var largestSpacing: Double {
    uniformSpacing ?? zip(coordinates, coordinates.dropFirst()).reduce(0) { max($0, $1.1 - $1.0) }
  }

  /// The points whose equations are not trivial.
  var unknowns: Range<Int> {
    let lower = ends.first?.isFixed == true ? 1 : 0
    let upper = ends.last?.isFixed == true ? count - 1 : count
    return lower..<max(lower, upper)
  }

  /// `M − θ D`.
  public func implicitMatrix(_ theta: Double) -> TridiagonalMatrix { mass.adding(-theta, times: stiffness) }

  /// Weights of a derivative (or value) at an end from up to five points, outward.
  private static func extrapolation(
    _ kind: EndCondition.Kind, _ coordinates: [Double], end: Double, atUpperEnd: Bool
  ) -> [Double] {
    let nearest = Array((atUpperEnd ? coordinates.reversed() : coordinates).prefix(5))
    // Outward is away from the points.
    let distances = nearest.map { atUpperEnd ? $0 - end : end - $0 }
    return InterpolationWeights.weights(at: 0, distances, derivative: kind == .neumann ? 1 : 0)
  }
}

/// The equation of the point next to an end, or on it.
private struct BoundaryRow {
  /// Coefficients of the end's point, the next and the one after.
  var mass = [1.0, 0, 0]
  var stiffness = [0.0, 0, 0]
  var coupling = 0.0

  init(
    _ kind: EndCondition.Kind, _ placement: Grid.Placement, _ order: SecondDifference.Order,
    spacing h: Double, points: Int
  ) {
    let scale = 1 / (h * h)
    switch (kind, placement, order) {
    case (.dirichlet, .cells, _):
      (stiffness, coupling) = ([-3 * scale, scale, 0], 2 * scale)
    case (.neumann, .cells, _):
      (stiffness, coupling) = ([-scale, scale, 0], 1 / h)
    case (.dirichlet, _, _):
      break
    case (.neumann, _, .second):
      (stiffness, coupling) = ([-2 * scale, 2 * scale, 0], 2 / h)
    case (.neumann, _, .compactFourth):
      precondition(points >= 3, "the compact formula at a Neumann end wants three nodes")
      // Divided by 3, so that M leaves constants as they are.
      (mass, stiffness, coupling) = ([1.0 / 3, 2.0 / 3, 0], [-scale / 2, 0, scale / 2], 1 / h)
    }
  }

  func place(in matrix: inout TridiagonalMatrix, _ row: [Double], atUpperEnd: Bool) {
    let n = matrix.count
    matrix.diagonal[atUpperEnd ? n - 1 : 0] = row[0]
    guard n > 1 else { return }
    if atUpperEnd {
      matrix.lower[n - 1] = row[1]
      if n > 2 { matrix.lastRowThird = row[2] }
    } else {
      matrix.upper[0] = row[1]
      if n > 2 { matrix.firstRowThird = row[2] }
    }
  }
}

/// Polynomial interpolation through given points.
enum InterpolationWeights {
  /// Weights of the values at `points` that give the interpolant's derivative of the given order at `x` (Fornberg 1988);
  /// of more derivatives than there are points, zeros.
  static func weights(at x: Double, _ points: [Double], derivative: Int) -> [Double] {
    var table = [[Double]](
      repeating: [Double](repeating: 0, count: derivative + 1), count: points.count)
    table[0][0] = 1
    var product = 1.0
    for i in 1..<max(points.count, 1) {
      var next = 1.0
      let last = points[i - 1] - x
      for j in 0..<i {
        let difference = points[i] - points[j]
        next *= difference
        for k in stride(from: min(i, derivative), through: 0, by: -1) {
          let lower = k > 0 ? table[j][k - 1] : 0
          if j == i - 1 {
            let previous = k > 0 ? table[i - 1][k - 1] : 0
            table[i][k] = product / next * (Double(k) * previous - last * table[i - 1][k])
          }
          table[j][k] = ((points[i] - x) * table[j][k] - Double(k) * lower) / difference
        }
      }
      product = next
    }
    return table.map { $0[derivative] }
  }
}
