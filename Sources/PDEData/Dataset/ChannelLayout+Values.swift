// Channels of any samples from the file, without more of it in memory than they need.

import RealModule
import Tensors

extension ChannelLayout {
  /// Reads samples, in the order given, as `[samples.count, channel, …grid]`.
  public func read<Element: Scalar>(
    _ reader: DatasetReader, samples: [Int]
  ) throws(DatasetError) -> Tensor<Element> {
    var tensor = Tensor<Element>(uninitialized: shape(samples: samples.count))
    try read(reader, samples: samples, into: &tensor)
    return tensor
  }

  /// The same into memory that is there already; `tensor` has the shape ``shape(samples:)``.
  public func read<Element: Scalar>(
    _ reader: DatasetReader, samples: [Int], into tensor: inout Tensor<Element>
  ) throws(DatasetError) {
    precondition(
      tensor.shape == shape(samples: samples.count),
      "a tensor \(tensor.shape) for \(shape(samples: samples.count))")
    try tensor.withUnsafeMutableBuffer { buffer throws(DatasetError) in
      guard let base = buffer.baseAddress else { return }
      var place = base
      for field in fields {
        try read(field, reader, samples: samples, into: place)
        place += field.channels * grid.pointCount
      }
    }
  }

  /// Throws an error that counts and locates the values that are not finite, if there are any.
  public func requireFinite<Element: Scalar>(
    _ tensor: Tensor<Element>, samples: [Int], path: String
  ) throws(DatasetError) {
    var report = NonFiniteReport()
    survey(tensor, samples: samples, into: &report)
    if let error = report.error(path: path) { throw error }
  }

  /// Reads samples block by block and throws as ``requireFinite(_:samples:path:)`` does.
  public func requireFinite(_ reader: DatasetReader, samples: [Int]) throws(DatasetError) {
    var report = NonFiniteReport()
    let block = max(1, (16 << 20) / max(1, 4 * valuesPerSample))
    for start in stride(from: 0, to: samples.count, by: block) {
      let part = Array(samples[start..<min(samples.count, start + block)])
      let tensor: Tensor<Float> = try read(reader, samples: part)
      survey(tensor, samples: part, into: &report)
    }
    if let error = report.error(path: reader.path) { throw error }
  }

  private func read<Element: Scalar>(
    _ field: Field, _ reader: DatasetReader, samples: [Int], into target: UnsafeMutablePointer<Element>
  ) throws(DatasetError) {
    let block = field.block
    let stride = valuesPerSample
    // A field as wide as the place it has needs no other copy.
    if block.count == field.channels * grid.pointCount {
      return try reader.read(block, samples: samples, into: target, sampleStride: stride)
    }
    let scratch = AlignedMemory<Element>(count: samples.count * block.count)
    try reader.read(block, samples: samples, into: scratch.pointer, sampleStride: block.count)
    let isConstant = field.variable.isPerSampleScalar
    let points = isConstant ? grid.pointCount : grid.pointCount / repeats
    for sample in samples.indices {
      for channel in 0..<field.channels {
        let source = scratch.pointer + sample * block.count + channel * (isConstant ? 1 : points)
        let place = target + sample * stride + channel * grid.pointCount
        if isConstant {
          place.update(repeating: source[0], count: points)
        } else {
          for step in 0..<repeats { (place + step * points).update(from: source, count: points) }
        }
      }
    }
  }

  private func survey<Element: Scalar>(
    _ tensor: Tensor<Element>, samples: [Int], into report: inout NonFiniteReport
  ) {
    let points = grid.pointCount
    tensor.withUnsafeBuffer { buffer in
      guard let base = buffer.baseAddress else { return }
      for sample in samples.indices {
        for channel in 0..<channelCount {
          let values = base + (sample * channelCount + channel) * points
          let count = countNonFinite(values, count: points)
          guard count > 0 else { continue }
          report.count += count
          guard report.first == nil else { continue }
          let index = (0..<points).first { !values[$0].isFinite } ?? 0
          report.first = .init(
            channel: channels[channel], sample: samples[sample], position: position(index))
        }
      }
    }
  }

  private func position(_ index: Int) -> String {
    let strides = Tensor<Float>.strides(of: grid.shape)
    return zip(grid.axes, strides)
      .map { axis, stride in "\(axis.name) \(index / stride % axis.count)" }.joined(separator: ", ")
  }
}

/// How many values are NaN or infinite, and where the first is.
struct NonFiniteReport {
  struct Location {
    let channel: ChannelLayout.Channel
    let sample: Int
    let position: String
  }

  var count = 0
  var first: Location?

  func error(path: String) -> DatasetError? {
    guard let first else { return nil }
    return DatasetError(
      .invalidData, path: path, variable: first.channel.variable,
      "\(count) \(count == 1 ? "value is" : "values are") NaN, infinite or missing; the first is in "
        + "\(first.channel.name), sample \(first.sample), at \(first.position)")
  }
}

/// The number of NaN and infinite values.
@specialized(where Element == Float)
@specialized(where Element == Double)
func countNonFinite<Element: Scalar>(_ values: UnsafePointer<Element>, count: Int) -> Int {
  // x·0 is 0 for finite x and NaN otherwise: the common case is one sum that vectorizes.
  var sum: Element = 0
  for index in 0..<count { sum = Relaxed.multiplyAdd(values[index], 0, sum) }
  guard !sum.isFinite else { return 0 }
  return (0..<count).reduce(0) { $0 + (values[$1].isFinite ? 0 : 1) }
}
