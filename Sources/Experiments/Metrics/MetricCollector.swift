// Collects the figures of an evaluation batch by batch, in double precision, the same on any number of threads.

import Spectral
import Tensors

/// Collects ``MetricValues`` of predictions and targets `[batch, channel, …grid]`.
public struct MetricCollector {
  private let grid: MetricGrid
  private let convention: MetricConvention
  private let measure: SampleMeasure
  private var pdebench: PDEBenchSums
  private var totals = Totals()

  public init(grid: MetricGrid, channels: Int, convention: MetricConvention = .standard) {
    self.grid = grid
    self.convention = convention
    measure = SampleMeasure(grid: grid)
    pdebench = PDEBenchSums(grid: grid, channels: channels)
    totals.meanDifferences = [Double](repeating: 0, count: channels)
  }

  /// What is summed over samples. Figures of each sample and channel by itself are summed over both.
  private struct Totals {
    var samples = 0
    var relativeL2 = 0.0
    var relativeH1 = 0.0
    var rmse = 0.0
    var nrmse = 0.0
    var maxError = 0.0
    var boundary = 0.0
    var bands = [0.0, 0.0, 0.0]
    /// Squares, for each channel.
    var meanDifferences: [Double] = []
  }

  public mutating func add(prediction: Tensor<Float>, target: Tensor<Float>) {
    precondition(
      prediction.shape == target.shape && Array(target.shape.dropFirst(2)) == grid.shape,
      "a prediction \(prediction.shape) has the shape \(target.shape) of its target on \(grid.shape)")
    let (batch, channels) = (target.shape[0], target.shape[1])
    let error = difference(prediction, target)
    let spectrum = FFT.realToComplex(error, axes: Array(2..<target.rank))
    var samples = [SampleFigures](repeating: SampleFigures(), count: batch)
    samples.withUnsafeMutableBufferPointer { samples in
      nonisolated(unsafe) let samples = samples
      WorkerPool.shared.run(tasks: batch) { sample in
        samples[sample] = measure.figures(
          sample: sample, channels: channels, target: target, error: error, spectrum: spectrum)
      }
    }
    for figures in samples { add(figures) }
    if convention == .pdebench { pdebench.add(error: error, spectrum: spectrum) }
  }

  private mutating func add(_ figures: SampleFigures) {
    totals.samples += 1
    totals.relativeL2 += figures.relativeL2
    totals.relativeH1 += figures.relativeH1
    for (index, channel) in figures.channels.enumerated() {
      totals.rmse += channel.rmse
      totals.nrmse += channel.rmse / channel.targetRMS
      totals.maxError = max(totals.maxError, channel.maxError)
      totals.boundary += channel.boundaryRMSE
      totals.meanDifferences[index] += channel.meanDifference * channel.meanDifference
      for band in 0..<3 { totals.bands[band] += channel.bandEnergies[band].squareRoot() }
    }
  }

  /// The figures of all that was added.
  public var values: MetricValues {
    var values = MetricValues()
    guard totals.samples > 0 else { return values }
    let samples = Double(totals.samples)
    let channels = Double(totals.meanDifferences.count)
    let fields = samples * channels
    values.relativeL2 = (totals.relativeL2 / samples).finite
    values.relativeH1 = grid.hasNeighbours ? (totals.relativeH1 / samples).finite : nil
    values.rmse = (totals.rmse / fields).finite
    values.nrmse = (totals.nrmse / fields).finite
    if convention == .pdebench {
      pdebench.fill(&values, samples: samples)
      return values
    }
    values.maxError = totals.maxError.finite
    values.conservedRMSE =
      (totals.meanDifferences.reduce(0) { $0 + ($1 / samples).squareRoot() } / channels).finite
    guard grid.hasNeighbours else { return values }
    values.boundaryRMSE = measure.boundary.isEmpty ? nil : (totals.boundary / fields).finite
    // Of one field the squares of the bands' errors add up to that of the whole. Means over fields do not: they are
    // scaled by one common factor, so that they do.
    let norm = totals.bands.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let bands = totals.bands.map { norm > 0 ? $0 / norm * totals.rmse / fields : 0 }
    values.fourierRMSELow = bands[0].finite
    values.fourierRMSEMid = bands[1].finite
    values.fourierRMSEHigh = bands[2].finite
    return values
  }
}

/// `p − t`.
private func difference(_ prediction: Tensor<Float>, _ target: Tensor<Float>) -> Tensor<Float> {
  var result = Tensor<Float>(uninitialized: target.shape)
  result.withUnsafeMutableBuffer { result in
    prediction.withUnsafeBuffer { prediction in
      target.withUnsafeBuffer { target in
        for index in result.indices { result[index] = prediction[index] - target[index] }
      }
    }
  }
  return result
}

/// The figures of one sample.
struct SampleFigures {
  struct Channel {
    var rmse = 0.0
    var targetRMS = 0.0
    var maxError = 0.0
    var meanDifference = 0.0
    var boundaryRMSE = 0.0
    /// The mean squares of the parts of the error in the three bands of wavenumbers.
    var bandEnergies = [0.0, 0.0, 0.0]
  }

  var relativeL2 = 0.0
  var relativeH1 = 0.0
  var channels: [Channel] = []
}

/// Computes the figures of one sample.
private struct SampleMeasure: Sendable {
  let points: Int
  let boundary: [Int]
  private let shape: [Int]
  private let differences: [MetricGrid.Differences]
  private let bands: [Int]
  private let weights: [Double]

  init(grid: MetricGrid) {
    points = grid.pointCount
    shape = grid.shape
    boundary = grid.boundaryPoints { !$0.isPeriodic }
    differences = grid.axes.indices.map { grid.differences(along: $0) }
    let spectrum = grid.halvedSpectrum()
    bands = spectrum.squaredWavenumbers.map { $0 < 16 ? 0 : $0 < 144 ? 1 : 2 }
    weights = spectrum.weights
  }

  /// `spectrum`: the forward-normalized transform of `error`, halved along the last axis.
  func figures(
    sample: Int, channels: Int, target: Tensor<Float>, error: Tensor<Float>, spectrum: Tensor<Float>
  ) -> SampleFigures {
    var figures = SampleFigures()
    var errorNorm = (l2: 0.0, gradient: 0.0)
    var targetNorm = errorNorm
    for channel in 0..<channels {
      let field = sample * channels + channel
      var result = SampleFigures.Channel()
      let (errorSquares, errorGradient) = error.withUnsafeBuffer { buffer in
        let values = UnsafeBufferPointer(rebasing: buffer[field * points..<(field + 1) * points])
        var (sum, boundarySum) = (0.0, 0.0)
        for value in values {
          sum += Double(value)
          result.maxError = max(result.maxError, Double(abs(value)))
        }
        for point in boundary { boundarySum += Double(values[point]) * Double(values[point]) }
        result.meanDifference = sum / Double(points)
        result.boundaryRMSE = (boundarySum / Double(max(boundary.count, 1))).squareRoot()
        return (squares(values), gradientSquares(values))
      }
      let (targetSquares, targetGradient) = target.withUnsafeBuffer { buffer in
        let values = UnsafeBufferPointer(rebasing: buffer[field * points..<(field + 1) * points])
        return (squares(values), gradientSquares(values))
      }
      result.rmse = (errorSquares / Double(points)).squareRoot()
      result.targetRMS = (targetSquares / Double(points)).squareRoot()
      spectrum.withUnsafeBuffer { buffer in
        let start = 2 * field * bands.count
        for mode in bands.indices {
          let (real, imaginary) = (Double(buffer[start + 2 * mode]), Double(buffer[start + 2 * mode + 1]))
          result.bandEnergies[bands[mode]] += weights[mode] * (real * real + imaginary * imaginary)
        }
      }
      errorNorm.l2 += errorSquares
      errorNorm.gradient += errorGradient
      targetNorm.l2 += targetSquares
      targetNorm.gradient += targetGradient
      figures.channels.append(result)
    }
    figures.relativeL2 = (errorNorm.l2 / targetNorm.l2).squareRoot()
    figures.relativeH1 =
      ((errorNorm.l2 + errorNorm.gradient) / (targetNorm.l2 + targetNorm.gradient)).squareRoot()
    return figures
  }

  private func squares(_ values: UnsafeBufferPointer<Float>) -> Double {
    var sum = 0.0
    for value in values { sum += Double(value) * Double(value) }
    return sum
  }

  /// Σ_j ‖∂_j f‖² by the grid's differences.
  private func gradientSquares(_ values: UnsafeBufferPointer<Float>) -> Double {
    let strides = Tensor<Float>.strides(of: shape)
    var sum = 0.0
    for axis in shape.indices {
      let (stride, count) = (strides[axis], shape[axis])
      for outer in 0..<points / (stride * count) {
        for j in 0..<count {
          let lower = (outer * count + differences[axis].lower[j]) * stride
          let upper = (outer * count + differences[axis].upper[j]) * stride
          var squares = 0.0
          for inner in 0..<stride {
            let difference = Double(values[upper + inner]) - Double(values[lower + inner])
            squares += difference * difference
          }
          let factor = differences[axis].inverseDistance[j]
          sum += squares * factor * factor
        }
      }
    }
    return sum
  }
}
