// Finds the statistics of training data batch by batch.

import Tensors

/// Collects what a ``Normalizer`` needs from fields `[batch, channel, …grid]`, seen once, in double precision.
///
/// Means and sums of squared deviations of parts are joined by the update of Chan, Golub and LeVeque (1979), never
/// by a difference of squares: a channel that hardly varies loses no digits. Variances are those of the data seen
/// (divided by their number).
public struct NormalizerFit<Element: Scalar> {
  public let kind: Normalizer.Kind
  private let positions: GridPositions
  private var moments: [Moments]
  private var pointwise: (mean: Tensor<Double>, squares: Tensor<Double>)?
  private var sampleCount = 0

  /// What is known of one channel, or of one row of it.
  private struct Moments {
    var count = 0.0
    var mean = 0.0
    /// The sum of squared deviations from the mean.
    var squares = 0.0
    var minimum = Double.infinity
    var maximum = -Double.infinity

    mutating func add(_ other: Moments) {
      let total = count + other.count
      guard other.count > 0 else { return }
      let difference = other.mean - mean
      mean += difference * (other.count / total)
      squares += other.squares + difference * difference * (count * other.count / total)
      count = total
      minimum = min(minimum, other.minimum)
      maximum = max(maximum, other.maximum)
    }
  }

  public init(_ kind: Normalizer.Kind, channels: Int, positions: GridPositions) {
    self.kind = kind
    self.positions = positions
    moments = [Moments](repeating: Moments(), count: channels)
    if kind == .pointwiseGaussian {
      let shape = [channels] + positions.shape
      pointwise = (.zeros(shape), .zeros(shape))
    }
  }

  public mutating func add(_ fields: Tensor<Element>) {
    precondition(
      Array(fields.shape[1...]) == [moments.count] + positions.shape, "fields are on the grid of the fit")
    switch kind {
    case .none: break
    case .gaussian, .minMax: addRows(fields)
    case .pointwiseGaussian: addPoints(fields)
    }
    sampleCount += fields.shape[0]
  }

  public func normalizer() -> Normalizer {
    let shape = [moments.count]
    switch kind {
    case .none:
      return .identity(channels: moments.count)
    case .gaussian:
      return Normalizer(
        .gaussian, center: Tensor(moments.map(\.mean), shape: shape),
        spread: Tensor(moments.map { ($0.squares / max($0.count, 1)).squareRoot() }, shape: shape))
    case .minMax:
      let isEmpty = sampleCount == 0
      return Normalizer(
        .minMax, center: Tensor(moments.map { isEmpty ? 0 : $0.minimum }, shape: shape),
        spread: Tensor(moments.map { isEmpty ? 0 : $0.maximum - $0.minimum }, shape: shape))
    case .pointwiseGaussian:
      let (mean, squares) = pointwise ?? (.zeros(shape), .zeros(shape))
      let count = Double(max(sampleCount, 1))
      let spread = Tensor(squares.values.map { ($0 / count).squareRoot() }, shape: squares.shape)
      return Normalizer(.pointwiseGaussian, center: mean, spread: spread, positions: positions)
    }
  }

  private mutating func addRows(_ fields: Tensor<Element>) {
    let channels = moments.count
    let points = positions.shape.reduce(1, *)
    let rows = fields.shape[0] * channels
    let found = AlignedMemory<Moments>(count: rows)
    let (x, target) = (fields.unsafePointer, found.pointer)
    WorkerPool.shared.forEachRange(count: rows, grain: max(1, 8192 / max(points, 1))) { range in
      for row in range {
        let values = x + row * points
        let mean = Reductions.mean(values, count: points)
        let (minimum, maximum) = extremes(values, count: points)
        target[row] = Moments(
          count: Double(points), mean: mean,
          squares: Reductions.sumOfSquaredDeviations(values, from: mean, count: points),
          minimum: Double(minimum), maximum: Double(maximum))
      }
    }
    withExtendedLifetime(fields) {}
    for row in 0..<rows { moments[row % channels].add(target[row]) }
  }

  private mutating func addPoints(_ fields: Tensor<Element>) {
    guard var (mean, squares) = pointwise.take() else { return }
    let (x, m, s) = (fields.unsafePointer, mean.unsafeMutablePointer(), squares.unsafeMutablePointer())
    let (samples, size, before) = (fields.shape[0], mean.count, sampleCount)
    WorkerPool.shared.forEachRange(count: size, grain: 4096) { range in
      let start = range.lowerBound
      for sample in 0..<samples {
        updateMoments(
          mean: m + start, squares: s + start, with: x + sample * size + start,
          weight: 1 / Double(before + sample + 1), count: range.count)
      }
    }
    withExtendedLifetime(fields) {}
    pointwise = (mean, squares)
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func extremes<E: Scalar>(_ x: UnsafePointer<E>, count: Int) -> (minimum: E, maximum: E) {
  var (minimum, maximum) = (E.infinity, -E.infinity)
  for i in 0..<count {
    minimum = x[i] < minimum ? x[i] : minimum
    maximum = x[i] > maximum ? x[i] : maximum
  }
  return (minimum, maximum)
}

/// Welford's update of means and sums of squared deviations by one more value each, the `1/weight`-th.
@specialized(where E == Float)
@specialized(where E == Double)
private func updateMoments<E: Scalar>(
  mean: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>, with x: UnsafePointer<E>,
  weight: Double, count: Int
) {
  for i in 0..<count {
    let value = Double(x[i])
    let difference = value - mean[i]
    let updated = mean[i] + weight * difference
    squares[i] += difference * (value - updated)
    mean[i] = updated
  }
}
