// A transform along one axis by matrix products.

import RealModule
import Spectral
import Tensors

/// A change of basis along an axis, forward `ŷ = F x` and back `x = G ŷ`, F G = 1, by matrix products that use the
/// mirror symmetries of F and G (``MirrorProduct``).
struct DenseTransform<Element: Scalar>: Sendable {
  let count: Int
  /// The basis function of every coefficient.
  let modes: [Int]
  private let forward: MirrorProduct<Element>
  private let inverse: MirrorProduct<Element>
  /// Where every row of the inverse product's result belongs.
  private let isNatural: Bool

  /// A basis of any functions.
  init(forward: [[Double]], inverse: [[Double]]) {
    count = forward.count
    let forwardProduct = MirrorProduct<Element>(forward)
    modes = forwardProduct.rowOrder
    self.forward = forwardProduct
    let inverseProduct = MirrorProduct<Element>(
      inverse.map { row in forwardProduct.rowOrder.map { row[$0] } })
    self.inverse = inverseProduct
    isNatural = inverseProduct.rowOrder == Array(0..<forward.count)
  }

  /// DCT-I, DCT-II, DST-I or DST-II as ``TrigonometricTransform`` defines them, and the true inverse.
  init(_ kind: TrigonometricTransform, count n: Int) {
    let basis = TrigonometricBasis(kind, count: n)
    self.init(
      forward: (0..<n).map { k in (0..<n).map { basis.forward(k, $0) } },
      inverse: (0..<n).map { j in (0..<n).map { basis.inverse($0, j) } })
  }

  private static var linesPerProduct: Int { 128 }

  /// Numbers of scratch that a transform of so many lines takes.
  func scratchCount(lines: Int) -> Int {
    min(lines, Self.linesPerProduct) * (2 * count + max(forward.scratchRows, inverse.scratchRows))
  }

  /// Transforms `rows` contiguous lines in place, on the calling thread.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func apply(
    rows: Int, at values: UnsafeMutablePointer<Element>, isInverse: Bool,
    scratch: UnsafeMutablePointer<Element>
  ) {
    for row in stride(from: 0, to: rows, by: Self.linesPerProduct) {
      let width = min(Self.linesPerProduct, rows - row)
      let (lines, rest) = (values + row * count, scratch + width * count)
      transposeLines(lines, rows: width, columns: count, stride: count, to: scratch, targetStride: width)
      transform(scratch, width, width: width, isInverse: isInverse, rest)
      transposeLines(scratch, rows: count, columns: width, stride: width, to: lines, targetStride: count)
    }
  }

  /// Transforms `columns` lines that are side by side in place, on the calling thread; points are a stride apart.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func apply(
    columns: Int, stride: Int, at values: UnsafeMutablePointer<Element>, isInverse: Bool,
    scratch: UnsafeMutablePointer<Element>
  ) {
    for column in Swift.stride(from: 0, to: columns, by: Self.linesPerProduct) {
      transform(
        values + column, stride, width: min(Self.linesPerProduct, columns - column), isInverse: isInverse,
        scratch)
    }
  }

  @inline(__always)
  private func transform(
    _ x: UnsafeMutablePointer<Element>, _ stride: Int, width: Int, isInverse: Bool,
    _ scratch: UnsafeMutablePointer<Element>
  ) {
    let product = isInverse ? inverse : forward
    if product.worksInPlace, !isInverse || isNatural {
      product.apply(x, stride, into: x, stride, width: width, scratch: scratch)
      return
    }
    product.apply(x, stride, into: scratch, width, width: width, scratch: scratch + width * count)
    for row in 0..<count {
      let target = isInverse ? product.rowOrder[row] : row
      (x + target * stride).update(from: scratch + row * width, count: width)
    }
  }
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
