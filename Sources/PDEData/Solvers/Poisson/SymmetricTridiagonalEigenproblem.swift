// Eigenvalues and eigenvectors of a symmetric tridiagonal matrix.

import RealModule

/// `S = Q Λ Qᵀ` of a symmetric tridiagonal matrix S, by QL iterations with implicit shifts (Bowdler, Martin, Reinsch &
/// Wilkinson 1968; EISPACK's tql2).
struct SymmetricTridiagonalEigenproblem {
  /// Not sorted.
  private(set) var eigenvalues: [Double]
  /// Row k is the eigenvector of eigenvalue k, of length 1.
  private(set) var eigenvectors: [[Double]]

  /// - Parameters:
  ///   - diagonal: n numbers.
  ///   - offDiagonal: The n − 1 numbers beside it.
  init(diagonal: [Double], offDiagonal: [Double]) {
    let n = diagonal.count
    precondition(offDiagonal.count == max(n - 1, 0), "n − 1 numbers beside a diagonal of n")
    eigenvalues = diagonal
    eigenvectors = (0..<n).map { row in (0..<n).map { $0 == row ? 1 : 0 } }
    var e = offDiagonal + [0]
    for l in 0..<n {
      // Each iteration brings e_l down cubically; more than 60 are never seen.
      for _ in 0..<60 {
        let m = (l..<n - 1).first {
          abs(e[$0]) <= Double.ulpOfOne * (abs(eigenvalues[$0]) + abs(eigenvalues[$0 + 1]))
        }
        guard let end = m ?? (l < n - 1 ? n - 1 : nil), end > l else { break }
        iterate(from: l, to: end, &e)
      }
    }
  }

  private mutating func iterate(from l: Int, to m: Int, _ e: inout [Double]) {
    var g = (eigenvalues[l + 1] - eigenvalues[l]) / (2 * e[l])
    var r = Double.hypot(g, 1)
    g = eigenvalues[m] - eigenvalues[l] + e[l] / (g + (g < 0 ? -r : r))
    var (s, c, p) = (1.0, 1.0, 0.0)
    for i in stride(from: m - 1, through: l, by: -1) {
      let (f, b) = (s * e[i], c * e[i])
      r = Double.hypot(f, g)
      e[i + 1] = r
      guard r != 0 else {
        eigenvalues[i + 1] -= p
        e[m] = 0
        return
      }
      s = f / r
      c = g / r
      g = eigenvalues[i + 1] - p
      r = (eigenvalues[i] - g) * s + 2 * c * b
      p = s * r
      eigenvalues[i + 1] = g + p
      g = c * r - b
      rotate(i, s, c)
    }
    eigenvalues[l] -= p
    e[l] = g
    e[m] = 0
  }

  /// A rotation of eigenvectors i and i + 1.
  private mutating func rotate(_ i: Int, _ s: Double, _ c: Double) {
    let count = eigenvectors.count
    var (first, second) = (eigenvectors[i], eigenvectors[i + 1])
    for k in 0..<count {
      let (x, y) = (first[k], second[k])
      first[k] = c * x - s * y
      second[k] = s * x + c * y
    }
    eigenvectors[i] = first
    eigenvectors[i + 1] = second
  }
}
