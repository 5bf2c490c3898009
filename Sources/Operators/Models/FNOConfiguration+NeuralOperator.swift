// The constructor arguments of neuraloperator's `FNO`, read from and written to JSON.

import Foundation

extension FNOConfiguration {
  /// Reads the arguments of neuraloperator's `FNO(…)` from a JSON object; what is absent has neuraloperator's default.
  ///
  /// - Throws: ``ConfigurationError`` for a key that is unknown, of the wrong type, or an option that has no
  ///   counterpart here.
  public init(neuralOperatorJSON json: Data) throws {
    let object: Any
    do {
      object = try JSONSerialization.jsonObject(with: json)
    } catch {
      throw ConfigurationError(key: "configuration", reason: "is not JSON")
    }
    guard let arguments = object as? [String: Any] else {
      throw ConfigurationError(key: "configuration", reason: "is not a JSON object")
    }
    var reader = ArgumentReader(arguments)
    self.init(
      modes: try reader.integers("n_modes"), inChannels: try reader.integer("in_channels"),
      outChannels: try reader.integer("out_channels"), width: try reader.integer("hidden_channels"))
    layers = try reader.integer("n_layers", default: 4)
    liftingRatio = try reader.number("lifting_channel_ratio", default: 2)
    projectionRatio = try reader.number("projection_channel_ratio", default: 2)
    positionalEmbedding = try reader.choice(
      "positional_embedding", [("grid", .uniform), (nil, .none)], default: .uniform)
    normalization = try reader.choice(
      "norm", [(nil, .none), ("group_norm", .group), ("instance_norm", .instance)], default: .none)
    channelMLP = try reader.boolean("use_channel_mlp", default: true)
    channelMLPDropout = try reader.number("channel_mlp_dropout", default: 0)
    channelMLPExpansion = try reader.number("channel_mlp_expansion", default: 0.5)
    channelMLPSkip = try reader.choice("channel_mlp_skip", Self.skipNames, default: .softGating)
    spectralSkip = try reader.choice("fno_skip", Self.skipNames, default: .linear)
    tanhStabilizer = try reader.choice("stabilizer", [(nil, false), ("tanh", true)], default: false)
    separable = try reader.boolean("separable", default: false)
    preactivation = try reader.boolean("preactivation", default: false)
    factorization = try reader.choice(
      "factorization",
      [nil, "dense", "Dense"].map { ($0, Factorization.dense) }
        + ["tucker", "Tucker"].map { ($0, .tucker) } + ["cp", "CP"].map { ($0, .cp) }
        + ["tt", "TT"].map { ($0, .tt) }, default: .dense)
    contraction = try reader.choice(
      "implementation", [("factorized", .factorized), ("reconstructed", .reconstructed)], default: .factorized
    )
    rank = try reader.rank(
      "rank", default: 1, of: factorization, axes: (separable ? 1 : 2) + modes.count)
    domainPadding = try reader.padding("domain_padding", dimensions: modes.count)
    try reader.expectDefaults([
      "complex_data": [false], "fno_block_precision": ["full"], "resolution_scaling_factor": [NSNull(), 1],
      "fixed_rank_modes": [NSNull(), false], "non_linearity": ["gelu", "F.gelu"],
      "max_n_modes": [NSNull(), modes], "decomposition_kwargs": [NSNull(), [String: String]()],
      "conv_module": ["SpectralConv"],
    ])
    try reader.expectNothingElse()
    if let problem { throw ConfigurationError(key: "configuration", reason: problem) }
  }

  /// The arguments of neuraloperator's `FNO(…)` that build the same model, as JSON.
  ///
  /// - Throws: ``ConfigurationError`` where neuraloperator has no such option: positions scaled by the extent of
  ///   the domain (``PositionalEmbedding/grid``).
  public func neuralOperatorJSON() throws -> Data {
    guard positionalEmbedding != .grid else {
      throw ConfigurationError(
        key: "positional_embedding",
        reason: "neuraloperator knows the positions j/n (uniform) or none, not the grid's own (grid)")
    }
    guard !isJointlyFactorized else {
      throw ConfigurationError(
        key: "joint_factorization", reason: "neuraloperator factorizes the weights of each layer by itself")
    }
    func name(_ skip: SkipKind) -> Any { skip == .none ? NSNull() : skip.rawValue }
    let arguments: [String: Any] = [
      "n_modes": modes, "in_channels": inChannels, "out_channels": outChannels, "hidden_channels": width,
      "n_layers": layers, "lifting_channel_ratio": liftingRatio, "projection_channel_ratio": projectionRatio,
      "positional_embedding": positionalEmbedding == .none ? NSNull() : "grid",
      "norm": normalization == .none ? NSNull() : "\(normalization.rawValue)_norm",
      "use_channel_mlp": channelMLP, "channel_mlp_dropout": channelMLPDropout,
      "channel_mlp_expansion": channelMLPExpansion, "channel_mlp_skip": name(channelMLPSkip),
      "fno_skip": name(spectralSkip), "domain_padding": domainPadding.isEmpty ? NSNull() : domainPadding,
      "stabilizer": tanhStabilizer ? "tanh" : NSNull(), "separable": separable,
      "preactivation": preactivation,
      "factorization": factorization == .dense ? NSNull() : factorization.rawValue,
      "rank": try rankArgument(),
      "implementation": contraction == .reconstructed ? "reconstructed" : "factorized",
    ]
    return try JSONSerialization.data(withJSONObject: arguments, options: [.prettyPrinted, .sortedKeys])
  }

  /// The ranks themselves, so that nothing depends on how a fraction is rounded.
  private func rankArgument() throws -> Any {
    let ranks = try spectralRanks()
    return switch factorization {
    case .dense: 1.0
    case .cp: ranks[0]
    case .tucker, .tt: ranks
    }
  }

  private static let skipNames: [(String?, SkipKind)] = [
    (nil, .none), ("linear", .linear), ("identity", .identity), ("soft-gating", .softGating),
  ]
}

/// Takes arguments out of a JSON object one by one and knows which are left.
private struct ArgumentReader {
  private var arguments: [String: Any]

  init(_ arguments: [String: Any]) { self.arguments = arguments }

  private mutating func take(_ key: String) -> Any? { arguments.removeValue(forKey: key) }

  private func mismatch(_ key: String, _ expected: String, _ value: Any) -> ConfigurationError {
    ConfigurationError(key: key, reason: "expected \(expected), not \(value)")
  }

  /// A JSON number that is no boolean (JSONSerialization makes both `NSNumber`).
  private func number(_ value: Any) -> Double? {
    if value is Bool, "\(type(of: value))".contains("Bool") { return nil }
    return (value as? NSNumber)?.doubleValue
  }

  mutating func integer(_ key: String, default fallback: Int? = nil) throws -> Int {
    guard let value = take(key) else {
      if let fallback { return fallback }
      throw ConfigurationError(key: key, reason: "is missing")
    }
    guard let number = number(value), let integer = Int(exactly: number) else {
      throw mismatch(key, "an integer", value)
    }
    return integer
  }

  mutating func integers(_ key: String) throws -> [Int] {
    guard let value = take(key) else { throw ConfigurationError(key: key, reason: "is missing") }
    let list = value as? [Any] ?? [value]
    let integers = list.compactMap { number($0).flatMap { Int(exactly: $0) } }
    guard integers.count == list.count, !integers.isEmpty else {
      throw mismatch(key, "a list of integers", value)
    }
    return integers
  }

  mutating func number(_ key: String, default fallback: Double) throws -> Double {
    guard let value = take(key) else { return fallback }
    guard let number = number(value), number.isFinite else { throw mismatch(key, "a number", value) }
    return number
  }

  mutating func boolean(_ key: String, default fallback: Bool) throws -> Bool {
    guard let value = take(key) else { return fallback }
    guard let boolean = value as? Bool else { throw mismatch(key, "true or false", value) }
    return boolean
  }

  mutating func choice<T>(_ key: String, _ choices: [(String?, T)], default fallback: T) throws -> T {
    guard let value = take(key) else { return fallback }
    let name = value as? String
    guard value is NSNull || name != nil, let choice = choices.first(where: { $0.0 == name }) else {
      throw mismatch(key, "one of \(choices.map { $0.0 ?? "null" }.joined(separator: ", "))", value)
    }
    return choice.1
  }

  /// A fraction of the dense count, or ranks; a whole number above 1 is the rank of every axis, as in tensorly.
  mutating func rank(
    _ key: String, default fallback: Double, of factorization: Factorization, axes: Int
  ) throws -> TensorRank {
    guard let value = take(key) else { return .fraction(fallback) }
    if let number = number(value) {
      guard number > 1, let rank = Int(exactly: number) else { return .fraction(number) }
      return switch factorization {
      case .dense: .fraction(fallback)
      case .cp: .ranks([rank])
      case .tucker: .ranks([Int](repeating: rank, count: axes))
      case .tt: .ranks([1] + [Int](repeating: rank, count: axes - 1) + [1])
      }
    }
    let list = (value as? [Any] ?? []).compactMap { number($0).flatMap { Int(exactly: $0) } }
    guard !list.isEmpty, list.count == (value as? [Any])?.count else {
      throw mismatch(key, "a fraction or a list of ranks", value)
    }
    return .ranks(list)
  }

  mutating func padding(_ key: String, dimensions: Int) throws -> [Double] {
    guard let value = take(key), !(value is NSNull) else { return [] }
    let list = (value as? [Any] ?? [Any](repeating: value, count: dimensions)).compactMap { number($0) }
    guard list.count == dimensions else {
      throw mismatch(key, "a fraction, or one for each of \(dimensions) axes", value)
    }
    return list.contains { $0 > 0 } ? list : []
  }

  /// Options that exist here only with the value that neuraloperator has by default.
  mutating func expectDefaults(_ allowed: [String: [Any]]) throws {
    for (key, values) in allowed.sorted(by: { $0.key < $1.key }) {
      guard let value = take(key) else { continue }
      guard values.contains(where: { ($0 as? NSObject) == (value as? NSObject) }) else {
        throw ConfigurationError(key: key, reason: "\(value) has no counterpart here")
      }
    }
  }

  mutating func ignore(_ keys: [String]) {
    for key in keys { arguments.removeValue(forKey: key) }
  }

  func expectNothingElse() throws {
    if let key = arguments.keys.min() {
      throw ConfigurationError(key: key, reason: "is no option of neuraloperator's FNO that is known here")
    }
  }
}
