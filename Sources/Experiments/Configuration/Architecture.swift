// What every kind of model has in common for an experiment.

import Operators
import Tensors

/// The configuration of one kind of model, as an experiment needs it.
protocol Architecture: Codable, Sendable, Equatable {
  /// 0 until the data say it.
  var inChannels: Int { get set }
  /// 0 until the data say it.
  var outChannels: Int { get set }
  /// Grid axes that the model's input has; 0 where it may have any number.
  var dimensions: Int { get }
  /// What is wrong with the configuration, beginning with the key; nil where nothing is.
  var problem: String? { get }
  /// The modes along each axis, where they can grow while training; nil where not.
  var growingModes: [Int]? { get }
  /// Whether outputs may lie at other points than inputs.
  var separatesGrids: Bool { get }

  /// A model with parameters drawn from `seed`. The configuration must have no ``problem``.
  func makeModel(seed: UInt64?) -> any NeuralOperator<Float>

  /// Fills in what the data say beyond the numbers of channels.
  ///
  /// - Throws: ``ExperimentError`` where what is stated is not what the data have.
  mutating func adapt(to data: OperatorData) throws

  /// Why the model cannot be applied to a grid of this shape; nil where it can.
  func problem(grid shape: [Int]) -> String?

  /// What a user should know of the model on this grid that is no error.
  func warning(grid: Grid) -> String?

  /// Why so few training samples cannot make the model, beginning with the key; nil where they can.
  func problem(trainingSamples: Int) -> String?

  /// The axes of a grid that have fewer points than the model needs: how many they have and how many it takes.
  func coarseAxes(of grid: Grid) -> [CoarseAxis]
}

/// An axis of a grid that has fewer points than a model needs.
struct CoarseAxis {
  let axis: String
  let points: Int
  let needed: Int
  /// The key that asks for more.
  var key = "modes"

  /// The same, the key that of a part of the configuration.
  func within(_ part: String) -> CoarseAxis {
    CoarseAxis(axis: axis, points: points, needed: needed, key: "\(part).\(key)")
  }
}

extension Architecture {
  var separatesGrids: Bool { false }
  var growingModes: [Int]? { nil }
  func problem(grid shape: [Int]) -> String? { nil }
  func warning(grid: Grid) -> String? { nil }
  mutating func adapt(to data: OperatorData) throws {}
  func problem(trainingSamples: Int) -> String? { nil }
  func coarseAxes(of grid: Grid) -> [CoarseAxis] { [] }
}

extension FNOConfiguration: Architecture {
  var growingModes: [Int]? { modes }

  func makeModel(seed: UInt64?) -> any NeuralOperator<Float> { FNO<Float>(self, seed: seed) }

  func coarseAxes(of grid: Grid) -> [CoarseAxis] {
    zip(grid.axes, modes).enumerated().compactMap { index, pair in
      let (axis, modes) = pair
      // Padding adds points on both sides.
      let part = domainPadding.isEmpty ? 0 : domainPadding[index]
      let padding = Int((part * Double(axis.count)).rounded(.toNearestOrEven))
      return axis.count + 2 * padding < modes
        ? CoarseAxis(axis: axis.name, points: axis.count, needed: modes - 2 * padding) : nil
    }
  }
}

extension DeepONetConfiguration: Architecture {
  var dimensions: Int { otherSensors == .accept ? 0 : sensors.count }
  var separatesGrids: Bool { true }

  func makeModel(seed: UInt64?) -> any NeuralOperator<Float> { DeepONet<Float>(self, seed: seed) }

  mutating func adapt(to data: OperatorData) throws {
    func check(_ key: String, stated: some Equatable, found: some Equatable & CustomStringConvertible) throws
    {
      guard "\(stated)" != "\(found)" else { return }
      throw ExperimentError(
        .invalidData, "\(data.reader.path): model.\(key) is \(stated), but the data have \(found)")
    }
    let queries = data.outputPositions
    if !sensors.isEmpty { try check("sensors", stated: sensors, found: data.grid.shape) }
    if queryDimensions > 0 {
      try check("query_dimensions", stated: queryDimensions, found: queries.dimensions)
    }
    sensors = data.grid.shape
    queryDimensions = queries.dimensions
    guard basis == .pod else { return }
    if !queryShape.isEmpty { try check("query_shape", stated: queryShape, found: queries.shape) }
    queryShape = queries.shape
    queriesAreScattered = queries.scattered != nil
  }

  func problem(trainingSamples: Int) -> String? {
    guard basis == .pod, let modes = branch.last else { return nil }
    let values = queryShape.reduce(outChannels, *)
    guard modes > min(trainingSamples, values) else { return nil }
    return
      "branch: expected a last layer of at most \(min(trainingSamples, values)) coefficients, not \(modes): "
      + "\(trainingSamples) training samples of \(values) values have no more POD modes"
  }
}
