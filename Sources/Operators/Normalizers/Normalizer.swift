// Brings fields of any unit and size to numbers around one, and back.

import Autodiff
import Tensors

/// Why a normalizer cannot be applied.
public enum NormalizerError: Error, Equatable, CustomStringConvertible {
  /// A pointwise normalizer is for fields of as many dimensions as it was fitted on.
  case dimensions(fitted: Int, given: Int)
  /// Between points that form no grid nothing is interpolated.
  case scattered

  public var description: String {
    switch self {
    case .dimensions(let fitted, let given):
      "the model's pointwise normalizer was fitted on \(fitted)-dimensional fields, these are \(given)-dimensional"
    case .scattered:
      "the model's pointwise normalizer was fitted at other points, which form no grid to interpolate on"
    }
  }
}

/// `(x − center)/spread` and back, with what was found in the training data (see ``NormalizerFit``).
public struct Normalizer: Sendable {
  /// How the values of a field are brought to a common size before a model sees them.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    case none
    /// Mean 0 and variance 1, for each channel over samples and points.
    case gaussian
    /// Mean 0 and variance 1, for each channel and point over samples.
    case pointwiseGaussian = "pointwise_gaussian"
    /// From 0 to 1, for each channel over samples and points.
    case minMax = "min_max"
  }

  public let kind: Kind
  /// What is subtracted: the mean, or the minimum. `[channel]`, or `[channel, …grid]` where it is pointwise.
  public let center: Tensor<Double>
  /// The standard deviation, or the range. Of the same shape.
  public let spread: Tensor<Double>
  /// Where the points are on which a pointwise normalizer was fitted.
  public let positions: GridPositions?

  public init(
    _ kind: Kind, center: Tensor<Double>, spread: Tensor<Double>,
    positions: GridPositions? = nil
  ) {
    precondition(center.shape == spread.shape, "one spread a center")
    precondition(
      (kind == .pointwiseGaussian) == (positions != nil)
        && positions?.shape == positions.map { _ in Array(center.shape[1...]) },
      "a pointwise normalizer knows its points")
    self.kind = kind
    self.center = center
    self.spread = spread
    self.positions = positions
  }

  /// Leaves fields of `channels` channels as they are.
  public static func identity(channels: Int) -> Normalizer {
    Normalizer(.none, center: .zeros([channels]), spread: Tensor(repeating: 1, shape: [channels]))
  }

  public var channels: Int { center.shape[0] }

  /// The divisors in effect, of the shape of ``spread``: 1 where a spread is so small beside its center that it is
  /// nothing but the rounding of `Element`. Such a channel is constant; it becomes zero and is not blown up.
  public func scale<Element: Scalar>(for element: Element.Type) -> Tensor<Double> {
    Self.scale(spread, center: center, Element.self)
  }

  /// The map of fields at `positions`. A pointwise normalizer fitted on other points is interpolated linearly
  /// between them; at points where the training samples never varied (a field that is zero on the boundary) it
  /// decodes whatever the model says to their value, so that such points do not outweigh all others.
  public func map<Element: Scalar>(
    at positions: GridPositions, as element: Element.Type = Element.self
  ) throws -> NormalizingMap<Element> {
    var (center, spread) = (center, spread)
    if let fitted = self.positions, fitted != positions {
      guard fitted.scattered == nil, positions.scattered == nil else { throw NormalizerError.scattered }
      guard fitted.axes.count == positions.axes.count else {
        throw NormalizerError.dimensions(fitted: fitted.axes.count, given: positions.axes.count)
      }
      center = interpolate(center, from: fitted, to: positions)
      spread = interpolate(spread, from: fitted, to: positions)
    }
    let scale = Self.scale(spread, center: center, Element.self)
    let decoding =
      kind == .pointwiseGaussian ? Self.scale(spread, center: center, ofConstants: 0, Element.self) : scale
    return NormalizingMap(isIdentity: kind == .none, center: center, encoding: scale, decoding: decoding)
  }

  private static func scale<Element: Scalar>(
    _ spread: Tensor<Double>, center: Tensor<Double>, ofConstants: Double = 1, _: Element.Type
  ) -> Tensor<Double> {
    let values = zip(spread.values, center.values).map { spread, center in
      let isConstant = spread <= 8 * Double(Element.ulpOfOne) * abs(center)
      return isConstant || !(1 / Element(spread)).isFinite ? ofConstants : spread
    }
    return Tensor(values, shape: spread.shape)
  }
}

/// A ``Normalizer`` made ready for fields on certain points, in the model's precision.
public struct NormalizingMap<Element: Scalar>: Sendable {
  public let isIdentity: Bool
  private let center: Tensor<Element>
  private let scale: Tensor<Element>
  private let inverseScale: Tensor<Element>

  init(isIdentity: Bool, center: Tensor<Double>, encoding: Tensor<Double>, decoding: Tensor<Double>) {
    self.isIdentity = isIdentity
    self.center = Tensor(center.values.map { Element($0) }, shape: center.shape)
    scale = Tensor(decoding.values.map { Element($0) }, shape: decoding.shape)
    inverseScale = Tensor(encoding.values.map { Element(1 / $0) }, shape: encoding.shape)
  }

  /// `(x − center)/scale` of fields `[batch, channel, …grid]`.
  public func encode(_ fields: consuming Tensor<Element>) -> Tensor<Element> {
    guard !isIdentity else { return fields }
    let (batch, channels) = (fields.shape[0], fields.shape[1])
    let points = fields.shape[2...].reduce(1, *)
    let isPointwise = center.rank > 1
    precondition(
      center.count == (isPointwise ? channels * points : channels),
      "a normalizer has the channels of its fields")
    let (x, c, s) = (fields.unsafeMutablePointer(), center.unsafePointer, inverseScale.unsafePointer)
    WorkerPool.shared.forEachRange(count: batch * channels, grain: max(1, 8192 / max(points, 1))) { rows in
      for row in rows {
        let channel = row % channels
        if isPointwise {
          encodeRow(x + row * points, c + channel * points, s + channel * points, count: points)
        } else {
          encodeRow(x + row * points, center: c[channel], factor: s[channel], count: points)
        }
      }
    }
    withExtendedLifetime((center, inverseScale)) {}
    return fields
  }

  /// `scale·y + center` of a model's output `[batch, channel, …grid]`, on the tape.
  public func decode(_ output: consuming Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    isIdentity ? output : tape.affine(output, factor: scale, shift: center)
  }
}

// The difference first: it is exact for values near the center.
@specialized(where E == Float)
@specialized(where E == Double)
private func encodeRow<E: Scalar>(_ x: UnsafeMutablePointer<E>, center: E, factor: E, count: Int) {
  for i in 0..<count { x[i] = (x[i] - center) * factor }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func encodeRow<E: Scalar>(
  _ x: UnsafeMutablePointer<E>, _ center: UnsafePointer<E>, _ factor: UnsafePointer<E>, count: Int
) {
  for i in 0..<count { x[i] = (x[i] - center[i]) * factor[i] }
}
