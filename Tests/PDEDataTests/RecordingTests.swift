import Foundation
import PDEData
import Spectral
import Tensors
import Testing

/// Recorded quantities are those of the saved states, for every equation in time.
@Suite struct RecordingTests {
  private static let equations: [(any Equation, [Int], [String: String])] = [
    (BurgersEquation(), [32], [:]), (BurgersEquation(), [33], ["boundary": "dirichlet"]),
    (BurgersEquation(), [32], ["method": "differences-central"]), (BurgersEquation(), [16, 18], [:]),
    (AdvectionEquation(), [12, 13], [:]), (HeatFlowEquation(), [9, 12], [:]),
    (HeatFlowEquation(), [16], ["boundary": "periodic"]),
    (HeatFlowEquation(), [9], ["grid": "cells", "boundary": "neumann"]),
    (FitzHughNagumoEquation(), [9, 10], ["final-time": "0.2"]),
    (FitzHughNagumoEquation(), [8, 9], ["final-time": "0.2", "boundary": "periodic"]),
    (NavierStokesEquation(), [16, 18], [:]),
    (NavierStokesEquation(), [16, 18], ["method": "differences-adi"]), (CavityEquation(), [17], [:]),
    (ShallowWaterEquation(), [16, 18], [:]), (ShallowWaterEquation(), [16], ["dimension": "1"]),
    (ShallowWaterEquation(), [16], ["boundary": "walls", "gravity": "2"]),
    (ShallowWaterEquation(), [16], ["method": "spectral-etdrk4", "viscosity": "1e-2"]),
  ]

  @Test(arguments: equations.indices)
  func quantitiesAreThoseOfTheSavedStates(index: Int) throws {
    let (equation, resolution, options) = Self.equations[index]
    let folder = try TemporaryFolder()
    let isPeriodic = try Self.isPeriodic(equation, resolution, options)
    let isFlow = ["navier-stokes", "cavity"].contains(equation.name)
    let record =
      "mass,energy" + (isPeriodic ? ",spectrum" : "") + (isFlow ? ",enstrophy,palinstrophy" : "")
    let asked = ["final-time": "0.2", "tolerance": "1e-3", "record": record].merging(options) { $1 }
    _ = try DatasetGenerator(
      equation: equation, options: asked.merging(["save-every": "0.1"]) { $1 },
      input: .random(seed: 4, resolution: resolution), samples: 0..<2, store: .float64
    ).run(to: folder.path("F.nc"))
    let reader = try DatasetReader(path: folder.path("F.nc"))
    let names = (reader.text("operator_outputs") ?? "").split(separator: " ").map(String.init)
    let grid = try reader.grid(of: reader.variable(names[0]))
    let fields = try names.map { try InitialStates.values(reader, $0) }
    let (mass, energy) = (
      try InitialStates.values(reader, "mass"), try InitialStates.values(reader, "energy")
    )
    #expect(mass.count == 4 && energy.count == 4)
    for state in 0..<4 {
      let points = grid.pointCount
      let values = fields.map { Array($0[state * points..<(state + 1) * points]) }
      let isWater = equation.name == "shallow-water"
      let sums = isWater || isFlow ? values[0] : (0..<points).map { i in values.reduce(0) { $0 + $1[i] } }
      let expected = Self.integral(sums, grid)
      #expect(abs(mass[state] - expected) <= 1e-12 * (1 + abs(expected)))
      let gravity = Double(options["gravity"] ?? "1") ?? 1
      let volume = grid.axes.reduce(1) { $0 * $1.length }
      let squares = (0..<points).map { i in values.reduce(0) { $0 + $1[i] * $1[i] } / 2 }
      var known = Self.integral(squares, grid) / volume
      if isWater {
        let kinetic = (0..<points).map { i in
          values[0][i] * (values.dropFirst().reduce(0) { $0 + $1[i] * $1[i] } + gravity * values[0][i]) / 2
        }
        known = Self.integral(kinetic, grid) / volume
      }
      if equation.name == "cavity" {
        // Half the integral of ωψ: ψ is zero on the walls.
        known = Self.integral((0..<points).map { values[0][$0] * values[1][$0] / 2 }, grid) / volume
      }
      if isFlow {
        let found = try ["enstrophy", "palinstrophy"].map { try InitialStates.values(reader, $0)[state] }
        let enstrophy = Self.integral(values[0].map { $0 * $0 / 2 }, grid) / volume
        #expect(abs(found[0] / enstrophy - 1) <= 1e-11)
        let flow = VorticityQuantities(
          of: Tensor(values[0], shape: grid.shape), lengths: grid.axes.map(\.length))
        let palinstrophy = isPeriodic ? flow.palinstrophy : Self.palinstrophy(values[0], grid) / volume
        #expect(abs(found[1] / palinstrophy - 1) <= 1e-11)
        if isPeriodic { known = flow.energy }
      }
      #expect(abs(energy[state] / known - 1) <= 1e-11)
      guard isPeriodic, !isWater else { continue }
      let spectrum = try InitialStates.values(reader, "spectrum")
      let count = spectrum.count / 4
      let sum = spectrum[state * count..<(state + 1) * count].reduce(0, +)
      #expect(abs(sum / energy[state] - 1) <= 1e-11)
    }
    if equation.name == "shallow-water" {
      // Water is neither made nor lost.
      #expect(zip(mass, mass.dropFirst()).enumerated().allSatisfy { $0 == 1 || abs($1.0 / $1.1 - 1) < 1e-12 })
    }
  }

  private static func isPeriodic(_ equation: any Equation, _ resolution: [Int], _ options: [String: String])
    throws -> Bool
  {
    try equation.problem(options: options, input: .random(seed: 1, resolution: resolution)).grid.axes
      .allSatisfy(\.isPeriodic)
  }

  /// Half the integral of the squared differences between neighbouring nodes.
  private static func palinstrophy(_ values: [Double], _ grid: Grid) -> Double {
    let (rows, columns) = (grid.shape[0], grid.shape[1])
    let (height, width) = (grid.axes[0].spacing, grid.axes[1].spacing)
    var total = 0.0
    for row in 0..<rows {
      for column in 0..<columns {
        let value = values[row * columns + column]
        if column + 1 < columns {
          let slope = (values[row * columns + column + 1] - value) / width
          total += slope * slope / 2 * (row == 0 || row == rows - 1 ? 0.5 : 1)
        }
        if row + 1 < rows {
          let slope = (values[(row + 1) * columns + column] - value) / height
          total += slope * slope / 2 * (column == 0 || column == columns - 1 ? 0.5 : 1)
        }
      }
    }
    return total * height * width
  }

  /// By the trapezoidal rule on nodes, by sums elsewhere.
  private static func integral(_ values: [Double], _ grid: Grid) -> Double {
    var total = 0.0
    let strides = grid.shape.indices.map { grid.shape[($0 + 1)...].reduce(1, *) }
    for (point, value) in values.enumerated() {
      var weight = grid.axes.reduce(1) { $0 * $1.spacing }
      for (axis, stride) in zip(grid.axes, strides) where axis.placement == .nodes {
        let position = point / stride % axis.count
        if position == 0 || position == axis.count - 1 { weight /= 2 }
      }
      total += weight * value
    }
    return total
  }
}
