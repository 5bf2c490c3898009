// Which random samples a model has seen, kept in its checkpoint.

import PDEData

/// The random samples of a training set, to be compared with those of a test set.
public struct Provenance: Codable, Sendable, Equatable {
  struct Range: Codable, Sendable, Equatable {
    var seed: UInt64
    var first: Int
    var count: Int
  }

  /// The equation and the distribution of its inputs.
  var source: [String]
  var ranges: [Range]

  /// Nil where the dataset does not tell.
  init?(_ reader: DatasetReader) {
    let provenance = DatasetProvenance(reader)
    guard !provenance.ranges.isEmpty else { return nil }
    source = provenance.source
    ranges = provenance.ranges.map {
      Range(seed: $0.seed, first: $0.samples.lowerBound, count: $0.samples.count)
    }
  }

  private var asDataset: DatasetProvenance {
    DatasetProvenance(
      ranges: ranges.map { .init(seed: $0.seed, samples: $0.first..<$0.first + $0.count) }, source: source)
  }

  /// Whether a dataset holds a sample of this one.
  func overlaps(_ reader: DatasetReader) -> Bool { asDataset.overlaps(DatasetProvenance(reader)) }
}
