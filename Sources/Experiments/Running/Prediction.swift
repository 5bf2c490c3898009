// Applying a model to a dataset: predictions as a dataset of the same form.

import Operators
import PDEData
import Spectral
import Tensors

/// What a long computation asks and tells while it goes on.
public struct Watch {
  /// Looked at after every piece of work.
  public let stop: StopSignal
  /// Samples done, and how many there are.
  public let onProgress: (_ done: Int, _ total: Int) -> Void

  public init(
    stop: StopSignal = StopSignal(), onProgress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) {
    self.stop = stop
    self.onProgress = onProgress
  }

  func check() throws {
    guard !stop.isRequested else { throw ExperimentError(.interrupted, "stopped on request") }
  }
}

extension TrainedModel {
  /// Predicts the outputs for every sample of a dataset and writes a dataset of the same form: the inputs as they
  /// were, the outputs as predicted, each under its own name; times that are not predicted stay as they were.
  ///
  /// - Parameters:
  ///   - history: The line that the new file's `history` begins with.
  ///   - batchSize: Samples worked on at once; nil: as many as some million points.
  /// - Returns: Warnings about the data.
  public func predict(
    data path: String, output: String, existing policy: ExistingOutput = .refuse, history: String? = nil,
    batchSize: Int? = nil, watch: Watch = Watch()
  ) throws -> [String] {
    _ = try DatasetFiles(path: output).check(policy)
    try DistinctFiles.require(output: output, inputs: [path, self.path])
    let (data, warnings) = try open(path, requiresOutputs: false)
    let source = data.reader.text("source").map { "; other values from \($0)" } ?? ""
    let outputNames = data.mapping.outputs.map(\.description).joined(separator: " ")
    var attributes = [
      Attribute("source", "operatorctl \(Toolkit.version), \(outputNames) predicted by \(self.path)\(source)")
    ]
    if let history {
      let earlier = data.reader.text("history").map { "\n" + $0 } ?? ""
      attributes.append(Attribute("history", history + earlier))
    }
    let writer = try PredictionWriter(
      data: data.reader, path: output, outputs: data.mapping.outputs,
      time: data.mapping.timeAs == .axis ? .axis : .channels, timeCounts: description.timeCounts,
      attributes: attributes, existing: policy)
    do {
      guard writer.layout.channelCount == description.outputChannels else {
        throw ExperimentError(
          .invalidData,
          "\(path): the outputs make \(writer.layout.channelCount) channels, but the model has "
            + "\(description.outputChannels)")
      }
      let source = DatasetBatchSource(data)
      try normalized.forEachPrediction(over: source, batchSize: batchSize ?? Self.batchSize(for: data)) {
        prediction in
        try watch.check()
        try Self.write(prediction.output, of: Array(source.samples[prediction.indices]), to: writer)
        watch.onProgress(prediction.indices.upperBound, source.sampleCount)
      }
      try writer.finish()
    } catch {
      writer.discard()
      throw error
    }
    return warnings
  }

  /// Writes runs of consecutive samples together.
  private static func write(_ output: Tensor<Float>, of samples: [Int], to writer: PredictionWriter) throws {
    if let first = samples.first, let last = samples.last, last - first == samples.count - 1 {
      return try writer.write(samples: first..<last + 1, output)
    }
    let size = output.count / samples.count
    for (index, sample) in samples.enumerated() {
      let part = output.withUnsafeBuffer {
        Tensor($0[index * size..<(index + 1) * size], shape: [1] + output.shape[1...])
      }
      try writer.write(samples: sample..<sample + 1, part)
    }
  }
}
