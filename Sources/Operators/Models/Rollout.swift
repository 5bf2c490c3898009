// Operators that step through time: some times in, the next one out, again and again.

import Autodiff
import Tensors

/// Which channels of inputs and outputs are which times of a state.
///
/// A state has components (a variable, or an entry of its channel dimension), each with `history` times among the
/// inputs and, right after them, `steps` times among the outputs. What else is among the inputs stays as it is.
public struct RolloutLayout: Codable, Sendable, Equatable {
  public var inChannels: Int
  /// For each component its input channels, earliest first.
  public var history: [[Int]]
  /// For each component its output channels, earliest first.
  public var outputs: [[Int]]

  public init(inChannels: Int, history: [[Int]], outputs: [[Int]]) {
    self.inChannels = inChannels
    self.history = history
    self.outputs = outputs
  }

  enum CodingKeys: String, CodingKey {
    case history, outputs
    case inChannels = "in_channels"
  }

  public var components: Int { history.count }
  public var times: Int { history.first?.count ?? 0 }
  public var steps: Int { outputs.first?.count ?? 0 }
  public var outChannels: Int { components * steps }

  /// The same with so many steps; its outputs are one component after the other.
  func limited(to steps: Int) -> RolloutLayout {
    RolloutLayout(
      inChannels: inChannels, history: history,
      outputs: (0..<components).map { component in (0..<steps).map { component * steps + $0 } })
  }

  /// For every channel of the next input the one of `[input, output of one step]` that it is.
  var shift: [Int] {
    var sources = Array(0..<inChannels)
    for (component, channels) in history.enumerated() {
      for (channel, next) in zip(channels, channels.dropFirst()) { sources[channel] = next }
      if let last = channels.last { sources[last] = inChannels + component }
    }
    return sources
  }

  /// For every output channel its place among the outputs of the steps, one step after the other.
  var collection: [Int] {
    var sources = [Int](repeating: 0, count: outChannels)
    for (component, channels) in outputs.enumerated() {
      for (step, channel) in channels.enumerated() { sources[channel] = step * components + component }
    }
    return sources
  }

  /// One normalization for all times of a component, so that outputs can be inputs.
  ///
  /// - Parameters: What was fitted channel by channel.
  public func tied(_ input: Normalizer, _ output: Normalizer) -> (input: Normalizer, output: Normalizer) {
    precondition(input.kind == output.kind && input.kind != .pointwiseGaussian, "one kind, by channel")
    var (inputCenter, inputSpread) = (input.center.values, input.spread.values)
    var (outputCenter, outputSpread) = (output.center.values, output.spread.values)
    for component in 0..<components {
      let (before, after) = (history[component], outputs[component])
      let centers = before.map { inputCenter[$0] } + after.map { outputCenter[$0] }
      let spreads = before.map { inputSpread[$0] } + after.map { outputSpread[$0] }
      let (center, spread) = Self.pooled(input.kind, centers, spreads)
      for channel in before { (inputCenter[channel], inputSpread[channel]) = (center, spread) }
      for channel in after { (outputCenter[channel], outputSpread[channel]) = (center, spread) }
    }
    return (
      Normalizer(
        input.kind, center: Tensor(inputCenter, shape: input.center.shape),
        spread: Tensor(inputSpread, shape: input.spread.shape)),
      Normalizer(
        output.kind, center: Tensor(outputCenter, shape: output.center.shape),
        spread: Tensor(outputSpread, shape: output.spread.shape))
    )
  }

  private static func pooled(
    _ kind: Normalizer.Kind, _ centers: [Double], _ spreads: [Double]
  ) -> (center: Double, spread: Double) {
    let count = Double(centers.count)
    switch kind {
    case .none, .pointwiseGaussian:
      return (0, 1)
    case .gaussian:
      let mean = centers.reduce(0) { $0 + $1 / count }
      let variance = zip(centers, spreads).reduce(0.0) { sum, channel in
        sum + (channel.1 * channel.1 + (channel.0 - mean) * (channel.0 - mean)) / count
      }
      return (mean, variance.squareRoot())
    case .minMax:
      let lower = centers.min() ?? 0
      return (lower, (zip(centers, spreads).map { $0 + $1 }.max() ?? 1) - lower)
    }
  }

  /// The output normalizer of the same with fewer steps.
  public func normalizer(_ output: Normalizer, limitedTo steps: Int) -> Normalizer {
    let channels = outputs.flatMap { $0.prefix(steps) }
    return Normalizer(
      output.kind, center: Tensor(channels.map { output.center[$0] }, shape: [channels.count]),
      spread: Tensor(channels.map { output.spread[$0] }, shape: [channels.count]))
  }
}

/// An operator applied again and again: `w_{t+1} = G(w_{t−k+1}, …, w_t, a)`, its output taking the place of the latest of
/// its `k` input times; gradients go through all steps.
///
/// The state must be normalized alike at all times (``RolloutLayout/tied(_:_:)``).
public final class RolloutOperator<Element: Scalar>: NeuralOperator {
  public let base: any NeuralOperator<Element>
  public let layout: RolloutLayout

  /// - Parameter base: Takes `layout.inChannels` channels, gives one for each component.
  public init(_ base: any NeuralOperator<Element>, layout: RolloutLayout) {
    self.base = base
    self.layout = layout
  }

  /// The same operator, sharing its parameters, with so many steps.
  public func limited(to steps: Int) -> RolloutOperator {
    RolloutOperator(base, layout: layout.limited(to: steps))
  }

  public func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    var state = input
    var outputs: [Variable<Element>] = []
    for step in 0..<layout.steps {
      let output = base(state, at: positions, queries: positions, on: tape)
      outputs.append(output)
      guard step + 1 < layout.steps else { break }
      state = tape.selectedChannels(tape.concatenateChannels([state, output]), layout.shift)
    }
    return tape.selectedChannels(tape.concatenateChannels(outputs), layout.collection)
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    try base.forEachParameter(path, body)
  }

  public func prepare(from training: any BatchSource<Element>, outputNormalizer: Normalizer) throws {
    try base.prepare(from: training, outputNormalizer: outputNormalizer)
  }

  public func fitting(at positions: GridPositions, queries: GridPositions) -> OperatorFitting {
    guard queries == positions else {
      return .refused("steps through time, its output must be where its input is")
    }
    return base.fitting(at: positions, queries: queries)
  }
}

/// Every stretch of `history + steps` times of another source's samples as a sample of its own.
public struct WindowSource<Element: Scalar>: BatchSource {
  private let base: any BatchSource<Element>
  private let layout: RolloutLayout
  private let steps: Int

  /// - Parameter steps: At most those of the layout.
  public init(_ base: any BatchSource<Element>, layout: RolloutLayout, steps: Int) {
    precondition(steps >= 1 && steps <= layout.steps, "at most \(layout.steps) steps")
    self.base = base
    self.layout = layout
    self.steps = steps
  }

  private var windows: Int { layout.steps - steps + 1 }
  public var sampleCount: Int { base.sampleCount * windows }
  public var positions: GridPositions { base.positions }
  public var targetPositions: GridPositions { base.targetPositions }
  public var grid: Grid { base.grid }

  public func batch(_ indices: [Int]) throws -> Batch<Element> {
    let whole = try base.batch(indices.map { $0 / windows })
    let points = whole.input.shape[2...].reduce(1, *)
    var input = whole.input
    var target = Tensor<Element>(
      uninitialized: [indices.count, layout.components * steps] + whole.target.shape[2...])
    let (x, y, before, after) = (
      input.unsafeMutablePointer(), target.unsafeMutablePointer(), whole.input.unsafePointer,
      whole.target.unsafePointer
    )
    let (inChannels, outChannels) = (layout.inChannels, layout.outChannels)
    for (place, index) in indices.enumerated() {
      let start = index % windows
      for (component, channels) in layout.history.enumerated() {
        func state(_ time: Int) -> UnsafePointer<Element> {
          time < channels.count
            ? before + (place * inChannels + channels[time]) * points
            : after + (place * outChannels + layout.outputs[component][time - channels.count]) * points
        }
        for (time, channel) in channels.enumerated() {
          (x + (place * inChannels + channel) * points).update(from: state(start + time), count: points)
        }
        for step in 0..<steps {
          (y + (place * layout.components * steps + component * steps + step) * points).update(
            from: state(start + channels.count + step), count: points)
        }
      }
    }
    withExtendedLifetime(whole) {}
    return Batch(input: input, target: target)
  }
}
