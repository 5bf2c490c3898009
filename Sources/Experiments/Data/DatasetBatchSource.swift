// Samples of a dataset for training and prediction: from memory where they fit, else from the file as they are used.

import Operators
import PDEData
import Tensors

/// Samples of a dataset, read as they are asked for.
public struct DatasetBatchSource: BatchSource {
  private let data: OperatorData
  /// The numbers in the file.
  public let samples: [Int]
  public let positions: GridPositions
  public let targetPositions: GridPositions

  /// - Parameter samples: The numbers in the file; nil: all that are whole.
  public init(_ data: OperatorData, samples: [Int]? = nil) {
    self.data = data
    self.samples = samples ?? data.samples
    positions = data.positions
    targetPositions = data.outputPositions
  }

  public var sampleCount: Int { samples.count }
  public var grid: Grid { data.outputGrid }

  /// Without outputs in the file the target has no channels.
  ///
  /// - Throws: `DatasetError`; for values that are not finite it counts all of them, in all of the samples, and says
  ///   where the first one is.
  public func batch(_ indices: [Int]) throws -> Batch<Float> {
    let numbers = indices.map { samples[$0] }
    let input = try read(data.inputs, numbers)
    let target = try data.outputs.map { try read($0, numbers) }
    return Batch(
      input: input, target: target ?? Tensor(uninitialized: [indices.count, 0] + data.outputGrid.shape))
  }

  /// The inputs alone.
  func inputs(_ indices: [Int]) throws -> Tensor<Float> { try read(data.inputs, indices.map { samples[$0] }) }

  private func read(_ layout: ChannelLayout, _ numbers: [Int]) throws -> Tensor<Float> {
    let values: Tensor<Float> = try layout.read(data.reader, samples: numbers)
    do {
      try layout.requireFinite(values, samples: numbers, path: data.reader.path)
    } catch {
      try layout.requireFinite(data.reader, samples: samples)
      throw error
    }
    return values
  }

  /// Bytes that all samples need in memory.
  public var byteCount: Int {
    let values = data.inputs.valuesPerSample + (data.outputs?.valuesPerSample ?? 0)
    return sampleCount * values * MemoryLayout<Float>.stride
  }

  /// The same samples, in memory where they need at most `limit` bytes.
  ///
  /// - Throws: as ``batch(_:)`` does.
  public func loaded(upTo limit: Int) throws -> any BatchSource<Float> {
    guard byteCount <= limit, let outputs = data.outputs else { return self }
    return TensorSource(
      inputs: try read(data.inputs, samples), targets: try read(outputs, samples), positions: positions,
      targetPositions: targetPositions, grid: data.outputGrid)
  }
}
