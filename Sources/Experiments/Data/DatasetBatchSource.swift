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

  /// - Parameter samples: The numbers in the file; nil: all that are whole.
  public init(_ data: OperatorData, samples: [Int]? = nil) {
    self.data = data
    self.samples = samples ?? data.samples
    positions = data.positions
  }

  public var sampleCount: Int { samples.count }

  /// Without outputs in the file the target has no channels.
  public func batch(_ indices: [Int]) throws -> Batch<Float> {
    let numbers = indices.map { samples[$0] }
    let input: Tensor<Float> = try data.inputs.read(data.reader, samples: numbers)
    try data.inputs.requireFinite(input, samples: numbers, path: data.reader.path)
    guard let outputs = data.outputs else {
      return Batch(input: input, target: Tensor(uninitialized: [indices.count, 0] + data.grid.shape))
    }
    let target: Tensor<Float> = try outputs.read(data.reader, samples: numbers)
    try outputs.requireFinite(target, samples: numbers, path: data.reader.path)
    return Batch(input: input, target: target)
  }

  /// Bytes that all samples need in memory.
  public var byteCount: Int {
    let values = data.inputs.valuesPerSample + (data.outputs?.valuesPerSample ?? 0)
    return sampleCount * values * MemoryLayout<Float>.stride
  }

  /// The same samples, checked: their values are finite, all of them. They are in memory where they need at most
  /// `limit` bytes.
  ///
  /// - Throws: `DatasetError`, which counts the values that are not finite and says where the first one is.
  public func checked(inMemoryUpTo limit: Int) throws -> any BatchSource<Float> {
    guard byteCount <= limit, let outputs = data.outputs else {
      try data.inputs.requireFinite(data.reader, samples: samples)
      try data.outputs?.requireFinite(data.reader, samples: samples)
      return self
    }
    let inputs: Tensor<Float> = try data.inputs.read(data.reader, samples: samples)
    try data.inputs.requireFinite(inputs, samples: samples, path: data.reader.path)
    let targets: Tensor<Float> = try outputs.read(data.reader, samples: samples)
    try outputs.requireFinite(targets, samples: samples, path: data.reader.path)
    return TensorSource(inputs: inputs, targets: targets, positions: positions)
  }
}
