// The factorized Fourier neural operator: one axis at a time.

import Autodiff
import Spectral
import Tensors

/// The configuration of a ``FactorizedFNO``.
public struct FactorizedFNOConfiguration: Sendable, Codable, Equatable {
  /// Wavenumbers kept along each axis, both signs counted; their number is the dimension, 1 to 3.
  public var modes: [Int]
  public var inChannels: Int
  public var outChannels: Int
  public var width = 64
  public var layers = 4
  /// Channels of the feed-forward network's hidden layer over `width`.
  public var expansion = 4.0
  /// Channels of the projection's hidden layer.
  public var projectionChannels = 128
  public var activation = Activation.relu
  /// Whether all layers have the same spectral weights.
  public var sharedWeights = false
  public var positionalEmbedding = FNOConfiguration.PositionalEmbedding.grid

  public init(modes: [Int], inChannels: Int, outChannels: Int) {
    self.modes = modes
    self.inChannels = inChannels
    self.outChannels = outChannels
  }

  public var dimensions: Int { modes.count }

  var hiddenChannels: Int { Int((expansion * Double(width)).rounded()) }

  /// What is wrong with the configuration, in words that name the key; nil where nothing is.
  public var problem: String? {
    if modes.isEmpty || modes.count > 3 { return "modes: 1 to 3 axes are possible, not \(modes.count)" }
    for (name, value) in [
      ("modes", modes.min() ?? 0), ("modes", modes.max() ?? 0), ("in_channels", inChannels),
      ("out_channels", outChannels), ("width", width), ("layers", layers),
      ("projection_channels", projectionChannels),
    ] where value < 1 || value > 65_536 {
      return "\(name): from 1 to 65536, not \(value)"
    }
    if !(expansion > 0 && expansion <= 1024 && hiddenChannels >= 1) {
      return "expansion: a positive number that leaves a channel at width \(width), not \(expansion)"
    }
    return nil
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func value<T: Decodable>(_ key: CodingKeys, _ fallback: T) throws -> T {
      try values.decodeIfPresent(T.self, forKey: key) ?? fallback
    }
    self.init(
      modes: try values.decode([Int].self, forKey: .modes), inChannels: try value(.inChannels, 0),
      outChannels: try value(.outChannels, 0))
    width = try value(.width, width)
    layers = try value(.layers, layers)
    expansion = try value(.expansion, expansion)
    projectionChannels = try value(.projectionChannels, projectionChannels)
    activation = try value(.activation, activation)
    sharedWeights = try value(.sharedWeights, sharedWeights)
    positionalEmbedding = try value(.positionalEmbedding, positionalEmbedding)
  }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case modes, width, layers, expansion, activation
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case projectionChannels = "projection_channels"
    case sharedWeights = "shared_weights"
    case positionalEmbedding = "positional_embedding"
  }
}

/// A factorized Fourier neural operator (Tran et al. 2023): positions appended, a linear lifting, then layers
/// `x ← x + σ(W₂ σ(W₁ K(x) + b₁) + b₂)` with `K = Σ_a F_a⁻¹ R_a F_a`, a transform and a weight `[in, out, modes]` for each
/// axis by itself, and a projection of two linear maps.
public final class FactorizedFNO<Element: SpectralScalar>: NeuralOperator {
  public let configuration: FactorizedFNOConfiguration
  private let lifting: ChannelMLP<Element>
  private let layers: [FactorizedLayer<Element>]
  private let projection: ChannelMLP<Element>

  /// A new operator, its parameters drawn from `seed` (nil: not drawn, to be read from a file). The configuration must
  /// have no ``FactorizedFNOConfiguration/problem``.
  public init(_ configuration: FactorizedFNOConfiguration, seed: UInt64? = 0) {
    precondition(configuration.problem == nil, configuration.problem ?? "")
    self.configuration = configuration
    var initializer = Initializer(seed: seed)
    let embedded = configuration.positionalEmbedding == .none ? 0 : configuration.dimensions
    lifting = ChannelMLP(
      inChannels: configuration.inChannels + embedded, hiddenChannels: 0, outChannels: configuration.width,
      &initializer)
    var layers: [FactorizedLayer<Element>] = []
    for _ in 0..<configuration.layers {
      layers.append(
        FactorizedLayer(
          configuration, sharing: configuration.sharedWeights ? layers.first : nil, &initializer))
    }
    self.layers = layers
    projection = ChannelMLP(
      inChannels: configuration.width, hiddenChannels: configuration.projectionChannels,
      outChannels: configuration.outChannels, &initializer)
  }

  public func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    var hidden = lifting(configuration.positionalEmbedding.embed(input, positions, on: tape), on: tape)
    for layer in layers { hidden = layer(hidden, on: tape) }
    return projection(hidden, on: tape)
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    try lifting.forEachParameter(join(path, "lifting"), body)
    for (index, layer) in layers.enumerated() {
      try layer.forEachParameter(
        join(path, "layers.\(index)"), withSpectralWeights: index == 0 || !configuration.sharedWeights, body)
    }
    try projection.forEachParameter(join(path, "projection"), body)
  }
}

/// One layer of a ``FactorizedFNO``.
final class FactorizedLayer<Element: SpectralScalar> {
  private let modes: [Int]
  private let spectral: [Parameter<Element>]
  private let feedForward: [(weight: Parameter<Element>, bias: Parameter<Element>)]
  private let activation: Activation

  init(
    _ configuration: FactorizedFNOConfiguration, sharing other: FactorizedLayer?,
    _ initializer: inout Initializer
  ) {
    let (width, hidden) = (configuration.width, configuration.hiddenChannels)
    modes = configuration.modes
    activation = configuration.activation
    if let other {
      spectral = other.spectral
    } else {
      var weights: [Parameter<Element>] = []
      for count in configuration.modes {
        weights.append(
          initializer.normal(
            shape: [width, width, count / 2 + 1], layout: .modeMajorComplex(leading: 2),
            standardDeviation: (Element(1) / Element(width)).squareRoot()))
      }
      spectral = weights
    }
    feedForward = [(width, hidden), (hidden, width)].map { inputs, outputs in
      (
        initializer.uniform(shape: [outputs, inputs, 1], fanIn: inputs),
        initializer.uniform(shape: [outputs], fanIn: inputs)
      )
    }
  }

  func callAsFunction(_ input: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    var convolved = convolution(input, axis: 0, on: tape)
    for axis in modes.indices.dropFirst() {
      convolved = tape.sum(convolved, convolution(input, axis: axis, on: tape))
    }
    for (weight, bias) in feedForward {
      convolved = tape.channelMix(
        convolved, weight: tape.variable(weight), bias: tape.variable(bias), activation: activation)
    }
    return tape.sum(convolved, input)
  }

  /// A convolution along one axis, all others taken as samples.
  private func convolution(
    _ input: Variable<Element>, axis: Int, on tape: Tape<Element>
  ) -> Variable<Element> {
    let grid = input.shape.count - 2
    let others = (0..<grid).filter { $0 != axis }.map { $0 + 2 }
    // [batch, …other axes, channel, axis]
    let order = [0] + others + [1, axis + 2]
    let lines = tape.permuted(input, order)
    let (shape, count) = (lines.shape, input.shape[axis + 2])
    let transform = TruncatedTransform<Element>.cached(gridShape: [count], modes: [modes[axis]])
    let kept = transform.keptShape[0]
    let spectrum = tape.truncatedAnalysis(
      tape.reshaped(lines, [shape.dropLast(2).reduce(1, *), input.shape[1], count]), transform)
    // A grid too coarse for some of the modes has the first ones.
    let product = tape.spectralContraction(
      spectrum, weight: tape.variable(spectral[axis]),
      modeIndices: kept == modes[axis] / 2 + 1 ? nil : Array(0..<kept))
    let output = tape.reshaped(tape.truncatedSynthesis(product, transform), shape)
    var inverse = order
    for (place, source) in order.enumerated() { inverse[source] = place }
    return tape.permuted(output, inverse)
  }

  func forEachParameter(
    _ path: String, withSpectralWeights: Bool, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    if withSpectralWeights {
      for (axis, weight) in spectral.enumerated() { try body(join(path, "spectral.\(axis)"), weight) }
    }
    for (index, layer) in feedForward.enumerated() {
      try body(join(path, "feed_forward.\(index).weight"), layer.weight)
      try body(join(path, "feed_forward.\(index).bias"), layer.bias)
    }
  }
}
