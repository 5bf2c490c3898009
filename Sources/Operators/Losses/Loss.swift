// What training makes small.

import Tensors

/// A weighted sum of distances of predictions from targets, of raw (de-normalized) fields.
///
/// In files a name, or a list of names and of sections with a weight:
/// `[relative_l2, {name: relative_sobolev, order: -1, weight: 0.5}]`.
public struct Loss: Sendable, Hashable {
  /// A distance; all are means over samples, norms over all channels and points of a sample.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// `‖p − t‖₂ / ‖t‖₂`.
    case relativeL2 = "relative_l2"
    /// `(p − t)²`, the mean over channels and points.
    case meanSquaredError = "mse"
    /// The relative distance in H1 by central differences: slopes count as well as values.
    case relativeH1 = "relative_h1"
    /// The relative distance in H1 by the spectrum: periodic axes, and others continued evenly.
    case relativeH1Spectral = "relative_h1_spectral"
    /// The relative distance in H^s by the spectrum; with a negative order large scales count most.
    case relativeSobolev = "relative_sobolev"
  }

  /// One part of the sum.
  public struct Term: Sendable, Hashable {
    public var kind: Kind
    public var weight: Double
    /// The s of H^s; of ``Kind/relativeSobolev`` alone.
    public var order: Double?

    public init(_ kind: Kind, weight: Double = 1, order: Double? = nil) {
      self.kind = kind
      self.weight = weight
      self.order = kind == .relativeSobolev ? order ?? -1 : order
    }
  }

  public var terms: [Term]

  public init(_ terms: [Term]) { self.terms = terms }

  public static let relativeL2 = Loss([Term(.relativeL2)])
  public static let meanSquaredError = Loss([Term(.meanSquaredError)])

  /// What is wrong with the loss; nil where nothing is.
  var problem: ConfigurationError? {
    if terms.isEmpty { return ConfigurationError(key: "loss", reason: "at least one name") }
    for term in terms {
      if !(term.weight >= 0 && term.weight.isFinite) {
        return ConfigurationError(key: "loss", reason: "weights of 0 or more, not \(term.weight)")
      }
      if let order = term.order {
        if term.kind != .relativeSobolev {
          return ConfigurationError(
            key: "loss", reason: "an order with relative_sobolev only, not with \(term.kind.rawValue)")
        }
        if !(-8...8).contains(order) {
          return ConfigurationError(key: "loss", reason: "orders from -8 to 8, not \(order)")
        }
      }
    }
    if terms.allSatisfy({ $0.weight == 0 }) {
      return ConfigurationError(key: "loss", reason: "a term with a weight above 0")
    }
    return nil
  }
}

// MARK: - In files

extension Loss: Codable {
  public init(from decoder: any Decoder) throws {
    if let single = try? decoder.singleValueContainer(), (try? single.decode(String.self)) != nil {
      terms = [Term(try single.decode(Kind.self))]
    } else if (try? decoder.container(keyedBy: Term.CodingKeys.self)) != nil {
      terms = [try Term(from: decoder)]
    } else {
      var list = try decoder.unkeyedContainer()
      terms = []
      while !list.isAtEnd { terms.append(try list.decode(Term.self)) }
    }
  }

  /// A plain name where there is nothing else to say.
  public func encode(to encoder: any Encoder) throws {
    if let term = terms.first, terms.count == 1, term.isPlain { return try term.encode(to: encoder) }
    var list = encoder.unkeyedContainer()
    for term in terms { try list.encode(term) }
  }
}

extension Loss.Term: Codable {
  public enum CodingKeys: String, CodingKey, CaseIterable {
    case kind = "name"
    case weight, order
  }

  /// Whether the name alone says it.
  fileprivate var isPlain: Bool { self == Loss.Term(kind) }

  public init(from decoder: any Decoder) throws {
    if let single = try? decoder.singleValueContainer(), (try? single.decode(String.self)) != nil {
      self.init(try single.decode(Loss.Kind.self))
      return
    }
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try values.decode(Loss.Kind.self, forKey: .kind),
      weight: try values.decodeIfPresent(Double.self, forKey: .weight) ?? 1,
      order: try values.decodeIfPresent(Double.self, forKey: .order))
  }

  public func encode(to encoder: any Encoder) throws {
    guard !isPlain else {
      var single = encoder.singleValueContainer()
      return try single.encode(kind.rawValue)
    }
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(kind, forKey: .kind)
    try values.encode(weight, forKey: .weight)
    if let order { try values.encode(order, forKey: .order) }
  }
}
