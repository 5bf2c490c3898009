// PDEBench's definitions of the figures that differ from the toolkit's.

import Tensors

/// What `metric_func` of PDEBench (Takamoto et al. 2022, `pdebench/models/metrics.py`) computes of conserved
/// quantities, extrema, boundaries and Fourier modes, over all samples at once; means over channels (and times, which
/// are channels here) come last.
struct PDEBenchSums {
  private let grid: MetricGrid
  private let channels: Int
  /// Halved-spectrum coefficients of the positive quadrant, each with the bin of its radial wavenumber.
  private let quadrant: [(mode: Int, bin: Int)]
  private let bins: Int
  private let modes: Int
  /// For each boundary point the number of ends it is at: corners count for each of their sides.
  private let boundary: [(point: Int, sides: Double)]
  private let boundaryCount: Double

  private var meanDifferences: [Double]
  private var maxErrors: [Double]
  private var boundarySum: Double = 0
  /// Sums over samples of |F|², `[channel, bin]`.
  private var energies: [Double]

  init(grid: MetricGrid, channels: Int) {
    self.grid = grid
    self.channels = channels
    let shape = grid.shape
    let kept = Array(shape.dropLast() + shape.suffix(1).map { $0 / 2 + 1 })
    modes = kept.reduce(1, *)
    let strides = Tensor<Double>.strides(of: kept)
    // One axis: every coefficient of the halved spectrum is a bin. More: the positive quadrant, Nyquist left out.
    let bins = shape.count == 1 ? modes : (shape.map { $0 / 2 }.min() ?? 0)
    self.bins = bins
    quadrant = (0..<modes).compactMap { mode in
      let k = kept.indices.map { mode / strides[$0] % kept[$0] }
      if shape.count > 1, zip(k, shape).contains(where: { $0 >= $1 / 2 }) { return nil }
      let bin = Int(Double(k.reduce(0) { $0 + $1 * $1 }).squareRoot())
      return bin < bins ? (mode, bin) : nil
    }
    let pointStrides = Tensor<Double>.strides(of: shape)
    boundary = grid.boundaryPoints { _ in true }.map { point in
      let sides = shape.indices.reduce(0) { sum, axis in
        let index = point / pointStrides[axis] % shape[axis]
        return sum + (index == 0 ? 1 : 0) + (index == shape[axis] - 1 ? 1 : 0)
      }
      return (point, Double(sides))
    }
    boundaryCount = boundary.reduce(0) { $0 + $1.sides }
    meanDifferences = [Double](repeating: 0, count: channels)
    maxErrors = meanDifferences
    energies = [Double](repeating: 0, count: channels * bins)
  }

  /// `spectrum`: the forward-normalized transform of `error`, halved along the last axis.
  mutating func add(error: Tensor<Float>, spectrum: Tensor<Float>) {
    let points = grid.pointCount
    error.withUnsafeBuffer { error in
      for field in 0..<error.count / max(points, 1) {
        let values = UnsafeBufferPointer(rebasing: error[field * points..<(field + 1) * points])
        var sum = 0.0
        for value in values {
          sum += Double(value)
          maxErrors[field % channels] = max(maxErrors[field % channels], Double(abs(value)))
        }
        meanDifferences[field % channels] += (sum / Double(points)) * (sum / Double(points))
        var edge = 0.0
        for (point, sides) in boundary { edge += sides * Double(values[point]) * Double(values[point]) }
        boundarySum += (edge / boundaryCount).squareRoot()
      }
    }
    spectrum.withUnsafeBuffer { spectrum in
      for field in 0..<spectrum.count / max(2 * modes, 1) {
        for (mode, bin) in quadrant {
          let (real, imaginary) = (
            Double(spectrum[2 * (field * modes + mode)]), Double(spectrum[2 * (field * modes + mode) + 1])
          )
          energies[field % channels * bins + bin] += real * real + imaginary * imaginary
        }
      }
    }
  }

  func fill(_ values: inout MetricValues, samples: Double) {
    func mean(_ numbers: some Collection<Double>) -> Double {
      numbers.reduce(0, +) / Double(numbers.count)
    }
    let volume = grid.axes.reduce(1) { $0 * $1.length }
    values.maxError = mean(maxErrors).finite
    values.conservedRMSE = mean(meanDifferences.map { ($0 / samples).squareRoot() }).finite
    values.boundaryRMSE = (boundarySum / (samples * Double(channels))).finite
    func band(_ range: Range<Int>) -> Double? {
      let range = range.clamped(to: 0..<bins)
      return mean(
        (0..<channels).map { channel in
          mean(range.map { (energies[channel * bins + $0] / samples).squareRoot() * volume })
        }
      ).finite
    }
    values.fourierRMSELow = band(0..<4)
    values.fourierRMSEMid = band(4..<12)
    values.fourierRMSEHigh = band(12..<Int.max)
  }
}
