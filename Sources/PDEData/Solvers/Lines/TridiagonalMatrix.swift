// A tridiagonal matrix along a line, and its elimination done once.

import Tensors

/// A tridiagonal matrix `(A x)_i = lower_i x_{i−1} + diagonal_i x_i + upper_i x_{i+1}`.
///
/// Of a cyclic matrix `lower_0` belongs to the last unknown and `upper_{n−1}` to the first; of one that is not, the
/// two are zero and the first and last row may reach one unknown further, as compact boundary formulas do.
public struct TridiagonalMatrix: Sendable, Hashable {
  public var lower: [Double]
  public var diagonal: [Double]
  public var upper: [Double]
  public let isCyclic: Bool
  /// The coefficient of x_2 in row 0; not of cyclic matrices; n ≥ 3.
  public var firstRowThird: Double
  /// The coefficient of x_{n−3} in row n − 1; not of cyclic matrices; n ≥ 3.
  public var lastRowThird: Double

  public init(
    lower: [Double], diagonal: [Double], upper: [Double], isCyclic: Bool = false, firstRowThird: Double = 0,
    lastRowThird: Double = 0
  ) {
    let n = diagonal.count
    precondition(n >= 1 && lower.count == n && upper.count == n, "three diagonals of one length")
    precondition(isCyclic || (lower[0] == 0 && upper[n - 1] == 0), "nothing beyond the ends of a line")
    precondition(
      (firstRowThird == 0 && lastRowThird == 0) || (n >= 3 && !isCyclic), "a third unknown in a boundary row")
    self.lower = lower
    self.diagonal = diagonal
    self.upper = upper
    self.isCyclic = isCyclic
    self.firstRowThird = firstRowThird
    self.lastRowThird = lastRowThird
  }

  /// The same three numbers in every row.
  public init(count: Int, lower: Double, diagonal: Double, upper: Double, isCyclic: Bool = false) {
    var (a, c) = ([Double](repeating: lower, count: count), [Double](repeating: upper, count: count))
    if !isCyclic { (a[0], c[count - 1]) = (0, 0) }
    self.init(
      lower: a, diagonal: [Double](repeating: diagonal, count: count), upper: c, isCyclic: isCyclic)
  }

  /// The order n of the matrix.
  public var count: Int { diagonal.count }

  public static func identity(count: Int, isCyclic: Bool = false) -> TridiagonalMatrix {
    TridiagonalMatrix(count: count, lower: 0, diagonal: 1, upper: 0, isCyclic: isCyclic)
  }

  /// `self + factor · other`.
  public func adding(_ factor: Double, times other: TridiagonalMatrix) -> TridiagonalMatrix {
    precondition(count == other.count && isCyclic == other.isCyclic, "matrices of one kind")
    func sum(_ x: [Double], _ y: [Double]) -> [Double] { zip(x, y).map { $0 + factor * $1 } }
    return TridiagonalMatrix(
      lower: sum(lower, other.lower), diagonal: sum(diagonal, other.diagonal),
      upper: sum(upper, other.upper), isCyclic: isCyclic,
      firstRowThird: firstRowThird + factor * other.firstRowThird,
      lastRowThird: lastRowThird + factor * other.lastRowThird)
  }

  /// The row as (column, coefficient) pairs; columns may repeat in cyclic matrices of order 1 and 2.
  public func row(_ i: Int) -> [(column: Int, value: Double)] {
    let n = count
    var entries = [(column: i, value: diagonal[i])]
    if isCyclic || i > 0 { entries.append(((i + n - 1) % n, lower[i])) }
    if isCyclic || i < n - 1 { entries.append(((i + 1) % n, upper[i])) }
    if i == 0, firstRowThird != 0 { entries.append((2, firstRowThird)) }
    if i == n - 1, lastRowThird != 0 { entries.append((n - 3, lastRowThird)) }
    return entries
  }

  /// `A x`.
  public func multiplied(by x: [Double]) -> [Double] {
    precondition(x.count == count, "a vector of the matrix's order")
    return (0..<count).map { row($0).reduce(0) { $0 + $1.value * x[$1.column] } }
  }
}
