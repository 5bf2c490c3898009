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
  enum Inner {
    /// `[K, 2, p, q]` as the ``Tape/modeExpansion(_:by:columns:)`` of a tensor by a matrix.
    case expansion(tensor: Variable<Element>, matrix: Variable<Element>)
    /// `[K, 2, p]`, of a separable convolution.
    case columns(Variable<Element>)
    /// Planar, `[2, K, p]`, with q = p.
    case diagonal(Variable<Element>)
  }

  /// A, `[2, in, p]`.
  var first: Variable<Element>?
  var inner: Inner
  var p: Int
  var q: Int
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
    if let weight = preparedWeight(for: spectrum, on: tape) {
      return multiply(spectrum, by: weight, modeIndices: modeIndices, on: tape)
    }
    let matrices = modeMatrices(on: tape)
    guard isFactorized(matrices, spectrum) else {
      let weight = modeMajor(matrices, on: tape)
      return multiply(spectrum, by: weight, modeIndices: modeIndices, on: tape)
    }
    switch (matrices.inner, matrices.first, matrices.second) {
    case (.expansion(let tensor, let matrix), let first, let second):
      let rows = first.map { tape.sharedContraction(spectrum, weight: $0) } ?? spectrum
      let result = tape.expandedContraction(
        rows, tensor: tensor, by: matrix, outChannels: matrices.q, modeIndices: modeIndices)
      return second.map { tape.sharedContraction(result, weight: $0, transposed: true) } ?? result
    case (.diagonal(let planar), let first?, let second?):
      return tape.canonicalContraction(
        spectrum, first: first, scales: planar, second: second, modeIndices: modeIndices)
    case (.diagonal, _, _), (.columns, _, _):
      preconditionFailure("a CP form has factors for both channels; a separable weight is put together")
    }
  }

  /// Whether to go factor by factor: as configured, or by counting the multiplications of so many batches.
  private func isFactorized(
    _ matrices: ModeMatrices<Element>, _ spectrum: Variable<Element>, batches: Int = 1
  ) -> Bool {
    if shape.isSeparable { return false }
    switch contraction {
    case .factorized: return true
    case .reconstructed: return false
    case .automatic:
      let isDiagonal = if case .diagonal = matrices.inner { true } else { false }
      let count = ContractionCount(
        batch: spectrum.shape[2], modes: spectrum.shape[0], weightModes: shape.modeCount,
        inChannels: shape.channels[0], outChannels: shape.channels[1], p: matrices.p, q: matrices.q,
        isDiagonal: isDiagonal, hasFirst: matrices.first != nil, hasSecond: matrices.second != nil)
      return !count.prefersReconstruction(batches: batches)
    }
  }

  /// The full weight, put together once for all batches of a pass of inference; nil where that does not pay.
  private func preparedWeight(for spectrum: Variable<Element>, on tape: Tape<Element>) -> Variable<Element>? {
    guard let prepared = tape.preparedValues else { return nil }
    let key = PreparedValues.Key(factors.leading, layer)
    let weight = prepared.value(for: key, count: 2 * shape.full.reduce(1, *)) {
      let matrices = modeMatrices(on: tape)
      return isFactorized(matrices, spectrum, batches: prepared.batches)
        ? nil : modeMajor(matrices, on: tape).value
    }
    return weight.map { Variable(constant: $0) }
  }

  /// The spectrum times the full weight.
  private func multiply(
    _ spectrum: Variable<Element>, by weight: Variable<Element>, modeIndices: [Int]?, on tape: Tape<Element>
  ) -> Variable<Element> {
    shape.isSeparable
      ? tape.separableContraction(spectrum, weight: weight, modeIndices: modeIndices)
      : tape.spectralContraction(spectrum, weight: weight, modeIndices: modeIndices)
  }

  /// The full weight, `[mode, 2, in, out]` or `[mode, 2, channel]`.
  private func modeMajor(_ matrices: ModeMatrices<Element>, on tape: Tape<Element>) -> Variable<Element> {
    let modes = shape.modeCount
    let (inChannels, outChannels) = (shape.channels[0], shape.channels.last ?? 1)
    switch (matrices.inner, matrices.first, matrices.second) {
    case (.diagonal(let planar), let first?, let second?):
      // Σ_r C[k, r] (A[i, r] B[o, r])
      let pairs = tape.swapAxes(
        tape.khatriRaoProduct(first, second), outer: 2, inChannels * outChannels, matrices.p,
        shape: [2, matrices.p, inChannels * outChannels])
      let weight = tape.modeExpansion(pairs, by: planar, columns: inChannels * outChannels)
      return tape.reshaped(weight, [modes, 2, inChannels, outChannels])
    case (.diagonal, _, _):
      preconditionFailure("the terms of a CP form have factors for both channels")
    case (.columns(let inner), let first, _):
      return separable(tape.reshaped(inner, [modes, 2, 1, matrices.p]), first, on: tape)
    case (.expansion(let tensor, let matrix), let first, let second):
      let (p, q) = (matrices.p, matrices.q)
      let expanded = tape.modeExpansion(tensor, by: matrix, columns: p * q)
      if shape.isSeparable { return separable(tape.reshaped(expanded, [modes, 2, 1, p]), first, on: tape) }
      var weight = tape.reshaped(expanded, [modes, 2, p, q])
      if let second { weight = tape.sharedContraction(weight, weight: second, transposed: true) }
      guard let first else { return weight }
      weight = tape.modeExpansion(weight, by: first, columns: outChannels)
      return tape.swapAxes(
        weight, outer: modes, inChannels, 2, inner: outChannels, shape: [modes, 2, inChannels, outChannels])
    }
  }

  /// `[mode, 2, channel]` from `[mode, 2, 1, p]` and the factor of the channels.
  private func separable(
    _ rows: Variable<Element>, _ first: Variable<Element>?, on tape: Tape<Element>
  ) -> Variable<Element> {
    let weight = first.map { tape.sharedContraction(rows, weight: $0, transposed: true) } ?? rows
    return tape.reshaped(weight, [shape.modeCount, 2, shape.channels[0]])
  }

  /// From `[2, mode, column]` to `[mode, 2, column]`.
  private func modeMajor(planar: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    let (modes, columns) = (planar.shape[1], planar.shape[2])
    return tape.swapAxes(planar, 2, modes, inner: columns, shape: [modes, 2, columns])
  }

  /// The factors of the modes put together, those of the channels left apart.
  private func modeMatrices(on tape: Tape<Element>) -> ModeMatrices<Element> {
    let factors = layer.map { self.factors.variables(at: $0, on: tape) } ?? self.factors.variables(on: tape)
    switch self.factors.factorization {
    case .dense: preconditionFailure("a dense weight has no factors")
    case .tucker: return tuckerMatrices(factors, on: tape)
    case .cp: return canonicalMatrices(factors, on: tape)
    case .tt: return trainMatrices(factors, on: tape)
    }
  }

  /// The core's mode axes, made the slow ones, are expanded one after the other.
  private func tuckerMatrices(
    _ factors: [Variable<Element>], on tape: Tape<Element>
  ) -> ModeMatrices<Element> {
    let channelAxes = shape.channels.count
    let core = factors[0].shape
    let (p, q) = (core[1], shape.isSeparable ? 1 : core[2])
    let ranks = core[(1 + channelAxes)...].reduce(1, *)
    var tensor = tape.swapAxes(factors[0], outer: 2, p * q, ranks, shape: [2, ranks, p * q])
    var columns = ranks * p * q
    for axis in shape.modes.indices.dropLast() {
      columns /= core[1 + channelAxes + axis]
      tensor = tape.modeExpansion(tensor, by: factors[1 + channelAxes + axis], columns: columns)
    }
    return ModeMatrices(
      first: factors[1], inner: .expansion(tensor: tensor, matrix: factors[factors.count - 1]), p: p, q: q,
      second: shape.isSeparable ? nil : factors[2])
  }

  private func canonicalMatrices(
    _ factors: [Variable<Element>], on tape: Tape<Element>
  ) -> ModeMatrices<Element> {
    let channelAxes = shape.channels.count
    let rank = factors[0].value.count / 2
    var diagonal = tape.reshaped(factors[0], [2, 1, rank])
    for axis in shape.modes.indices {
      diagonal = tape.khatriRaoProduct(diagonal, factors[1 + channelAxes + axis])
    }
    let planar = tape.reshaped(diagonal, [2, shape.modeCount, rank])
    return shape.isSeparable
      ? ModeMatrices(
        first: factors[1], inner: .columns(modeMajor(planar: planar, on: tape)), p: rank, q: 1, second: nil)
      : ModeMatrices(first: factors[1], inner: .diagonal(planar), p: rank, q: rank, second: factors[2])
  }

  /// The cores of the modes from the last to the first: `[2, modes so far, rank]`.
  private func trainMatrices(
    _ factors: [Variable<Element>], on tape: Tape<Element>
  ) -> ModeMatrices<Element> {
    let channelAxes = shape.channels.count
    let last = factors[factors.count - 1].shape
    var chain = tape.swapAxes(
      factors[factors.count - 1], outer: 2, last[1], last[2], shape: [2, last[2], last[1]])
    for index in (channelAxes..<factors.count - 1).reversed() {
      let core = factors[index].shape
      let (before, count, rank) = (core[1], core[2], core[3])
      let turned = tape.swapAxes(
        factors[index], outer: 2, before, count * rank, shape: [2, count, rank, before])
      let tensor = tape.swapAxes(turned, 2, count, inner: rank * before, shape: [count, 2, rank, before])
      let modes = count * chain.shape[1]
      let product = tape.modeExpansion(tensor, by: chain, columns: before)
      chain = tape.swapAxes(product, modes, 2, inner: before, shape: [2, modes, before])
    }
    let first = tape.reshaped(factors[0], [2] + factors[0].shape[2...])
    guard !shape.isSeparable else {
      return ModeMatrices(
        first: first, inner: .columns(modeMajor(planar: chain, on: tape)), p: chain.shape[2], q: 1,
        second: nil)
    }
    let core = factors[1].shape
    let (p, q, rank) = (core[1], core[2], core[3])
    let tensor = tape.swapAxes(factors[1], outer: 2, p * q, rank, shape: [2, rank, p * q])
    return ModeMatrices(
      first: first, inner: .expansion(tensor: tensor, matrix: chain), p: p, q: q, second: nil)
  }
}
