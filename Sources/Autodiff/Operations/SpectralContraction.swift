// The product of a spectrum with complex weights, mode by mode.

import RealModule
import Tensors

/// `ŷ_k = x̂_k W_k` for every kept mode k: a complex matrix product `[batch, in]·[in, out]`, as real ones.
///
/// Shapes: x̂ `[K, 2, batch, in]`, W `[M, 2, in, out]`, ŷ `[K, 2, batch, out]`; mode k uses the weight
/// `modeIndices[k]`, or k itself where nil (M = K). Weights of modes that a coarse grid has not got take no part.
struct SpectralContraction<Element: Scalar>: DifferentiableOperation {
  let modeIndices: [Int]?
  private var saved: (input: Tensor<Element>, weight: Tensor<Element>)?

  init(modeIndices: [Int]?) { self.modeIndices = modeIndices }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (input, weight) = (inputs[0], inputs[1])
    let sizes = ContractionSizes(input: input.shape, weight: weight.shape, modeIndices: modeIndices)
    let (batch, inChannels, outChannels) = (sizes.batch, sizes.inChannels, sizes.outChannels)
    var output = Tensor<Element>(uninitialized: [sizes.modes, 2, batch, outChannels])
    let (x, w, y) = (input.unsafePointer, weight.unsafePointer, output.unsafeMutablePointer())
    let indices = modeIndices
    WorkerPool.shared.forEachRange(count: sizes.modes, grain: 1) { range in
      let products = PartProducts<Element>(batch: batch, channels: outChannels)
      for mode in range {
        products.multiply(
          x + mode * 2 * batch * inChannels, inner: inChannels,
          w + (indices?[mode] ?? mode) * 2 * inChannels * outChannels, adjoint: false)
        products.combine(into: y + mode * 2 * batch * outChannels, sign: 1, accumulate: false)
      }
    }
    withExtendedLifetime((input, weight)) {}
    if recording { saved = (input, weight) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (input, weight) = saved else { return }
    let sizes = ContractionSizes(input: input.shape, weight: weight.shape, modeIndices: modeIndices)
    let (batch, inChannels, outChannels) = (sizes.batch, sizes.inChannels, sizes.outChannels)
    var inputGradient = slots.begin(0, shape: input.shape)
    var weightGradient = slots.begin(1, shape: weight.shape)
    let (x, w, dy) = (input.unsafePointer, weight.unsafePointer, gradient.unsafePointer)
    let dx = inputGradient?.tensor.unsafeMutablePointer()
    let dw = weightGradient?.tensor.unsafeMutablePointer()
    let accumulates = inputGradient?.accumulates ?? false
    var weightBeta = weightGradient?.beta ?? 0
    if let dw, modeIndices != nil, weightBeta == 0 {
      // Modes that this grid has not got have no gradient.
      Pointwise.fill(dw, with: 0, count: weight.count)
      weightBeta = 1
    }
    let (indices, beta) = (modeIndices, weightBeta)
    WorkerPool.shared.forEachRange(count: sizes.modes, grain: 1) { range in
      let products = PartProducts<Element>(batch: batch, channels: inChannels)
      let rotated = AlignedMemory<Element>(count: 2 * batch * outChannels)
      for mode in range {
        let offset = mode * 2 * batch * inChannels
        let weightOffset = (indices?[mode] ?? mode) * 2 * inChannels * outChannels
        let g = dy + mode * 2 * batch * outChannels
        if let dx {
          // ∂x̂ = ∂ŷ W^H
          products.multiply(g, inner: outChannels, w + weightOffset, adjoint: true)
          products.combine(into: dx + offset, sign: -1, accumulate: accumulates)
        }
        if let dw {
          // ∂W = x̂^H ∂ŷ: its real part from both parts of x̂ and ∂ŷ, its imaginary one from x̂ and −i ∂ŷ.
          let count = batch * outChannels
          rotated.pointer.update(from: g + count, count: count)
          Pointwise.scale(g, by: -1, into: rotated.pointer + count, count: count)
          for (part, source) in [g, UnsafePointer(rotated.pointer)].enumerated() {
            gemm(
              true, false, m: inChannels, n: outChannels, k: 2 * batch, a: x + offset, lda: inChannels,
              b: source, ldb: outChannels, beta: beta,
              c: dw + weightOffset + part * inChannels * outChannels, ldc: outChannels)
          }
        }
      }
    }
    withExtendedLifetime((input, weight, gradient)) {}
    slots.end(0, inputGradient)
    slots.end(1, weightGradient)
  }
}

/// The products of both parts of the rows of a mode with the parts of a matrix, and the complex rows that they make.
struct PartProducts<Element: Scalar>: ~Copyable {
  let batch: Int
  let channels: Int
  /// `[{re, im} of the matrix, {re, im} of the rows, batch, channel]`.
  private let memory: AlignedMemory<Element>

  init(batch: Int, channels: Int) {
    self.batch = batch
    self.channels = channels
    memory = AlignedMemory(count: 4 * batch * channels)
  }

  /// Rows `[2, batch, inner]` by W `[2, inner, channels]`, or by Wᵀ with W `[2, channels, inner]`.
  func multiply(
    _ rows: UnsafePointer<Element>, inner: Int, _ matrix: UnsafePointer<Element>, adjoint: Bool
  ) {
    for part in 0..<2 {
      gemm(
        false, adjoint, m: 2 * batch, n: channels, k: inner, a: rows, lda: inner,
        b: matrix + part * inner * channels, ldb: adjoint ? inner : channels,
        c: memory.pointer + part * 2 * batch * channels, ldc: channels)
    }
  }

  /// `[2, batch, channels]`; with sign −1 the matrix is conjugated.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func combine(into y: UnsafeMutablePointer<Element>, sign: Element, accumulate: Bool) {
    let count = batch * channels
    let products = memory.pointer
    for i in 0..<count {
      let (rr, ir) = (products[i], products[count + i])
      let (ri, ii) = (products[2 * count + i], products[3 * count + i])
      let (real, imaginary) = (rr - sign * ii, ir + sign * ri)
      y[i] = accumulate ? y[i] + real : real
      y[count + i] = accumulate ? y[count + i] + imaginary : imaginary
    }
  }
}

private struct ContractionSizes {
  let modes: Int
  let batch: Int
  let inChannels: Int
  let outChannels: Int

  init(input: [Int], weight: [Int], modeIndices: [Int]?) {
    modes = input[0]
    batch = input[2]
    inChannels = input[3]
    outChannels = weight[3]
    precondition(weight[2] == inChannels, "the weight's rows are the input's channels")
    precondition((modeIndices?.count ?? weight[0]) == modes, "a weight for every mode")
  }
}

/// `ŷ_k = x̂_k ⊙ w_k` for every kept mode: each channel by itself (a depthwise convolution).
///
/// Shapes: x̂ and ŷ `[K, 2, batch, channel]`, w `[M, 2, channel]`; `modeIndices` as in ``SpectralContraction``.
struct SeparableContraction<Element: Scalar>: DifferentiableOperation {
  let modeIndices: [Int]?
  private var saved: (input: Tensor<Element>, weight: Tensor<Element>)?

  init(modeIndices: [Int]?) { self.modeIndices = modeIndices }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (input, weight) = (inputs[0], inputs[1])
    let (batch, channels) = (input.shape[2], input.shape[3])
    precondition(weight.shape[2] == channels, "a weight for every channel")
    var output = Tensor<Element>(uninitialized: input.shape)
    let (x, w, y) = (input.unsafePointer, weight.unsafePointer, output.unsafeMutablePointer())
    let indices = modeIndices
    WorkerPool.shared.forEachRange(count: input.shape[0], grain: 8) { range in
      for mode in range {
        let offset = mode * 2 * batch * channels
        separableProduct(
          x + offset, w + (indices?[mode] ?? mode) * 2 * channels, conjugate: false, into: y + offset,
          beta: 0,
          batch: batch, channels: channels)
      }
    }
    withExtendedLifetime((input, weight)) {}
    if recording { saved = (input, weight) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (input, weight) = saved else { return }
    let (modes, batch, channels) = (input.shape[0], input.shape[2], input.shape[3])
    var inputGradient = slots.begin(0, shape: input.shape)
    var weightGradient = slots.begin(1, shape: weight.shape)
    let (x, w, dy) = (input.unsafePointer, weight.unsafePointer, gradient.unsafePointer)
    let dx = inputGradient?.tensor.unsafeMutablePointer()
    let dw = weightGradient?.tensor.unsafeMutablePointer()
    if let dw, weightGradient?.accumulates == false { Pointwise.fill(dw, with: 0, count: weight.count) }
    let (indices, beta) = (modeIndices, inputGradient?.beta ?? 0)
    WorkerPool.shared.forEachRange(count: modes, grain: 8) { range in
      for mode in range {
        let offset = mode * 2 * batch * channels
        let weightOffset = (indices?[mode] ?? mode) * 2 * channels
        if let dx {
          separableProduct(
            dy + offset, w + weightOffset, conjugate: true, into: dx + offset, beta: beta, batch: batch,
            channels: channels)
        }
        if let dw {
          addSeparableWeightGradient(
            x + offset, dy + offset, to: dw + weightOffset, batch: batch, channels: channels)
        }
      }
    }
    withExtendedLifetime((input, weight, gradient)) {}
    slots.end(0, inputGradient)
    slots.end(1, weightGradient)
  }
}

/// `y ← x ⊙ w + β y`, planar complex, `[2, batch, channel]` by `[2, channel]`; w conjugated on request.
@specialized(where E == Float)
@specialized(where E == Double)
private func separableProduct<E: Scalar>(
  _ x: UnsafePointer<E>, _ w: UnsafePointer<E>, conjugate: Bool, into y: UnsafeMutablePointer<E>, beta: E,
  batch: Int, channels: Int
) {
  let sign: E = conjugate ? -1 : 1
  let (wr, wi) = (w, w + channels)
  for sample in 0..<batch {
    let (xr, yr) = (x + sample * channels, y + sample * channels)
    let (xi, yi) = (xr + batch * channels, yr + batch * channels)
    for c in 0..<channels {
      let imaginary = sign * wi[c]
      let real = Relaxed.multiplyAdd(xr[c], wr[c], -xi[c] * imaginary)
      let rotated = Relaxed.multiplyAdd(xr[c], imaginary, xi[c] * wr[c])
      yr[c] = beta == 0 ? real : yr[c] + real
      yi[c] = beta == 0 ? rotated : yi[c] + rotated
    }
  }
}

/// `∂w += Σ_batch conj(x) ⊙ ∂y`.
@specialized(where E == Float)
@specialized(where E == Double)
private func addSeparableWeightGradient<E: Scalar>(
  _ x: UnsafePointer<E>, _ dy: UnsafePointer<E>, to dw: UnsafeMutablePointer<E>, batch: Int, channels: Int
) {
  for sample in 0..<batch {
    let (xr, gr) = (x + sample * channels, dy + sample * channels)
    let (xi, gi) = (xr + batch * channels, gr + batch * channels)
    for c in 0..<channels {
      dw[c] += Relaxed.multiplyAdd(xr[c], gr[c], xi[c] * gi[c])
      dw[channels + c] += Relaxed.multiplyAdd(xr[c], gi[c], -xi[c] * gr[c])
    }
  }
}

extension Tape {
  /// `[K, 2, batch, in]` by `[M, 2, in, out]` to `[K, 2, batch, out]`, mode by mode; complex, planar. Mode k of the
  /// spectrum meets mode `modeIndices[k]` of the weight (k where nil).
  public func spectralContraction(
    _ spectrum: Variable<Element>, weight: Variable<Element>, modeIndices: [Int]? = nil
  ) -> Variable<Element> {
    apply(SpectralContraction<Element>(modeIndices: modeIndices), [spectrum, weight])
  }

  /// `[K, 2, batch, channel]` by `[M, 2, channel]`, each channel by itself.
  public func separableContraction(
    _ spectrum: Variable<Element>, weight: Variable<Element>, modeIndices: [Int]? = nil
  ) -> Variable<Element> {
    apply(SeparableContraction<Element>(modeIndices: modeIndices), [spectrum, weight])
  }
}

/// Adds a real number a channel to the coefficient of one mode of every sample: in mode zero a constant.
struct AddToMode<Element: Scalar>: DifferentiableOperation {
  let mode: Int

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let constants = inputs.removeLast()
    var spectrum = inputs.removeLast()
    let (batch, channels) = (spectrum.shape[2], spectrum.shape[3])
    precondition(constants.count == channels, "a constant for every channel")
    let real = spectrum.unsafeMutablePointer() + mode * 2 * batch * channels
    for sample in 0..<batch {
      Pointwise.add(constants.unsafePointer, to: real + sample * channels, count: channels)
    }
    withExtendedLifetime(constants) {}
    return spectrum
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    if slots.isNeeded(1) {
      let (batch, channels) = (gradient.shape[2], gradient.shape[3])
      var sums = Tensor<Element>.zeros([channels])
      let real = gradient.unsafePointer + mode * 2 * batch * channels
      let target = sums.unsafeMutablePointer()
      for sample in 0..<batch { Pointwise.add(real + sample * channels, to: target, count: channels) }
      slots.add(1, sums)
    }
    slots.add(0, gradient)
  }
}

extension Tape {
  /// The spectrum `[K, 2, batch, channel]` with `constants` `[channel]` (axes of length one allowed) added to the
  /// real part of one mode.
  public func addToMode(
    _ spectrum: consuming Variable<Element>, mode: Int, _ constants: Variable<Element>
  ) -> Variable<Element> {
    apply(AddToMode<Element>(mode: mode), [consume spectrum, constants])
  }
}
