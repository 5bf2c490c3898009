// The product of a spectrum with weights that are sums of outer products, without anything in between in memory.

import Tensors

/// `ŷ_k = ((x̂_k A) ⊙ c_k) Bᵀ` for every mode k: x̂ `[K, 2, batch, in]`, A planar `[2, in, r]`, c planar `[2, M, r]`, B
/// planar `[2, out, r]`, ŷ `[K, 2, batch, out]`; mode k uses c at `modeIndices[k]`, no two the same, or at k where nil.
///
/// A CP form has many terms r: `x̂ A` for all modes would be the largest tensor of the model by far. A block of terms
/// exists for a tile of modes at a time, in cache, from x̂ to ŷ, and is computed anew on the way back. Each complex
/// product is three real ones.
struct CanonicalContraction<Element: Scalar>: DifferentiableOperation {
  let modeIndices: [Int]?
  private var saved: Operands?

  init(modeIndices: [Int]?) { self.modeIndices = modeIndices }

  private struct Operands {
    let input: Tensor<Element>
    let first: Tensor<Element>
    let scales: Tensor<Element>
    let second: Tensor<Element>

    var modes: Int { input.shape[0] }
    var batch: Int { input.shape[2] }
    var inChannels: Int { input.shape[3] }
    var outChannels: Int { second.count / 2 / rank }
    var rank: Int { first.shape[2] }
    var tile: SpectrumTile { SpectrumTile(batch: batch, modes: modes) }

    /// x̂ to terms, or the gradient of ŷ to that of what the scales gave.
    func toTerms(_ factor: Tensor<Element>, conjugate: Bool) -> ComplexPointProducts<Element> {
      let (channels, start) = (factor.count / 2 / rank, factor.unsafePointer)
      return ComplexPointProducts(
        real: start, imaginary: start + channels * rank, rows: rank, inner: channels, rowStride: 1,
        termStride: rank, conjugate: conjugate, cut: .rows, size: termBlock)
    }

    /// Terms to ŷ, or the gradient of terms to that of x̂.
    func fromTerms(_ factor: Tensor<Element>, conjugate: Bool) -> ComplexPointProducts<Element> {
      let (channels, start) = (factor.count / 2 / rank, factor.unsafePointer)
      return ComplexPointProducts(
        real: start, imaginary: start + channels * rank, rows: channels, inner: rank, rowStride: rank,
        termStride: 1, conjugate: conjugate, cut: .terms, size: termBlock)
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let operands = Operands(input: inputs[0], first: inputs[1], scales: inputs[2], second: inputs[3])
    let (modes, batch, rank, tile) = (operands.modes, operands.batch, operands.rank, operands.tile)
    let (inChannels, outChannels) = (operands.inChannels, operands.outChannels)
    precondition(
      operands.scales.shape[2] == rank && operands.second.count == 2 * outChannels * rank
        && operands.first.shape[1] == inChannels, "factors of one rank, and of the spectrum's channels")
    precondition(
      (modeIndices?.count ?? min(modes, operands.scales.shape[1])) == modes, "scales for every mode")
    var output = Tensor<Element>(uninitialized: [modes, 2, batch, outChannels])
    let (x, y) = (operands.input.unsafePointer, output.unsafeMutablePointer())
    let into = operands.toTerms(operands.first, conjugate: false)
    let out = operands.fromTerms(operands.second, conjugate: false)
    let (indices, scales) = (modeIndices, operands.scales)
    WorkerPool.shared.run(tasks: (modes + tile.modes - 1) / tile.modes) { task in
      let range = task * tile.modes..<min(modes, (task + 1) * tile.modes)
      let places = range.map { indices?[$0] ?? $0 }
      let memory = AlignedMemory<Element>(count: 3 * (inChannels + termBlock + outChannels) * tile.stride)
      let inputs = tile.planes(memory.pointer, rows: inChannels)
      let terms = tile.planes(inputs[3], rows: termBlock)
      let sums = tile.planes(terms[3], rows: outChannels)
      let scale = TermScales<Element>(tile: tile, terms: termBlock)
      tile.gather(
        x + range.lowerBound * 2 * batch * inChannels, channels: inChannels, modes: range.count, into: inputs)
      for block in 0..<into.blockCount {
        let numbers = into.range(block)
        into.multiply(block: block, inputs, into: terms, count: tile.points, accumulate: false)
        scale.load(scales, terms: numbers, modes: places)
        scale.scale(terms, terms: numbers.count)
        out.multiply(block: block, terms, into: sums, count: tile.points, accumulate: block > 0)
      }
      tile.scatter(
        sums, channels: outChannels, modes: range.count,
        into: y + range.lowerBound * 2 * batch * outChannels, accumulate: false)
    }
    withExtendedLifetime(operands) {}
    if recording { saved = operands }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let saved else { return }
    let (modes, batch, rank, tile) = (saved.modes, saved.batch, saved.rank, saved.tile)
    let (inChannels, outChannels) = (saved.inChannels, saved.outChannels)
    var inputGradient = slots.begin(0, shape: saved.input.shape)
    var scaleGradient = slots.begin(2, shape: saved.scales.shape)
    let into = saved.toTerms(saved.first, conjugate: false)
    let backOut = saved.toTerms(saved.second, conjugate: true)
    let backInto = saved.fromTerms(saved.first, conjugate: true)
    let tiles = (modes + tile.modes - 1) / tile.modes
    let groups = min(tiles, 8)
    let sums = FactorSums<Element>(groups: groups, channels: [inChannels, outChannels], rank: rank)
    let (x, g) = (saved.input.unsafePointer, gradient.unsafePointer)
    let dx = inputGradient?.tensor.unsafeMutablePointer()
    let accumulates = inputGradient?.accumulates ?? false
    let dc = scaleGradient?.tensor.unsafeMutablePointer()
    if let dc, scaleGradient?.accumulates == false { Pointwise.fill(dc, with: 0, count: saved.scales.count) }
    let (indices, scales) = (modeIndices, saved.scales)
    WorkerPool.shared.forEachGroup(groups, of: tiles) { group, numbers in
      let rows = 3 * (2 * inChannels + outChannels + 2 * termBlock)
      let memory = AlignedMemory<Element>(count: rows * tile.stride)
      let inputs = tile.planes(memory.pointer, rows: inChannels)
      let gradients = tile.planes(inputs[3], rows: outChannels)
      let terms = tile.planes(gradients[3], rows: termBlock)
      let termGradients = tile.planes(terms[3], rows: termBlock)
      let inputSums = tile.planes(termGradients[3], rows: inChannels)
      let inputRows = FactorRows<Element>(channels: inChannels, points: tile.points)
      let gradientRows = FactorRows<Element>(channels: outChannels, points: tile.points)
      let scale = TermScales<Element>(tile: tile, terms: termBlock)
      sums.begin(group: group)
      for number in numbers {
        let range = number * tile.modes..<min(modes, (number + 1) * tile.modes)
        let places = range.map { indices?[$0] ?? $0 }
        let start = range.lowerBound * 2 * batch
        let (input, gradient) = (x + start * inChannels, g + start * outChannels)
        tile.gather(input, channels: inChannels, modes: range.count, into: inputs)
        tile.gather(input, channels: inChannels, modes: range.count, into: inputRows)
        tile.gather(gradient, channels: outChannels, modes: range.count, into: gradients)
        tile.gather(gradient, channels: outChannels, modes: range.count, into: gradientRows)
        for block in 0..<into.blockCount {
          let numbers = into.range(block)
          into.multiply(block: block, inputs, into: terms, count: tile.points, accumulate: false)
          backOut.multiply(
            block: block, gradients, into: termGradients, count: tile.points, accumulate: false)
          scale.load(scales, terms: numbers, modes: places)
          scale.scaleBack(terms, termGradients, terms: numbers.count)
          if let dc {
            scale.addGradient(
              to: dc, plane: scales.shape[1] * rank, rank: rank, terms: numbers, modes: places)
          }
          sums.add(group: group, factor: 0, inputRows, termGradients, range: numbers, points: tile.points)
          sums.add(group: group, factor: 1, gradientRows, terms, range: numbers, points: tile.points)
          if dx != nil {
            backInto.multiply(
              block: block, termGradients, into: inputSums, count: tile.points, accumulate: block > 0)
          }
        }
        guard let dx else { continue }
        tile.scatter(
          inputSums, channels: inChannels, modes: range.count, into: dx + start * inChannels,
          accumulate: accumulates)
      }
    }
    withExtendedLifetime((saved, gradient)) {}
    slots.end(0, inputGradient)
    slots.add(1, channelMajor(sums.total(factor: 0, conjugate: true), saved.first.shape))
    slots.end(2, scaleGradient)
    slots.add(3, channelMajor(sums.total(factor: 1, conjugate: false), saved.second.shape))
  }
}

/// `[2, rank, channels]` turned to a shape that stands for `[2, channels, rank]`.
private func channelMajor<E: Scalar>(_ gradient: Tensor<E>, _ shape: [Int]) -> Tensor<E> {
  let (rank, channels) = (gradient.shape[1], gradient.shape[2])
  var result = Tensor<E>(uninitialized: shape)
  let (source, target) = (gradient.unsafePointer, result.unsafeMutablePointer())
  for part in 0..<2 {
    transposedCopy(
      source + part * rank * channels, rows: rank, columns: channels, stride: channels,
      into: target + part * rank * channels, stride: rank)
  }
  withExtendedLifetime(gradient) {}
  return result
}

/// Terms that are in cache at a time.
private let termBlock = 64

extension Tape {
  /// `ŷ_k = ((x̂_k A) ⊙ c_k) Bᵀ`: the spectrum `[K, 2, batch, in]` by weights in CP form, with planar factors A
  /// `[2, in, r]`, c `[2, M, r]` and B `[2, out, r]`; mode k meets c at `modeIndices[k]` (k where nil).
  public func canonicalContraction(
    _ spectrum: Variable<Element>, first: Variable<Element>, scales: Variable<Element>,
    second: Variable<Element>, modeIndices: [Int]? = nil
  ) -> Variable<Element> {
    apply(CanonicalContraction<Element>(modeIndices: modeIndices), [spectrum, first, scales, second])
  }
}
