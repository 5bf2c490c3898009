// A dataset of predictions against the truth, whoever predicted.

import Operators
import PDEData
import Tensors

extension Evaluation {
  /// Compares the outputs in one dataset with those in another, sample by sample in the order of the files: predictions
  /// with the truth, or one solver's results with another's.
  ///
  /// - Parameters:
  ///   - predictions: A dataset with the variables that are compared.
  ///   - path: The truth; both hold the same grid and as many samples.
  ///   - outputs: Variables, slices of times allowed; those that the truth names as `operator_outputs` where empty.
  /// - Returns: The figures, without a ``secondsPerSample``, and warnings about the data.
  public static func comparing(
    predictions: String, with path: String, outputs: [String] = [], convention: MetricConvention = .standard,
    batchSize: Int? = nil, watch: Watch = Watch()
  ) throws -> (evaluation: Evaluation, warnings: [String]) {
    let truth = try DatasetReader(path: path)
    let named = truth.text("operator_outputs")?.split(whereSeparator: \.isWhitespace).map(String.init)
    let names = outputs.isEmpty ? named ?? [] : outputs
    guard !names.isEmpty else {
      throw ExperimentError(
        .invalidData, "\(path): names no operator_outputs: expected --outputs with the variables to compare")
    }
    let mapping = try FieldMapping(inputs: names, outputs: names)
    let expected = try OperatorData(truth, mapping, requiresOutputs: false)
    let found = try OperatorData(DatasetReader(path: predictions), mapping, requiresOutputs: false)
    let (shape, wanted) = (found.inputs.shape(samples: 1), expected.inputs.shape(samples: 1))
    guard shape == wanted, found.samples == expected.samples else {
      throw ExperimentError(
        .invalidData,
        "\(predictions): expected \(names.joined(separator: " ")) as in \(path), \(expected.samples.count) samples of "
          + "\(wanted.dropFirst()) (channels, grid), found \(found.samples.count) of \(shape.dropFirst())")
    }
    var collector = MetricCollector(
      grid: expected.metricGrid, channels: expected.inputs.channelCount, convention: convention)
    let (source, other) = (DatasetBatchSource(expected), DatasetBatchSource(found))
    let size = batchSize ?? TrainedModel.batchSize(for: expected)
    for first in stride(from: 0, to: source.sampleCount, by: size) {
      try watch.check()
      let indices = Array(first..<min(first + size, source.sampleCount))
      collector.add(prediction: try other.inputs(indices), target: try source.inputs(indices))
      watch.onProgress(first + indices.count, source.sampleCount)
    }
    return (
      Evaluation(samples: source.sampleCount, metrics: collector.values, secondsPerSample: nil),
      [expected, found].filter { $0.skippedCount > 0 }.map {
        "\($0.reader.path): \($0.skippedCount) samples that are not whole are left out"
      }
    )
  }
}
