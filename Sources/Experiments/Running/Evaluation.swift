// A model against the truth: its errors and its time.

import Operators
import PDEData
import Tensors

/// The figures of an evaluation.
public struct Evaluation: Sendable, Equatable {
  public let samples: Int
  public let metrics: MetricValues
  /// The median over batches of the time of the forward pass, divided by the batch; one pass to warm up, reading and
  /// writing left out. Nil where nothing was predicted.
  public let secondsPerSample: Double?
  /// Of an ensemble: after each of its members; else empty.
  public let members: [MemberEvaluation]
  /// Of outputs at several times: at each of them; else empty.
  public let overTime: [TimeError]

  public init(
    samples: Int, metrics: MetricValues, secondsPerSample: Double?, members: [MemberEvaluation] = [],
    overTime: [TimeError] = []
  ) {
    self.samples = samples
    self.metrics = metrics
    self.secondsPerSample = secondsPerSample
    self.members = members
    self.overTime = overTime
  }

  /// `{"samples":…,"metrics":{…},"seconds_per_sample":…}`, of an ensemble
  /// `"members":[…]`, of outputs at several times `"error_over_time":[…]`.
  public var json: JSONValue {
    var pairs: [(key: String, value: JSONValue)] = [
      ("samples", .integer(samples)),
      ("metrics", .object(metrics.named.map { (key: $0.name, value: .real($0.value)) })),
      ("seconds_per_sample", .real(secondsPerSample)),
    ]
    if !members.isEmpty { pairs.append(("members", .list(members.map(\.json)))) }
    if !overTime.isEmpty { pairs.append(("error_over_time", .list(overTime.map(\.json)))) }
    return .object(pairs)
  }
}

extension TrainedModel {
  /// Compares predictions for every sample of a dataset with its outputs.
  ///
  /// - Returns: The figures, and warnings: about the data, and where the model was trained on samples of them.
  public func evaluate(
    data path: String, convention: MetricConvention = .standard, batchSize: Int? = nil, watch: Watch = Watch()
  ) throws -> (evaluation: Evaluation, warnings: [String]) {
    var (data, warnings) = try open(path, requiresOutputs: true)
    if description.provenance?.overlaps(data.reader) == true {
      warnings.append(
        "\(path): holds samples that the model was trained on (same equation, measure, seed and sample numbers)"
      )
    }
    let source = DatasetBatchSource(data)
    var collector = MetricCollector(
      grid: data.metricGrid, channels: description.outputChannels, convention: convention)
    var overTime = try TimeErrorCollector(data)
    var members = (normalized.model as? BoostedOperator<Float>).map {
      MemberCollector(
        $0, grid: data.metricGrid, channels: description.model.channels.outputs, convention: convention)
    }
    var times: [Double] = []
    try normalized.forEachPrediction(over: source, batchSize: batchSize ?? Self.batchSize(for: data)) {
      prediction in
      try watch.check()
      var seconds = prediction.seconds
      if times.isEmpty {
        // The first pass made plans and filled pools.
        let clock = ContinuousClock()
        let start = clock.now
        _ = try normalized.predict(
          prediction.batch.input, at: source.positions, queries: source.targetPositions,
          reusing: prediction.prepared)
        seconds = (clock.now - start) / .seconds(1)
      }
      times.append(seconds / Double(prediction.indices.count))
      collector.add(prediction: prediction.output, target: prediction.batch.target)
      overTime?.add(prediction: prediction.output, target: prediction.batch.target)
      members?.add(prediction.batch, at: source.positions)
      watch.onProgress(prediction.indices.upperBound, source.sampleCount)
    }
    let evaluation = Evaluation(
      samples: source.sampleCount, metrics: collector.values, secondsPerSample: median(times),
      members: members?.values ?? [], overTime: overTime?.values ?? [])
    return (evaluation, warnings)
  }
}

/// The middle value, or the mean of the two middle ones.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return .nan }
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
