// The functions that make the second difference along one axis diagonal, and the transform to them.

import RealModule
import Spectral
import Tensors

/// Along one axis: the eigenvalues of D and M over the unknowns, and how to get from values to coefficients and back.
struct AxisModes<Element: SpectralScalar>: Sendable {
  enum Transform: Sendable {
    /// A Fourier transform: real values to half as many complex coefficients.
    case fourier
    /// A fast trigonometric transform, to be followed by its inverse.
    case fast(TrigonometricTransform)
    case dense(DenseTransform<Element>)
  }

  let count: Int
  let transform: Transform
  /// Of D and of M, by coefficient; those of a Fourier transform by non-negative and then negative wavenumbers.
  let stiffness: [Double]
  let mass: [Double]
  /// Forward and then inverse multiplies by this.
  let normalization: Double

  init(_ axis: SecondDifference) {
    count = axis.unknowns.count
    precondition(
      axis.order == .second || axis.isPeriodic || axis.ends.allSatisfy(\.isFixed),
      "the compact Laplacian is diagonal between Dirichlet ends and on periodic axes")
    if let h = axis.uniformSpacing, let kind = Self.kind(axis) {
      if case .dense(let dense) = Self.transform(kind, count) {
        transform = .dense(dense)
        (stiffness, mass) = Self.symbols(axis, h, kind, dense.modes)
        normalization = 1
      } else {
        transform = .fast(kind)
        (stiffness, mass) = Self.symbols(axis, h, kind, Array(0..<count))
        normalization = Double(kind.logicalSize(count))
      }
    } else if axis.isPeriodic, let h = axis.uniformSpacing {
      transform = .fourier
      (stiffness, mass) = Self.symbols(axis, h, nil, Wavenumbers.full(count))
      normalization = Double(count)
    } else {
      let dense: DenseTransform<Element>
      (dense, stiffness) = Self.eigenvectors(axis)
      transform = .dense(dense)
      mass = [Double](repeating: 1, count: count)
      normalization = 1
    }
  }

  /// The transform between two ends of one kind on uniform points.
  private static func kind(_ axis: SecondDifference) -> TrigonometricTransform? {
    let kinds = Set(axis.ends.map(\.kind))
    guard kinds.count == 1, let kind = kinds.first else { return nil }
    switch (kind, axis.placement) {
    case (.dirichlet, .cells): return .sineII
    case (.neumann, .cells): return .cosineII
    case (.dirichlet, _): return .sineI
    case (.neumann, _): return .cosineI
    }
  }

  private static func transform(
    _ kind: TrigonometricTransform, _ count: Int
  ) -> Transform {
    // Measured, by GEMM against FFTW: lengths whose intervals halve, others, and those with a large prime factor.
    let size = kind.logicalSize(count)
    let longestDense = largestPrimeFactor(size) > 13 ? 1200 : size.isMultiple(of: 4) ? 512 : 200
    return count > longestDense ? .fast(kind) : .dense(DenseTransform(kind, count: count))
  }

  private static func largestPrimeFactor(_ number: Int) -> Int {
    var (rest, factor, largest) = (number, 2, 1)
    while factor * factor <= rest {
      while rest.isMultiple(of: factor) {
        rest /= factor
        largest = factor
      }
      factor += 1
    }
    return max(largest, rest)
  }

  /// `−(4/h²) s²` and `1 − s²/3` (compact) or 1, s = sin θ/2, of the functions' phase θ from point to point.
  private static func symbols(
    _ axis: SecondDifference, _ h: Double, _ kind: TrigonometricTransform?, _ modes: [Int]
  ) -> ([Double], [Double]) {
    let n = axis.unknowns.count
    let squares = modes.map { mode -> Double in
      let phase =
        switch kind {
        case nil: 2 * Double(mode) / Double(n)
        case .sineI: Double(mode + 1) / Double(n + 1)
        case .cosineI: Double(mode) / Double(n - 1)
        case .sineII: Double(mode + 1) / Double(n)
        default: Double(mode) / Double(n)
        }
      let sine = Double.sin(.pi * phase / 2)
      return sine * sine
    }
    return (
      squares.map { -4 / (h * h) * $0 }, squares.map { axis.order == .second ? 1 : 1 - $0 / 3 }
    )
  }

  /// D of any three-point difference is similar to a symmetric matrix: S = W^½ D W^−½ with `W_i D_{i,i+1} = W_{i+1} D_{i+1,i}`.
  private static func eigenvectors(_ axis: SecondDifference) -> (DenseTransform<Element>, [Double]) {
    let matrix = axis.interior(axis.stiffness)
    let n = matrix.count
    var roots = [1.0]
    for i in 0..<n - 1 { roots.append(roots[i] * (matrix.upper[i] / matrix.lower[i + 1]).squareRoot()) }
    let problem = SymmetricTridiagonalEigenproblem(
      diagonal: matrix.diagonal,
      offDiagonal: (0..<max(n - 1, 0)).map { (matrix.upper[$0] * matrix.lower[$0 + 1]).squareRoot() })
    let forward = problem.eigenvectors.map { vector in zip(vector, roots).map { $0 * $1 } }
    let inverse = (0..<n).map { j in problem.eigenvectors.map { $0[j] / roots[j] } }
    let dense = DenseTransform<Element>(forward: forward, inverse: inverse)
    // Eigenvectors that are even or odd come out in an order of their own.
    return (dense, dense.modes.map { problem.eigenvalues[$0] })
  }
}

extension SecondDifference {
  /// The rows and columns of the unknowns alone.
  func interior(_ matrix: TridiagonalMatrix) -> TridiagonalMatrix {
    let range = unknowns
    guard range.count < count else { return matrix }
    var (lower, upper) = (Array(matrix.lower[range]), Array(matrix.upper[range]))
    if range.lowerBound > 0 { lower[0] = 0 }
    if range.upperBound < count { upper[range.count - 1] = 0 }
    return TridiagonalMatrix(
      lower: lower, diagonal: Array(matrix.diagonal[range]), upper: upper,
      firstRowThird: range.lowerBound > 0 ? 0 : matrix.firstRowThird,
      lastRowThird: range.upperBound < count ? 0 : matrix.lastRowThird)
  }
}
