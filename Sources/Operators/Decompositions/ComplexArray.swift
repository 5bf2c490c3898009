// Complex arrays of any order, and their unfoldings into matrices.

import Tensors

/// A row-major complex array in double precision: what is decomposed.
struct ComplexArray: Sendable {
  let shape: [Int]
  /// Real and imaginary part in turn.
  let values: [Double]

  init(shape: [Int], values: [Double]) {
    precondition(values.count == 2 * shape.reduce(1, *), "\(values.count) numbers for the shape \(shape)")
    self.shape = shape
    self.values = values
  }

  /// Arrays of one shape along a new first axis.
  init(stacking arrays: [ComplexArray]) {
    self.init(shape: [arrays.count] + (arrays.first?.shape ?? []), values: arrays.flatMap(\.values))
  }

  var count: Int { shape.reduce(1, *) }
  var sumOfSquares: Double { values.reduce(0) { $0 + $1 * $1 } }

  /// Σ |a − b|².
  func sumOfSquaredDifferences(from other: ComplexArray) -> Double {
    zip(values, other.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  }

  /// The matrix of the first `axes` axes (rows) and the others (columns).
  func matrix(rowAxes axes: Int) -> ComplexMatrix {
    ComplexMatrix(
      rows: shape[..<axes].reduce(1, *), columns: shape[axes...].reduce(1, *), values: values)
  }

  /// The matrix whose rows belong to one axis, its columns to all others in their order.
  func unfolded(_ axis: Int) -> ComplexMatrix {
    let (n, inner) = (shape[axis], shape[(axis + 1)...].reduce(1, *))
    let outer = count / max(n * inner, 1)
    guard outer > 1 else { return ComplexMatrix(rows: n, columns: inner, values: values) }
    var result = [Double](repeating: 0, count: values.count)
    for a in 0..<outer {
      for j in 0..<n {
        let (from, to) = (2 * (a * n + j) * inner, 2 * (j * outer + a) * inner)
        for place in 0..<2 * inner { result[to + place] = values[from + place] }
      }
    }
    return ComplexMatrix(rows: n, columns: outer * inner, values: result)
  }

  /// The array of which `matrix` is the unfolding along `axis`, the other axes having the extents of `shape`.
  static func folded(_ matrix: ComplexMatrix, axis: Int, shape: [Int]) -> ComplexArray {
    var shape = shape
    shape[axis] = matrix.rows
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    guard outer > 1 else { return ComplexArray(shape: shape, values: matrix.values) }
    var result = [Double](repeating: 0, count: matrix.values.count)
    for a in 0..<outer {
      for j in 0..<matrix.rows {
        let (from, to) = (2 * (j * outer + a) * inner, 2 * (a * matrix.rows + j) * inner)
        for place in 0..<2 * inner { result[to + place] = matrix.values[from + place] }
      }
    }
    return ComplexArray(shape: shape, values: result)
  }

  /// `Y[…, j, …] = Σ_i U[j, i] X[…, i, …]`, U read in a form.
  func multiplied(axis: Int, by matrix: ComplexMatrix, _ form: ComplexMatrix.Form = .plain) -> ComplexArray {
    Self.folded(ComplexMatrix.product(matrix, form, unfolded(axis)), axis: axis, shape: shape)
  }
}
