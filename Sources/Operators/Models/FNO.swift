// The Fourier neural operator, in any dimension from one code.

import Autodiff
import Spectral
import Tensors

/// A Fourier neural operator (Li et al. 2021; Kossaifi et al. 2024), as neuraloperator builds it:
/// positions are appended to the input, a lifting network takes it to `width` channels, `layers` Fourier layers
/// follow, and a projection network makes the outputs.
///
/// One Fourier layer, activation after: `x ← σ(M(σ(N₁(K x) + S x)) …)`, precisely
/// `z = σ(N₁(K x) + S x)`, `x ← σ(N₂(M z + G x))` with the spectral convolution K, the skips S and G, the channel MLP
/// M and normalizations N; the last layer leaves its activations σ out.
///
/// Parameters carry neuraloperator's names, so that its `state_dict` is read and written as it is.
public final class FNO<Element: SpectralScalar>: NeuralOperator {
  public let configuration: FNOConfiguration
  private let lifting: ChannelMLP<Element>
  private let layers: [FourierLayer<Element>]
  private let projection: ChannelMLP<Element>
  /// Factors of the spectral weights of all layers together, where the configuration says so.
  private let jointFactors: FactorParameters<Element>?

  /// A new operator, its parameters drawn from `seed` (nil: not drawn, to be read from a file). The configuration
  /// must have no ``FNOConfiguration/problem``.
  public init(_ configuration: FNOConfiguration, seed: UInt64? = 0) {
    precondition(configuration.problem == nil, configuration.problem ?? "")
    self.configuration = configuration
    let ranks = (try? configuration.spectralRanks()) ?? []  // the precondition has excluded errors
    var initializer = Initializer(seed: seed)
    let embedded = configuration.positionalEmbedding == .none ? 0 : configuration.dimensions
    lifting = ChannelMLP(
      inChannels: configuration.inChannels + embedded, hiddenChannels: configuration.liftingChannels,
      outChannels: configuration.width, &initializer)
    let jointFactors =
      configuration.isJointlyFactorized
      ? FactorParameters(
        shape: configuration.factorizedShape, factorization: configuration.factorization, ranks: ranks,
        standardDeviation: SpectralConvolution<Element>.standardDeviation(
          inChannels: configuration.width, outChannels: configuration.width), &initializer) : nil
    self.jointFactors = jointFactors
    layers = (0..<configuration.layers).map { index in
      FourierLayer(
        configuration, ranks: ranks, shared: jointFactors.map { ($0, index) },
        isLast: index == configuration.layers - 1, &initializer)
    }
    projection = ChannelMLP(
      inChannels: configuration.width, hiddenChannels: configuration.projectionChannels,
      outChannels: configuration.outChannels, &initializer)
  }

  public func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    let grid = Array(input.shape[2...])
    precondition(
      grid.count == configuration.dimensions, "an input with \(configuration.dimensions) grid axes")
    precondition(
      input.shape[1] == configuration.inChannels, "an input with \(configuration.inChannels) channels")
    let padding = configuration.paddingWidths(grid)
    let isPadded = padding.contains { $0 > 0 }
    var hidden = lifting(embedded(input, positions, on: tape), on: tape)
    if isPadded { hidden = tape.pad(hidden, by: padding) }
    for layer in layers { hidden = layer(hidden, on: tape) }
    if isPadded { hidden = tape.crop(hidden, by: padding) }
    return projection(hidden, on: tape)
  }

  private func embedded(
    _ input: Variable<Element>, _ positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    switch configuration.positionalEmbedding {
    case .none: input
    case .grid: tape.appendChannels(input, positions.channels())
    case .uniform: tape.appendChannels(input, GridPositions(uniform: Array(input.shape[2...])).channels())
    }
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    try lifting.forEachParameter(join(path, "lifting"), body)
    try jointFactors?.forEachParameter(join(path, "fno_blocks.convs.weight"), body)
    for (index, layer) in layers.enumerated() {
      try layer.forEachParameter(join(path, "fno_blocks"), index: index, body)
    }
    try projection.forEachParameter(join(path, "projection"), body)
  }
}

extension FNO: GrowingModes {
  public var modes: [Int] { configuration.modes }

  public var activeModes: [Int] {
    get { layers.first?.convolution.activeModes ?? modes }
    set { for layer in layers { layer.convolution.activeModes = newValue } }
  }

  public func clearInactiveModes() {
    for layer in layers { layer.convolution.clearInactiveModes() }
  }

  public func modeStrengths() -> [[Double]] {
    layers.map { $0.convolution.modeStrengths() }.reduce([]) { sums, strengths in
      sums.isEmpty ? strengths : zip(sums, strengths).map { zip($0, $1).map(+) }
    }
  }
}

/// One layer of an ``FNO``.
final class FourierLayer<Element: SpectralScalar> {
  let convolution: SpectralConvolution<Element>
  private let convolutionSkip: SkipConnection<Element>
  private let mlp: ChannelMLP<Element>?
  private let mlpSkip: SkipConnection<Element>
  private let normalizations: [Normalization<Element>]
  private let isPreactivated: Bool
  private let isStabilized: Bool
  private let isLast: Bool

  init(
    _ configuration: FNOConfiguration, ranks: [Int],
    shared: (factors: FactorParameters<Element>, layer: Int)?, isLast: Bool, _ initializer: inout Initializer
  ) {
    let (width, dimensions) = (configuration.width, configuration.dimensions)
    convolution = SpectralConvolution(
      modes: configuration.modes, inChannels: width, outChannels: width, isSeparable: configuration.separable,
      factorization: configuration.factorization, ranks: ranks, contraction: configuration.contraction,
      shared: shared, &initializer)
    convolutionSkip = SkipConnection(
      configuration.spectralSkip, channels: width, dimensions: dimensions, &initializer)
    if configuration.channelMLP {
      mlp = ChannelMLP(
        inChannels: width, hiddenChannels: configuration.channelMLPChannels, outChannels: width,
        dropout: configuration.channelMLPDropout, &initializer)
      mlpSkip = SkipConnection(
        configuration.channelMLPSkip, channels: width, dimensions: dimensions, &initializer)
    } else {
      mlp = nil
      mlpSkip = .none
    }
    normalizations = (0..<2).map { _ in
      Normalization(configuration.normalization, channels: width, &initializer)
    }
    isPreactivated = configuration.preactivation
    isStabilized = configuration.tanhStabilizer
    self.isLast = isLast
  }

  func callAsFunction(_ input: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    isPreactivated ? preactivated(input, on: tape) : postactivated(input, on: tape)
  }

  private func postactivated(_ input: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    let activation: Activation = isLast ? .identity : .gelu
    if let mlp, mlp.endsFourierLayer(on: tape), case .linear(let skip) = convolutionSkip,
      normalizations.allSatisfy(\.isNone), let around = mlpSkip.around(input, on: tape)
    {
      return mlp.fourierLayerTail(
        input, convolved: convolved(input, on: tape), skip: skip, around: around, activation: activation,
        on: tape)
    }
    let hidden = convolutionSkip(
      input, addend: normalizations[0](convolved(input, on: tape), on: tape), activation: activation, on: tape
    )
    // neuraloperator has a channel MLP's skip only where it has the MLP.
    guard let mlp else {
      return tape.activate(normalizations[1](hidden, on: tape), activation)
    }
    let skip = mlpSkip.addend(input, on: tape)
    guard normalizations[1].isNone else {
      let output = mlp(hidden, addend: skip.addend, gate: skip.gate, on: tape)
      return tape.activate(normalizations[1](output, on: tape), activation)
    }
    return mlp(hidden, addend: skip.addend, gate: skip.gate, activation: activation, on: tape)
  }

  private func preactivated(_ input: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    let activated = normalizations[0](tape.activate(input, .gelu), on: tape)
    let hidden = convolutionSkip(
      activated, addend: convolved(activated, on: tape), activation: isLast ? .identity : .gelu, on: tape)
    let normalized = normalizations[1](hidden, on: tape)
    guard let mlp else { return normalized }
    let skip = mlpSkip.addend(activated, on: tape)
    return mlp(normalized, addend: skip.addend, gate: skip.gate, on: tape)
  }

  private func convolved(_ input: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    convolution(isStabilized ? tape.activate(input, .tanh) : input, on: tape)
  }

  func forEachParameter(
    _ path: String, index: Int, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    try convolution.forEachParameter(join(path, "convs.\(index)"), body)
    try convolutionSkip.forEachParameter(join(path, "fno_skips.\(index)"), body)
    try mlp?.forEachParameter(join(path, "channel_mlp.\(index)"), body)
    try mlpSkip.forEachParameter(join(path, "channel_mlp_skips.\(index)"), body)
    for (which, normalization) in normalizations.enumerated() {
      try normalization.forEachParameter(join(path, "norm.\(2 * index + which)"), body)
    }
  }
}

extension GridPositions {
  /// One channel an axis with the position of every point: `[axis, …grid]`.
  func channels<Element: Scalar>() -> Tensor<Element> {
    let (shape, strides) = (shape, Tensor<Element>.strides(of: shape))
    let points = pointCount
    var result = Tensor<Element>(uninitialized: [shape.count] + shape)
    let target = result.unsafeMutablePointer()
    for (axis, positions) in axes.enumerated() where !positions.isEmpty {
      // One period of the axis, then its repetitions.
      let (first, inner) = (target + axis * points, strides[axis])
      for (row, position) in positions.enumerated() {
        Pointwise.fill(first + row * inner, with: Element(position), count: inner)
      }
      let period = positions.count * inner
      for start in stride(from: period, to: points, by: period) {
        (first + start).update(from: first, count: period)
      }
    }
    return result
  }
}
