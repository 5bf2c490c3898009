// Everything that a Fourier neural operator is built from.

import Tensors

/// The configuration of an ``FNO``: neuraloperator's options under the field's names, with its defaults.
public struct FNOConfiguration: Sendable, Codable, Equatable {
  /// Which coordinates are appended to the input's channels.
  public enum PositionalEmbedding: String, Sendable, Codable, CaseIterable {
    case none
    /// Where the points are, scaled to [0, 1] by the extent of the domain.
    case grid
    /// `j/n`, wherever the points are: what neuraloperator does.
    case uniform
  }

  /// Wavenumbers kept along each axis, both signs counted; their number is the dimension, 1 to 3.
  public var modes: [Int]
  public var inChannels: Int
  public var outChannels: Int
  /// Channels of the hidden layers.
  public var width: Int
  public var layers = 4
  /// Channels of the lifting network's hidden layer over `width`; 0 for a linear lifting.
  public var liftingRatio = 2.0
  public var projectionRatio = 2.0
  public var positionalEmbedding = PositionalEmbedding.grid
  public var normalization = NormalizationKind.none
  public var channelMLP = true
  /// Channels of the channel MLP's hidden layer over `width`.
  public var channelMLPExpansion = 0.5
  public var channelMLPDropout = 0.0
  public var channelMLPSkip = SkipKind.softGating
  public var spectralSkip = SkipKind.linear
  /// Zeros put on both sides of each axis, as a fraction of its points; empty for none.
  public var domainPadding: [Double] = []
  /// Whether a tanh comes before every spectral convolution.
  public var tanhStabilizer = false
  /// Whether the convolution takes each channel by itself.
  public var separable = false
  /// How the spectral weights are stored.
  public var factorization = Factorization.dense
  /// Whether the weights of all layers are one tensor, with an axis of layers in front.
  public var jointFactorization = false
  /// The size of the factors of weights that are not dense.
  public var rank = TensorRank.fraction(0.1)
  /// Whether factorized weights are put together before use.
  public var contraction = ContractionKind.automatic
  /// Whether activation and normalization come before the convolution rather than after it.
  public var preactivation = false

  public init(modes: [Int], inChannels: Int, outChannels: Int, width: Int) {
    self.modes = modes
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.width = width
  }

  public var dimensions: Int { modes.count }

  var liftingChannels: Int { Int(liftingRatio * Double(width)) }
  var projectionChannels: Int { Int(projectionRatio * Double(width)) }
  var channelMLPChannels: Int { Int((channelMLPExpansion * Double(width)).rounded(.toNearestOrEven)) }

  /// The shape of a layer's spectral weight, `[in, out, …modes]` or `[channel, …modes]`.
  var spectralWeightShape: [Int] {
    (separable ? [width] : [width, width]) + SpectralConvolution<Float>.keptShape(modes)
  }

  var isJointlyFactorized: Bool { jointFactorization && factorization != .dense }

  /// The shape of a tensor that is factorized: of a layer's weight, or with an axis of layers in front.
  var factorizedShape: [Int] { (jointFactorization ? [layers] : []) + spectralWeightShape }

  /// The ranks of the spectral weights; empty where they are dense.
  ///
  /// - Throws: ``ConfigurationError`` for ranks that the shape does not allow.
  public func spectralRanks() throws(ConfigurationError) -> [Int] {
    guard factorization != .dense else { return [] }
    return try rank.ranks(
      for: factorization, shape: factorizedShape, copies: jointFactorization ? 1 : layers)
  }

  /// Points put on both sides of each axis of a grid.
  func paddingWidths(_ grid: [Int]) -> [Int] {
    guard !domainPadding.isEmpty else { return grid.map { _ in 0 } }
    return zip(domainPadding, grid).map { Int(($0 * Double($1)).rounded(.toNearestOrEven)) }
  }

  /// What no size of a sensible model exceeds, and no count of its weights.
  private static let largestSize = 65_536
  private static let largestCount = 1e11

  /// What is wrong with the configuration, in words that name the key; nil where nothing is.
  public var problem: String? {
    if modes.isEmpty || modes.count > 3 { return "modes: 1 to 3 axes are possible, not \(modes.count)" }
    if let bad = modes.first(where: { $0 < 1 || $0 > Self.largestSize }) {
      return "modes: from 1 to \(Self.largestSize) an axis, not \(bad)"
    }
    let weights = spectralWeightShape.reduce(2.0 * Double(layers)) { $0 * Double($1) }
    if factorization == .dense, weights > Self.largestCount {
      return "modes: \(modes) at width \(width) make more weights than memory holds"
    }
    for (name, value) in [
      ("in_channels", inChannels), ("out_channels", outChannels), ("width", width), ("layers", layers),
    ] where value < 1 || value > Self.largestSize {
      return "\(name): from 1 to \(Self.largestSize), not \(value)"
    }
    for (name, value) in [
      ("projection_ratio", projectionChannels), ("channel_mlp_expansion", channelMLPChannels),
    ] where value < 1 {
      return "\(name): a value large enough to leave a channel at width \(width)"
    }
    if !(liftingRatio >= 0) { return "lifting_ratio: 0 or more, not \(liftingRatio)" }
    if !(0..<1).contains(channelMLPDropout) {
      return "channel_mlp_dropout: from 0 to below 1, not \(channelMLPDropout)"
    }
    if !domainPadding.isEmpty {
      if domainPadding.count != modes.count {
        return "domain_padding: one fraction for each of \(modes.count) axes, not \(domainPadding.count)"
      }
      if let bad = domainPadding.first(where: { !(0...1).contains($0) }) {
        return "domain_padding: fractions from 0 to 1, not \(bad)"
      }
    }
    if jointFactorization, factorization == .dense {
      return "joint_factorization: a factorization (tucker, cp, tt) beside it"
    }
    do {
      _ = try spectralRanks()
    } catch {
      return error.description
    }
    return nil
  }

  /// What is absent has its default; the channels may be absent too (1) where the data will say them.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func value<T: Decodable>(_ key: CodingKeys, _ fallback: T) throws -> T {
      try values.decodeIfPresent(T.self, forKey: key) ?? fallback
    }
    self.init(
      modes: try values.decode([Int].self, forKey: .modes), inChannels: try value(.inChannels, 1),
      outChannels: try value(.outChannels, 1), width: try value(.width, 32))
    layers = try value(.layers, layers)
    liftingRatio = try value(.liftingRatio, liftingRatio)
    projectionRatio = try value(.projectionRatio, projectionRatio)
    positionalEmbedding = try value(.positionalEmbedding, positionalEmbedding)
    normalization = try value(.normalization, normalization)
    channelMLP = try value(.channelMLP, channelMLP)
    channelMLPExpansion = try value(.channelMLPExpansion, channelMLPExpansion)
    channelMLPDropout = try value(.channelMLPDropout, channelMLPDropout)
    channelMLPSkip = try value(.channelMLPSkip, channelMLPSkip)
    spectralSkip = try value(.spectralSkip, spectralSkip)
    domainPadding = try value(.domainPadding, domainPadding)
    tanhStabilizer = try value(.tanhStabilizer, tanhStabilizer)
    separable = try value(.separable, separable)
    preactivation = try value(.preactivation, preactivation)
    factorization = try value(.factorization, factorization)
    jointFactorization = try value(.jointFactorization, jointFactorization)
    rank = try value(.rank, rank)
    contraction = try value(.contraction, contraction)
  }

  /// The keys of configurations and checkpoints.
  public enum CodingKeys: String, CodingKey, CaseIterable {
    case modes, width, layers, separable, preactivation, normalization, factorization, rank, contraction
    case jointFactorization = "joint_factorization"
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case liftingRatio = "lifting_ratio"
    case projectionRatio = "projection_ratio"
    case positionalEmbedding = "positional_embedding"
    case channelMLP = "channel_mlp"
    case channelMLPExpansion = "channel_mlp_expansion"
    case channelMLPDropout = "channel_mlp_dropout"
    case channelMLPSkip = "channel_mlp_skip"
    case spectralSkip = "spectral_skip"
    case domainPadding = "domain_padding"
    case tanhStabilizer = "tanh_stabilizer"
  }
}
