// The baselines as kinds of models.

import Operators
import Tensors

extension UNetConfiguration: Architecture {
  func makeModel(seed: UInt64?) -> any NeuralOperator<Float> { UNet<Float>(self, seed: seed) }

  mutating func adapt(to data: OperatorData) throws {
    let found = data.grid.axes.count
    guard (1...2).contains(found) else {
      throw ExperimentError(
        .invalidData, "\(data.reader.path): the inputs lie on \(found) axes, a unet works on 1 or 2")
    }
    dimensions = found
  }

  /// On the coarsest grid there is a point left.
  func coarseAxes(of grid: Grid) -> [CoarseAxis] {
    grid.axes.compactMap {
      $0.count < 1 << levels
        ? CoarseAxis(axis: $0.name, points: $0.count, needed: 1 << levels, key: "levels") : nil
    }
  }
}

extension FactorizedFNOConfiguration: Architecture {
  func makeModel(seed: UInt64?) -> any NeuralOperator<Float> { FactorizedFNO<Float>(self, seed: seed) }

  func coarseAxes(of grid: Grid) -> [CoarseAxis] {
    zip(grid.axes, modes).compactMap {
      $0.count < $1 ? CoarseAxis(axis: $0.name, points: $0.count, needed: $1) : nil
    }
  }
}
