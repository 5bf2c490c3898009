// Sums, activations and factors a channel.

import RealModule
import Tensors

/// `a + b`, of one shape.
struct Sum<Element: Scalar>: DifferentiableOperation {
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    precondition(inputs[0].shape == inputs[1].shape, "a sum's terms have one shape")
    let second = inputs.removeLast()
    var first = inputs.removeLast()
    first += second
    return first
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    slots.add(0, copy gradient)
    slots.add(1, gradient)
  }
}

/// `σ(x)` at every element.
struct Activate<Element: Scalar>: DifferentiableOperation {
  let activation: Activation
  private var derivative: Tensor<Element>?

  init(_ activation: Activation) { self.activation = activation }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    var output = inputs.removeLast()
    guard activation != .identity else { return output }
    var slopes: Tensor<Element>? = recording ? Tensor(uninitialized: output.shape) : nil
    let (y, d) = (output.unsafeMutablePointer(), slopes?.unsafeMutablePointer())
    let kind = activation
    WorkerPool.shared.forEachRange(count: output.count, grain: 4096) { range in
      activate(
        kind, y + range.lowerBound, derivative: d.map { $0 + range.lowerBound }, count: range.count)
    }
    derivative = slopes
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    if let derivative { gradient *= derivative }
    slots.add(0, gradient)
  }
}

/// `g ⊙ x` with a factor a channel: x `[batch, channel, …grid]`, g `[channel]` (axes of length one allowed).
struct Gate<Element: Scalar>: DifferentiableOperation {
  private var saved: (input: Tensor<Element>, gate: Tensor<Element>)?

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (input, gate) = (inputs[0], inputs[1])
    let rows = ChannelRows(input.shape)
    precondition(gate.count == rows.channels, "a gate has a factor a channel")
    var output = Tensor<Element>(uninitialized: input.shape)
    let (x, g, y) = (input.unsafePointer, gate.unsafePointer, output.unsafeMutablePointer())
    rows.forEachRow { row, channel in
      Pointwise.scale(
        x + row * rows.points, by: g[channel], into: y + row * rows.points, accumulate: false,
        count: rows.points)
    }
    withExtendedLifetime((input, gate)) {}
    if recording { saved = (input, gate) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (input, gate) = saved else { return }
    let rows = ChannelRows(input.shape)
    if slots.isNeeded(1) {
      slots.add(1, rows.dotProducts(gradient, input).reshaped(gate.shape))
    }
    guard var result = slots.begin(0, shape: input.shape) else { return }
    let (dy, g, dx) = (gradient.unsafePointer, gate.unsafePointer, result.tensor.unsafeMutablePointer())
    let accumulates = result.accumulates
    rows.forEachRow { row, channel in
      Pointwise.scale(
        dy + row * rows.points, by: g[channel], into: dx + row * rows.points, accumulate: accumulates,
        count: rows.points)
    }
    withExtendedLifetime((gradient, gate)) {}
    slots.end(0, result)
  }
}

/// The same values in another shape.
struct Reshape<Element: Scalar>: DifferentiableOperation {
  let inputShape: [Int]
  let shape: [Int]

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    inputs[0].reshaped(shape)
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    slots.add(0, gradient.reshaped(inputShape))
  }
}

/// The rows of `[batch, channel, …grid]`: the points of one channel of one sample.
struct ChannelRows {
  let batch: Int
  let channels: Int
  let points: Int

  init(_ shape: [Int]) {
    batch = shape[0]
    channels = shape[1]
    points = shape[2...].reduce(1, *)
  }

  /// Runs `body(row, channel)` for every row over the pool.
  func forEachRow(_ body: (Int, Int) -> Void) {
    let channels = channels
    WorkerPool.shared.forEachRange(count: batch * channels, grain: max(1, 4096 / max(points, 1))) { range in
      for row in range { body(row, row % channels) }
    }
  }

  /// For every channel the sum over samples and points of `a ⊙ b`: `[channel]`.
  func dotProducts<E: Scalar>(_ a: Tensor<E>, _ b: Tensor<E>) -> Tensor<E> {
    var sums = Tensor<E>(uninitialized: [channels])
    let (pa, pb, target) = (a.unsafePointer, b.unsafePointer, sums.unsafeMutablePointer())
    WorkerPool.shared.run(tasks: channels) { channel in
      var sum: E = 0
      for sample in 0..<batch {
        let offset = (sample * channels + channel) * points
        sum += E(Reductions.dot(pa + offset, pb + offset, count: points))
      }
      target[channel] = sum
    }
    withExtendedLifetime((a, b)) {}
    return sums
  }
}

extension Tape {
  /// `a + b`, of one shape.
  public func sum(_ a: consuming Variable<Element>, _ b: consuming Variable<Element>) -> Variable<Element> {
    apply(Sum<Element>(), [a, b])
  }

  /// The activation of every element.
  public func activate(_ input: consuming Variable<Element>, _ activation: Activation) -> Variable<Element> {
    apply(Activate<Element>(activation), [input])
  }

  /// `gate ⊙ input` with a factor for each channel.
  public func gate(_ input: Variable<Element>, by gate: Variable<Element>) -> Variable<Element> {
    apply(Gate<Element>(), [input, gate])
  }

  /// The same values in another shape of as many elements.
  public func reshaped(_ input: Variable<Element>, _ shape: [Int]) -> Variable<Element> {
    apply(Reshape<Element>(inputShape: input.shape, shape: shape), [input])
  }
}
