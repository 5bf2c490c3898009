// A linear map of the channels at every point, and what follows it, in one pass over memory.

import RealModule
import Tensors

/// `y = σ(W x + b + g ⊙ a)` at every point: W mixes the channels of x, b is a bias, a an addend of y's shape, g its
/// gate a channel, σ an activation; b, a and g may be absent (g then is 1).
///
/// Shapes: x `[batch, in, …grid]`, W `[out, in]` (trailing ones allowed), b `[out]`, a `[batch, out, …grid]`,
/// g `[out]`. Each tile of points stays in cache through product, bias, addend and activation; an addend without
/// a gate that nobody else holds becomes the result's memory.
struct ChannelMix<Element: Scalar>: DifferentiableOperation {
  let hasBias: Bool
  let hasAddend: Bool
  let hasGate: Bool
  let activation: Activation

  private var saved: Saved?

  private struct Saved {
    let input: Tensor<Element>
    let weight: Tensor<Element>
    let addend: Tensor<Element>?
    let gate: Tensor<Element>?
    let derivative: Tensor<Element>?
  }

  init(hasBias: Bool, hasAddend: Bool, hasGate: Bool, activation: Activation) {
    precondition(hasAddend || !hasGate, "a gate needs an addend")
    self.hasBias = hasBias
    self.hasAddend = hasAddend
    self.hasGate = hasGate
    self.activation = activation
  }

  private var addendIndex: Int { hasBias ? 3 : 2 }
  private var gateIndex: Int { addendIndex + 1 }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let input = inputs[0]
    let weight = inputs[1]
    let bias = hasBias ? inputs[2] : nil
    var addend = hasAddend ? inputs[addendIndex] : nil
    let gate = hasGate ? inputs[gateIndex] : nil
    inputs = []
    let inChannels = input.shape[1]
    let outChannels = weight.count / inChannels
    let shape = [input.shape[0], outChannels] + input.shape[2...]
    let tiles = ChannelTiles(
      batch: shape[0], points: shape[2...].reduce(1, *), channels: inChannels + outChannels, .forward)
    precondition(weight.count == inChannels * outChannels, "the weight has \(inChannels) columns")

    // The addend's memory where it is ours alone; its values are then what the product is added to.
    let isInPlace = hasAddend && !hasGate && addend?.isUniquelyReferenced == true
    var output = (isInPlace ? addend.take() : nil) ?? Tensor(uninitialized: shape)
    precondition(
      output.shape == shape && (addend?.shape ?? shape) == shape, "an addend has the result's shape")
    var derivative: Tensor<Element>? =
      recording && activation != .identity ? Tensor(uninitialized: shape) : nil

    let y = output.unsafeMutablePointer()
    let d = derivative?.unsafeMutablePointer()
    let (x, w, b, a, g) = (
      input.unsafePointer, weight.unsafePointer, bias?.unsafePointer, addend?.unsafePointer,
      gate?.unsafePointer
    )
    let product = PointProduct(w, rows: outChannels, inner: inChannels, bias: b, gate: g)
    // What is added lies in the result's own memory where that is the addend's.
    let added = isInPlace ? UnsafePointer(y) : a
    let activation = activation
    tiles.forEachGroup { _, range in
      let scratch = AlignedMemory<Element>(count: (inChannels + outChannels) * tiles.tileWidth)
      let rows = scratch.pointer
      let results = rows + inChannels * tiles.tileWidth
      for index in range {
        let tile = tiles.tile(index)
        let first = tile.offset(channels: outChannels)
        tile.copyRows(x, channels: inChannels, to: rows)
        guard activation != .identity else {
          product(
            rows, stride: tile.stride, into: y + first, stride: tile.points, count: tile.count,
            addend: added.map { $0 + first }, stride: tile.points)
          continue
        }
        product(
          rows, stride: tile.stride, into: results, stride: tile.stride, count: tile.count,
          addend: added.map { $0 + first }, stride: tile.points)
        tile.activateRows(activation, results, channels: outChannels, into: y, derivative: d)
      }
    }
    withExtendedLifetime((input, addend, derivative)) {}
    if recording {
      saved = Saved(
        input: input, weight: weight, addend: hasGate ? addend : nil, gate: gate, derivative: derivative)
    }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let saved else { return }
    let (input, weight) = (saved.input, saved.weight)
    let inChannels = input.shape[1]
    let outChannels = weight.count / inChannels
    let tiles = ChannelTiles(
      batch: input.shape[0], points: input.shape[2...].reduce(1, *), channels: inChannels + outChannels,
      .back)
    let shape = gradient.shape

    var inputGradient = slots.begin(0, shape: input.shape)
    var weightGradient = slots.begin(1, shape: weight.shape)
    var biasGradient = hasBias ? slots.begin(2, shape: [outChannels]) : nil
    var gatedGradient = hasGate ? slots.begin(addendIndex, shape: shape) : nil
    var gateGradient = hasGate ? slots.begin(gateIndex, shape: [outChannels]) : nil

    // A group's partial sums: of the gradient of W; of those of b and g.
    let weightCount = outChannels * inChannels
    var partials = Tensor<Element>.zeros([tiles.groupCount, weightCount])
    var channelPartials = Tensor<Double>.zeros([tiles.groupCount, 2 * outChannels])
    let partial = partials.unsafeMutablePointer()
    let channelPartial = channelPartials.unsafeMutablePointer()
    let dz = gradient.unsafeMutablePointer()
    let dx = inputGradient?.tensor.unsafeMutablePointer()
    let da = gatedGradient?.tensor.unsafeMutablePointer()
    let (x, d) = (input.unsafePointer, saved.derivative?.unsafePointer)
    let (a, g) = (saved.addend?.unsafePointer, saved.gate?.unsafePointer)
    let accumulates = inputGradient?.accumulates ?? false
    let accumulatesGated = gatedGradient?.accumulates ?? false
    let needsWeight = weightGradient != nil
    // The gradient becomes that of an addend without a gate.
    let isKept = hasAddend && !hasGate
    let transposed = PointProduct(
      weight.unsafePointer, rows: inChannels, inner: outChannels, transposed: true)
    tiles.forEachGroup { group, range in
      let sums = channelPartial + group * 2 * outChannels
      let scratch = AlignedMemory<Element>(count: (inChannels + outChannels) * tiles.tileWidth)
      let rows = scratch.pointer
      let products = rows + inChannels * tiles.tileWidth
      let outer = OuterProductSums<Element>(
        rows: needsWeight ? outChannels : 0, columns: needsWeight ? inChannels : 0)
      for index in range {
        let tile = tiles.tile(index)
        let first = tile.offset(channels: outChannels)
        for channel in 0..<outChannels {
          let offset = first + channel * tile.points
          let product = products + channel * tile.stride
          sums[channel] += multiplyRow(
            dz + offset, derivative: d.map { $0 + offset }, isKept: isKept, into: product, count: tile.count)
          if let a, let g {
            sums[outChannels + channel] += dotProduct(product, a + offset, count: tile.count)
            if let da {
              Pointwise.scale(
                product, by: g[channel], into: da + offset, accumulate: accumulatesGated, count: tile.count)
            }
          }
        }
        if needsWeight {
          tile.copyRows(x, channels: inChannels, to: rows)
          outer.add(products, stride: tile.stride, rows, stride: tile.stride, count: tile.count)
        }
        if let dx {
          let target = dx + tile.offset(channels: inChannels)
          transposed(
            products, stride: tile.stride, into: target, stride: tile.points, count: tile.count,
            addend: accumulates ? UnsafePointer(target) : nil, stride: tile.points)
        }
      }
      outer.add(to: partial + group * weightCount)
    }
    withExtendedLifetime(saved) {}
    sumGroups(partials, offset: 0, into: &weightGradient)
    sumGroups(channelSums: channelPartials, offset: 0, into: &biasGradient)
    sumGroups(channelSums: channelPartials, offset: outChannels, into: &gateGradient)
    slots.end(0, inputGradient)
    slots.end(1, weightGradient)
    if hasBias { slots.end(2, biasGradient) }
    if hasGate {
      slots.end(addendIndex, gatedGradient)
      slots.end(gateIndex, gateGradient)
    } else if hasAddend {
      slots.add(addendIndex, gradient)
    }
  }
}

extension Tape {
  /// `activation(weight · x + bias + gate ⊙ addend)` at every point, `weight` mixing the channels.
  ///
  /// - Parameters:
  ///   - input: `[batch, in, …grid]`.
  ///   - weight: `[out, in]`, trailing axes of length one allowed.
  ///   - bias: `[out]`.
  ///   - addend: `[batch, out, …grid]`.
  ///   - gate: `[out]`, a factor of the addend for each channel.
  /// - Returns: `[batch, out, …grid]`.
  public func channelMix(
    _ input: Variable<Element>, weight: Variable<Element>, bias: Variable<Element>? = nil,
    addend: consuming Variable<Element>? = nil, gate: Variable<Element>? = nil,
    activation: Activation = .identity
  ) -> Variable<Element> {
    let operation = ChannelMix<Element>(
      hasBias: bias != nil, hasAddend: addend != nil, hasGate: gate != nil, activation: activation)
    var inputs = [input, weight]
    if let bias { inputs.append(bias) }
    if let addend = addend.take() { inputs.append(addend) }
    if let gate { inputs.append(gate) }
    return apply(operation, inputs)
  }
}
