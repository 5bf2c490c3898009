// Where training takes its samples from: tensors, whatever they were read from.

import Tensors

/// Some samples of a source.
public struct Batch<Element: Scalar>: Sendable {
  /// `[batch, channel, …grid]`.
  public var input: Tensor<Element>
  /// `[batch, channel, …grid]`.
  public var target: Tensor<Element>

  public init(input: Tensor<Element>, target: Tensor<Element>) {
    self.input = input
    self.target = target
  }
}

/// Samples of raw fields on one grid, read by their numbers.
public protocol BatchSource<Element>: Sendable {
  associatedtype Element: Scalar

  var sampleCount: Int { get }
  /// Where the points of every sample's input are.
  var positions: GridPositions { get }
  /// Where the points of every sample's target are: with the input's unless the source says otherwise.
  var targetPositions: GridPositions { get }
  /// The grid of the targets, in its own coordinates: what derivatives are taken on.
  var grid: Grid { get }

  /// The samples of these numbers, in their order. Called from a thread that reads ahead: takes no part in the
  /// ``WorkerPool``, whose threads are busy with the batch before.
  func batch(_ indices: [Int]) throws -> Batch<Element>
}

extension BatchSource {
  public var targetPositions: GridPositions { positions }
  /// Periodic, of length 1 along every axis: what nobody has said otherwise of.
  public var grid: Grid { Grid(periodicUnit: targetPositions.shape) }
}

/// Samples that are in memory.
public struct TensorSource<Element: Scalar>: BatchSource {
  /// `[sample, channel, …grid]`.
  public let inputs: Tensor<Element>
  /// `[sample, channel, …grid]`.
  public let targets: Tensor<Element>
  public let positions: GridPositions
  public let targetPositions: GridPositions
  public let grid: Grid

  /// - Parameters:
  ///   - targetPositions: nil: the targets are where the inputs are.
  ///   - grid: Of the targets; nil: periodic, of length 1 along every axis.
  public init(
    inputs: Tensor<Element>, targets: Tensor<Element>, positions: GridPositions,
    targetPositions: GridPositions? = nil, grid: Grid? = nil
  ) {
    let targetPositions = targetPositions ?? positions
    precondition(
      inputs.shape[0] == targets.shape[0] && Array(targets.shape[2...]) == targetPositions.shape
        && Array(inputs.shape[2...]) == positions.shape, "one target for every input, each on its points")
    self.inputs = inputs
    self.targets = targets
    self.positions = positions
    self.targetPositions = targetPositions
    self.grid = grid ?? Grid(periodicUnit: targetPositions.shape)
  }

  public var sampleCount: Int { inputs.shape[0] }

  public func batch(_ indices: [Int]) -> Batch<Element> {
    Batch(input: gather(inputs, indices), target: gather(targets, indices))
  }
}

/// Some of another source's samples, in a given order.
public struct SubsetSource<Element: Scalar>: BatchSource {
  public let base: any BatchSource<Element>
  public let indices: [Int]

  public init(of base: any BatchSource<Element>, indices: [Int]) {
    self.base = base
    self.indices = indices
  }

  public var sampleCount: Int { indices.count }
  public var positions: GridPositions { base.positions }
  public var targetPositions: GridPositions { base.targetPositions }
  public var grid: Grid { base.grid }

  public func batch(_ indices: [Int]) throws -> Batch<Element> {
    try base.batch(indices.map { self.indices[$0] })
  }
}

func gather<Element: Scalar>(_ tensor: Tensor<Element>, _ indices: [Int]) -> Tensor<Element> {
  var result = Tensor<Element>(uninitialized: [indices.count] + tensor.shape[1...])
  let size = tensor.shape[1...].reduce(1, *)
  let (source, target) = (tensor.unsafePointer, result.unsafeMutablePointer())
  for (place, index) in indices.enumerated() {
    precondition(index >= 0 && index < tensor.shape[0], "sample \(index) of \(tensor.shape[0])")
    (target + place * size).update(from: source + index * size, count: size)
  }
  withExtendedLifetime(tensor) {}
  return result
}
