// A dataset with some of its variables as an operator predicts them.

import Tensors

/// Writes a copy of a dataset in which selected variables (or some of their times) are replaced by predictions.
public final class PredictionWriter {
  /// How predicted tensors `[sample, channel, …grid]` map to the variables.
  public let layout: ChannelLayout
  private let writer: DatasetWriter

  /// Copies `data` to a partial dataset at `path`.
  ///
  /// - Parameters:
  ///   - outputs: what will be predicted.
  ///   - time: as the operator was trained.
  ///   - timeCounts: for outputs that `data` do not hold, how many times they have; without an entry, none.
  ///   - attributes: set in the copy, `history` and `source` among them.
  public init(
    data: DatasetReader, path: String, outputs: [FieldSelection], time: ChannelLayout.Time = .channels,
    timeCounts: [String: Int] = [:], attributes: [Attribute] = [], existing: ExistingOutput = .refuse
  ) throws(DatasetError) {
    var schema = try DatasetCopy.schema(
      of: data, sampleCount: data.sampleCount, replaced: Set(outputs.map(\.variable)))
    for output in outputs where schema.variable(output.variable) == nil {
      try Self.add(output.variable, timeCount: timeCounts[output.variable], data, to: &schema)
    }
    for attribute in attributes { schema.set(attribute.name, attribute.value) }
    writer = try DatasetWriter(
      path: path, schema: schema, existing: existing == .resume ? .replace : existing)
    do {
      try DatasetCopy.copySamples(of: data, to: writer, at: 0)
      layout = try ChannelLayout(
        DatasetReader(path: writer.files.partial), selections: outputs,
        time: time == .axis ? .axis : .channels)
    } catch {
      writer.discard()
      throw error
    }
  }

  /// Adds a variable on the grid of the data's largest field.
  private static func add(
    _ name: String, timeCount: Int?, _ data: DatasetReader, to schema: inout DatasetSchema
  ) throws(DatasetError) {
    let model = data.variables.filter { !data.isCoordinate($0) && !$0.gridDimensions.isEmpty }
      .max { $0.gridShape.reduce(1, *) < $1.gridShape.reduce(1, *) }
    guard let model else {
      throw DatasetError(.invalidData, path: data.path, "has no field on a grid to predict \(name) on")
    }
    if let timeCount {
      let known = schema.length(of: "time")
      if known == 0 {
        schema.dimensions.append(DatasetDimension(name: "time", length: timeCount))
      } else if known != timeCount {
        throw DatasetError(
          .invalidData, path: data.path,
          "has \(known) times, but the predicted variable \(name) would have \(timeCount)")
      }
    }
    schema.addField(
      name, type: .float32, hasTime: timeCount != nil, axes: model.gridDimensions.map(\.name),
      longName: "predicted \(name)")
  }

  /// Writes predictions of consecutive samples, `layout.shape(samples:)`.
  public func write<Element: Scalar>(
    samples: Range<Int>, _ tensor: Tensor<Element>
  ) throws(DatasetError) {
    precondition(
      tensor.shape == layout.shape(samples: samples.count),
      "a prediction \(tensor.shape) for \(layout.shape(samples: samples.count))")
    try tensor.withUnsafeBuffer { buffer throws(DatasetError) in
      guard let base = buffer.baseAddress else { return }
      let points = layout.grid.pointCount
      for (index, sample) in samples.enumerated() {
        var place = base + index * layout.valuesPerSample
        for field in layout.fields {
          try write(field, sample: sample, from: place)
          place += field.channels * points
        }
      }
    }
  }

  private func write<Element: Scalar>(
    _ field: ChannelLayout.Field, sample: Int, from values: UnsafePointer<Element>
  ) throws(DatasetError) {
    let block = field.block
    let samples = sample..<sample + 1
    guard field.hasTimeAxis, let times = block.time, let channels = block.channel else {
      return try writer.write(
        field.variable.name, samples: samples, times: block.time, channels: block.channel, values: values)
    }
    // [channel, time, …grid] to the file's [time, channel, …grid].
    let scratch = AlignedMemory<Element>(count: block.count)
    let points = block.count / (times.count * channels.count)
    permute(
      values, shape: [channels.count, times.count, points], order: [1, 0, 2], into: scratch.pointer)
    try writer.write(
      field.variable.name, samples: samples, times: times, channels: channels, values: scratch.pointer)
  }

  /// Gives the file its final name.
  public func finish() throws(DatasetError) { try writer.finish() }

  /// Removes what was written.
  public func discard() { writer.discard() }
}
