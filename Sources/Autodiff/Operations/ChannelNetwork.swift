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

    /// `W₁ x + b₁`.
    func firstProduct(inner: Int) -> PointProduct<Element> {
      PointProduct(
        first.unsafePointer, rows: firstBias.count, inner: inner, bias: firstBias.unsafePointer)
    }
  }

  /// Sizes, and the cut into tiles, from the shapes of x and the weights.
  private struct Sizes {
    let inChannels: Int
    let hidden: Int
    let outChannels: Int
    let tiles: ChannelTiles

    init(_ input: Tensor<Element>, _ weights: Weights, _ direction: ChannelTiles.Direction) {
      inChannels = input.shape[1]
      hidden = weights.firstBias.count
      outChannels = weights.secondBias.count
      tiles = ChannelTiles(
        batch: input.shape[0], points: input.shape[2...].reduce(1, *),
        channels: inChannels + (direction == .forward ? 1 : 3) * hidden + outChannels, direction)
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
    let sizes = Sizes(input, weights, .forward)
    let (hidden, outChannels, tiles) = (sizes.hidden, sizes.outChannels, sizes.tiles)
    let shape = [input.shape[0], outChannels] + input.shape[2...]
    precondition((addend?.shape ?? shape) == shape, "an addend has the result's shape")
    var output = Tensor<Element>(uninitialized: shape)
    var derivative: Tensor<Element>? =
      recording && activation != .identity ? Tensor(uninitialized: shape) : nil

    let y = output.unsafeMutablePointer()
    let d = derivative?.unsafeMutablePointer()
    let (x, a) = (input.unsafePointer, addend?.unsafePointer)
    let first = weights.firstProduct(inner: sizes.inChannels)
    let second = PointProduct(
      weights.second.unsafePointer, rows: outChannels, inner: hidden, bias: weights.secondBias.unsafePointer,
      gate: gate?.unsafePointer)
    let (inChannels, activation, hiddenActivation) = (sizes.inChannels, activation, hiddenActivation)
    tiles.forEachGroup { _, range in
      let scratch = AlignedMemory<Element>(count: (max(inChannels, outChannels) + hidden) * tiles.tileWidth)
      // The results take the place of the input's rows, which the hidden layer has used by then.
      let h = scratch.pointer
      let rows = h + hidden * tiles.tileWidth
      for index in range {
        let tile = tiles.tile(index)
        let place = tile.offset(channels: outChannels)
        let (inputs, inputStride) = tile.rows(of: x, channels: inChannels, copies: rows)
        first(inputs, stride: inputStride, into: h, stride: tile.stride, count: tile.count)
        activate(hiddenActivation, h, derivative: nil, count: hidden * tile.stride)
        guard activation != .identity else {
          second(
            h, stride: tile.stride, into: y + place, stride: tile.points, count: tile.count,
            addend: a.map { $0 + place }, stride: tile.points)
          continue
        }
        second(
          h, stride: tile.stride, into: rows, stride: tile.stride, count: tile.count,
          addend: a.map { $0 + place }, stride: tile.points)
        tile.activateRows(activation, rows, channels: outChannels, into: y, derivative: d)
      }
    }
    withExtendedLifetime((input, addend, derivative)) {}
    if recording {
      saved = Saved(
        input: input, weights: weights, addend: hasGate ? addend : nil, gate: gate, derivative: derivative)
    }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let saved else { return }
    let weights = saved.weights
    let sizes = Sizes(saved.input, weights, .back)
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

    // A group's partial sums: of the gradients of W₁ and W₂; of those of b₁, b₂ and g.
    let (firstCount, secondCount) = (hidden * inChannels, outChannels * hidden)
    var partials = Tensor<Element>.zeros([tiles.groupCount, firstCount + secondCount])
    let channelCount = hidden + 2 * outChannels
    var channelPartials = Tensor<Double>.zeros([tiles.groupCount, channelCount])
    let partial = partials.unsafeMutablePointer()
    let channelPartial = channelPartials.unsafeMutablePointer()
    let dz = gradient.unsafeMutablePointer()
    let dx = inputGradient?.tensor.unsafeMutablePointer()
    let da = gatedGradient?.tensor.unsafeMutablePointer()
    let (x, d) = (saved.input.unsafePointer, saved.derivative?.unsafePointer)
    let (a, g) = (saved.addend?.unsafePointer, saved.gate?.unsafePointer)
    let accumulates = inputGradient?.accumulates ?? false
    let accumulatesGated = gatedGradient?.accumulates ?? false
    // The gradient becomes that of an addend without a gate.
    let isKept = hasAddend && !hasGate
    let first = weights.firstProduct(inner: inChannels)
    let secondTransposed = PointProduct(
      weights.second.unsafePointer, rows: hidden, inner: outChannels, transposed: true)
    let firstTransposed = PointProduct(
      weights.first.unsafePointer, rows: inChannels, inner: hidden, transposed: true)
    let hiddenActivation = hiddenActivation
    tiles.forEachGroup { group, range in
      let sums = channelPartial + group * channelCount
      let scratch = AlignedMemory<Element>(
        count: (inChannels + outChannels + 3 * hidden) * tiles.tileWidth)
      let rows = scratch.pointer
      let products = rows + inChannels * tiles.tileWidth
      let h = products + outChannels * tiles.tileWidth
      let dh = h + hidden * tiles.tileWidth
      let slope = dh + hidden * tiles.tileWidth
      let firstOuter = OuterProductSums<Element>(rows: hidden, columns: inChannels)
      let secondOuter = OuterProductSums<Element>(rows: outChannels, columns: hidden)
      for index in range {
        let tile = tiles.tile(index)
        let (stride, count) = (tile.stride, tile.count)
        let place = tile.offset(channels: outChannels)
        tile.prefetchNext(dz, channels: outChannels)
        for channel in 0..<outChannels {
          let offset = place + channel * tile.points
          let product = products + channel * stride
          sums[hidden + channel] += multiplyRow(
            dz + offset, derivative: d.map { $0 + offset }, isKept: isKept, into: product, count: count)
          if let a, let g {
            sums[hidden + outChannels + channel] += dotProduct(product, a + offset, count: count)
            if let da {
              Pointwise.scale(
                product, by: g[channel], into: da + offset, accumulate: accumulatesGated, count: count)
            }
          }
        }
        let (inputs, inputStride) = tile.rows(of: x, channels: inChannels, copies: rows)
        first(inputs, stride: inputStride, into: h, stride: stride, count: count)
        activate(
          hiddenActivation, h, derivative: hiddenActivation == .identity ? nil : slope, count: hidden * stride
        )
        secondOuter.add(products, stride: stride, h, stride: stride, count: count)
        secondTransposed(products, stride: stride, into: dh, stride: stride, count: count)
        for unit in 0..<hidden {
          let row = dh + unit * stride
          sums[unit] +=
            hiddenActivation == .identity
            ? Reductions.sum(row, count: count)
            : multiplyRow(row, by: slope + unit * stride, count: count)
        }
        firstOuter.add(dh, stride: stride, inputs, stride: inputStride, count: count)
        if let dx {
          let target = dx + tile.offset(channels: inChannels)
          firstTransposed(
            dh, stride: stride, into: target, stride: tile.points, count: count,
            addend: accumulates ? UnsafePointer(target) : nil, stride: tile.points)
        }
      }
      firstOuter.add(to: partial + group * (firstCount + secondCount))
      secondOuter.add(to: partial + group * (firstCount + secondCount) + firstCount)
    }
    withExtendedLifetime(saved) {}
    sumGroups(partials, offset: 0, into: &parameterGradients[0])
    sumGroups(channelSums: channelPartials, offset: 0, into: &parameterGradients[1])
    sumGroups(partials, offset: firstCount, into: &parameterGradients[2])
    sumGroups(channelSums: channelPartials, offset: hidden, into: &parameterGradients[3])
    sumGroups(channelSums: channelPartials, offset: hidden + outChannels, into: &parameterGradients[4])
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
