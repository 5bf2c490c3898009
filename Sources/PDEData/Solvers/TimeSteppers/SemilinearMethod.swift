// One-step methods for semilinear systems whose linear part is diagonal: exponential and implicit-explicit ones alike.

/// A method for u' = Lu + N(u, t) with L diagonal, z = hλ for each of its eigenvalues λ:
///
///     U_i = r_i(z) u_n + h Σ_{j<i} w_ij(z) N(U_j, t_n + c_j h),
///
/// the first stage being u_n itself and the last row the end of the step. What tells one family of methods from another
/// is the functions r and w alone: those of exponential methods are made of φ functions, those of implicit-explicit
/// Runge–Kutta methods are rational.
public struct SemilinearMethod: Sendable {
  /// As the command line calls it, in lower case: `ETDRK4`, `CN-Heun`.
  public let name: String
  public let order: Int
  /// c_i of the stages, the first one's 0 among them.
  public let nodes: [Double]
  /// For each row, the stages whose N it takes.
  let terms: [[Int]]
  /// For z, of every row: r and then the w of its terms, row after row.
  let weights: @Sendable (_ z: Double) -> [Double]

  init(
    name: String, order: Int, nodes: [Double], terms: [[Int]],
    weights: @escaping @Sendable (_ z: Double) -> [Double]
  ) {
    precondition(
      nodes.count == terms.count && nodes.first == 0, "a node for every stage, a row for every result")
    self.name = name
    self.order = order
    self.nodes = nodes
    self.terms = terms
    self.weights = weights
  }

  /// The largest |hλ| for which modes of u' = iλu, which N holds, do not grow: √3 and 2√2 for methods of order 3 and 4
  /// that are Runge–Kutta methods in N. Those of order 1 and 2 let all of them grow, slowly: 1 is a rule of thumb.
  public var oscillationLimit: Double {
    switch order {
    case ...2: 1
    case 3: 3.0.squareRoot()
    default: 8.0.squareRoot()
    }
  }
}

extension SemilinearMethod {
  /// All, the most usual first.
  public static let all: [SemilinearMethod] = exponential + implicitExplicit
}
