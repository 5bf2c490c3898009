// The U-Net: convolutions on coarser and coarser grids and back, as a baseline for operators.

import Autodiff
import Tensors

/// The configuration of a ``UNet``.
public struct UNetConfiguration: Sendable, Codable, Equatable {
  public var inChannels: Int
  public var outChannels: Int
  /// Grid axes, 1 or 2; 0 until the data say it.
  public var dimensions = 0
  /// Channels on the finest grid; every coarser one has twice as many.
  public var width = 32
  /// How often the grid is halved.
  public var levels = 4
  public var kernel = 3
  public var padding = ConvolutionPadding.zeros
  public var normalization = NormalizationKind.group
  public var activation = Activation.gelu
  public var positionalEmbedding = FNOConfiguration.PositionalEmbedding.grid

  public init(inChannels: Int, outChannels: Int, dimensions: Int = 0) {
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.dimensions = dimensions
  }

  /// What is wrong with the configuration, in words that name the key; nil where nothing is.
  public var problem: String? {
    for (name, value) in [("in_channels", inChannels), ("out_channels", outChannels), ("width", width)]
    where value < 1 || value > 65_536 {
      return "\(name): from 1 to 65536, not \(value)"
    }
    if !(0...2).contains(dimensions) { return "dimensions: 1 or 2 grid axes, not \(dimensions)" }
    if !(1...12).contains(levels) { return "levels: from 1 to 12, not \(levels)" }
    if width << levels > 65_536 {
      return "levels: leave \(width << levels) channels on the coarsest grid, at most 65536"
    }
    if !(1...31).contains(kernel) || kernel % 2 == 0 {
      return "kernel: an odd number from 1 to 31, not \(kernel)"
    }
    if padding == .valid { return "padding: zeros, periodic or reflect, not valid" }
    return nil
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func value<T: Decodable>(_ key: CodingKeys, _ fallback: T) throws -> T {
      try values.decodeIfPresent(T.self, forKey: key) ?? fallback
    }
    self.init(inChannels: try value(.inChannels, 0), outChannels: try value(.outChannels, 0))
    dimensions = try value(.dimensions, dimensions)
    width = try value(.width, width)
    levels = try value(.levels, levels)
    kernel = try value(.kernel, kernel)
    padding = try value(.padding, padding)
    normalization = try value(.normalization, normalization)
    activation = try value(.activation, activation)
    positionalEmbedding = try value(.positionalEmbedding, positionalEmbedding)
  }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case dimensions, width, levels, kernel, padding, normalization, activation
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case positionalEmbedding = "positional_embedding"
  }
}

/// A U-Net (Ronneberger et al. 2015) on grids of one or two axes and any size.
///
/// A block is twice a convolution, a normalization and an activation. From level to level a convolution of stride 2
/// halves the grid (n points become ⌈n/2⌉) and doubles the channels; on the way back every point is repeated, a
/// convolution halves the channels, and the block sees them beside what the way down had on that grid. Unlike a
/// Fourier operator it is bound to the resolution it was trained at.
public final class UNet<Element: Scalar>: NeuralOperator {
  public let configuration: UNetConfiguration
  private let first: ConvolutionBlock<Element>
  private let down: [(halving: ConvolutionLayer<Element>, block: ConvolutionBlock<Element>)]
  private let up: [(widening: ConvolutionLayer<Element>, block: ConvolutionBlock<Element>)]
  private let last: ConvolutionLayer<Element>

  /// A new network, its parameters drawn from `seed` (nil: not drawn, to be read from a file). The configuration must
  /// have no ``UNetConfiguration/problem`` and know its dimensions.
  public init(_ configuration: UNetConfiguration, seed: UInt64? = 0) {
    precondition(
      configuration.problem == nil && configuration.dimensions > 0, configuration.problem ?? "its dimensions")
    self.configuration = configuration
    var initializer = Initializer(seed: seed)
    let c = configuration
    func layer(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1) -> ConvolutionLayer<Element> {
      ConvolutionLayer(
        inChannels: inputs, outChannels: outputs, kernel: kernel, dimensions: c.dimensions, stride: stride,
        padding: c.padding, &initializer)
    }
    let embedded = c.positionalEmbedding == .none ? 0 : c.dimensions
    first = ConvolutionBlock(c, inChannels: c.inChannels + embedded, outChannels: c.width, &initializer)
    var down: [(halving: ConvolutionLayer<Element>, block: ConvolutionBlock<Element>)] = []
    var up: [(widening: ConvolutionLayer<Element>, block: ConvolutionBlock<Element>)] = []
    for level in 0..<c.levels {
      let (fine, coarse) = (c.width << level, c.width << (level + 1))
      down.append(
        (
          layer(fine, coarse, kernel: c.kernel, stride: 2),
          ConvolutionBlock(c, inChannels: coarse, outChannels: coarse, &initializer)
        ))
    }
    for level in 0..<c.levels {
      let (fine, coarse) = (c.width << level, c.width << (level + 1))
      up.append(
        (
          layer(coarse, fine, kernel: c.kernel),
          ConvolutionBlock(c, inChannels: 2 * fine, outChannels: fine, &initializer)
        ))
    }
    self.down = down
    self.up = up
    last = layer(c.width, c.outChannels, kernel: 1)
  }

  public func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    var hidden = first(configuration.positionalEmbedding.embed(input, positions, on: tape), on: tape)
    var skips: [Variable<Element>] = []
    for (halving, block) in down {
      skips.append(hidden)
      hidden = block(halving(hidden, on: tape), on: tape)
    }
    for (level, (widening, block)) in up.enumerated().reversed() {
      let skip = skips[level]
      let widened = widening(tape.repeatedPoints(hidden, grid: Array(skip.shape[2...])), on: tape)
      hidden = block(tape.concatenateChannels([skip, widened]), on: tape)
    }
    return last(hidden, on: tape)
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    try first.forEachParameter(join(path, "first"), body)
    for (level, (halving, block)) in down.enumerated() {
      try halving.forEachParameter(join(path, "down.\(level).halving"), body)
      try block.forEachParameter(join(path, "down.\(level).block"), body)
    }
    for (level, (widening, block)) in up.enumerated() {
      try widening.forEachParameter(join(path, "up.\(level).widening"), body)
      try block.forEachParameter(join(path, "up.\(level).block"), body)
    }
    try last.forEachParameter(join(path, "last"), body)
  }
}

/// Twice a convolution, a normalization and an activation.
final class ConvolutionBlock<Element: Scalar> {
  private let convolutions: [ConvolutionLayer<Element>]
  private let normalizations: [Normalization<Element>]
  private let activation: Activation

  init(
    _ configuration: UNetConfiguration, inChannels: Int, outChannels: Int, _ initializer: inout Initializer
  ) {
    var convolutions: [ConvolutionLayer<Element>] = []
    var normalizations: [Normalization<Element>] = []
    for index in 0..<2 {
      convolutions.append(
        ConvolutionLayer(
          inChannels: index == 0 ? inChannels : outChannels, outChannels: outChannels,
          kernel: configuration.kernel, dimensions: configuration.dimensions, padding: configuration.padding,
          &initializer))
      normalizations.append(Normalization(configuration.normalization, channels: outChannels, &initializer))
    }
    self.convolutions = convolutions
    self.normalizations = normalizations
    activation = configuration.activation
  }

  func callAsFunction(_ input: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    var hidden = input
    for (convolution, normalization) in zip(convolutions, normalizations) {
      hidden = tape.activate(normalization(convolution(hidden, on: tape), on: tape), activation)
    }
    return hidden
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    for index in convolutions.indices {
      try convolutions[index].forEachParameter(join(path, "convolutions.\(index)"), body)
      try normalizations[index].forEachParameter(join(path, "normalizations.\(index)"), body)
    }
  }
}

extension FNOConfiguration.PositionalEmbedding {
  /// `input` with the coordinates of its points among its channels.
  func embed<Element: Scalar>(
    _ input: Variable<Element>, _ positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    switch self {
    case .none: input
    case .grid: tape.appendChannels(input, positions.channels())
    case .uniform: tape.appendChannels(input, GridPositions(uniform: Array(input.shape[2...])).channels())
    }
  }
}
