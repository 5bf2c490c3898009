// Two linear maps of the channels with an activation between them, tile by tile.

import RealModule
import Tensors

/// `y = σ(W₂ φ(W₁ x + b₁) + b₂ + g ⊙ a)` at every point.
///
/// The hidden values exist for one tile at a time, forward and backward alike: the backward pass computes them
/// anew from x, which costs one product more and saves writing and reading them.
///
/// Shapes: x `[batch, in, …grid]`, W₁ `[hidden, in]`, b₁ `[hidden]`, W₂ `[out, hidden]`, b₂ `[out]`,
/// a `[batch, out, …grid]`, g `[out]`; a and g may be absent (g then is 1).
struct ChannelNetwork<Element: Scalar>: DifferentiableOperation {
  let hasAddend: Bool
  let hasGate: Bool
  let hiddenActivation: Activation
  let activation: Activation

  private var saved: Saved?

  private struct Saved {
    let input: Tensor<Element>
    let weights: Weights
    let addend: Tensor<Element>?
    let gate: Tensor<Element>?
    let derivative: Tensor<Element>?
  }

  private struct Weights {
    let first: Tensor<Element>
    let firstBias: Tensor<Element>
    let second: Tensor<Element>
    let secondBias: Tensor<Element>
  }

  /// Sizes, and the cut into tiles, from the shapes of x and the weights.
  private struct Sizes {
    let inChannels: Int
    let hidden: Int
    let outChannels: Int
    let tiles: ChannelTiles

    init(_ input: Tensor<Element>, _ weights: Weights) {
      inChannels = input.shape[1]
      hidden = weights.firstBias.count
      outChannels = weights.secondBias.count
      tiles = ChannelTiles(
        batch: input.shape[0], points: input.shape[2...].reduce(1, *),
        channels: inChannels + 3 * hidden + 3 * outChannels)
      precondition(weights.first.count == hidden * inChannels, "the first weight has \(inChannels) columns")
      precondition(weights.second.count == outChannels * hidden, "the second weight has \(hidden) columns")
    }
  }

  init(hasAddend: Bool, hasGate: Bool, hiddenActivation: Activation, activation: Activation) {
    precondition(hasAddend || !hasGate, "a gate needs an addend")
    self.hasAddend = hasAddend
    self.hasGate = hasGate
    self.hiddenActivation = hiddenActivation
    self.activation = activation
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let input = inputs[0]
    let weights = Weights(first: inputs[1], firstBias: inputs[2], second: inputs[3], secondBias: inputs[4])
    let addend = hasAddend ? inputs[5] : nil
    let gate = hasGate ? inputs[6] : nil
    inputs = []
    let sizes = Sizes(input, weights)
    let (hidden, outChannels, tiles) = (sizes.hidden, sizes.outChannels, sizes.tiles)
    let shape = [input.shape[0], outChannels] + input.shape[2...]
    precondition((addend?.shape ?? shape) == shape, "an addend has the result's shape")
    var output = Tensor<Element>(uninitialized: shape)
    var derivative: Tensor<Element>? =
      recording && activation != .identity ? Tensor(uninitialized: shape) : nil

    let y = output.unsafeMutablePointer()
    let d = derivative?.unsafeMutablePointer()
    let x = input.unsafePointer
    let (w2, b2) = (weights.second.unsafePointer, weights.secondBias.unsafePointer)
    let (a, g) = (addend?.unsafePointer, gate?.unsafePointer)
    tiles.forEachGroup { _, range in
      let scratch = AlignedMemory<Element>(count: hidden * tiles.tileWidth)
      let h = scratch.pointer
      for index in range {
        let (sample, start, count) = tiles.tile(index)
        let first = sample * outChannels * tiles.points + start
        hiddenValues(
          h, derivative: nil, weights, x + (sample * sizes.inChannels * tiles.points + start), sizes,
          count: count)
        gemm(
          m: outChannels, n: count, k: hidden, a: w2, lda: hidden, b: h, ldb: count, c: y + first,
          ldc: tiles.points)
        for channel in 0..<outChannels {
          let offset = first + channel * tiles.points
          finishRow(
            y + offset, count: count, bias: b2[channel], addend: a.map { $0 + offset }, gate: g?[channel] ?? 1
          )
          activate(activation, y + offset, derivative: d.map { $0 + offset }, count: count)
        }
      }
    }
    withExtendedLifetime(derivative) {}
    if recording {
      saved = Saved(
        input: input, weights: weights, addend: hasGate ? addend : nil, gate: gate, derivative: derivative)
    }
    return output
  }

  /// `φ(W₁ x + b₁)` of one tile into `h` `[hidden, count]`, and φ' where asked for.
  private func hiddenValues(
    _ h: UnsafeMutablePointer<Element>, derivative: UnsafeMutablePointer<Element>?, _ weights: Weights,
    _ x: UnsafePointer<Element>, _ sizes: Sizes, count: Int
  ) {
    let bias = weights.firstBias.unsafePointer
    gemm(
      m: sizes.hidden, n: count, k: sizes.inChannels, a: weights.first.unsafePointer, lda: sizes.inChannels,
      b: x, ldb: sizes.tiles.points, c: h, ldc: count)
    for unit in 0..<sizes.hidden {
      finishRow(h + unit * count, count: count, bias: bias[unit], addend: nil, gate: 1)
    }
    activate(hiddenActivation, h, derivative: derivative, count: sizes.hidden * count)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let saved else { return }
    let weights = saved.weights
    let sizes = Sizes(saved.input, weights)
    let (inChannels, hidden, outChannels) = (sizes.inChannels, sizes.hidden, sizes.outChannels)
    let tiles = sizes.tiles
    let shape = gradient.shape

    var inputGradient = slots.begin(0, shape: saved.input.shape)
    var parameterGradients = [
      slots.begin(1, shape: weights.first.shape), slots.begin(2, shape: [hidden]),
      slots.begin(3, shape: weights.second.shape), slots.begin(4, shape: [outChannels]),
      hasGate ? slots.begin(6, shape: [outChannels]) : nil,
    ]
    var gatedGradient = hasGate ? slots.begin(5, shape: shape) : nil

    // A group's partial sums, one after the other: W₁, b₁, W₂, b₂, g.
    let offsets = [0, hidden * inChannels, hidden, outChannels * hidden, outChannels].reduce(into: [Int]()) {
      $0.append(($0.last ?? 0) + $1)
    }
    let partialCount = (offsets.last ?? 0) + outChannels
    var partials = Tensor<Element>.zeros([tiles.groupCount, partialCount])
    let partial = partials.unsafeMutablePointer()
    let dz = gradient.unsafeMutablePointer()
    let dx = inputGradient?.tensor.unsafeMutablePointer()
    let da = gatedGradient?.tensor.unsafeMutablePointer()
    let (x, w1, w2) = (saved.input.unsafePointer, weights.first.unsafePointer, weights.second.unsafePointer)
    let (d, a, g) = (saved.derivative?.unsafePointer, saved.addend?.unsafePointer, saved.gate?.unsafePointer)
    let (inputBeta, accumulatesGated) = (inputGradient?.beta ?? 0, gatedGradient?.accumulates ?? false)
    tiles.forEachGroup { group, range in
      let sums = partial + group * partialCount
      let scratch = AlignedMemory<Element>(count: 3 * hidden * tiles.tileWidth)
      let h = scratch.pointer
      let dh = h + hidden * tiles.tileWidth
      let slope = dh + hidden * tiles.tileWidth
      for index in range {
        let (sample, start, count) = tiles.tile(index)
        let first = sample * outChannels * tiles.points + start
        let firstInput = sample * inChannels * tiles.points + start
        hiddenValues(
          h, derivative: hiddenActivation == .identity ? nil : slope, weights, x + firstInput, sizes,
          count: count)
        for channel in 0..<outChannels {
          let offset = first + channel * tiles.points
          if let d { Pointwise.multiply(dz + offset, by: d + offset, count: count) }
          sums[offsets[3] + channel] += Element(Reductions.sum(dz + offset, count: count))
          if let a, let g {
            sums[offsets[4] + channel] += Element(Reductions.dot(dz + offset, a + offset, count: count))
            if let da {
              Pointwise.scale(
                dz + offset, by: g[channel], into: da + offset, accumulate: accumulatesGated,
                count: count)
            }
          }
        }
        gemm(
          false, true, m: outChannels, n: hidden, k: count, a: dz + first, lda: tiles.points, b: h,
          ldb: count,
          beta: 1, c: sums + offsets[2], ldc: hidden)
        gemm(
          true, false, m: hidden, n: count, k: outChannels, a: w2, lda: hidden, b: dz + first,
          ldb: tiles.points,
          c: dh, ldc: count)
        if hiddenActivation != .identity { Pointwise.multiply(dh, by: slope, count: hidden * count) }
        for unit in 0..<hidden {
          sums[offsets[1] + unit] += Element(Reductions.sum(dh + unit * count, count: count))
        }
        gemm(
          false, true, m: hidden, n: inChannels, k: count, a: dh, lda: count, b: x + firstInput,
          ldb: tiles.points,
          beta: 1, c: sums, ldc: inChannels)
        if let dx {
          gemm(
            true, false, m: inChannels, n: count, k: hidden, a: w1, lda: inChannels, b: dh, ldb: count,
            beta: inputBeta, c: dx + firstInput, ldc: tiles.points)
        }
      }
    }
    withExtendedLifetime(saved) {}
    for index in parameterGradients.indices {
      sumGroups(partials, offset: offsets[index], into: &parameterGradients[index])
    }
    slots.end(0, inputGradient)
    for index in 0..<4 { slots.end(index + 1, parameterGradients[index]) }
    if hasGate {
      slots.end(5, gatedGradient)
      slots.end(6, parameterGradients[4])
    } else if hasAddend {
      slots.add(5, gradient)
    }
  }
}

extension Tape {
  /// `activation(second · hiddenActivation(first · x + firstBias) + secondBias + gate ⊙ addend)` at every point.
  ///
  /// Shapes as in ``channelMix(_:weight:bias:addend:gate:activation:)``; the hidden layer is never stored.
  public func channelNetwork(
    _ input: Variable<Element>, first: Variable<Element>, firstBias: Variable<Element>,
    second: Variable<Element>, secondBias: Variable<Element>, addend: Variable<Element>? = nil,
    gate: Variable<Element>? = nil, hiddenActivation: Activation = .gelu, activation: Activation = .identity
  ) -> Variable<Element> {
    let operation = ChannelNetwork<Element>(
      hasAddend: addend != nil, hasGate: gate != nil, hiddenActivation: hiddenActivation,
      activation: activation)
    return apply(
      operation, [input, first, firstBias, second, secondBias] + [addend, gate].compactMap { $0 })
  }
}
