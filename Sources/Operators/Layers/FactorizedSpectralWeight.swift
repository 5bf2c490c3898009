// Tucker, CP and tensor-train weights, contracted factor by factor or put together first.

import Autodiff
import Spectral
import Tensors

/// Whether a factorized weight is put together before it meets the spectrum.
public enum ContractionKind: String, Sendable, Codable, CaseIterable {
  /// Whichever takes fewer multiplications for the sizes at hand.
  case automatic
  /// The spectrum is multiplied with the factors one after the other.
  case factorized
  /// The full weight is put together and then multiplied.
  case reconstructed
}

/// A weight whose part beyond the channels' outer factors is a small matrix for each mode:
/// `W_k = A C_k Bᵀ` with A `[in, p]`, C_k `[p, q]` (diagonal for CP), B `[out, q]`, A or B possibly missing (the
/// identity). All three factorizations are of this form.
private struct ModeMatrices<Element: SpectralScalar> {
  /// A, `[2, in, p]`.
  var first: Variable<Element>?
  /// C, planar `[2, p·q, K]` (`[2, p, K]` where diagonal).
  var inner: Variable<Element>
  var p: Int
  var q: Int
  var isDiagonal: Bool
  /// B, `[2, out, q]`.
  var second: Variable<Element>?
}

/// A spectral weight given by factors (Kossaifi et al. 2024). Parameters carry the names of tensorly-torch and begin
/// as there: normal, such that the full weight has the standard deviation asked for.
struct FactorizedSpectralWeight<Element: SpectralScalar>: SpectralWeight {
  private let shape: SpectralWeightShape
  private let factorization: Factorization
  private let contraction: ContractionKind
  /// Tucker: the core, then a factor an axis. CP: the weights, then a factor an axis. TT: a core an axis.
  private let parameters: [(name: String, parameter: Parameter<Element>)]

  /// - Parameter ranks: As ``TensorRank/ranks(of:shape:)`` gives them for the factorization.
  init(
    _ shape: SpectralWeightShape, factorization: Factorization, ranks: [Int], contraction: ContractionKind,
    standardDeviation: Element, _ initializer: inout Initializer
  ) {
    self.shape = shape
    self.factorization = factorization
    self.contraction = contraction
    let full = shape.full
    let order = Element(full.count)
    func draw(_ shape: [Int], _ deviation: Element) -> Parameter<Element> {
      initializer.normal(shape: shape, layout: .planarComplex, standardDeviation: deviation)
    }
    switch factorization {
    case .dense:
      preconditionFailure("a dense weight has no factors")
    case .tucker:
      let product = ranks.reduce(Element(1)) { $0 * Element($1).squareRoot() }
      let deviation = Element.pow(standardDeviation / product, 1 / (order + 1))
      parameters =
        [("core", draw(ranks, deviation))]
        + full.indices.map { ("factors.factor_\($0)", draw([full[$0], ranks[$0]], deviation)) }
    case .cp:
      let deviation = Element.pow(standardDeviation / Element(ranks[0]).squareRoot(), 1 / order)
      let weights = Parameter<Element>(shape: [ranks[0]], layout: .planarComplex)
      weights.setCanonicalValues((0..<2 * ranks[0]).map { $0 % 2 == 0 ? 1 : 0 })
      parameters =
        [("weights", weights)]
        + full.indices.map { ("factors.factor_\($0)", draw([full[$0], ranks[0]], deviation)) }
    case .tt:
      let product = ranks.reduce(Element(1)) { $0 * Element($1) }
      let deviation = Element.pow(standardDeviation / product, 1 / order)
      parameters = full.indices.map {
        ("factors.factor_\($0)", draw([ranks[$0], full[$0], ranks[$0 + 1]], deviation))
      }
    }
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    for (name, parameter) in parameters { try body(join(path, name), parameter) }
  }

  func contract(
    _ spectrum: Variable<Element>, modeIndices: [Int]?, on tape: Tape<Element>
  ) -> Variable<Element> {
    let matrices = modeMatrices(on: tape)
    let modes = shape.modeCount
    guard !shape.isSeparable, isFactorized(matrices, spectrum) else {
      return contractReconstructed(matrices, spectrum, modeIndices: modeIndices, on: tape)
    }
    var result = matrices.first.map { tape.sharedContraction(spectrum, weight: $0) } ?? spectrum
    if matrices.isDiagonal {
      let diagonal = tape.swapAxes(
        matrices.inner, outer: 1, 2 * matrices.p, modes, shape: [modes, 2, matrices.p])
      result = tape.separableContraction(result, weight: diagonal, modeIndices: modeIndices)
    } else {
      let inner = tape.swapAxes(
        matrices.inner, 2 * matrices.p * matrices.q, modes, shape: [modes, 2, matrices.p, matrices.q])
      result = tape.spectralContraction(result, weight: inner, modeIndices: modeIndices)
    }
    return matrices.second.map { tape.sharedContraction(result, weight: $0, transposed: true) } ?? result
  }

  /// Whether to go factor by factor: as configured, or by counting multiplications.
  private func isFactorized(_ matrices: ModeMatrices<Element>, _ spectrum: Variable<Element>) -> Bool {
    switch contraction {
    case .factorized: return true
    case .reconstructed: return false
    case .automatic:
      let (batch, modes) = (spectrum.shape[2], shape.modeCount)
      let (inChannels, outChannels, p, q) = (shape.channels[0], shape.channels[1], matrices.p, matrices.q)
      let inner = matrices.isDiagonal ? p : p * q
      let factorized =
        batch * modes
        * ((matrices.first == nil ? 0 : inChannels * p) + inner
          + (matrices.second == nil ? 0 : outChannels * q))
      let reconstruction =
        matrices.isDiagonal
        ? modes * inChannels * outChannels * p
        : modes
          * ((matrices.first == nil ? 0 : inChannels * p * q)
            + (matrices.second == nil ? 0 : inChannels * q * outChannels))
      return factorized <= reconstruction + batch * modes * inChannels * outChannels
    }
  }

  private func contractReconstructed(
    _ matrices: ModeMatrices<Element>, _ spectrum: Variable<Element>, modeIndices: [Int]?,
    on tape: Tape<Element>
  ) -> Variable<Element> {
    let modes = shape.modeCount
    if shape.isSeparable {
      var weight = matrices.inner
      if let first = matrices.first { weight = tape.modeProduct(weight, axis: 0, matrix: first) }
      let channels = shape.channels[0]
      return tape.separableContraction(
        spectrum, weight: tape.swapAxes(weight, 2 * channels, modes, shape: [modes, 2, channels]),
        modeIndices: modeIndices)
    }
    let (inChannels, outChannels) = (shape.channels[0], shape.channels[1])
    var weight: Variable<Element>
    if matrices.isDiagonal, let first = matrices.first, let second = matrices.second {
      // Σ_r A[i, r] B[o, r] C[r, k]
      let pairs = tape.khatriRaoProduct(first, second)
      let rows = tape.swapAxes(matrices.inner, outer: 2, matrices.p, modes, shape: [2, modes, matrices.p])
      weight = tape.modeProduct(pairs, axis: 2, matrix: rows)
    } else {
      weight = tape.reshaped(matrices.inner, [2, matrices.p, matrices.q, modes])
      if let first = matrices.first { weight = tape.modeProduct(weight, axis: 0, matrix: first) }
      if let second = matrices.second { weight = tape.modeProduct(weight, axis: 1, matrix: second) }
    }
    let modeMajor = tape.swapAxes(
      weight, 2 * inChannels * outChannels, modes, shape: [modes, 2, inChannels, outChannels])
    return tape.spectralContraction(spectrum, weight: modeMajor, modeIndices: modeIndices)
  }

  /// The factors of the modes put together, those of the channels left apart.
  private func modeMatrices(on tape: Tape<Element>) -> ModeMatrices<Element> {
    let factors = parameters.map { tape.variable($0.parameter) }
    let channelAxes = shape.channels.count
    switch factorization {
    case .dense:
      preconditionFailure("a dense weight has no factors")
    case .tucker:
      var core = factors[0]
      for axis in shape.modes.indices {
        core = tape.modeProduct(core, axis: channelAxes + axis, matrix: factors[1 + channelAxes + axis])
      }
      let (p, q) = (core.shape[1], shape.isSeparable ? 1 : core.shape[2])
      return ModeMatrices(
        first: factors[1], inner: tape.reshaped(core, [2, p * q, shape.modeCount]), p: p, q: q,
        isDiagonal: false,
        second: shape.isSeparable ? nil : factors[2])
    case .cp:
      let rank = factors[0].value.count / 2
      var diagonal = tape.reshaped(factors[0], [2, 1, rank])
      for axis in shape.modes.indices {
        diagonal = tape.khatriRaoProduct(diagonal, factors[1 + channelAxes + axis])
      }
      let inner = tape.swapAxes(diagonal, outer: 2, shape.modeCount, rank, shape: [2, rank, shape.modeCount])
      return ModeMatrices(
        first: factors[1], inner: inner, p: rank, q: rank, isDiagonal: !shape.isSeparable,
        second: shape.isSeparable ? nil : factors[2])
    case .tt:
      // From the last core to the first one of the modes: `[2, rank, modes so far]`.
      var chain = tape.reshaped(
        factors[factors.count - 1], Array(factors[factors.count - 1].shape.dropLast()))
      for index in (channelAxes..<factors.count - 1).reversed() {
        let core = factors[index].shape
        let product = tape.modeProduct(chain, axis: 0, matrix: factors[index])
        chain = tape.reshaped(product, [2, core[1], core[2] * chain.shape[2]])
      }
      let first = tape.reshaped(factors[0], [2] + factors[0].shape[2...])
      guard !shape.isSeparable else {
        return ModeMatrices(
          first: first, inner: chain, p: chain.shape[1], q: 1, isDiagonal: false, second: nil)
      }
      let (p, q) = (factors[1].shape[1], factors[1].shape[2])
      return ModeMatrices(
        first: first, inner: tape.modeProduct(chain, axis: 0, matrix: factors[1]), p: p, q: q,
        isDiagonal: false,
        second: nil)
    }
  }
}
