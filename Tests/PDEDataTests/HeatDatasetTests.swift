import Foundation
import PDEData
import Tensors
import Testing

private typealias FD = FiniteDifference

@Suite struct HeatDatasetTests {
  private static func boundary(_ axes: [BoxAxis]) -> String {
    axes.map(\.option).joined(separator: ",")
  }

  /// The largest error of a mode, which decays as e^{−νλt}, λ of the differences.
  private static func error(
    _ axes: [BoxAxis], _ counts: [Int], _ options: [String: String], time: Double = 0.5
  ) throws -> Double {
    let folder = try TemporaryFolder()
    let grid = FD.grid(counts, axes.map(\.placement))
    try BoxInputs.write(
      folder.path("input.nc"), grid,
      [["u0": { point in zip(axes, point).reduce(1) { $0 * $1.0.mode($1.1) } }]])
    let options = options.merging([
      "boundary": boundary(axes), "diffusivity": "0.1", "final-time": "\(time)", "save-every": "\(time / 2)",
    ]) { $1 }
    let (reader, summary, _) = try BoxInputs.solve(HeatFlowEquation(), folder, "input.nc", options)
    #expect(summary.failed.isEmpty)
    let u: Tensor<Double> = try reader.read(reader.variable("u"))
    let initial = try InitialStates.values(reader, "u0")
    let rate = zip(axes, counts).reduce(0) {
      $0 + 0.1 * $1.0.eigenvalue($1.1, isCompact: options["order"] == "compact")
    }
    return u.values.indices.reduce(0) { worst, index in
      let t = index < initial.count ? time / 2 : time
      return max(worst, abs(u.values[index] - exp(-rate * t) * initial[index % initial.count]))
    }
  }

  /// Steps by error control meet the tolerance for every condition, in one, two and three dimensions.
  @Test(arguments: BoxAxis.allCases)
  func modesDecay(axis: BoxAxis) throws {
    #expect(try Self.error([axis], [13], ["tolerance": "1e-8"]) <= 2e-8)
    #expect(try Self.error([axis, .dirichletNodes], [13, 8], ["tolerance": "1e-8"]) <= 2e-8)
    #expect(try Self.error([.periodic, axis], [7, 11], ["tolerance": "1e-8"]) <= 2e-8)
    #expect(try Self.error([.neumannCells, axis, .periodic], [5, 7, 6], ["tolerance": "1e-7"]) <= 2e-7)
    // At a Neumann end the compact formula's modes are not cosines.
    guard [.periodic, .dirichletNodes].contains(axis) else { return }
    #expect(
      try Self.error([axis, .periodic], [13, 11], ["tolerance": "1e-8", "order": "compact"]) <= 2e-8)
  }

  /// Second order in time, by every method and condition.
  @Test(arguments: ["adi-peaceman-rachford", "adi-dyakonov", "adi-douglas-gunn"], BoxAxis.allCases)
  func stepsAreOfSecondOrder(method: String, axis: BoxAxis) throws {
    let errors = try [0.05, 0.025].map {
      (size: $0, error: try Self.error([axis, .periodic], [17, 11], ["dt": "\($0)", "method": method]))
    }
    #expect(abs(FD.order(errors[0], errors[1]) - 2) <= 0.05, "\(errors)")
  }

  /// What half the step and half the spacing tell is the error in space: of order 2, or 4 of the compact formula.
  @Test(arguments: [BoxAxis.periodic, .dirichletNodes, .neumannNodes, .dirichletCells, .neumannCells])
  func discretizationErrorFallsWithTheSpacing(axis: BoxAxis) throws {
    let folder = try TemporaryFolder()
    for (order, exponent) in [("second", 2.0), ("compact", 4)] where axis.placement != .cells || exponent == 2
    {
      let errors = try [23, 45].map { n in
        let grid = FD.grid([n, n], [axis.placement, axis.placement])
        try BoxInputs.write(
          folder.path("input.nc"), grid,
          [["u0": { axis.mode($0[0]) * axis.mode($0[1]) * (2 + cos(2 * .pi * $0[0])) }]])
        let (reader, _, _) = try BoxInputs.solve(
          HeatFlowEquation(), folder, "input.nc",
          [
            "boundary": axis.option, "diffusivity": "0.02", "final-time": "0.5", "tolerance": "1e-8",
            "order": order,
          ], checkEvery: 1)
        let h = axis.placement == .nodes ? 1 / Double(n - 1) : 1 / Double(n)
        return (size: h, error: try InitialStates.values(reader, "discretization_error")[0])
      }
      #expect(abs(FD.order(errors[0], errors[1]) - exponent) <= 0.1, "\(order) \(errors)")
    }
  }

  @Test func filesSayWhatTheyHold() throws {
    let folder = try TemporaryFolder()
    let reader = try BoxInputs.generate(
      HeatFlowEquation(), folder, [12, 17],
      ["diffusivity": "1e-3:1e-1", "boundary": "neumann", "save-every": "0.25", "record": "mass,energy"])
    let u: Tensor<Double> = try reader.read(reader.variable("u"))
    #expect(u.shape == [2, 4, 12, 17])
    #expect(try reader.times(of: reader.variable("u")) == [0.25, 0.5, 0.75, 1])
    #expect(reader.text("operator_inputs") == "u0 diffusivity" && reader.text("operator_outputs") == "u")
    #expect(reader.text("random_field")?.contains("neumann") == true)
    #expect(reader.text("boundary_conditions")?.contains("normal derivative 0 at y = 0.0") == true)
    #expect(try reader.grid(of: reader.variable("u")).axes.map(\.placement) == [.nodes, .nodes])
    #expect(try InitialStates.values(reader, "time_step_error").allSatisfy { $0 > 0 && $0 <= 1e-6 })
    // Nothing flows through the ends, and differences fade.
    let mass: Tensor<Double> = try reader.read(reader.variable("mass"))
    let energy: Tensor<Double> = try reader.read(reader.variable("energy"))
    for sample in 0..<2 {
      #expect((0..<4).allSatisfy { abs(mass[sample, $0]) <= 1e-13 })
      #expect((1..<4).allSatisfy { energy[sample, $0] < energy[sample, $0 - 1] })
    }
  }

  /// Coarse files are parts of fine ones (nodes, points of a period, centres of thrice as many cells), and solving
  /// what was stored gives it again.
  @Test(arguments: [("dirichlet", "nodes", 9, 17), ("periodic", "nodes", 8, 16), ("neumann", "cells", 6, 18)])
  func coarseFilesArePartsOfFineOnes(boundary: String, grid: String, coarse: Int, fine: Int) throws {
    let folder = try TemporaryFolder()
    let options = ["boundary": boundary, "grid": grid, "dt": "0.05"]
    let whole = try InitialStates.values(
      BoxInputs.generate(HeatFlowEquation(), folder, [fine], options, output: "fine.nc"), "u")
    let parts = try InitialStates.values(
      BoxInputs.generate(
        HeatFlowEquation(), folder, [coarse], options.merging(["solve-resolution": "\(fine)"]) { $1 }), "u")
    let stride = grid == "cells" ? 3 : 2
    for (index, value) in parts.enumerated() {
      let (sample, y, x) = (index / (coarse * coarse), index / coarse % coarse, index % coarse)
      let offset = grid == "cells" ? 1 : 0
      #expect(value == whole[(sample * fine + y * stride + offset) * fine + x * stride + offset])
    }
    let again = try BoxInputs.solve(
      HeatFlowEquation(), folder, "fine.nc", ["boundary": boundary, "dt": "0.05"]
    ).reader
    #expect(try InitialStates.values(again, "u") == whole)
  }

  /// Where no condition is asked for, periodic axes of the file are periodic.
  @Test func conditionsFollowTheFile() throws {
    let folder = try TemporaryFolder()
    let grid = FD.grid([9, 12], [.nodes, .periodic])
    try BoxInputs.write(
      folder.path("input.nc"), grid, [["u0": { sin(.pi * $0[0]) * (1 + sin(2 * .pi * $0[1])) }]])
    let reader = try BoxInputs.solve(HeatFlowEquation(), folder, "input.nc").reader
    #expect(reader.text("boundary_conditions") == "value 0 at y = 0.0, value 0 at y = 1.0; x periodic")
    let error = #expect(throws: DatasetError.self) {
      try BoxInputs.solve(HeatFlowEquation(), folder, "input.nc", ["boundary": "neumann"])
    }
    #expect(error?.description.contains("12 periodic points along x") == true)
  }
}
