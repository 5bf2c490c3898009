// What a transform computes and where its numbers lie: the vocabulary of plans.

/// A real-to-real transform along one axis of n points, unnormalized as FFTW defines it. Applying a kind and then
/// its ``inverse`` multiplies by ``logicalSize(_:)``.
public enum TrigonometricTransform: Sendable, Hashable, CaseIterable {
  /// DCT-I (REDFT00), `Y_k = X_0 + (−1)^k X_{n−1} + 2 Σ_{0<j<n−1} X_j cos(πjk/(n−1))`; n ≥ 2. Even about both
  /// end nodes.
  case cosineI
  /// DCT-II (REDFT10), `Y_k = 2 Σ_j X_j cos(π(j+½)k/n)`. Even about both ends of n cells.
  case cosineII
  /// DCT-III (REDFT01), `Y_k = X_0 + 2 Σ_{j>0} X_j cos(πj(k+½)/n)`: the inverse of DCT-II.
  case cosineIII
  /// DCT-IV (REDFT11), `Y_k = 2 Σ_j X_j cos(π(j+½)(k+½)/n)`. Even about the first end of n cells, odd about the last.
  case cosineIV
  /// DST-I (RODFT00), `Y_k = 2 Σ_j X_j sin(π(j+1)(k+1)/(n+1))`. Odd about the nodes beyond both ends.
  case sineI
  /// DST-II (RODFT10), `Y_k = 2 Σ_j X_j sin(π(j+½)(k+1)/n)`. Odd about both ends of n cells.
  case sineII
  /// DST-III (RODFT01), `Y_k = (−1)^k X_{n−1} + 2 Σ_{j<n−1} X_j sin(π(j+1)(k+½)/n)`: the inverse of DST-II.
  case sineIII
  /// DST-IV (RODFT11), `Y_k = 2 Σ_j X_j sin(π(j+½)(k+½)/n)`. Odd about the first end of n cells, even about the last.
  case sineIV
  /// The Fourier transform of real values in half-complex order (R2HC): for k ≤ n/2 `Y_k = Σ_j X_j cos(2πjk/n)`,
  /// for 0 < k < n/2 `Y_{n−k} = −Σ_j X_j sin(2πjk/n)`.
  case halfComplex
  /// The inverse of ``halfComplex`` (HC2R).
  case fromHalfComplex

  public var inverse: TrigonometricTransform {
    switch self {
    case .cosineI, .sineI, .cosineIV, .sineIV: self
    case .cosineII: .cosineIII
    case .cosineIII: .cosineII
    case .sineII: .sineIII
    case .sineIII: .sineII
    case .halfComplex: .fromHalfComplex
    case .fromHalfComplex: .halfComplex
    }
  }

  /// The length of the complex transform of the extended sequence: 2(n−1) for DCT-I, 2(n+1) for DST-I, n for half-complex
  /// ones, else 2n.
  public func logicalSize(_ count: Int) -> Int {
    switch self {
    case .cosineI: 2 * (count - 1)
    case .sineI: 2 * (count + 1)
    case .cosineII, .cosineIII, .cosineIV, .sineII, .sineIII, .sineIV: 2 * count
    case .halfComplex, .fromHalfComplex: count
    }
  }
}

/// Which transform a plan performs. All are unnormalized; complex numbers are pairs (real, imaginary) in memory.
public enum TransformKind: Sendable, Hashable {
  /// `Y_k = Σ_x u_x e^{−2πik·x/n}` of real input, of which the last transformed axis keeps `n/2 + 1` coefficients.
  case realToComplex
  /// `u_x = Σ_k Y_k e^{2πik·x/n}` of a halved spectrum. Overwrites its input, unless planned to preserve it
  /// (possible along a single axis).
  case complexToReal
  /// `Y_k = Σ_x u_x e^{−2πik·x/n}` of complex input.
  case complexForward
  /// `u_x = Σ_k Y_k e^{2πik·x/n}` of complex input.
  case complexBackward
  /// One trigonometric transform for every transformed axis.
  case realToReal([TrigonometricTransform])

  var hasComplexInput: Bool {
    switch self {
    case .complexToReal, .complexForward, .complexBackward: true
    case .realToComplex, .realToReal: false
    }
  }

  var hasComplexOutput: Bool {
    switch self {
    case .realToComplex, .complexForward, .complexBackward: true
    case .complexToReal, .realToReal: false
    }
  }
}

/// The extents and strides of a transform, in FFTW's guru sense. Strides count numbers: real ones in a real
/// array, complex ones (pairs) in a complex array.
public struct TransformGeometry: Sendable, Hashable {
  public struct Axis: Sendable, Hashable {
    /// Points along the axis; for the halved axis of a real transform, points of the real array.
    public var count: Int
    public var inputStride: Int
    public var outputStride: Int

    public init(count: Int, inputStride: Int, outputStride: Int) {
      self.count = count
      self.inputStride = inputStride
      self.outputStride = outputStride
    }
  }

  /// The transformed axes; the last is the halved one of a real transform.
  public var axes: [Axis]
  /// The axes over which the transform is repeated.
  public var batch: [Axis]

  public init(axes: [Axis], batch: [Axis] = []) {
    precondition(!axes.isEmpty, "a transform has at least one axis")
    precondition((axes + batch).allSatisfy { $0.count >= 1 }, "an axis without points")
    self.axes = axes
    self.batch = batch
  }

  /// Real numbers from the first to the last one read, and to the last one written.
  func extents(_ kind: TransformKind) -> (input: Int, output: Int) {
    var (input, output) = (0, 0)
    for (index, axis) in (axes + batch).enumerated() {
      let halved = axis.count / 2 + 1
      let isHalved = index == axes.count - 1
      input += ((isHalved && kind == .complexToReal ? halved : axis.count) - 1) * axis.inputStride
      output += ((isHalved && kind == .realToComplex ? halved : axis.count) - 1) * axis.outputStride
    }
    return (
      (input + 1) * (kind.hasComplexInput ? 2 : 1), (output + 1) * (kind.hasComplexOutput ? 2 : 1)
    )
  }
}
