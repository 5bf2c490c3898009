// A transform along one axis by matrix products.

import RealModule
import Spectral
import Tensors

/// A change of basis along an axis, forward `ŷ = F x` and back `x = G ŷ`, F G = 1, by GEMM.
///
/// Where the basis functions are alternately even and odd about the middle (sines and cosines on uniform points), sums and
/// differences of mirrored points halve the work; coefficients then come with the even functions first. Half of n²
/// multiplications a line is less than a fast transform takes up to some 200 points, and far less where the length
/// of that transform has a large prime factor.
struct DenseTransform<Element: Scalar>: Sendable {
  let count: Int
  private let isFolded: Bool
  /// F and G row by row; folded: their parts for even and then for odd functions.
  private let forwardMatrix: Tensor<Element>
  private let inverseMatrix: Tensor<Element>
  /// The basis function of every coefficient.
  let modes: [Int]

  /// A basis of any functions.
  init(forward: [[Double]], inverse: [[Double]]) {
    count = forward.count
    isFolded = false
    modes = Array(0..<count)
    forwardMatrix = Tensor(forward.joined().map { Element($0) }, shape: [count, count])
    inverseMatrix = Tensor(inverse.joined().map { Element($0) }, shape: [count, count])
  }

  /// DCT-I, DCT-II, DST-I or DST-II as ``TrigonometricTransform`` defines them, and the true inverse.
  init(_ kind: TrigonometricTransform, count n: Int) {
    count = n
    isFolded = true
    let (even, odd) = (Array(stride(from: 0, to: n, by: 2)), Array(stride(from: 1, to: n, by: 2)))
    modes = even + odd
    let functions = TrigonometricBasis(kind, count: n)
    func table(_ entry: (_ k: Int, _ j: Int) -> Double, isInverse: Bool) -> Tensor<Element> {
      var values: [Element] = []
      for modes in [even, odd] {
        for row in 0..<modes.count {
          for column in 0..<modes.count {
            values.append(Element(isInverse ? entry(modes[column], row) : entry(modes[row], column)))
          }
        }
      }
      return Tensor(values, shape: [values.count])
    }
    forwardMatrix = table(functions.forward, isInverse: false)
    inverseMatrix = table(functions.inverse, isInverse: true)
  }

  private static var linesPerProduct: Int { 128 }

  /// Numbers of scratch that a transform of so many lines takes.
  func scratchCount(lines: Int) -> Int { count * min(lines, Self.linesPerProduct) }

  /// Transforms `rows` contiguous lines in place, on the calling thread.
  func apply(
    rows: Int, at values: UnsafeMutablePointer<Element>, isInverse: Bool,
    scratch: UnsafeMutablePointer<Element>
  ) {
    for row in stride(from: 0, to: rows, by: Self.linesPerProduct) {
      transformRows(
        values + row * count, min(Self.linesPerProduct, rows - row), isInverse: isInverse, scratch)
    }
  }

  /// Transforms `columns` lines that are side by side in place, on the calling thread; points are a stride apart.
  func apply(
    columns: Int, stride: Int, at values: UnsafeMutablePointer<Element>, isInverse: Bool,
    scratch: UnsafeMutablePointer<Element>
  ) {
    for column in Swift.stride(from: 0, to: columns, by: Self.linesPerProduct) {
      transformColumns(
        values + column, min(Self.linesPerProduct, columns - column), stride, isInverse: isInverse, scratch)
    }
  }

  private var evenCount: Int { (count + 1) / 2 }
  private var oddCount: Int { count / 2 }

  /// Contiguous lines.
  private func transformRows(
    _ x: UnsafeMutablePointer<Element>, _ rows: Int, isInverse: Bool,
    _ scratch: UnsafeMutablePointer<Element>
  ) {
    let (n, e, o) = (count, evenCount, oddCount)
    let matrix = (isInverse ? inverseMatrix : forwardMatrix).unsafePointer
    guard isFolded else {
      scratch.update(from: x, count: rows * n)
      gemm(false, true, m: rows, n: n, k: n, a: scratch, lda: n, b: matrix, ldb: n, c: x, ldc: n)
      return
    }
    if isInverse {
      product(x, n, matrix, rows, e, into: scratch)
      if o > 0 { product(x + e, n, matrix + e * e, rows, o, into: scratch + e) }
      for row in 0..<rows { unfoldRow(scratch + row * n, into: x + row * n, n) }
    } else {
      for row in 0..<rows { foldRow(x + row * n, into: scratch + row * n, n) }
      product(scratch, n, matrix, rows, e, into: x)
      if o > 0 { product(scratch + e, n, matrix + e * e, rows, o, into: x + e) }
    }
  }

  /// `target = source Mᵀ` for a square M; rows n apart in both.
  private func product(
    _ source: UnsafePointer<Element>, _ stride: Int, _ matrix: UnsafePointer<Element>, _ rows: Int,
    _ order: Int, into target: UnsafeMutablePointer<Element>
  ) {
    gemm(
      false, true, m: rows, n: order, k: order, a: source, lda: stride, b: matrix, ldb: order, c: target,
      ldc: stride)
  }

  /// Lines a stride apart, neighbours side by side.
  private func transformColumns(
    _ x: UnsafeMutablePointer<Element>, _ width: Int, _ stride: Int, isInverse: Bool,
    _ scratch: UnsafeMutablePointer<Element>
  ) {
    let (n, e, o) = (count, evenCount, oddCount)
    let matrix = (isInverse ? inverseMatrix : forwardMatrix).unsafePointer
    guard isFolded else {
      for j in 0..<n { (scratch + j * width).update(from: x + j * stride, count: width) }
      gemm(m: n, n: width, k: n, a: matrix, lda: n, b: scratch, ldb: width, c: x, ldc: stride)
      return
    }
    if isInverse {
      gemm(m: e, n: width, k: e, a: matrix, lda: e, b: x, ldb: stride, c: scratch, ldc: width)
      if o > 0 {
        gemm(
          m: o, n: width, k: o, a: matrix + e * e, lda: o, b: x + e * stride, ldb: stride,
          c: scratch + e * width, ldc: width)
      }
      for j in 0..<o {
        sumAndDifference(
          scratch + j * width, scratch + (e + j) * width, x + j * stride, x + (n - 1 - j) * stride,
          count: width)
      }
      if e > o { (x + o * stride).update(from: scratch + o * width, count: width) }
    } else {
      for j in 0..<o {
        sumAndDifference(
          x + j * stride, x + (n - 1 - j) * stride, scratch + j * width, scratch + (e + j) * width,
          count: width)
      }
      if e > o { (scratch + o * width).update(from: x + o * stride, count: width) }
      gemm(m: e, n: width, k: e, a: matrix, lda: e, b: scratch, ldb: width, c: x, ldc: stride)
      if o > 0 {
        gemm(
          m: o, n: width, k: o, a: matrix + e * e, lda: o, b: scratch + e * width, ldb: width,
          c: x + e * stride, ldc: stride)
      }
    }
  }
}

/// `sum = x + y`, `difference = x − y`.
@specialized(where E == Float)
@specialized(where E == Double)
private func sumAndDifference<E: Scalar>(
  _ x: UnsafePointer<E>, _ y: UnsafePointer<E>, _ sum: UnsafeMutablePointer<E>,
  _ difference: UnsafeMutablePointer<E>, count: Int
) {
  for i in 0..<count {
    let (a, b) = (x[i], y[i])
    sum[i] = a + b
    difference[i] = a - b
  }
}

/// `(x_j + x_{n−1−j})` and then `(x_j − x_{n−1−j})`, j < n/2, the middle point among the first.
@specialized(where E == Float)
@specialized(where E == Double)
private func foldRow<E: Scalar>(_ x: UnsafePointer<E>, into y: UnsafeMutablePointer<E>, _ n: Int) {
  let (half, even) = (n / 2, (n + 1) / 2)
  for j in 0..<half {
    y[j] = x[j] + x[n - 1 - j]
    y[even + j] = x[j] - x[n - 1 - j]
  }
  if even > half { y[half] = x[half] }
}

/// The other way: `x_j = y_j + y_{e+j}`, `x_{n−1−j} = y_j − y_{e+j}`.
@specialized(where E == Float)
@specialized(where E == Double)
private func unfoldRow<E: Scalar>(_ y: UnsafePointer<E>, into x: UnsafeMutablePointer<E>, _ n: Int) {
  let (half, even) = (n / 2, (n + 1) / 2)
  for j in 0..<half {
    x[j] = y[j] + y[even + j]
    x[n - 1 - j] = y[j] - y[even + j]
  }
  if even > half { x[half] = y[half] }
}

/// The entries of trigonometric transforms, their arguments reduced as integers.
private struct TrigonometricBasis {
  private let kind: TrigonometricTransform
  private let count: Int

  init(_ kind: TrigonometricTransform, count: Int) {
    precondition([.cosineI, .cosineII, .sineI, .sineII].contains(kind), "a transform of values")
    self.kind = kind
    self.count = count
  }

  /// F_kj of `Y_k = Σ_j F_kj X_j`.
  func forward(_ k: Int, _ j: Int) -> Double { weight(j) * function(k, j) }

  /// G_jk of `X_j = Σ_k G_jk Y_k`.
  func inverse(_ k: Int, _ j: Int) -> Double {
    inverseWeight(k) * function(k, j) / Double(kind.logicalSize(count))
  }

  private func function(_ k: Int, _ j: Int) -> Double {
    let n = count
    // Multiples of π/(2n) and the like.
    let (multiple, unit) =
      switch kind {
      case .cosineI: (2 * j * k, 2 * (n - 1))
      case .sineI: (2 * (j + 1) * (k + 1), 2 * (n + 1))
      case .cosineII: ((2 * j + 1) * k, 2 * n)
      default: ((2 * j + 1) * (k + 1), 2 * n)  // DST-II: no other kind is admitted
      }
    let angle = Double.pi * Double(multiple % (2 * unit)) / Double(unit)
    return kind == .cosineI || kind == .cosineII ? Double.cos(angle) : Double.sin(angle)
  }

  private func weight(_ j: Int) -> Double { kind == .cosineI && (j == 0 || j == count - 1) ? 1 : 2 }

  private func inverseWeight(_ k: Int) -> Double {
    switch kind {
    case .cosineI: k == 0 || k == count - 1 ? 1 : 2
    case .cosineII: k == 0 ? 1 : 2
    case .sineII: k == count - 1 ? 1 : 2
    default: 2
    }
  }
}
