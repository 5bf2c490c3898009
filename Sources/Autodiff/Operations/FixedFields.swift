// Operations with given, not differentiated fields: appended channels, affine maps, masks.

import Tensors

/// Appends given channels (a grid's coordinates) to every sample: `[batch, channel, …grid]` and `[extra, …grid]`
/// give `[batch, channel + extra, …grid]`.
struct AppendChannels<Element: Scalar>: DifferentiableOperation {
  let channels: Tensor<Element>

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let input = inputs[0]
    precondition(
      Array(input.shape[2...]) == Array(channels.shape[1...]), "appended channels are on the same grid")
    let (own, extra) = (input.shape[1...].reduce(1, *), channels.count)
    var output = Tensor<Element>(
      uninitialized: [input.shape[0], input.shape[1] + channels.shape[0]] + input.shape[2...])
    let (x, y, constant) = (input.unsafePointer, output.unsafeMutablePointer(), channels.unsafePointer)
    WorkerPool.shared.run(tasks: input.shape[0]) { sample in
      let target = y + sample * (own + extra)
      target.update(from: x + sample * own, count: own)
      (target + own).update(from: constant, count: extra)
    }
    withExtendedLifetime((input, channels)) {}
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard slots.isNeeded(0) else { return }
    let extra = channels.count
    let own = gradient.shape[1...].reduce(1, *) - extra
    var result = Tensor<Element>(
      uninitialized: [gradient.shape[0], gradient.shape[1] - channels.shape[0]] + gradient.shape[2...])
    let (dy, dx) = (gradient.unsafePointer, result.unsafeMutablePointer())
    WorkerPool.shared.run(tasks: gradient.shape[0]) { sample in
      (dx + sample * own).update(from: dy + sample * (own + extra), count: own)
    }
    withExtendedLifetime(gradient) {}
    slots.add(0, result)
  }
}

/// `factor ⊙ x + shift` with given factor and shift: `[channel]`, or one for every channel and point.
struct AffineMap<Element: Scalar>: DifferentiableOperation {
  let factor: Tensor<Element>
  let shift: Tensor<Element>

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    var output = inputs.removeLast()
    map(&output, shifted: true)
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    map(&gradient, shifted: false)
    slots.add(0, gradient)
  }

  private func map(_ tensor: inout Tensor<Element>, shifted: Bool) {
    let rows = ChannelRows(tensor.shape)
    let isPointwise = factor.count == rows.channels * rows.points && rows.points > 1
    precondition(isPointwise || factor.count == rows.channels, "a factor a channel or a channel and point")
    precondition(factor.count == shift.count, "as many shifts as factors")
    let (y, a, b) = (tensor.unsafeMutablePointer(), factor.unsafePointer, shift.unsafePointer)
    rows.forEachRow { row, channel in
      let target = y + row * rows.points
      if isPointwise {
        let first = channel * rows.points
        Pointwise.multiply(target, by: a + first, count: rows.points)
        if shifted { Pointwise.add(b + first, to: target, count: rows.points) }
      } else {
        Pointwise.affine(
          target, factor: a[channel], shift: shifted ? b[channel] : 0, into: target, count: rows.points)
      }
    }
    withExtendedLifetime((factor, shift)) {}
  }
}

/// `mask ⊙ x` with a given mask of the same shape.
struct Mask<Element: Scalar>: DifferentiableOperation {
  let mask: Tensor<Element>

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    var output = inputs.removeLast()
    output *= mask
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    gradient *= mask
    slots.add(0, gradient)
  }
}

extension Tape {
  /// `input` `[batch, channel, …grid]` with the same `channels` `[extra, …grid]` after every sample's own.
  public func appendChannels(_ input: Variable<Element>, _ channels: Tensor<Element>) -> Variable<Element> {
    apply(AppendChannels(channels: channels), [input])
  }

  /// `factor ⊙ input + shift`; factor and shift `[channel]` or `[channel, …grid]`.
  public func affine(
    _ input: consuming Variable<Element>, factor: Tensor<Element>, shift: Tensor<Element>
  ) -> Variable<Element> {
    apply(AffineMap(factor: factor, shift: shift), [input])
  }

  /// Sets each element to zero with `probability` and divides the others by 1 − probability. Which ones follows from
  /// the tape's seed and step and from how many dropouts came before. The identity while nothing is recorded.
  public func dropout(
    _ input: consuming Variable<Element>, probability: Double
  ) -> Variable<Element> {
    guard isRecording, probability > 0 else { return input }
    let kept = Element(1 / (1 - probability))
    let stream = RandomStream(seed: seed, purpose: RandomPurpose("dropout \(nextDropout())"), sample: step)
    var mask = Tensor<Element>.uniform(input.shape, from: stream)
    mask.withUnsafeMutableBuffer { values in
      for i in values.indices { values[i] = Double(values[i]) < probability ? 0 : kept }
    }
    return apply(Mask(mask: mask), [input])
  }
}
