// Tucker's form: singular vectors of the unfoldings, then alternating least squares.

import Tensors

/// `X ≈ core ×₁ U₁ ×₂ U₂ …` with orthonormal columns.
struct TuckerForm: Sendable {
  var core: ComplexArray
  var factors: [ComplexMatrix]

  /// All singular vectors of every unfolding: X exactly, the core's slices ordered by their norms, the singular
  /// values (De Lathauwer, De Moor and Vandewalle 2000, HOSVD).
  init(exactly array: ComplexArray) throws {
    factors = []
    core = array
    for axis in array.shape.indices {
      let left = try array.unfolded(axis).singularValues().left
      factors.append(left)
      core = core.multiplied(axis: axis, by: left, .adjoint)
    }
  }

  /// The truncated HOSVD, improved axis by axis with the others held (HOOI, the same authors) until a sweep gains less
  /// than 1e-6 of the norm.
  init(
    _ array: ComplexArray, ranks: [Int], sweeps: Int = 20, beforeSweep: () throws -> Void = {}
  ) throws {
    self.init(truncating: try TuckerForm(exactly: array), ranks: ranks)
    var norm = core.sumOfSquares
    for _ in 0..<sweeps {
      try beforeSweep()
      for axis in array.shape.indices {
        var projected = array
        for other in array.shape.indices where other != axis {
          projected = projected.multiplied(axis: other, by: factors[other], .adjoint)
        }
        let singular = try projected.unfolded(axis).singularValues()
        // An axis may have more singular vectors to keep than the projection has: then they stay what they were.
        guard singular.left.columns >= ranks[axis] else { continue }
        factors[axis] = singular.left.firstColumns(ranks[axis])
        core = projected.multiplied(axis: axis, by: factors[axis], .adjoint)
      }
      let improved = core.sumOfSquares
      guard improved > norm * (1 + 1e-6) else { break }
      norm = improved
    }
  }

  private init(truncating exact: TuckerForm, ranks: [Int]) {
    factors = zip(exact.factors, ranks).map { $0.firstColumns(min($1, $0.columns)) }
    core = exact.core
    for (axis, rank) in ranks.enumerated() {
      let unfolded = core.unfolded(axis)
      core = ComplexArray.folded(unfolded.firstRows(min(rank, unfolded.rows)), axis: axis, shape: core.shape)
    }
  }

  var reconstructed: ComplexArray {
    factors.enumerated().reduce(core) { $0.multiplied(axis: $1.offset, by: $1.element) }
  }

  /// Under the names of ``FactorParameters``.
  var tensors: [(name: String, shape: [Int], values: [Double])] {
    [("core", core.shape, core.values)]
      + factors.enumerated().map { ("factors.factor_\($0)", [$1.rows, $1.columns], $1.values) }
  }
}
