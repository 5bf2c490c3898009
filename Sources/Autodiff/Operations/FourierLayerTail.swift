// What follows the spectral convolution in a Fourier layer, in one pass over memory each way.

import RealModule
import Tensors

/// `z = σ(S x + s)`, `y = σ(W₂ φ(W₁ z + b₁) + b₂ + g ⊙ x)` at every point: the linear skip S around a spectral
/// convolution with the result s, the channel network and the skip around it, g ⊙ x, x or nothing.
///
/// Each tile of points stays in cache from x and s to y. For the way back S x + s is saved, in the memory of s where
/// nobody else holds it, and σ′ at the end, or not even that where memory is to be saved; z and the hidden values are
/// computed anew.
///
/// Shapes: x, s and y `[batch, channel, …grid]`, S `[channel, channel]`, W₁ `[hidden, channel]`, b₁ `[hidden]`,
/// W₂ `[channel, hidden]`, b₂ and g `[channel]`.
struct FourierLayerTail<Element: Scalar>: DifferentiableOperation {
  enum Skip: Equatable { case none, identity, gated }

  let skip: Skip
  let activation: Activation
  /// Whether σ′ is computed anew, too.
  let savesMemory: Bool

  private var saved: Saved?

  init(skip: Skip, activation: Activation, savesMemory: Bool) {
    self.skip = skip
    self.activation = activation
    self.savesMemory = savesMemory
  }

  private struct Saved {
    let input: Tensor<Element>
    /// S x + s.
    let sum: Tensor<Element>
    let derivative: Tensor<Element>?
    let weights: Weights
  }

  private struct Weights {
    let skip: Tensor<Element>
    let first: Tensor<Element>
    let firstBias: Tensor<Element>
    let second: Tensor<Element>
    let secondBias: Tensor<Element>
    let gate: Tensor<Element>?

    var channels: Int { secondBias.count }
    var hidden: Int { firstBias.count }

    var skipProduct: PointProduct<Element> {
      PointProduct(skip.unsafePointer, rows: channels, inner: channels)
    }
    var firstProduct: PointProduct<Element> {
      PointProduct(first.unsafePointer, rows: hidden, inner: channels, bias: firstBias.unsafePointer)
    }
    var secondProduct: PointProduct<Element> {
      PointProduct(
        second.unsafePointer, rows: channels, inner: hidden, bias: secondBias.unsafePointer,
        gate: gate?.unsafePointer)
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let weights = Weights(
      skip: inputs[2], first: inputs[3], firstBias: inputs[4], second: inputs[5], secondBias: inputs[6],
      gate: skip == .gated ? inputs[7] : nil)
    let input = inputs[0]
    var sum = inputs[1]
    inputs = []
    let (channels, hidden) = (weights.channels, weights.hidden)
    precondition(input.shape == sum.shape && input.shape[1] == channels, "x and s have one shape")
    precondition(
      weights.skip.count == channels * channels && weights.first.count == hidden * channels
        && weights.second.count == channels * hidden, "weights of \(channels) channels")
    let tiles = ChannelTiles(
      batch: input.shape[0], points: input.shape[2...].reduce(1, *), channels: 2 * channels + hidden, .forward
    )
    let shape = input.shape
    // Without a way back the result may lie where s was.
    let isInPlace = !recording && sum.isUniquelyReferenced
    let addend = recording || isInPlace ? UnsafePointer(sum.unsafeMutablePointer()) : sum.unsafePointer
    let kept = recording ? UnsafeMutablePointer(mutating: addend) : nil
    var output = isInPlace ? sum : Tensor<Element>(uninitialized: shape)
    if isInPlace { sum = Tensor(uninitialized: [0]) }
    var derivative: Tensor<Element>? =
      recording && activation != .identity && !savesMemory ? Tensor(uninitialized: shape) : nil

    let (x, y, d) = (
      input.unsafePointer, output.unsafeMutablePointer(), derivative?.unsafeMutablePointer()
    )
    let linear = weights.skipProduct
    let first = weights.firstProduct
    let second = weights.secondProduct
    let (skip, activation) = (skip, activation)
    tiles.forEachGroup { _, range in
      let scratch = AlignedMemory<Element>(count: (2 * channels + hidden) * tiles.tileWidth)
      let rows = scratch.pointer
      let z = rows + channels * tiles.tileWidth
      let h = z + channels * tiles.tileWidth
      for index in range {
        let tile = tiles.tile(index)
        let (stride, count) = (tile.stride, tile.count)
        let place = tile.offset(channels: channels)
        let (inputs, inputStride) = tile.rows(
          of: x, channels: channels, copies: rows, prefetchesNext: skip == .none)
        if let kept {
          linear(
            inputs, stride: inputStride, into: kept + place, stride: tile.points, count: count,
            addend: UnsafePointer(kept + place), stride: tile.points)
          tile.activateRows(activation, of: kept, channels: channels, into: z, derivative: nil)
        } else {
          linear(
            inputs, stride: inputStride, into: z, stride: stride, count: count, addend: addend + place,
            stride: tile.points)
          activate(activation, z, derivative: nil, count: channels * stride)
        }
        first(z, stride: stride, into: h, stride: stride, count: count)
        activate(.gelu, h, derivative: nil, count: hidden * stride)
        second(
          h, stride: stride, into: z, stride: stride, count: count,
          addend: skip == .none ? nil : inputs, stride: inputStride, next: x + (place + count),
          stride: tile.points)
        tile.activateRows(activation, z, channels: channels, into: y, derivative: d)
      }
    }
    withExtendedLifetime((input, sum, derivative)) {}
    if recording { saved = Saved(input: input, sum: sum, derivative: derivative, weights: weights) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let saved else { return }
    let weights = saved.weights
    let (channels, hidden) = (weights.channels, weights.hidden)
    let shape = gradient.shape
    let tiles = ChannelTiles(
      batch: shape[0], points: shape[2...].reduce(1, *), channels: 5 * channels + 3 * hidden, .back)
    var inputGradient = slots.begin(0, shape: shape)
    var parameterGradients = [
      slots.begin(2, shape: weights.skip.shape), slots.begin(3, shape: weights.first.shape),
      slots.begin(4, shape: [hidden]), slots.begin(5, shape: weights.second.shape),
      slots.begin(6, shape: [channels]), skip == .gated ? slots.begin(7, shape: [channels]) : nil,
    ]
    // A group's partial sums: of the gradients of S, W₁ and W₂; of those of b₁, b₂ and g.
    let (linearCount, firstCount) = (channels * channels, hidden * channels)
    let productCount = linearCount + 2 * firstCount
    let channelCount = hidden + 2 * channels
    var partials = Tensor<Element>.zeros([tiles.groupCount, productCount])
    var channelPartials = Tensor<Double>.zeros([tiles.groupCount, channelCount])
    let partial = partials.unsafeMutablePointer()
    let channelPartial = channelPartials.unsafeMutablePointer()
    // The gradient of s takes the place of y's.
    let dy = gradient.unsafeMutablePointer()
    let dx = inputGradient?.tensor.unsafeMutablePointer()
    let accumulates = inputGradient?.accumulates ?? false
    let (x, s, d) = (
      saved.input.unsafePointer, saved.sum.unsafePointer, saved.derivative?.unsafePointer
    )
    let first = weights.firstProduct
    let second = weights.secondProduct
    let secondTransposed = PointProduct(
      weights.second.unsafePointer, rows: hidden, inner: channels, transposed: true)
    let firstTransposed = PointProduct(
      weights.first.unsafePointer, rows: channels, inner: hidden, transposed: true)
    let linearTransposed = PointProduct(
      weights.skip.unsafePointer, rows: channels, inner: channels, transposed: true,
      gate: weights.gate?.unsafePointer)
    let (skip, activation) = (skip, activation)
    let recomputes = activation != .identity && d == nil
    tiles.forEachGroup { group, range in
      let sums = channelPartial + group * channelCount
      let width = tiles.tileWidth
      let scratch = AlignedMemory<Element>(count: (5 * channels + 3 * hidden) * width)
      let rows = scratch.pointer
      let (dz, z, slope) = (rows + channels * width, rows + 2 * channels * width, rows + 3 * channels * width)
      let (end, h) = (rows + 4 * channels * width, rows + 5 * channels * width)
      let (dh, hiddenSlope) = (h + hidden * width, h + 2 * hidden * width)
      let linearOuter = OuterProductSums<Element>(rows: channels, columns: channels)
      let firstOuter = OuterProductSums<Element>(rows: hidden, columns: channels)
      let secondOuter = OuterProductSums<Element>(rows: channels, columns: hidden)
      for index in range {
        let tile = tiles.tile(index)
        let (stride, count) = (tile.stride, tile.count)
        let place = tile.offset(channels: channels)
        // What the forward pass had.
        let (inputs, inputStride) = tile.rows(of: x, channels: channels, copies: rows)
        tile.activateRows(
          activation, of: s, channels: channels, into: z,
          derivative: activation == .identity ? nil : slope)
        first(z, stride: stride, into: h, stride: stride, count: count)
        activate(.gelu, h, derivative: hiddenSlope, count: hidden * stride)
        if recomputes {
          second(
            h, stride: stride, into: dz, stride: stride, count: count,
            addend: skip == .none ? nil : inputs, stride: inputStride)
          activate(activation, dz, derivative: end, count: channels * stride)
        }
        // dz is the gradient of what the last activation was applied to, then z that of S x + s.
        tile.prefetchNext(dy, channels: channels)
        if let d { tile.prefetchNext(d, channels: channels) }
        for channel in 0..<channels {
          let offset = place + channel * tile.points
          let factor = recomputes ? UnsafePointer(end + channel * stride) : d.map { $0 + offset }
          sums[hidden + channel] += multiplyRow(
            dy + offset, derivative: factor, isKept: false, into: dz + channel * stride, count: count)
          if skip == .gated {
            sums[hidden + channels + channel] += dotProduct(
              dz + channel * stride, inputs + channel * inputStride, count: count)
          }
        }
        secondOuter.add(dz, stride: stride, h, stride: stride, count: count)
        secondTransposed(dz, stride: stride, into: dh, stride: stride, count: count)
        for unit in 0..<hidden {
          sums[unit] += multiplyRow(
            dh + unit * stride, by: hiddenSlope + unit * stride, count: count)
        }
        firstOuter.add(dh, stride: stride, z, stride: stride, count: count)
        firstTransposed(dh, stride: stride, into: z, stride: stride, count: count)
        if activation == .identity {
          tile.copyBack(z, channels: channels, to: dy)
        } else {
          tile.multiplyRows(z, by: slope, channels: channels, copyingTo: dy)
        }
        linearOuter.add(z, stride: stride, inputs, stride: inputStride, count: count)
        guard let dx else { continue }
        // Where the gradient is added to another: the input's rows have been used.
        linearTransposed(
          z, stride: stride, into: accumulates ? rows : dx + place,
          stride: accumulates ? stride : tile.points,
          count: count, addend: skip == .none ? nil : UnsafePointer(dz), stride: stride)
        if accumulates { tile.addBack(rows, channels: channels, to: dx) }
      }
      let products = partial + group * productCount
      linearOuter.add(to: products)
      firstOuter.add(to: products + linearCount)
      secondOuter.add(to: products + linearCount + firstCount)
    }
    withExtendedLifetime((saved.input, saved.sum, saved.derivative)) {}
    sumGroups(partials, offset: 0, into: &parameterGradients[0])
    sumGroups(partials, offset: linearCount, into: &parameterGradients[1])
    sumGroups(channelSums: channelPartials, offset: 0, into: &parameterGradients[2])
    sumGroups(partials, offset: linearCount + firstCount, into: &parameterGradients[3])
    sumGroups(channelSums: channelPartials, offset: hidden, into: &parameterGradients[4])
    sumGroups(channelSums: channelPartials, offset: hidden + channels, into: &parameterGradients[5])
    slots.end(0, inputGradient)
    slots.add(1, gradient)
    for index in parameterGradients.indices where index < 5 || skip == .gated {
      slots.end(index + 2, parameterGradients[index])
    }
  }
}

extension Tape {
  /// What follows the spectral convolution in a Fourier layer: `z = activation(skip · input + convolved)`, then
  /// `activation(second · gelu(first · z + firstBias) + secondBias + around)`, where `around` is `gate ⊙ input`, the input
  /// itself, or nothing.
  ///
  /// Shapes: `input`, `convolved` and the result `[batch, channel, …grid]`, `skip` `[channel, channel]`, `first`
  /// `[hidden, channel]`, `second` `[channel, hidden]` (trailing axes of length one allowed), biases and gate one number a
  /// channel.
  public func fourierLayerTail(
    _ input: Variable<Element>, convolved: consuming Variable<Element>, skip: Variable<Element>,
    first: Variable<Element>, firstBias: Variable<Element>, second: Variable<Element>,
    secondBias: Variable<Element>, around: Around<Element>, activation: Activation
  ) -> Variable<Element> {
    var inputs = [input, consume convolved, skip, first, firstBias, second, secondBias]
    let kind: FourierLayerTail<Element>.Skip
    switch around {
    case .nothing: kind = .none
    case .input: kind = .identity
    case .gatedInput(let gate):
      kind = .gated
      inputs.append(gate)
    }
    return apply(
      FourierLayerTail<Element>(skip: kind, activation: activation, savesMemory: savesMemory), consume inputs)
  }
}

/// What goes around a channel network.
public enum Around<Element: Scalar> {
  case nothing
  case input
  /// The input times a factor a channel.
  case gatedInput(Variable<Element>)
}
