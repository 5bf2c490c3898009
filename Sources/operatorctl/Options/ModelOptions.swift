// Options that describe a model: those of `train` and `benchmark`.

import ArgumentParser
import Experiments
import Operators

struct ModelOptions: ParsableArguments {
  @Option(help: "The architecture.")
  var model: ModelConfiguration.Kind?

  @Option(help: ArgumentHelp("Wavenumbers kept along each axis, both signs counted.", valueName: "12x12"))
  var modes: Sizes?

  @Option(help: ArgumentHelp("Channels of the hidden layers (default: 32).", valueName: "n"))
  var width: Int?

  @Option(help: ArgumentHelp("Fourier layers (default: 4).", valueName: "n"))
  var layers: Int?

  @Option(help: ArgumentHelp("Hidden channels of the lifting network over the width.", valueName: "ratio"))
  var liftingRatio: Double?

  @Option(help: ArgumentHelp("Hidden channels of the projection network over the width.", valueName: "ratio"))
  var projectionRatio: Double?

  @Option(
    help: ArgumentHelp("Coordinates appended to the input: grid, uniform (j/n), none.", valueName: "kind"))
  var positionalEmbedding: String?

  @Option(help: ArgumentHelp("Normalization between layers: none, group, instance.", valueName: "kind"))
  var normalization: String?

  @Flag(inversion: .prefixedNo, help: "A channel MLP after every convolution.")
  var channelMlp: Bool?

  @Option(help: ArgumentHelp("Hidden channels of the channel MLP over the width.", valueName: "ratio"))
  var channelMlpExpansion: Double?

  @Option(help: ArgumentHelp("Probability of dropout in the channel MLP.", valueName: "p"))
  var channelMlpDropout: Double?

  @Option(
    help: ArgumentHelp("Skip around the channel MLP: none, identity, linear, soft-gating.", valueName: "kind")
  )
  var channelMlpSkip: String?

  @Option(
    help: ArgumentHelp("Skip around the convolution: none, identity, linear, soft-gating.", valueName: "kind")
  )
  var spectralSkip: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Zeros on both sides of each axis, as fractions of its points.", valueName: "fraction")
  )
  var domainPadding: [Double] = []

  @Flag(inversion: .prefixedNo, help: "A tanh before every convolution.")
  var tanhStabilizer: Bool?

  @Flag(inversion: .prefixedNo, help: "Convolutions that take each channel by itself.")
  var separable: Bool?

  @Option(help: ArgumentHelp("Factors of the spectral weights (tfno): tucker, cp, tt.", valueName: "kind"))
  var factorization: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Size of the factors: a fraction of the dense weights (0.05), or ranks ([64]; 3 3 3 2).",
      valueName: "rank"))
  var rank: [String] = []

  @Option(
    help: ArgumentHelp(
      "Size of the factors: parameters of all spectral weights together, at most.", valueName: "n"))
  var rankParameters: Int?

  @Flag(inversion: .prefixedNo, help: "One factorization of the weights of all layers together.")
  var jointFactorization: Bool?

  @Option(
    help: ArgumentHelp("How factors are applied: automatic, factorized, reconstructed.", valueName: "kind"))
  var contraction: String?

  @Flag(inversion: .prefixedNo, help: "Activation and normalization before the convolution.")
  var preactivation: Bool?

  @Option(
    help: ArgumentHelp("Cut the domain into 2^n patches an axis with n coarser levels.", valueName: "n"))
  var multigridLevels: Int?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("What patches share on each side, as a fraction of the whole.", valueName: "fraction"))
  var multigridOverlap: [Double] = []

  @Option(help: ArgumentHelp("Beyond the domain: periodic, reflect, replicate.", valueName: "kind"))
  var multigridBoundary: String?

  @Option(help: ArgumentHelp("Coarser levels: subsample or average.", valueName: "kind"))
  var multigridCoarsening: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Apply the operator to the coarsest picture of the whole first: patches correct what it gives.")
  var multigridCoarseSolve: Bool?

  @OptionGroup var deepONet: DeepONetOptions
  @OptionGroup var baseline: BaselineOptions

  /// Whether a model is made of a number of modes, which must be stated.
  var needsModes: Bool { model.map { [.fno, .tfno, .factorizedFNO].contains($0) } ?? true }

  /// Puts what was given over a configuration.
  func apply(to document: inout ConfigurationDocument) throws {
    func set(_ key: String, _ value: (some Encodable)?, _ option: String) throws {
      if let value { try document.set("model.\(key)", to: value, origin: "--\(option)") }
    }
    try setKind(in: &document)
    try set("modes", modes?.values, "modes")
    try set("width", width, "width")
    try set("layers", layers, "layers")
    try set("lifting_ratio", liftingRatio, "lifting-ratio")
    try set("projection_ratio", projectionRatio, "projection-ratio")
    try set("positional_embedding", positionalEmbedding, "positional-embedding")
    try set("normalization", normalization, "normalization")
    try set("channel_mlp", channelMlp, "channel-mlp")
    try set("channel_mlp_expansion", channelMlpExpansion, "channel-mlp-expansion")
    try set("channel_mlp_dropout", channelMlpDropout, "channel-mlp-dropout")
    try set("channel_mlp_skip", channelMlpSkip, "channel-mlp-skip")
    try set("spectral_skip", spectralSkip, "spectral-skip")
    try set("domain_padding", domainPadding.isEmpty ? nil : domainPadding, "domain-padding")
    try set("tanh_stabilizer", tanhStabilizer, "tanh-stabilizer")
    try set("separable", separable, "separable")
    try set("factorization", factorization, "factorization")
    try set("joint_factorization", jointFactorization, "joint-factorization")
    if let rankParameters {
      guard rank.isEmpty else { throw ValidationError("expected one of --rank and --rank-parameters") }
      try document.set("model.rank", to: ["parameters": rankParameters], origin: "--rank-parameters")
    }
    if rank.count > 1, let bad = rank.first(where: { Int($0) == nil }) {
      throw ValidationError("--rank: expected one fraction, or whole numbers, not \(bad) among several")
    }
    if !rank.isEmpty {
      let text = rank.count == 1 ? rank[0] : "[\(rank.joined(separator: ", "))]"
      try document.set("model.rank=\(text)", origin: "--rank")
    }
    try set("contraction", contraction, "contraction")
    try set("multigrid.levels", multigridLevels, "multigrid-levels")
    try set("multigrid.overlap", multigridOverlap.isEmpty ? nil : multigridOverlap, "multigrid-overlap")
    try set("multigrid.boundary", multigridBoundary, "multigrid-boundary")
    try set("multigrid.coarsening", multigridCoarsening, "multigrid-coarsening")
    try set("multigrid.coarse_solve", multigridCoarseSolve, "multigrid-coarse-solve")
    try set("preactivation", preactivation, "preactivation")
    try deepONet.apply(to: &document)
    try baseline.apply(to: &document)
  }

  /// The kind, and where a configuration has the weights of the other one of `fno` and `tfno`, its defaults for them.
  private func setKind(in document: inout ConfigurationDocument) throws {
    guard let model else { return }
    try document.set("model.kind", to: model, origin: "--model")
    guard factorization == nil, let stated = try document.text("model.factorization") else { return }
    if model == .tfno, stated == Factorization.dense.rawValue {
      document.remove("factorization", from: "model")
    } else if model == .fno, stated != Factorization.dense.rawValue {
      for key in ["factorization", "rank", "joint_factorization"] { document.remove(key, from: "model") }
    }
  }
}

extension ModelConfiguration.Kind: ExpressibleByArgument {}
