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

/// A spectral weight given by factors (Kossaifi et al. 2024): its own, or a layer's part of factors of all layers
/// together.
struct FactorizedSpectralWeight<Element: SpectralScalar>: SpectralWeight {
  private let shape: SpectralWeightShape
  private let contraction: ContractionKind
  private let factors: FactorParameters<Element>
  /// The place in factors that are shared by all layers, along their first axis.
  private let layer: Int?

  /// - Parameter layer: nil where the factors are this weight's own.
  init(
    _ shape: SpectralWeightShape, factors: FactorParameters<Element>, layer: Int? = nil,
    contraction: ContractionKind
  ) {
    self.shape = shape
    self.contraction = contraction
    self.factors = factors
    self.layer = layer
  }

  /// Its own parameters; shared ones are visited where they are made.
  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    if layer == nil { try factors.forEachParameter(path, body) }
  }

  func clearModes(axis: Int, except active: [Bool]) {
    factors.clear(axis: (layer == nil ? 0 : 1) + shape.channels.count + axis, except: active)
  }

  func modeMajor(on tape: Tape<Element>) -> Variable<Element> { modeMajor(modeMatrices(on: tape), on: tape) }

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
      let count = ContractionCount(
        batch: spectrum.shape[2], modes: spectrum.shape[0], weightModes: shape.modeCount,
        inChannels: shape.channels[0], outChannels: shape.channels[1], p: matrices.p, q: matrices.q,
        isDiagonal: matrices.isDiagonal, hasFirst: matrices.first != nil, hasSecond: matrices.second != nil)
      return count.factorized <= count.reconstructed
    }
  }

  private func contractReconstructed(
    _ matrices: ModeMatrices<Element>, _ spectrum: Variable<Element>, modeIndices: [Int]?,
    on tape: Tape<Element>
  ) -> Variable<Element> {
    let weight = modeMajor(matrices, on: tape)
    return shape.isSeparable
      ? tape.separableContraction(spectrum, weight: weight, modeIndices: modeIndices)
      : tape.spectralContraction(spectrum, weight: weight, modeIndices: modeIndices)
  }

  /// The full weight, `[mode, 2, in, out]` or `[mode, 2, channel]`.
  private func modeMajor(_ matrices: ModeMatrices<Element>, on tape: Tape<Element>) -> Variable<Element> {
    let modes = shape.modeCount
    if shape.isSeparable {
      var weight = matrices.inner
      if let first = matrices.first { weight = tape.modeProduct(weight, axis: 0, matrix: first) }
      let channels = shape.channels[0]
      return tape.swapAxes(weight, 2 * channels, modes, shape: [modes, 2, channels])
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
    return tape.swapAxes(
      weight, 2 * inChannels * outChannels, modes, shape: [modes, 2, inChannels, outChannels])
  }

  /// The factors of the modes put together, those of the channels left apart.
  private func modeMatrices(on tape: Tape<Element>) -> ModeMatrices<Element> {
    let stored = self.factors
    let factorization = stored.factorization
    let factors = layer.map { stored.variables(at: $0, on: tape) } ?? stored.variables(on: tape)
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
