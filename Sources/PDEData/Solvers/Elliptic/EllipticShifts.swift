// Optimal parameters of alternating directions.

import RealModule

/// The shifts with which J steps of Peaceman and Rachford reduce the error most.
///
/// With H and V that commute and have their eigenvalues in [a, b] and [c, d], a double step
/// `(H + q)u* = (q − V)u + f`, `(V + p)u = (p − H)u* + f` multiplies an error's part by
/// `(x − p)/(x + q) · (y − q)/(y + p)`. The p and q that make the largest product of J such factors least are
/// Zolotarev's: elliptic functions dn at equal distances, on the interval [k′, 1] to which a linear fractional map brings
/// both spectra (Wachspress 1963; Jordan's transformation, Wachspress, "The ADI model problem", 2013, chapters 1 and
/// 2).
public struct EllipticShifts: Sendable, Hashable {
  /// Added to H, whose spectrum is [a, b].
  public let q: [Double]
  /// Added to V, whose spectrum is [c, d].
  public let p: [Double]
  /// The largest product of J factors, of H and V together.
  public let reduction: Double

  /// The spectra's bounds; the fewest shifts that reduce every part of an error to `reduction` of it. Where one of the
  /// operators has the eigenvalue zero too, those parts are damped by the other one's factors alone.
  public init(
    _ h: ClosedRange<Double>, _ v: ClosedRange<Double>, reduction wanted: Double,
    hasZeroEigenvalue: Bool = false
  ) {
    let modulus = ComplementaryModulus(h, v)
    // Of one operator alone the largest product is the root.
    let each = hasZeroEigenvalue ? wanted : wanted.squareRoot()
    var count = max(1, modulus.estimatedCount(reduction: each) - 1)
    var points = modulus.points(count)
    while Self.largest(points) > each, count < 1000 {
      count += 1
      points = modulus.points(count)
    }
    p = points.map { modulus.unmapped($0) }
    q = points.map { -modulus.unmapped(-$0) }
    let one = Self.largest(points)
    reduction = hasZeroEigenvalue ? one : one * one
  }

  public var count: Int { p.count }

  /// |Π (1 − w)/(1 + w)|: the extremes of the product on [k′, 1] are alike.
  private static func largest(_ points: [Double]) -> Double {
    points.reduce(1) { $0 * (1 - $1) / (1 + $1) }
  }

  /// J ≥ K/(π K′) ln(4/ε), the classical estimate of how many shifts reduce errors to ε (Wachspress 1963).
  public static func estimatedCount(
    _ h: ClosedRange<Double>, _ v: ClosedRange<Double>, reduction: Double
  ) -> Int { ComplementaryModulus(h, v).estimatedCount(reduction: reduction.squareRoot()) }
}

/// k′ of two intervals, and the map of [k′, 1] and [−1, −k′] to [a, b] and [−d, −c].
private struct ComplementaryModulus {
  private let value: Double
  private let (a, b, c): (Double, Double, Double)

  init(_ h: ClosedRange<Double>, _ v: ClosedRange<Double>) {
    (a, b, c) = (h.lowerBound, h.upperBound, v.lowerBound)
    let d = v.upperBound
    let m = 2 * (b - a) * (d - c) / ((a + c) * (b + d))
    value = 1 / (1 + m + (m * (m + 2)).squareRoot())
  }

  /// From the condition that cross-ratios agree with k′ ↦ a, 1 ↦ b, −k′ ↦ −c.
  func unmapped(_ w: Double) -> Double {
    guard b > a, value < 1 else { return w > 0 ? a : -c }
    let ratio = (w - value) * (1 + value) / ((w + value) * (1 - value)) * (b - a) / (b + c)
    return (a + ratio * c) / (1 - ratio)
  }

  /// dn((2j − 1)K/2J), j = 1 … J, of the modulus k.
  func points(_ count: Int) -> [Double] {
    let quarter = Self.quarterPeriod(complementary: value)
    return (1...count).map { j in
      Self.dn(Double(2 * j - 1) * quarter / Double(2 * count), complementary: value)
    }
  }

  /// For the product of one operator's factors, 2 exp(−πJK′/2K).
  func estimatedCount(reduction: Double) -> Int {
    let k = Self.quarterPeriod(complementary: value)
    let complementary = Self.quarterPeriod(complementary: (1 - value * value).squareRoot())
    let count = 2 * k / (.pi * complementary) * Double.log(2 / reduction)
    return max(1, Int(min(1000, count).rounded(.up)))
  }

  /// K(k) = π/(2 agm(1, k′)).
  private static func quarterPeriod(complementary: Double) -> Double {
    var (x, y) = (1.0, max(complementary, 1e-300))
    for _ in 0..<60 where abs(x - y) > 1e-16 * x { (x, y) = ((x + y) / 2, (x * y).squareRoot()) }
    return .pi / (2 * x)
  }

  /// dn(u, k) by descending Landen transformations (Bulirsch 1965).
  private static func dn(_ u: Double, complementary: Double) -> Double {
    var means: [(Double, Double)] = []
    var (a, emc) = (1.0, complementary * complementary)
    var c = 0.0
    for _ in 0..<30 {
      let root = emc.squareRoot()
      means.append((a, root))
      c = (a + root) / 2
      guard abs(a - root) > 1e-9 * a else { break }
      emc = root * a
      a = c
    }
    let angle = c * u
    let sine = Double.sin(angle)
    guard sine != 0 else { return 1 }
    var ratio = Double.cos(angle) / sine
    var result = 1.0
    c *= ratio
    for (mean, root) in means.reversed() {
      ratio *= c
      c *= result
      result = (root + ratio) / (mean + ratio)
      ratio = c / mean
    }
    return result
  }
}
