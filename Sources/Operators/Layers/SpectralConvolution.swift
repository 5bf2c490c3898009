// The layer that makes a Fourier neural operator: a convolution given by its kept Fourier coefficients.

import Autodiff
import Spectral
import Tensors

/// A convolution of all channels with kernels that have only low wavenumbers (Li et al. 2021):
/// `y = Σ_k ŷ_k e^{ik·x} + b` with `ŷ_k = x̂_k W_k` over the kept wavenumbers k.
///
/// `modes` counts both signs along each axis, as neuraloperator's `n_modes` does: m keeps −m/2 … m/2 − 1 (one more
/// where m is odd), and m/2 + 1 along the last, halved axis. Transforms are forward-normalized, so that the
/// weights mean the same at every resolution; on a grid too coarse for some of the modes these are left out.
///
/// Complex weights start normal with the standard deviation √(2/(in + out)), the bias likewise.
public final class SpectralConvolution<Element: SpectralScalar>: Module {
  public let modes: [Int]
  /// The modes in use, at most ``modes``: transforms go no further.
  var activeModes: [Int]
  private let weight: any SpectralWeight<Element>
  private let bias: Parameter<Element>

  /// - Parameters:
  ///   - isSeparable: Each channel by itself (as many channels out as in).
  ///   - factorization: How the weights are stored, with ranks and contraction where it is not dense.
  ///   - shared: Factors of the weights of all layers together, and which layer this is.
  init(
    modes: [Int], inChannels: Int, outChannels: Int, isSeparable: Bool, factorization: Factorization = .dense,
    ranks: [Int] = [], contraction: ContractionKind = .automatic,
    shared: (factors: FactorParameters<Element>, layer: Int)? = nil, _ initializer: inout Initializer
  ) {
    precondition(!isSeparable || inChannels == outChannels, "a separable convolution keeps its channels")
    self.modes = modes
    activeModes = modes
    let deviation = Self.standardDeviation(inChannels: inChannels, outChannels: outChannels)
    let shape = Self.weightShape(
      modes: modes, inChannels: inChannels, outChannels: outChannels, isSeparable: isSeparable)
    if let shared {
      weight = FactorizedSpectralWeight(
        shape, factors: shared.factors, layer: shared.layer, contraction: contraction)
    } else if factorization == .dense {
      weight = DenseSpectralWeight(shape, standardDeviation: deviation, &initializer)
    } else {
      let factors = FactorParameters(
        shape: shape.full, factorization: factorization, ranks: ranks, standardDeviation: deviation,
        &initializer)
      weight = FactorizedSpectralWeight(shape, factors: factors, contraction: contraction)
    }
    bias = initializer.normal(
      shape: [outChannels] + modes.map { _ in 1 }, standardDeviation: deviation)
  }

  /// What weights begin with: √(2/(in + out)).
  static func standardDeviation(inChannels: Int, outChannels: Int) -> Element {
    (Element(2) / Element(inChannels + outChannels)).squareRoot()
  }

  /// The shape of the weights: channels, then the kept coefficients along each axis.
  static func weightShape(
    modes: [Int], inChannels: Int, outChannels: Int, isSeparable: Bool
  ) -> SpectralWeightShape {
    SpectralWeightShape(
      channels: isSeparable ? [inChannels] : [inChannels, outChannels], modes: keptShape(modes))
  }

  /// `[batch, in, …grid]` to `[batch, out, …grid]`.
  func callAsFunction(_ input: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    let transform = TruncatedTransform<Element>.cached(
      gridShape: Array(input.shape[2...]), modes: activeModes)
    let indices = Self.weightIndices(of: transform, modes: modes)
    let constants = tape.variable(bias)
    // A constant is the coefficient of wavenumber zero.
    let product = tape.addToMode(
      weight.contract(tape.truncatedAnalysis(input, transform), modeIndices: indices.modes, on: tape),
      mode: indices.zero, constants)
    return tape.truncatedSynthesis(product, transform)
  }

  /// Sets the weights of modes that are not in use to zero. They stay so: their gradients are zero.
  func clearInactiveModes() {
    for axis in modes.indices {
      let isLast = axis == modes.count - 1
      let active = (0..<Self.keptShape(modes)[axis]).map { place in
        Self.isActive(isLast ? place : place - modes[axis] / 2, of: activeModes[axis], isLast: isLast)
      }
      weight.clearModes(axis: axis, except: active)
    }
  }

  private static func isActive(_ wavenumber: Int, of modes: Int, isLast: Bool) -> Bool {
    isLast ? wavenumber <= modes / 2 : (-(modes / 2)..<(modes + 1) / 2).contains(wavenumber)
  }

  /// For each axis, `Σ |W|²` over the weights of every magnitude of the wavenumber along it.
  func modeStrengths() -> [[Double]] {
    let full = weight.modeMajor(on: Tape(recording: false)).value
    let kept = Self.keptShape(modes)
    let strides = Tensor<Element>.strides(of: kept)
    let size = full.count / full.shape[0]
    var strengths = zip(modes, kept).enumerated().map { axis, sizes in
      [Double](repeating: 0, count: axis == modes.count - 1 ? sizes.1 : sizes.0 / 2 + 1)
    }
    for mode in 0..<full.shape[0] {
      let square = Reductions.sumOfSquares(full.unsafePointer + mode * size, count: size)
      for axis in modes.indices {
        let place = mode / strides[axis] % kept[axis]
        let wavenumber = axis == modes.count - 1 ? place : abs(place - modes[axis] / 2)
        strengths[axis][wavenumber] += square
      }
    }
    withExtendedLifetime(full) {}
    return strengths
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    try weight.forEachParameter(join(path, "weight"), body)
    try body(join(path, "bias"), bias)
  }

  /// Coefficients kept along each axis: `modes`, and m/2 + 1 along the last.
  static func keptShape(_ modes: [Int]) -> [Int] {
    modes.dropLast() + modes.suffix(1).map { $0 / 2 + 1 }
  }

  /// For every mode that the grid has, in the transform's order, its place among the weights (nil where that is the
  /// same), and the place of wavenumber zero.
  private static func weightIndices(
    of transform: TruncatedTransform<Element>, modes: [Int]
  ) -> (modes: [Int]?, zero: Int) {
    let kept = keptShape(modes)
    var zero = 0
    for (axis, wavenumbers) in transform.wavenumbers.enumerated() {
      zero = zero * wavenumbers.count + (axis == modes.count - 1 ? 0 : -(wavenumbers.first ?? 0))
    }
    guard transform.keptShape != kept else { return (nil, zero) }
    var indices = [0]
    for (axis, wavenumbers) in transform.wavenumbers.enumerated() {
      let first = axis == modes.count - 1 ? 0 : modes[axis] / 2
      indices = indices.flatMap { index in wavenumbers.map { index * kept[axis] + $0 + first } }
    }
    return (indices, zero)
  }
}
