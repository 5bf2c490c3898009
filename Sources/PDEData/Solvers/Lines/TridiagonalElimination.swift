// The elimination of a tridiagonal matrix, done once for all lines.

/// The elimination of a ``TridiagonalMatrix`` without pivoting, in `Double`, for the kernels' recurrences
///
///     y_i = d_i + lower_i y_{i−1}            (the last row: + lastRowThird y_{n−3})
///     x_i = pivot_i y_i + upper_i x_{i+1}    (the first row: + firstRowThird x_2)
///
/// Divisions are done here, once. A cyclic matrix is eliminated with its last unknown kept to the end:
///
///     s = d_{n−1} + Σ lastRow_i y_i,  x_{n−1} = pivot_{n−1} s,
///     x_i = pivot_i y_i + upper_i x_{i+1} + lastColumn_i x_{n−1},  i ≤ n − 2.
///
/// The fill `lastRow`, `lastColumn` decays geometrically from the first row on; it is used in the rows before
/// ``fillEnd`` and in row n − 2 alone.
struct TridiagonalElimination: Sendable {
  var lower: [Double]
  var pivot: [Double]
  var upper: [Double]
  var lastRow: [Double] = []
  var lastColumn: [Double] = []
  var fillEnd = 0
  var firstRowThird = 0.0
  var lastRowThird = 0.0

  /// - Precondition: No pivot vanishes; so it is for diagonally dominant matrices.
  init(_ matrix: TridiagonalMatrix) {
    let n = matrix.count
    lower = [Double](repeating: 0, count: n)
    pivot = lower
    upper = lower
    if matrix.isCyclic { eliminateCyclic(matrix, n) } else { eliminate(matrix, n) }
    precondition(pivot.allSatisfy { $0.isFinite && $0 != 0 }, "a line's matrix that cannot be eliminated")
  }

  private mutating func eliminate(_ matrix: TridiagonalMatrix, _ n: Int) {
    // Of row i, when everything before the diagonal is gone: the diagonal and the entry after it.
    var (diagonal, next) = (matrix.diagonal, matrix.upper)
    let beyond = matrix.firstRowThird
    for i in 0..<n {
      var entry = matrix.lower[i]
      if i == n - 1, matrix.lastRowThird != 0 {
        lastRowThird = -matrix.lastRowThird / diagonal[n - 3]
        entry += lastRowThird * next[n - 3]
        if n == 3 { diagonal[2] += lastRowThird * beyond }
      }
      if i > 0 {
        lower[i] = -entry / diagonal[i - 1]
        diagonal[i] += lower[i] * next[i - 1]
        if i == 1, n >= 3 { next[1] += lower[1] * beyond }
      }
      pivot[i] = 1 / diagonal[i]
      upper[i] = -next[i] / diagonal[i]
    }
    firstRowThird = -beyond / diagonal[0]
  }

  private mutating func eliminateCyclic(_ matrix: TridiagonalMatrix, _ n: Int) {
    lastRow = [Double](repeating: 0, count: n)
    lastColumn = lastRow
    guard n > 1 else {
      pivot[0] = 1 / (matrix.lower[0] + matrix.diagonal[0] + matrix.upper[0])
      return
    }
    var diagonal = matrix.diagonal
    var (column, row) = (matrix.lower[0], matrix.upper[n - 1])
    for i in 0..<n - 1 {
      if i > 0 {
        lower[i] = -matrix.lower[i] / diagonal[i - 1]
        diagonal[i] += lower[i] * matrix.upper[i - 1]
        column *= lower[i]
        row *= upper[i - 1]
      }
      if i == n - 2 {
        column += matrix.upper[n - 2]
        row += matrix.lower[n - 1]
      }
      pivot[i] = 1 / diagonal[i]
      upper[i] = i == n - 2 ? 0 : -matrix.upper[i] / diagonal[i]
      lastRow[i] = -row / diagonal[i]
      lastColumn[i] = -column / diagonal[i]
      diagonal[n - 1] += lastRow[i] * column
    }
    pivot[n - 1] = 1 / diagonal[n - 1]
    let negligible = Double.ulpOfOne * Double.ulpOfOne
    fillEnd = n - 2
    while fillEnd > 0, max(abs(lastRow[fillEnd - 1]), abs(lastColumn[fillEnd - 1])) < negligible {
      fillEnd -= 1
    }
  }
}
