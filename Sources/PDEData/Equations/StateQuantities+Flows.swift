// What can be recorded of flows.

import Tensors

extension StateQuantities {
  /// Of a plane flow on a periodic grid by its vorticity w.
  static let vorticity = StateQuantities(
    all: [.mass(of: "w"), .energy("|u|^2/2"), .enstrophy, .palinstrophy, .spectrum],
    measure: { state, grid in
      let found = VorticityQuantities(of: state.reshaped(grid.shape), lengths: grid.axes.map(\.length))
      return [
        // Of the vorticity itself, the Nyquist modes of even numbers of points among it.
        "energy": [found.energy], "enstrophy": [BoxMean(grid)(state) { $0 * $0 / 2 }],
        "palinstrophy": [found.palinstrophy],
        "mass": [state.mean() * volume(grid)], "spectrum": found.spectrum,
      ]
    },
    wavenumberCount: { VorticityQuantities.wavenumberCount(shape: $0.shape) })

  /// Of a plane flow between walls, on nodes, by its vorticity w: the gradient is that of differences between neighbours.
  static let walledVorticity = StateQuantities(
    all: [.mass(of: "w"), .energy("|u|^2/2"), .enstrophy, .palinstrophy],
    measure: { state, grid in
      let mean = BoxMean(grid)
      let state = state.reshaped(grid.shape)
      let term = VorticityDifferences<Double>(grid: grid, surroundings: .walls(.init()))
      // ψ is zero on the walls: half of −ψΔψ has the integral of half of |∇ψ|².
      var product = term.streamfunction(state)
      product *= state
      return [
        "mass": [mean(state) * volume(grid)], "energy": [mean(product) / 2],
        "enstrophy": [mean(state) { $0 * $0 / 2 }],
        "palinstrophy": [
          grid.axes.indices.reduce(0) { $0 + meanSquaredSlope(of: state, along: $1, grid) / 2 }
        ],
      ]
    })

  /// The mean of the squared derivative along an axis of nodes.
  private static func meanSquaredSlope(of state: Tensor<Double>, along axis: Int, _ grid: Grid) -> Double {
    // Between two nodes lies a cell's centre.
    var centres = grid
    centres.axes[axis].count -= 1
    centres.axes[axis].placement = .cells
    let (stride, spacing) = (state.strides[axis], grid.axes[axis].spacing)
    var slopes = Tensor<Double>(uninitialized: centres.shape)
    let (columns, row) = (centres.axes[1].count, grid.axes[1].count)
    slopes.withUnsafeMutableBuffer { slopes in
      state.withUnsafeBuffer { state in
        for point in slopes.indices {
          let index = point / columns * row + point % columns
          slopes[point] = (state[index + stride] - state[index]) / spacing
        }
      }
    }
    return BoxMean(centres)(slopes) { $0 * $0 }
  }

  /// Of water of depth h and velocity u over a flat bed: the spectrum is that of the velocities alone.
  static func shallowWater(gravity: Double) -> StateQuantities {
    var spectrum = Quantity.spectrum
    spectrum.longName = "|u|^2/2 of the modes with k <= |wavevector| < k + 1"
    return StateQuantities(
      all: [.mass(of: "h"), .energy("h |u|^2/2 + g h^2/2"), spectrum],
      measure: { state, grid in
        let (points, fields) = (grid.pointCount, grid.axes.count + 1)
        func part(_ fields: Range<Int>) -> Tensor<Double> {
          state.withUnsafeBuffer {
            Tensor(
              $0[fields.lowerBound * points..<fields.upperBound * points], shape: [fields.count] + grid.shape)
          }
        }
        let (depth, velocities) = (part(0..<1), part(1..<fields))
        var energy = depth
        energy.withUnsafeMutableBuffer { energy in
          velocities.withUnsafeBuffer { velocities in
            for point in 0..<points {
              let square = stride(from: point, to: velocities.count, by: points).reduce(0.0) {
                $0 + velocities[$1] * velocities[$1]
              }
              energy[point] *= (square + gravity * energy[point]) / 2
            }
          }
        }
        let mean = BoxMean(grid)
        return [
          "mass": [mean(depth) * volume(grid)], "energy": [mean(energy)],
          "spectrum": StateQuantities.spectrum(velocities, grid),
        ]
      })
  }
}
