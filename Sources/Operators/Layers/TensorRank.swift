// How large the factors of a factorized weight are.

import RealModule

/// The size of a factorization: a fraction of the dense parameter count, or the ranks themselves.
public enum TensorRank: Sendable, Equatable, Codable {
  /// About this fraction of the dense weight's numbers, as tensorly-torch chooses ranks.
  case fraction(Double)
  /// One rank for CP; one an axis for Tucker; for a tensor train one between neighbouring axes, with 1 at both ends.
  case ranks([Int])

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let ranks = try? container.decode([Int].self) {
      self = .ranks(ranks)
    } else {
      self = .fraction(try container.decode(Double.self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .fraction(let value): try container.encode(value)
    case .ranks(let values): try container.encode(values)
    }
  }

  /// The ranks for a weight of `shape`: an axis each (Tucker), one (CP), axes + 1 (tensor train).
  ///
  /// A fraction gives Tucker ranks proportional to the axes, from the positive root c of
  /// `c^d Π nᵢ + c Σ nᵢ² = fraction Π nᵢ`; CP the rank `fraction Π nᵢ / Σ nᵢ`; a train ranks proportional to the mean of
  /// neighbouring axes, by the quadratic equation for its count. All rounded, at least 1.
  ///
  /// - Throws: ``ConfigurationError`` where ranks are not positive, not as many as needed, or above what the axes
  ///   allow.
  public func ranks(for factorization: Factorization, shape: [Int]) throws(ConfigurationError) -> [Int] {
    switch self {
    case .fraction(let fraction):
      guard fraction > 0, fraction.isFinite else {
        throw ConfigurationError(
          key: "rank", reason: "a positive fraction or a list of ranks, not \(fraction)")
      }
      return Self.proportional(fraction, factorization, shape)
    case .ranks(let ranks):
      try Self.check(ranks, factorization, shape)
      return ranks
    }
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
        reason: "\(expected) ranks for \(factorization.rawValue) and the axes \(shape), not \(ranks.count)")
    }
    if let bad = ranks.first(where: { $0 < 1 }) {
      throw ConfigurationError(key: "rank", reason: "ranks of 1 and more, not \(bad)")
    }
    if factorization == .tucker, let axis = ranks.indices.first(where: { ranks[$0] > shape[$0] }) {
      throw ConfigurationError(
        key: "rank", reason: "at most \(shape[axis]) along axis \(axis), not \(ranks[axis])")
    }
    if factorization == .tt {
      guard ranks.first == 1, ranks.last == 1 else {
        throw ConfigurationError(key: "rank", reason: "a tensor train begins and ends with rank 1")
      }
      for index in 1..<shape.count {
        let bound = min(shape[..<index].reduce(1, *), shape[index...].reduce(1, *))
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
