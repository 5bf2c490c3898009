// The product of a spectrum with weights that are sums of outer products, without anything in between in memory.

import RealModule
import Tensors

/// `ŷ_k = ((x̂_k A) ⊙ c_k) Bᵀ` for every mode k: x̂ `[K, 2, batch, in]`, A planar `[2, in, r]`, c planar `[2, M, r]`, B
/// planar `[2, out, r]`, ŷ `[K, 2, batch, out]`; mode k uses c at `modeIndices[k]`, or at k where nil.
///
/// A CP form has many terms r: `x̂ A` for all modes would be the largest tensor of the model by far. It exists for a tile
/// of modes at a time, and is computed anew on the way back.
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
    var tile: Int { max(1, 256 / (2 * batch)) }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let operands = Operands(input: inputs[0], first: inputs[1], scales: inputs[2], second: inputs[3])
    let (modes, batch, rank) = (operands.modes, operands.batch, operands.rank)
    let (inChannels, outChannels) = (operands.inChannels, operands.outChannels)
    precondition(operands.scales.shape[2] == rank && operands.second.count == 2 * outChannels * rank)
    let into = sideBySide(operands.first, rows: inChannels, transposed: false, conjugate: false)
    let out = sideBySide(operands.second, rows: rank, transposed: true, conjugate: false)
    var output = Tensor<Element>(uninitialized: [modes, 2, batch, outChannels])
    let (x, y) = (operands.input.unsafePointer, output.unsafeMutablePointer())
    let (a, b) = (into.unsafePointer, out.unsafePointer)
    let (indices, scales, tile) = (modeIndices, operands.scales, operands.tile)
    WorkerPool.shared.run(tasks: (modes + tile - 1) / tile) { task in
      let range = task * tile..<min(modes, (task + 1) * tile)
      let rows = ComplexRows<Element>(modes: range.count, batch: batch, widest: max(rank, outChannels))
      let terms = AlignedMemory<Element>(count: range.count * 2 * batch * rank)
      rows.multiply(
        x + range.lowerBound * 2 * batch * inChannels, modes: range.count, inner: inChannels, by: a,
        columns: rank,
        into: terms.pointer)
      for (place, mode) in range.enumerated() {
        multiply(
          terms.pointer + place * 2 * batch * rank, by: scales, at: indices?[mode] ?? mode, conjugate: false,
          batch: batch)
      }
      rows.multiply(
        terms.pointer, modes: range.count, inner: rank, by: b, columns: outChannels,
        into: y + range.lowerBound * 2 * batch * outChannels)
    }
    withExtendedLifetime((operands.input, into, out)) {}
    if recording { saved = operands }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let saved else { return }
    let (modes, batch, rank) = (saved.modes, saved.batch, saved.rank)
    let (inChannels, outChannels) = (saved.inChannels, saved.outChannels)
    var inputGradient = slots.begin(0, shape: saved.input.shape)
    var firstGradient = slots.begin(1, shape: saved.first.shape)
    var scaleGradient = slots.begin(2, shape: saved.scales.shape)
    var secondGradient = slots.begin(3, shape: saved.second.shape)
    let into = sideBySide(saved.first, rows: inChannels, transposed: false, conjugate: false)
    let backOut = sideBySide(saved.second, rows: outChannels, transposed: false, conjugate: true)
    let backInto = sideBySide(saved.first, rows: rank, transposed: true, conjugate: true)
    let groups = min(modes, 8)
    let (firstCount, secondCount) = (2 * inChannels * rank, 2 * outChannels * rank)
    var partials = Tensor<Element>.zeros([groups, firstCount + secondCount])
    let sums = partials.unsafeMutablePointer()
    let (x, g) = (saved.input.unsafePointer, gradient.unsafePointer)
    let (a, backB, backA) = (into.unsafePointer, backOut.unsafePointer, backInto.unsafePointer)
    let dx = inputGradient?.tensor.unsafeMutablePointer()
    let accumulates = inputGradient?.accumulates ?? false
    let dc = scaleGradient?.tensor.unsafeMutablePointer()
    if let dc, scaleGradient?.accumulates == false { dc.update(repeating: 0, count: saved.scales.count) }
    let (indices, scales, tile, weightModes) = (modeIndices, saved.scales, saved.tile, saved.scales.shape[1])
    WorkerPool.shared.run(tasks: groups) { group in
      let share = modes * group / groups..<modes * (group + 1) / groups
      let rows = ComplexRows<Element>(modes: tile, batch: batch, widest: max(rank, inChannels))
      let size = tile * 2 * batch
      let terms = AlignedMemory<Element>(count: 2 * size * rank)
      let pairs = AlignedMemory<Element>(count: 2 * size * max(inChannels, outChannels))
      let (u, v) = (terms.pointer, terms.pointer + size * rank)
      for start in Swift.stride(from: share.lowerBound, to: share.upperBound, by: tile) {
        let count = min(tile, share.upperBound - start)
        let (xs, gs) = (x + start * 2 * batch * inChannels, g + start * 2 * batch * outChannels)
        rows.multiply(xs, modes: count, inner: inChannels, by: a, columns: rank, into: u)
        v.update(from: u, count: count * 2 * batch * rank)
        for place in 0..<count {
          let mode = indices?[start + place] ?? (start + place)
          multiply(v + place * 2 * batch * rank, by: scales, at: mode, conjugate: false, batch: batch)
        }
        // ∂B from ∂ŷ and what it met; then v is the gradient of that.
        rows.addMatrixGradient(
          gs, channels: outChannels, sign: 1, v, channels: rank, modes: count, scratch: pairs.pointer,
          to: sums + group * (firstCount + secondCount) + firstCount)
        rows.multiply(gs, modes: count, inner: outChannels, by: backB, columns: rank, into: v)
        for place in 0..<count {
          let mode = indices?[start + place] ?? (start + place)
          let offset = place * 2 * batch * rank
          if let dc {
            addScaleGradient(
              u + offset, v + offset, to: dc + mode * rank, imaginary: weightModes * rank, batch: batch,
              rank: rank)
          }
          multiply(v + offset, by: scales, at: mode, conjugate: true, batch: batch)
        }
        rows.addMatrixGradient(
          xs, channels: inChannels, sign: -1, v, channels: rank, modes: count, scratch: pairs.pointer,
          to: sums + group * (firstCount + secondCount))
        guard let dx else { continue }
        rows.multiply(
          v, modes: count, inner: rank, by: backA, columns: inChannels,
          into: dx + start * 2 * batch * inChannels, accumulate: accumulates)
      }
    }
    withExtendedLifetime((saved.input, gradient, into, backOut, backInto)) {}
    sumGroups(partials, offset: 0, into: &firstGradient)
    sumGroups(partials, offset: firstCount, into: &secondGradient)
    slots.end(0, inputGradient)
    slots.end(1, firstGradient)
    slots.end(2, scaleGradient)
    slots.end(3, secondGradient)
  }
}

/// `x ← x ⊙ c`, the rows `[2, batch, r]` of one mode by its scales (conjugated on request).
@specialized(where E == Float)
@specialized(where E == Double)
private func multiply<E: Scalar>(
  _ x: UnsafeMutablePointer<E>, by scales: Tensor<E>, at mode: Int, conjugate: Bool, batch: Int
) {
  let (modes, rank) = (scales.shape[1], scales.shape[2])
  let sign: E = conjugate ? -1 : 1
  let real = scales.unsafePointer + mode * rank
  let imaginary = real + modes * rank
  for sample in 0..<batch {
    let (xr, xi) = (x + sample * rank, x + (batch + sample) * rank)
    for i in 0..<rank {
      let (re, im, s) = (xr[i], xi[i], sign * imaginary[i])
      xr[i] = Relaxed.multiplyAdd(re, real[i], -im * s)
      xi[i] = Relaxed.multiplyAdd(re, s, im * real[i])
    }
  }
  withExtendedLifetime(scales) {}
}

/// `∂c += Σ_batch conj(u) ⊙ ∂v`, its imaginary part at a distance.
@specialized(where E == Float)
@specialized(where E == Double)
private func addScaleGradient<E: Scalar>(
  _ u: UnsafePointer<E>, _ g: UnsafePointer<E>, to dc: UnsafeMutablePointer<E>, imaginary: Int, batch: Int,
  rank: Int
) {
  let di = dc + imaginary
  for sample in 0..<batch {
    let (ur, gr) = (u + sample * rank, g + sample * rank)
    let (ui, gi) = (ur + batch * rank, gr + batch * rank)
    for i in 0..<rank {
      dc[i] += Relaxed.multiplyAdd(ur[i], gr[i], ui[i] * gi[i])
      di[i] += Relaxed.multiplyAdd(ur[i], gi[i], -ui[i] * gr[i])
    }
  }
}

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
