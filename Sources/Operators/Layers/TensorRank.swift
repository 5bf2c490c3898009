// How large the factors of a factorized weight are.

import RealModule

/// The size of a factorization: a fraction of the dense parameter count, the ranks themselves, or a number of
/// parameters not to be exceeded.
///
/// In files `0.1`, `[3, 3, 3, 2]` and `{parameters: 20000}`. A whole number without a point is refused: `1` is the
/// rank 1 to some programs and the fraction 1 to others. `1.0` is the fraction, `[1]` the rank of a CP form.
public enum TensorRank: Sendable, Equatable {
  /// About this fraction of the dense weight's numbers, as tensorly-torch chooses ranks.
  case fraction(Double)
  /// One rank for CP; one an axis for Tucker; for a tensor train one between neighbouring axes, with 1 at both ends.
  case ranks([Int])
  /// The largest ranks in these proportions with which the spectral weights of all layers together have at most so many
  /// parameters, a complex number counting as two.
  case parameters(Int)

  /// The ranks for a weight of `shape`: an axis each (Tucker), one (CP), axes + 1 (tensor train).
  ///
  /// A fraction gives Tucker ranks proportional to the axes, from the positive root c of
  /// `c^d Π nᵢ + c Σ nᵢ² = fraction Π nᵢ`; CP the rank `fraction Π nᵢ / Σ nᵢ`; a train ranks proportional to the mean of
  /// neighbouring axes, by the quadratic equation for its count. All rounded, at least 1.
  ///
  /// - Parameter copies: How many weights of this shape share a number of parameters.
  /// - Throws: ``ConfigurationError`` where ranks are not positive, not as many as needed, or above what the axes
  ///   allow, and where no rank is as small as a number of parameters wants.
  public func ranks(
    for factorization: Factorization, shape: [Int], copies: Int = 1
  ) throws(ConfigurationError) -> [Int] {
    switch self {
    case .fraction(let fraction):
      guard fraction > 0, fraction <= 1 else {
        throw ConfigurationError(
          key: "rank", reason: "a fraction above 0 and up to 1, or a list of ranks, not \(fraction)")
      }
      return Self.proportional(fraction, factorization, shape)
    case .ranks(let ranks):
      try Self.check(ranks, factorization, shape)
      return ranks
    case .parameters(let count):
      return try Self.largest(within: count, factorization, shape, copies: copies)
    }
  }

  /// Complex numbers in the factors of a tensor.
  static func count(_ ranks: [Int], _ factorization: Factorization, _ shape: [Int]) -> Int {
    switch factorization {
    case .dense: shape.reduce(1, *)
    case .tucker: ranks.reduce(1, *) + zip(ranks, shape).reduce(0) { $0 + $1.0 * $1.1 }
    case .cp: ranks[0] * (1 + shape.reduce(0, +))
    case .tt: shape.indices.reduce(0) { $0 + ranks[$1] * shape[$1] * ranks[$1 + 1] }
    }
  }

  /// The largest rank that makes sense between axis `place` and the one before it in a tensor train.
  static func trainBound(_ shape: [Int], _ place: Int) -> Int {
    min(shape[..<place].reduce(1, *), shape[place...].reduce(1, *))
  }

  /// The largest rank of a CP form: more terms than this express nothing new.
  static func cpBound(_ shape: [Int]) -> Int { shape.reduce(1, *) / max(shape.max() ?? 1, 1) }

  /// The complex numbers that each of `copies` weights may have.
  static func budget(
    _ parameters: Int, _ factorization: Factorization, _ shape: [Int], copies: Int
  ) throws(ConfigurationError) -> Int {
    let smallest = count(
      [Int](repeating: 1, count: factorization == .cp ? 1 : shape.count + 1), factorization, shape)
    guard parameters / (2 * copies) >= smallest else {
      throw ConfigurationError(
        key: "rank",
        reason: "at least \(2 * copies * smallest) parameters, which rank 1 has, not \(parameters)")
    }
    return parameters / (2 * copies)
  }

  private static func largest(
    within parameters: Int, _ factorization: Factorization, _ shape: [Int], copies: Int
  ) throws(ConfigurationError) -> [Int] {
    let budget = try budget(parameters, factorization, shape, copies: copies)
    func capped(_ fraction: Double) -> [Int] {
      let ranks = proportional(fraction, factorization, shape)
      return switch factorization {
      case .dense, .tucker: zip(ranks, shape).map(min)
      case .cp: [min(ranks[0], cpBound(shape))]
      case .tt:
        ranks.indices.map { place in
          place == 0 || place == shape.count ? 1 : min(ranks[place], trainBound(shape, place))
        }
      }
    }
    // Bisection: the count grows with the fraction.
    var (low, high) = (0.0, 64.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if count(capped(middle), factorization, shape) <= budget { low = middle } else { high = middle }
    }
    return capped(low)
  }

  private static func check(
    _ ranks: [Int], _ factorization: Factorization, _ shape: [Int]
  ) throws(ConfigurationError) {
    let expected =
      switch factorization {
      case .dense: 0
      case .cp: 1
      case .tucker: shape.count
      case .tt: shape.count + 1
      }
    guard ranks.count == expected else {
      throw ConfigurationError(
        key: "rank",
        reason:
          "\(expected == 1 ? "one rank" : "\(expected) ranks") for \(factorization.rawValue) and the axes "
          + "\(shape), not \(ranks.count)")
    }
    if let bad = ranks.first(where: { $0 < 1 }) {
      throw ConfigurationError(key: "rank", reason: "ranks of 1 and more, not \(bad)")
    }
    if factorization == .cp, ranks[0] > cpBound(shape) {
      throw ConfigurationError(
        key: "rank", reason: "at most \(cpBound(shape)) for the axes \(shape), not \(ranks[0])")
    }
    if factorization == .tucker, let axis = ranks.indices.first(where: { ranks[$0] > shape[$0] }) {
      throw ConfigurationError(
        key: "rank", reason: "at most \(shape[axis]) along axis \(axis), not \(ranks[axis])")
    }
    if factorization == .tt {
      guard ranks.first == 1, ranks.last == 1 else {
        throw ConfigurationError(key: "rank", reason: "1 at the beginning and the end of a tensor train")
      }
      for index in 1..<shape.count {
        let bound = trainBound(shape, index)
        if ranks[index] > bound {
          throw ConfigurationError(
            key: "rank", reason: "at most \(bound) at place \(index), not \(ranks[index])")
        }
      }
    }
  }

  private static func proportional(_ fraction: Double, _ factorization: Factorization, _ shape: [Int])
    -> [Int]
  {
    let sizes = shape.map(Double.init)
    let count = sizes.reduce(1, *)
    func rounded(_ value: Double) -> Int { max(Int(value.rounded(.toNearestOrEven)), 1) }
    switch factorization {
    case .dense:
      return []
    case .cp:
      return [rounded(count * fraction / sizes.reduce(0, +))]
    case .tucker:
      let squares = sizes.reduce(0) { $0 + $1 * $1 }
      // Bisection: the count grows with c.
      var (low, high) = (0.0, max(fraction, 1))
      for _ in 0..<200 {
        let c = (low + high) / 2
        if count * Double.pow(c, sizes.count) + squares * c < fraction * count { low = c } else { high = c }
      }
      return sizes.map { rounded($0 * high) }
    case .tt:
      let means = zip(sizes, sizes.dropFirst()).map { ($0 + $1) / 2 }
      guard let first = means.first, let last = means.last else { return [1, 1] }
      let a =
        means.count > 1
        ? (1..<sizes.count - 1).reduce(0) { $0 + means[$1 - 1] * sizes[$1] * means[$1] }
        : first * first * sizes[0]
      let b = sizes[0] * first + sizes[sizes.count - 1] * last
      let c = (-b + (b * b + 4 * a * count * fraction).squareRoot()) / (2 * a)
      return [1] + means.map { rounded($0 * c) } + [1]
    }
  }
}

// MARK: - In files

extension TensorRank: Codable {
  public enum CodingKeys: String, CodingKey, CaseIterable {
    case parameters
  }

  public init(from decoder: any Decoder) throws {
    let single = try decoder.singleValueContainer()
    // YAML hands out a number's text, JSON does not; only there `1` and `1.0` can be told apart.
    if let text = try? single.decode(String.self) {
      if let number = Int(text), number < 1 {
        throw DecodingError.dataCorruptedError(
          in: single,
          debugDescription:
            "expected a fraction above 0, ranks of at least 1 or {parameters: n}, found \(text)")
      }
      guard Int(text) == nil else {
        throw DecodingError.dataCorruptedError(
          in: single,
          debugDescription: "a whole number is ambiguous: expected a fraction with a point (\(text).0), "
            + "a list of ranks ([\(text)]) or {parameters: \(text)}")
      }
      self = .fraction(try single.decode(Double.self))
    } else if let fraction = try? single.decode(Double.self) {
      self = .fraction(fraction)
    } else if let values = try? decoder.container(keyedBy: CodingKeys.self) {
      self = .parameters(try values.decode(Int.self, forKey: .parameters))
    } else {
      self = .ranks(try single.decode([Int].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .fraction(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    case .ranks(let values):
      var container = encoder.singleValueContainer()
      try container.encode(values)
    case .parameters(let count):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(count, forKey: .parameters)
    }
  }
}
