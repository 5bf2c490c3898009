// The canonical polyadic form: a sum of outer products, by alternating least squares.

import Tensors

/// `X[i₁, …, i_d] ≈ Σ_r w_r U₁[i₁, r] … U_d[i_d, r]` (Hitchcock 1927; CP-ALS of Carroll and Chang 1970).
struct CanonicalForm: Sendable {
  var weights: [Double]
  /// Their columns have norm 1.
  var factors: [ComplexMatrix]

  /// Begins with the singular vectors of the unfoldings, and random columns where the rank is larger than
  /// that of an unfolding; ends when a sweep
  /// gains less than `tolerance` of the norm. A local minimum, as least squares of products are.
  init(
    _ array: ComplexArray, rank: Int, sweeps: Int = 100, tolerance: Double = 1e-5,
    beforeSweep: () throws -> Void = {}
  ) throws {
    let axes = array.shape.indices
    var matrices: [ComplexMatrix] = []
    for axis in axes {
      let unfolded = array.unfolded(axis)
      let gram = try ComplexMatrix.product(unfolded, .plain, unfolded, .adjoint).singularValues()
      // Vectors that the array has no part in would give terms that stay zero. The values are squares.
      let used = gram.values.prefix { $0 > 1e-14 * (gram.values.first ?? 0) }.count
      matrices.append(Self.extended(gram.left.firstColumns(min(used, rank)), to: rank, axis: axis))
    }
    weights = [Double](repeating: 1, count: rank)
    factors = matrices
    let unfoldings = axes.map { array.unfolded($0) }
    let norm = array.sumOfSquares
    var error = Double.infinity
    for _ in 0..<sweeps {
      var residual = norm
      for axis in axes {
        try beforeSweep()
        // U = X₍ₐ₎ conj(K) (Kᵀ conj(K))⁻¹ with K the Khatri–Rao product of the others.
        let right = ComplexMatrix.product(unfoldings[axis], khatriRao(except: axis).conjugate)
        let gram = self.gram(except: axis)
        let solution = try right.dividedByHermitian(gram)
        if axis == axes.last { residual = Self.residual(norm, right, solution, gram) }
        (factors[axis], weights) = Self.normalized(solution)
      }
      let now = (max(residual, 0) / max(norm, .leastNormalMagnitude)).squareRoot()
      guard error - now > tolerance else { break }
      error = now
    }
  }

  /// `‖X − U Kᵀ‖² = ‖X‖² − 2 Re ⟨X conj(K), U⟩ + ⟨U Kᵀconj(K), U⟩`.
  private static func residual(
    _ norm: Double, _ right: ComplexMatrix, _ solution: ComplexMatrix, _ gram: ComplexMatrix
  ) -> Double {
    func dot(_ a: ComplexMatrix, _ b: ComplexMatrix) -> Double {
      zip(a.values, b.values).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return norm - 2 * dot(right, solution) + dot(ComplexMatrix.product(solution, gram), solution)
  }

  /// `[Π n, rank]` for all axes but one, in their order.
  private func khatriRao(except axis: Int) -> ComplexMatrix {
    let others = factors.indices.filter { $0 != axis }.map { factors[$0] }
    return others.dropFirst().reduce(others[0]) { Self.khatriRao($0, $1) }
  }

  private static func khatriRao(_ a: ComplexMatrix, _ b: ComplexMatrix) -> ComplexMatrix {
    let rank = a.columns
    var values = [Double](repeating: 0, count: 2 * a.rows * b.rows * rank)
    for i in 0..<a.rows {
      for j in 0..<b.rows {
        for r in 0..<rank {
          let (p, q) = (2 * (i * rank + r), 2 * (j * rank + r))
          let (x, y, u, v) = (a.values[p], a.values[p + 1], b.values[q], b.values[q + 1])
          let place = 2 * ((i * b.rows + j) * rank + r)
          values[place] = x * u - y * v
          values[place + 1] = x * v + y * u
        }
      }
    }
    return ComplexMatrix(rows: a.rows * b.rows, columns: rank, values: values)
  }

  /// `Kᵀ conj(K)`, the product element by element of the factors' own.
  private func gram(except axis: Int) -> ComplexMatrix {
    var result: ComplexMatrix?
    for (index, factor) in factors.enumerated() where index != axis {
      let own = ComplexMatrix.product(factor, .transposed, factor.conjugate)
      result =
        result.map { previous in
          var values = [Double](repeating: 0, count: own.values.count)
          for place in stride(from: 0, to: values.count, by: 2) {
            let (x, y) = (previous.values[place], previous.values[place + 1])
            let (u, v) = (own.values[place], own.values[place + 1])
            values[place] = x * u - y * v
            values[place + 1] = x * v + y * u
          }
          return ComplexMatrix(rows: own.rows, columns: own.columns, values: values)
        } ?? own
    }
    return result ?? .zeros(rows: 0, columns: 0)
  }

  /// Columns of norm 1, and the norms.
  private static func normalized(_ matrix: ComplexMatrix) -> (ComplexMatrix, [Double]) {
    var squares = [Double](repeating: 0, count: matrix.columns)
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns {
        let value = matrix[row, column]
        squares[column] += value.real * value.real + value.imaginary * value.imaginary
      }
    }
    let norms = squares.map { $0.squareRoot() }
    var values = matrix.values
    for place in values.indices {
      let norm = norms[place / 2 % matrix.columns]
      values[place] = norm > 0 ? values[place] / norm : 0
    }
    return (ComplexMatrix(rows: matrix.rows, columns: matrix.columns, values: values), norms)
  }

  /// `rank` columns: those that are there, then random ones.
  private static func extended(_ matrix: ComplexMatrix, to rank: Int, axis: Int) -> ComplexMatrix {
    guard rank > matrix.columns else { return matrix }
    let stream = RandomStream(seed: 0, purpose: "canonical form", sample: UInt64(axis))
    let random = Tensor<Double>.normal([2 * matrix.rows * rank], from: stream).values
    var result = ComplexMatrix(rows: matrix.rows, columns: rank, values: random)
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns { result[row, column] = matrix[row, column] }
    }
    return normalized(result).0
  }

  /// The terms' weights into the first factor would lose their scale: they are shared out over all factors, whose
  /// product they are, so that training finds numbers of one size.
  var tensors: [(name: String, shape: [Int], values: [Double])] {
    let root = 1 / Double(factors.count)
    let ones = weights.flatMap { _ in [1.0, 0.0] }
    return [("weights", [weights.count], ones)]
      + factors.enumerated().map { index, factor in
        let values = factor.values.enumerated().map { place, value in
          value * Double.pow(weights[place / 2 % factor.columns], root)
        }
        return ("factors.factor_\(index)", [factor.rows, factor.columns], values)
      }
  }

  var reconstructed: ComplexArray {
    let last = factors.count - 1
    var columns = khatriRao(except: last)
    columns = ComplexMatrix(
      rows: columns.rows, columns: columns.columns,
      values: columns.values.enumerated().map { $1 * weights[$0 / 2 % columns.columns] })
    let product = ComplexMatrix.product(columns, .plain, factors[last], .transposed)
    return ComplexArray(shape: factors.map(\.rows), values: product.values)
  }
}
