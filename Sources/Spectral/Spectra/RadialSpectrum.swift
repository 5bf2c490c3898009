// How a field's mean square is distributed over scales.

import Tensors

/// Energy by the length of the integer wavevector.
public enum RadialSpectrum {
  /// `S_κ = Σ |û_k|²` over the wavevectors with κ ≤ |k| < κ + 1, û being the transform divided by the number of
  /// points, for all fields `[…batch, …grid]`; the grid is the last `dimensions` axes. The result is
  /// `[…batch, κ]`, and its sum over κ the field's mean square.
  ///
  /// Wavevectors are integers: periods along the axes, whatever their lengths.
  public static func energy<Element: SpectralScalar>(
    of fields: Tensor<Element>, dimensions: Int
  ) -> Tensor<Element> {
    precondition(
      dimensions >= 1 && dimensions <= fields.rank, "\(dimensions) dimensions of \(fields.shape)")
    let batch = Array(fields.shape.dropLast(dimensions))
    let grid = Array(fields.shape.suffix(dimensions))
    let bins = Bins(grid: grid)
    let axes = Array(fields.rank - dimensions..<fields.rank)
    let spectrum = FFT.realToComplex(fields, axes: axes)
    var energies = Tensor<Element>(uninitialized: batch + [bins.count])
    let modes = bins.ofModes.count
    energies.withUnsafeMutableBuffer { energies in
      spectrum.withUnsafeBuffer { spectrum in
        guard let energyStart = energies.baseAddress, let spectrumStart = spectrum.baseAddress else { return }
        nonisolated(unsafe) let (target, source) = (energyStart, spectrumStart)
        WorkerPool.shared.run(tasks: energies.count / bins.count) { field in
          var sums = [Double](repeating: 0, count: bins.count)
          let coefficients = source + 2 * field * modes
          for mode in 0..<modes {
            let (x, y) = (Double(coefficients[2 * mode]), Double(coefficients[2 * mode + 1]))
            sums[bins.ofModes[mode]] += bins.weights[mode] * (x * x + y * y)
          }
          for (bin, sum) in sums.enumerated() { target[field * bins.count + bin] = Element(sum) }
        }
      }
    }
    return energies
  }

  /// The number of bins κ that ``energy(of:dimensions:)`` has on a grid.
  public static func binCount(grid: [Int]) -> Int {
    Bins.integerRoot(grid.reduce(0) { $0 + ($1 / 2) * ($1 / 2) }) + 1
  }

  /// The bin of every coefficient of a halved spectrum, and how many coefficients of the full one it stands for.
  private struct Bins {
    var ofModes: [Int]
    var weights: [Double]
    var count: Int

    init(grid: [Int]) {
      var squares = [0]
      weights = [1]
      for (axis, n) in grid.enumerated() {
        let isLast = axis == grid.count - 1
        let wavenumbers = isLast ? Wavenumbers.halved(n) : Wavenumbers.full(n)
        squares = squares.flatMap { square in wavenumbers.map { square + $0 * $0 } }
        if isLast {
          weights = squares.indices.map { index in
            let k = wavenumbers[index % wavenumbers.count]
            return k > 0 && 2 * k < n ? 2 : 1
          }
        }
      }
      ofModes = squares.map(Self.integerRoot)
      count = (ofModes.max() ?? 0) + 1
    }

    static func integerRoot(_ square: Int) -> Int {
      var root = Int(Double(square).squareRoot())
      while root * root > square { root -= 1 }
      while (root + 1) * (root + 1) <= square { root += 1 }
      return root
    }
  }
}
