// Dense complex matrices in double precision: products, singular values, least squares. By BLAS and LAPACK.

import COpenBLAS

/// A row-major complex matrix. For small dense problems beside the training (decompositions); trained numbers are
/// planar and live in tensors.
public struct ComplexMatrix: Sendable {
  public let rows: Int
  public let columns: Int
  /// Real and imaginary part in turn.
  public private(set) var values: [Double]

  /// - Parameter values: Row-major, real and imaginary part in turn.
  public init(rows: Int, columns: Int, values: [Double]) {
    precondition(values.count == 2 * rows * columns, "\(values.count) numbers for \(rows) × \(columns)")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  public static func zeros(rows: Int, columns: Int) -> ComplexMatrix {
    ComplexMatrix(
      rows: rows, columns: columns, values: [Double](repeating: 0, count: 2 * rows * columns))
  }

  public subscript(_ row: Int, _ column: Int) -> (real: Double, imaginary: Double) {
    get {
      let place = 2 * (row * columns + column)
      return (values[place], values[place + 1])
    }
    set {
      let place = 2 * (row * columns + column)
      (values[place], values[place + 1]) = newValue
    }
  }

  /// Σ |a|².
  public var sumOfSquares: Double { values.reduce(0) { $0 + $1 * $1 } }

  /// The first `count` columns.
  public func firstColumns(_ count: Int) -> ComplexMatrix {
    precondition(count <= columns, "\(count) columns of \(columns)")
    var kept: [Double] = []
    kept.reserveCapacity(2 * rows * count)
    for row in 0..<rows { kept += values[2 * row * columns..<2 * (row * columns + count)] }
    return ComplexMatrix(rows: rows, columns: count, values: kept)
  }

  /// The first `count` rows.
  public func firstRows(_ count: Int) -> ComplexMatrix {
    precondition(count <= rows, "\(count) rows of \(rows)")
    return ComplexMatrix(rows: count, columns: columns, values: Array(values[..<(2 * count * columns)]))
  }

  /// Every element conjugated.
  public var conjugate: ComplexMatrix {
    var result = self
    for index in stride(from: 1, to: values.count, by: 2) { result.values[index] = -values[index] }
    return result
  }

  /// Row i times `factors[i]`.
  public func scalingRows(by factors: [Double]) -> ComplexMatrix {
    precondition(factors.count == rows, "a factor for every row")
    var result = self
    for row in 0..<rows {
      for place in 2 * row * columns..<2 * (row + 1) * columns { result.values[place] *= factors[row] }
    }
    return result
  }

  /// What a factor of a product is read as.
  public enum Form: Sendable {
    case plain
    case transposed
    /// Transposed and conjugated.
    case adjoint
  }

  /// `A B`.
  public static func product(_ a: ComplexMatrix, _ b: ComplexMatrix) -> ComplexMatrix {
    product(a, .plain, b)
  }

  /// `A B`, each read in its form.
  public static func product(
    _ a: ComplexMatrix, _ formOfA: Form, _ b: ComplexMatrix, _ formOfB: Form = .plain
  ) -> ComplexMatrix {
    BLAS.prepare()
    let (m, k) = formOfA == .plain ? (a.rows, a.columns) : (a.columns, a.rows)
    let (inner, n) = formOfB == .plain ? (b.rows, b.columns) : (b.columns, b.rows)
    precondition(k == inner, "a product of \(m) × \(k) and \(inner) × \(n)")
    var result = ComplexMatrix.zeros(rows: m, columns: n)
    guard m > 0, n > 0, k > 0 else { return result }
    let (one, zero): ([Double], [Double]) = ([1, 0], [0, 0])
    result.values.withUnsafeMutableBufferPointer { c in
      a.values.withUnsafeBufferPointer { left in
        b.values.withUnsafeBufferPointer { right in
          cblas_zgemm(
            CblasRowMajor, formOfA.code, formOfB.code, blasint(m), blasint(n), blasint(k), one,
            left.baseAddress, blasint(a.columns), right.baseAddress, blasint(b.columns), zero, c.baseAddress,
            blasint(n))
        }
      }
    }
    return result
  }
}

extension ComplexMatrix.Form {
  fileprivate var code: CBLAS_TRANSPOSE {
    switch self {
    case .plain: CblasNoTrans
    case .transposed: CblasTrans
    case .adjoint: CblasConjTrans
    }
  }
}
