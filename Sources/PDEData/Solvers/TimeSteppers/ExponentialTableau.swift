// Exponential Runge–Kutta methods as tableaux: a new method is a table, nothing else.

/// An explicit exponential Runge–Kutta method for u' = Lu + N(u) with z = hL:
///
///     U_i = e^{c_i z} u_n + h Σ_{j<i} a_ij(z) N(U_j),   u_{n+1} = e^z u_n + h Σ_i b_i(z) N(U_i),
///
/// the first stage being u_n itself.
public struct ExponentialTableau: Sendable {
  /// A weight a_ij or b_i as a function of φ(z) and φ(z/2), each φ_0…φ_3; nil: zero.
  public typealias Weight = @Sendable (_ full: SIMD4<Double>, _ half: SIMD4<Double>) -> Double

  public let name: String
  public let order: Int
  /// c_i of the stages after the first: ½ or 1.
  public let nodes: [Double]
  /// a_ij of the stages after the first.
  public let stages: [[Weight?]]
  /// b_i.
  public let weights: [Weight?]

  public init(name: String, order: Int, nodes: [Double], stages: [[Weight?]], weights: [Weight?]) {
    precondition(nodes.count == stages.count && weights.count == nodes.count + 1, "a stage for every node")
    precondition(nodes.allSatisfy { $0 == 0.5 || $0 == 1 }, "nodes at the middle or the end of the step")
    self.name = name
    self.order = order
    self.nodes = nodes
    self.stages = stages
    self.weights = weights
  }

  /// The method that the table describes.
  public var method: SemilinearMethod {
    let rows = stages + [weights]
    let ends = nodes + [1]
    let terms = rows.map { row in row.indices.filter { row[$0] != nil } }
    return SemilinearMethod(name: name, order: order, nodes: [0] + nodes, terms: terms) { z in
      let full = PhiFunctions.values(z)
      let half = PhiFunctions.values(z / 2)
      var values: [Double] = []
      for (row, node) in zip(rows, ends) {
        values.append(node == 1 ? full[0] : half[0])
        for weight in row { if let weight { values.append(weight(full, half)) } }
      }
      return values
    }
  }
}

extension ExponentialTableau {
  /// Exponential Euler.
  public static let etdrk1 = ExponentialTableau(
    name: "ETDRK1", order: 1, nodes: [], stages: [], weights: [{ z, _ in z[1] }])

  /// Cox and Matthews, J. Comput. Phys. 176 (2002) 430, (22).
  public static let etdrk2 = ExponentialTableau(
    name: "ETDRK2", order: 2, nodes: [1], stages: [[{ z, _ in z[1] }]],
    weights: [{ z, _ in z[1] - z[2] }, { z, _ in z[2] }])

  /// The same, (23)–(25).
  public static let etdrk3 = ExponentialTableau(
    name: "ETDRK3", order: 3, nodes: [0.5, 1],
    stages: [[{ _, h in h[1] / 2 }], [{ z, _ in -z[1] }, { z, _ in 2 * z[1] }]],
    weights: [
      { z, _ in z[1] - 3 * z[2] + 4 * z[3] }, { z, _ in 4 * z[2] - 8 * z[3] },
      { z, _ in 4 * z[3] - z[2] },
    ])

  /// The same, (26)–(29).
  public static let etdrk4 = ExponentialTableau(
    name: "ETDRK4", order: 4, nodes: [0.5, 0.5, 1],
    stages: [
      [{ _, h in h[1] / 2 }], [nil, { _, h in h[1] / 2 }],
      [{ _, h in h[1] / 2 * (h[0] - 1) }, nil, { _, h in h[1] }],
    ],
    weights: [
      { z, _ in z[1] - 3 * z[2] + 4 * z[3] }, { z, _ in 2 * z[2] - 4 * z[3] },
      { z, _ in 2 * z[2] - 4 * z[3] }, { z, _ in 4 * z[3] - z[2] },
    ])
}

extension SemilinearMethod {
  public static let etdrk1 = ExponentialTableau.etdrk1.method
  public static let etdrk2 = ExponentialTableau.etdrk2.method
  public static let etdrk3 = ExponentialTableau.etdrk3.method
  public static let etdrk4 = ExponentialTableau.etdrk4.method

  static let exponential = [etdrk4, etdrk3, etdrk2, etdrk1]
}
