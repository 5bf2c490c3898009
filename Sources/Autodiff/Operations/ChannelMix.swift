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
      batch: shape[0], points: shape[2...].reduce(1, *), channels: inChannels + 3 * outChannels)
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
    tiles.forEachGroup { _, range in
      for index in range {
        let (sample, start, count) = tiles.tile(index)
        let first = sample * outChannels * tiles.points + start
        gemm(
          m: outChannels, n: count, k: inChannels, a: w, lda: inChannels,
          b: x + sample * inChannels * tiles.points + start, ldb: tiles.points, beta: isInPlace ? 1 : 0,
          c: y + first, ldc: tiles.points)
        for channel in 0..<outChannels {
          let offset = first + channel * tiles.points
          finishRow(
            y + offset, count: count, bias: b?[channel] ?? 0, addend: a.map { $0 + offset },
            gate: g?[channel] ?? 1)
          activate(activation, y + offset, derivative: d.map { $0 + offset }, count: count)
        }
      }
    }
    withExtendedLifetime((bias, derivative)) {}
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
      batch: input.shape[0], points: input.shape[2...].reduce(1, *), channels: inChannels + 3 * outChannels)
    let shape = gradient.shape

    var inputGradient = slots.begin(0, shape: input.shape)
    var weightGradient = slots.begin(1, shape: weight.shape)
    var biasGradient = hasBias ? slots.begin(2, shape: [outChannels]) : nil
    var gatedGradient = hasGate ? slots.begin(addendIndex, shape: shape) : nil
    var gateGradient = hasGate ? slots.begin(gateIndex, shape: [outChannels]) : nil

    // A group's partial sums: the gradient of W, then of b, then of g.
    let partialCount = outChannels * (inChannels + 2)
    var partials = Tensor<Element>.zeros([tiles.groupCount, partialCount])
    let partial = partials.unsafeMutablePointer()
    let dz = gradient.unsafeMutablePointer()
    let dx = inputGradient?.tensor.unsafeMutablePointer()
    let da = gatedGradient?.tensor.unsafeMutablePointer()
    let (x, w, d) = (input.unsafePointer, weight.unsafePointer, saved.derivative?.unsafePointer)
    let (a, g) = (saved.addend?.unsafePointer, saved.gate?.unsafePointer)
    let (inputBeta, accumulatesGated) = (inputGradient?.beta ?? 0, gatedGradient?.accumulates ?? false)
    let needsWeight = weightGradient != nil
    tiles.forEachGroup { group, range in
      let sums = partial + group * partialCount
      for index in range {
        let (sample, start, count) = tiles.tile(index)
        let first = sample * outChannels * tiles.points + start
        let firstInput = sample * inChannels * tiles.points + start
        for channel in 0..<outChannels {
          let offset = first + channel * tiles.points
          if let d { Pointwise.multiply(dz + offset, by: d + offset, count: count) }
          sums[outChannels * inChannels + channel] += Element(Reductions.sum(dz + offset, count: count))
          if let a, let g {
            sums[outChannels * (inChannels + 1) + channel] += Element(
              Reductions.dot(dz + offset, a + offset, count: count))
            if let da {
              Pointwise.scale(
                dz + offset, by: g[channel], into: da + offset, accumulate: accumulatesGated,
                count: count)
            }
          }
        }
        if needsWeight {
          gemm(
            false, true, m: outChannels, n: inChannels, k: count, a: dz + first, lda: tiles.points,
            b: x + firstInput, ldb: tiles.points, beta: 1, c: sums, ldc: inChannels)
        }
        if let dx {
          gemm(
            true, false, m: inChannels, n: count, k: outChannels, a: w, lda: inChannels, b: dz + first,
            ldb: tiles.points, beta: inputBeta, c: dx + firstInput, ldc: tiles.points)
        }
      }
    }
    withExtendedLifetime(saved) {}
    sumGroups(partials, offset: 0, into: &weightGradient)
    sumGroups(partials, offset: outChannels * inChannels, into: &biasGradient)
    sumGroups(partials, offset: outChannels * (inChannels + 1), into: &gateGradient)
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
