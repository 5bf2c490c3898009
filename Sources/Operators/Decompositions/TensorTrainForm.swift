// The tensor train: singular vectors of one unfolding after the other.

import Tensors

/// `X[i₁, …, i_d] ≈ G₁[i₁] G₂[i₂] … G_d[i_d]`, a product of matrices (Oseledets 2011, TT-SVD).
struct TensorTrainForm: Sendable {
  /// `[r_a, n_a, r_{a+1}]`.
  let cores: [ComplexArray]

  /// - Parameter ranks: One between neighbouring axes and 1 at both ends; more than there are singular values are
  ///   filled up with zeros.
  init(_ array: ComplexArray, ranks: [Int]) throws {
    var cores: [ComplexArray] = []
    var (rest, rank) = (array, 1)
    for axis in array.shape.indices.dropLast() {
      let extent = array.shape[axis]
      let matrix = ComplexMatrix(
        rows: rank * extent, columns: rest.count / (rank * extent), values: rest.values)
      let singular = try matrix.singularValues()
      let kept = min(ranks[axis + 1], singular.values.count)
      let left = singular.left.firstColumns(kept)
      let right = singular.right.firstRows(kept).scalingRows(by: Array(singular.values[..<kept]))
      cores.append(ComplexArray(shape: [rank, extent, kept], values: left.values))
      rest = ComplexArray(shape: [kept, right.columns], values: right.values)
      rank = kept
    }
    cores.append(ComplexArray(shape: [rank, array.shape[array.shape.count - 1], 1], values: rest.values))
    self.cores = cores.enumerated().map { Self.filled($1, to: [ranks[$0], $1.shape[1], ranks[$0 + 1]]) }
  }

  /// With zeros for ranks that are not there.
  private static func filled(_ core: ComplexArray, to shape: [Int]) -> ComplexArray {
    guard core.shape != shape else { return core }
    var values = [Double](repeating: 0, count: 2 * shape.reduce(1, *))
    for first in 0..<core.shape[0] {
      for middle in 0..<core.shape[1] {
        let from = 2 * (first * core.shape[1] + middle) * core.shape[2]
        let to = 2 * (first * shape[1] + middle) * shape[2]
        for place in 0..<2 * core.shape[2] { values[to + place] = core.values[from + place] }
      }
    }
    return ComplexArray(shape: shape, values: values)
  }

  var reconstructed: ComplexArray {
    var product = cores[0].matrix(rowAxes: 2)
    for core in cores.dropFirst() {
      product = ComplexMatrix.product(product, core.matrix(rowAxes: 1))
      product = ComplexMatrix(
        rows: product.rows * core.shape[1], columns: core.shape[2], values: product.values)
    }
    return ComplexArray(shape: cores.map { $0.shape[1] }, values: product.values)
  }

  /// Under the names of ``FactorParameters``.
  var tensors: [(name: String, shape: [Int], values: [Double])] {
    cores.enumerated().map { ("factors.factor_\($0)", $1.shape, $1.values) }
  }
}
