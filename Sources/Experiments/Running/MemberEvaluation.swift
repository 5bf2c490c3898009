// What each member of an ensemble adds: errors and their spectra along the sum.

import Operators
import Spectral
import Tensors

/// The error of an ensemble after one of its members.
public struct MemberEvaluation: Sendable, Equatable {
  public let metrics: MetricValues
  /// The mean over samples and channels of the error's mean square at the radial integer wavenumbers k ≤ |k| < k + 1.
  public let errorSpectrum: [Double]

  var json: JSONValue {
    [
      "metrics": .object(metrics.named.map { (key: $0.name, value: .real($0.value)) }),
      "error_spectrum": .list(errorSpectrum.map { JSONValue.real($0) }),
    ]
  }
}

/// Collects ``MemberEvaluation`` batch by batch.
struct MemberCollector {
  private let model: BoostedOperator<Float>
  private var collectors: [MetricCollector]
  private var spectra: [[Double]]
  private var fields = 0

  init(_ model: BoostedOperator<Float>, grid: MetricGrid, channels: Int, convention: MetricConvention) {
    self.model = model
    collectors = (0..<model.memberCount).map { _ in
      MetricCollector(grid: grid, channels: channels, convention: convention)
    }
    spectra = collectors.map { _ in [] }
  }

  mutating func add(_ batch: Batch<Float>, at positions: GridPositions) {
    for (index, prediction) in model.predictions(batch.input, at: positions).enumerated() {
      collectors[index].add(prediction: prediction, target: batch.target)
      let energies = RadialSpectrum.energy(
        of: prediction - batch.target, dimensions: batch.target.rank - 2)
      let bins = energies.shape[2]
      if spectra[index].isEmpty { spectra[index] = [Double](repeating: 0, count: bins) }
      for (place, value) in energies.values.enumerated() { spectra[index][place % bins] += Double(value) }
    }
    fields += batch.target.shape[0] * batch.target.shape[1]
  }

  var values: [MemberEvaluation] {
    zip(collectors, spectra).map { collector, spectrum in
      MemberEvaluation(
        metrics: collector.values, errorSpectrum: spectrum.map { $0 / Double(max(fields, 1)) })
    }
  }
}
