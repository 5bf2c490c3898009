import PDEData
import Tensors

/// Grids, fields and orders of convergence for the tests of finite-difference solvers.
enum FiniteDifference {
  static func grid(
    _ counts: [Int], _ placements: [Grid.Placement], lower: Double = 0, upper: Double = 1
  ) -> Grid {
    Grid(
      axes: counts.indices.map {
        Grid.Axis(
          name: ["z", "y", "x"][3 - counts.count + $0], lowerBound: lower, upperBound: upper,
          count: counts[$0], placement: placements[$0])
      })
  }

  static func field(_ grid: Grid, _ function: ([Double]) -> Double) -> Tensor<Double> {
    let strides = Tensor<Double>.strides(of: grid.shape)
    let coordinates = grid.axes.map(\.coordinates)
    return Tensor(
      (0..<grid.pointCount).map { point in
        function(grid.axes.indices.map { coordinates[$0][point / strides[$0] % grid.shape[$0]] })
      }, shape: grid.shape)
  }

  static func maximumError(_ a: Tensor<Double>, _ b: Tensor<Double>) -> Double {
    (a - b).maximumMagnitude()
  }

  /// The order p with error ~ sizeᵖ between two sizes.
  static func order(_ coarse: (size: Double, error: Double), _ fine: (size: Double, error: Double)) -> Double
  {
    Double.log(coarse.error / fine.error) / Double.log(coarse.size / fine.size)
  }
}
