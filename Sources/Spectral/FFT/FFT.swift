// Transforms of tensors along any of their axes.

import Tensors

/// Fourier, cosine and sine transforms of tensors along any set of axes, all others being batch.
///
/// A complex tensor has a trailing axis of length 2: real part, imaginary part. Axes are counted without it.
/// Work is shared out over the ``WorkerPool``; results do not depend on the number of threads.
public enum FFT {
  /// Where the factor 1/N goes, N being the number of points of the transformed axes.
  public enum Normalization: Sendable, Hashable, CaseIterable {
    /// Nowhere: forward and then inverse multiplies by N.
    case none
    /// With the forward transform: coefficients do not depend on the resolution. The toolkit's convention.
    case forward
    /// With the inverse transform, as NumPy does by default.
    case inverse
    /// 1/√N with both, which makes them unitary.
    case unitary

    func factor<Element: Scalar>(points: Int, isForward: Bool) -> Element {
      switch self {
      case .none: 1
      case .forward: isForward ? 1 / Element(points) : 1
      case .inverse: isForward ? 1 : 1 / Element(points)
      case .unitary: 1 / Element(points).squareRoot()
      }
    }
  }

  /// `Y_k = s Σ_x u_x e^{−2πik·x/n}`; the last of `axes` keeps the wavenumbers `0…n/2`. Real `[…]` to complex
  /// `[…, 2]`.
  public static func realToComplex<Element: SpectralScalar>(
    _ input: Tensor<Element>, axes: [Int], normalization: Normalization = .forward
  ) -> Tensor<Element> {
    let halved = checked(axes, rank: input.rank)
    var shape = input.shape
    shape[halved] = shape[halved] / 2 + 1
    var output = Tensor<Element>(uninitialized: shape + [2])
    transform(input, to: &output, .realToComplex, shape: input.shape, axes: axes)
    output.scale(by: normalization.factor(points: points(input.shape, axes), isForward: true))
    return output
  }

  /// `u_x = s Σ_k Y_k e^{2πik·x/n}` of a halved spectrum, complex `[…, n/2 + 1, …, 2]` to real `[…]`; `count` is
  /// the number n of points along the last of `axes`, which a halved spectrum does not tell.
  public static func complexToReal<Element: SpectralScalar>(
    _ input: Tensor<Element>, axes: [Int], count: Int, normalization: Normalization = .forward
  ) -> Tensor<Element> {
    var shape = complexShape(input)
    let halved = checked(axes, rank: shape.count)
    precondition(shape[halved] == count / 2 + 1, "\(shape[halved]) coefficients for \(count) points")
    shape[halved] = count
    var output = Tensor<Element>(uninitialized: shape)
    transform(input, to: &output, .complexToReal, shape: shape, axes: axes)
    output.scale(by: normalization.factor(points: points(shape, axes), isForward: false))
    return output
  }

  /// `Y_k = s Σ_x u_x e^{−2πik·x/n}` of complex values `[…, 2]`.
  public static func forward<Element: SpectralScalar>(
    _ input: Tensor<Element>, axes: [Int], normalization: Normalization = .forward
  ) -> Tensor<Element> {
    complexToComplex(input, .complexForward, axes, normalization)
  }

  /// `u_x = s Σ_k Y_k e^{2πik·x/n}` of complex values `[…, 2]`.
  public static func inverse<Element: SpectralScalar>(
    _ input: Tensor<Element>, axes: [Int], normalization: Normalization = .forward
  ) -> Tensor<Element> {
    complexToComplex(input, .complexBackward, axes, normalization)
  }

  /// Trigonometric transforms, one kind for each of `axes`, times `scale`. For a round trip, give one of the two
  /// calls the scale 1/Π ``TrigonometricTransform/logicalSize(_:)``.
  public static func realToReal<Element: SpectralScalar>(
    _ input: Tensor<Element>, axes: [Int], kinds: [TrigonometricTransform], scale: Element = 1
  ) -> Tensor<Element> {
    _ = checked(axes, rank: input.rank)
    precondition(kinds.count == axes.count, "one trigonometric transform for every axis")
    var output = Tensor<Element>(uninitialized: input.shape)
    transform(input, to: &output, .realToReal(kinds), shape: input.shape, axes: axes)
    output.scale(by: scale)
    return output
  }

  private static func complexToComplex<Element: SpectralScalar>(
    _ input: Tensor<Element>, _ kind: TransformKind, _ axes: [Int], _ normalization: Normalization
  ) -> Tensor<Element> {
    let shape = complexShape(input)
    _ = checked(axes, rank: shape.count)
    var output = Tensor<Element>(uninitialized: input.shape)
    transform(input, to: &output, kind, shape: shape, axes: axes)
    output.scale(
      by: normalization.factor(points: points(shape, axes), isForward: kind == .complexForward))
    return output
  }

  private static func transform<Element: SpectralScalar>(
    _ input: Tensor<Element>, to output: inout Tensor<Element>, _ kind: TransformKind, shape: [Int],
    axes: [Int]
  ) {
    guard output.count > 0 else { return }
    let plan = BatchedTransform<Element>(kind, shape: shape, axes: axes)
    output.withUnsafeMutableBuffer { output in
      input.withUnsafeBuffer { input in
        guard let source = input.baseAddress, let target = output.baseAddress else { return }
        plan.execute(source, target)
      }
    }
  }

  private static func complexShape<Element>(_ tensor: Tensor<Element>) -> [Int] {
    precondition(tensor.shape.last == 2, "a complex tensor ends with an axis of 2, not \(tensor.shape)")
    return tensor.shape.dropLast()
  }

  private static func points(_ shape: [Int], _ axes: [Int]) -> Int { axes.reduce(1) { $0 * shape[$1] } }

  private static func checked(_ axes: [Int], rank: Int) -> Int {
    precondition(
      Set(axes).count == axes.count && axes.allSatisfy { (0..<rank).contains($0) },
      "axes \(axes) of a tensor with \(rank)")
    guard let last = axes.last else { preconditionFailure("a transform has at least one axis") }
    return last
  }
}

extension Tensor where Element: SpectralScalar {
  fileprivate mutating func scale(by factor: Element) {
    guard factor != 1 else { return }
    withUnsafeMutableBuffer { buffer in
      guard let values = buffer.baseAddress else { return }
      multiply(values, by: factor, count: buffer.count)
    }
  }
}

/// `x ← factor · x`, shared out over the worker pool.
func multiply<Element: SpectralScalar>(
  _ values: UnsafeMutablePointer<Element>, by factor: Element, count: Int
) {
  nonisolated(unsafe) let values = values
  WorkerPool.shared.forEachRange(count: count, grain: 1 << 14) { range in
    multiplyHere(values + range.lowerBound, by: factor, count: range.count)
  }
}

@specialized(where Element == Float)
@specialized(where Element == Double)
private func multiplyHere<Element: SpectralScalar>(
  _ values: UnsafeMutablePointer<Element>, by factor: Element, count: Int
) {
  for index in 0..<count { values[index] *= factor }
}
