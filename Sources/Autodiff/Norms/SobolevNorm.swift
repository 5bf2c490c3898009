// Sobolev norms of any order by the spectrum.

import RealModule
import Spectral
import Tensors

/// `‖u‖² = Σ_k (1 + |κ_k|²)^s |û_k|²`, the norm of H^s: s = 1 weighs slopes, s = −1 lets them count less.
///
/// Waves have κ = 2πk/L along periodic axes. Along others the field is continued evenly about its ends, whose waves
/// cos κx have κ = πk/L (cosine transforms of type I on nodes, the ends counted half, and of type II on cells). With
/// s = 0 it is the plain sum of squares, up to those halves.
public struct SobolevNorm<Element: SpectralScalar>: FieldNorm {
  private let shape: [Int]
  private let kinds: [TrigonometricTransform]
  /// `‖u‖² = Σ weights · Y²` of the transform Y.
  private let weights: Tensor<Element>
  /// `M u = pointFactors ⊙ T′(imageWeights ⊙ Y)` with T′ the inverse kind of transform.
  private let imageWeights: Tensor<Element>
  private let pointFactors: Tensor<Element>?

  /// What one axis contributes.
  private struct Axis {
    var kind: TrigonometricTransform
    /// κ², and the share of Y_k² in Σu², for every coefficient.
    var squaredWavenumbers: [Double]
    var shares: [Double]
    /// The transposed transform is the inverse kind between these factors.
    var before: [Double]
    var after: [Double]

    init(_ axis: Grid.Axis) {
      let n = axis.count
      let isEnd = (0..<n).map { $0 == 0 || $0 == n - 1 }
      let ones = [Double](repeating: 1, count: n)
      if axis.placement == .periodic {
        kind = .halfComplex
        squaredWavenumbers = (0..<n).map { Self.square(2 * .pi * Double(min($0, n - $0)) / axis.length) }
        let isSingle = (0..<n).map { $0 == 0 || 2 * $0 == n }
        shares = isSingle.map { ($0 ? 1 : 2) / Double(n) }
        before = isSingle.map { $0 ? 1 : 0.5 }
        after = ones
        return
      }
      squaredWavenumbers = (0..<n).map { Self.square(.pi * Double($0) / axis.length) }
      if axis.placement == .nodes, n > 1 {
        kind = .cosineI
        shares = isEnd.map { ($0 ? 1 : 2) / Double(4 * (n - 1)) }
        before = isEnd.map { $0 ? 2 : 1 }
        after = isEnd.map { $0 ? 0.5 : 1 }
      } else {
        kind = .cosineII
        shares = (0..<n).map { ($0 == 0 ? 0.5 : 1) / Double(2 * n) }
        before = (0..<n).map { $0 == 0 ? 2 : 1 }
        after = ones
      }
    }

    private static func square(_ value: Double) -> Double { value * value }
  }

  /// - Parameter order: The s of H^s.
  public init(_ grid: Grid, order: Double) {
    shape = grid.shape
    let axes = grid.axes.map(Axis.init)
    kinds = axes.map(\.kind)
    let strides = Tensor<Double>.strides(of: shape)
    var (weights, imageWeights, pointFactors): ([Element], [Element], [Element]) = ([], [], [])
    for point in 0..<grid.pointCount {
      var (square, share, before, after) = (0.0, 1.0, 1.0, 1.0)
      for (index, axis) in axes.enumerated() {
        let place = point / strides[index] % shape[index]
        square += axis.squaredWavenumbers[place]
        share *= axis.shares[place]
        before *= axis.before[place]
        after *= axis.after[place]
      }
      let weight = share * Double.pow(1 + square, order)
      weights.append(Element(weight))
      imageWeights.append(Element(weight * before))
      pointFactors.append(Element(after))
    }
    self.weights = Tensor(weights, shape: shape)
    self.imageWeights = Tensor(imageWeights, shape: shape)
    self.pointFactors = kinds.contains(.cosineI) ? Tensor(pointFactors, shape: shape) : nil
  }

  public func measure(_ field: Tensor<Element>, imageWanted: Bool) -> (
    squares: [Double], image: Tensor<Element>?
  ) {
    precondition(Array(field.shape[2...]) == shape, "a field on the grid of its norm")
    let axes = Array(2..<field.rank)
    var spectrum = FFT.realToReal(field, axes: axes, kinds: kinds)
    let squares = sampleProducts(multiplied(spectrum, by: weights), spectrum)
    guard imageWanted else { return (squares, nil) }
    spectrum = multiplied(spectrum, by: imageWeights)
    let image = FFT.realToReal(spectrum, axes: axes, kinds: kinds.map(\.inverse))
    return (squares, pointFactors.map { multiplied(image, by: $0) } ?? image)
  }

  /// Every channel of every sample times the same field.
  private func multiplied(_ tensor: consuming Tensor<Element>, by factors: Tensor<Element>) -> Tensor<Element>
  {
    var result = tensor
    let points = factors.count
    let (values, factor) = (result.unsafeMutablePointer(), factors.unsafePointer)
    let planes = result.count / max(points, 1)
    WorkerPool.shared.forEachRange(count: planes, grain: max(1, 16384 / max(points, 1))) { range in
      for plane in range { Pointwise.multiply(values + plane * points, by: factor, count: points) }
    }
    withExtendedLifetime(factors) {}
    return result
  }
}
