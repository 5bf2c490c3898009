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
  func coarseAxes(of grid: Grid) -> [(axis: String, points: Int, needed: Int)] {
    grid.axes.compactMap { $0.count < 1 << levels ? ($0.name, $0.count, 1 << levels) : nil }
  }
}

extension FactorizedFNOConfiguration: Architecture {
  func makeModel(seed: UInt64?) -> any NeuralOperator<Float> { FactorizedFNO<Float>(self, seed: seed) }

  func coarseAxes(of grid: Grid) -> [(axis: String, points: Int, needed: Int)] {
    zip(grid.axes, modes).compactMap { $0.count < $1 ? ($0.name, $0.count, $1) : nil }
  }
}
