import Foundation
import PDEData
import Tensors
import Testing

private typealias FD = FiniteDifference

@Suite struct BoxEquationTests {
  // MARK: - Reaction and diffusion

  /// A state without differences in space follows the reaction alone.
  @Test(arguments: ["adi-strang", "adi-imex"], ["neumann", "periodic"])
  func uniformStatesReact(method: String, boundary: String) throws {
    let folder = try TemporaryFolder()
    let placement: Grid.Placement = boundary == "periodic" ? .periodic : .cells
    try BoxInputs.write(
      folder.path("input.nc"), FD.grid([6, 7], [placement, placement]),
      [["u0": { _ in 0.8 }, "v0": { _ in -0.3 }]])
    let (reader, _, _) = try BoxInputs.solve(
      FitzHughNagumoEquation(), folder, "input.nc",
      [
        "boundary": boundary, "final-time": "1", "tolerance": "1e-7", "threshold": "0.02", "recovery": "0.5",
        "decay": "2", "method": method,
      ])
    // The classical Runge–Kutta method with steps of a thousandth.
    func rate(_ u: Double, _ v: Double) -> (Double, Double) {
      (u - u * u * u - v - 0.02, 0.5 * (u - 2 * v))
    }
    var (u, v, h) = (0.8, -0.3, 1e-3)
    for _ in 0..<1000 {
      let a = rate(u, v)
      let b = rate(u + h / 2 * a.0, v + h / 2 * a.1)
      let c = rate(u + h / 2 * b.0, v + h / 2 * b.1)
      let d = rate(u + h * c.0, v + h * c.1)
      u += h / 6 * (a.0 + 2 * b.0 + 2 * c.0 + d.0)
      v += h / 6 * (a.1 + 2 * b.1 + 2 * c.1 + d.1)
    }
    h = 5e-7
    #expect(try InitialStates.values(reader, "u").allSatisfy { abs($0 - u) <= h })
    #expect(try InitialStates.values(reader, "v").allSatisfy { abs($0 - v) <= h })
  }

  @Test func componentsAreFieldsOfTheirOwn() throws {
    let folder = try TemporaryFolder()
    let reader = try BoxInputs.generate(
      FitzHughNagumoEquation(), folder, [16],
      ["final-time": "0.5", "save-every": "0.25", "threshold": "0", "diffusivity-v": "1e-3:1e-2"],
      checkEvery: 2)
    let v: Tensor<Double> = try reader.read(reader.variable("v"))
    #expect(v.shape == [2, 2, 16, 16])
    #expect(
      reader.text("operator_inputs") == "u0 v0 diffusivity_v" && reader.text("operator_outputs") == "u v")
    let grid = try reader.grid(of: reader.variable("u"))
    #expect(grid.axes.allSatisfy { $0.placement == .cells && $0.lowerBound == -1 && $0.upperBound == 1 })
    let (u0, v0) = (try InitialStates.values(reader, "u0"), try InitialStates.values(reader, "v0"))
    #expect(u0 != v0 && abs(zip(u0, v0).reduce(0) { $0 + $1.0 * $1.1 }) < 0.5 * u0.reduce(0) { $0 + $1 * $1 })
    let errors = try InitialStates.values(reader, "discretization_error")
    #expect(errors[0] > 0 && errors[0] < 0.5 && errors[1].isNaN)
  }

  @Test func longStepsAreWarnedOfAndStopped() throws {
    let folder = try TemporaryFolder()
    let grid = FD.grid([8, 9], [.cells, .cells])
    try BoxInputs.write(
      folder.path("input.nc"), grid,
      [
        ["u0": { _ in 0.1 }, "v0": { _ in 0 }],
        ["u0": { 6 * cos(.pi * $0[0]) }, "v0": { _ in 0 }],
      ])
    let (reader, summary, warning) = try BoxInputs.solve(
      FitzHughNagumoEquation(), folder, "input.nc", ["dt": "1", "final-time": "10"])
    #expect(summary.failed == [1])
    #expect(warning?.contains("--dt 1.0 is longer than adi-strang is stable for") == true)
    #expect(try reader.sampleStatus() == [.solved, .failed])
    #expect(try InitialStates.values(reader, "u").prefix(72).allSatisfy(\.isFinite))
  }

  // MARK: - Poisson and Helmholtz

  /// A mode is divided by its discrete eigenvalue, plus σ, to roundoff.
  @Test(arguments: BoxAxis.allCases, BoxAxis.allCases)
  func modesAreDivided(first: BoxAxis, second: BoxAxis) throws {
    let folder = try TemporaryFolder()
    let axes = [first, second]
    let counts = [17, 12]
    try BoxInputs.write(
      folder.path("input.nc"), FD.grid(counts, axes.map(\.placement)),
      [["f": { first.mode($0[0]) * second.mode($0[1]) }]])
    let isCompact = axes.allSatisfy { [.periodic, .dirichletNodes].contains($0) }
    for order in isCompact ? ["second", "compact"] : ["second"] {
      let eigenvalue = zip(axes, counts).reduce(0) {
        $0 + $1.0.eigenvalue($1.1, isCompact: order == "compact")
      }
      for shift in [nil, 4.0, -1.5] {
        var options = ["boundary": "\(first.option),\(second.option)", "order": order]
        options["shift"] = shift.map { "\($0)" }
        let equation: any Equation = shift == nil ? PoissonEquation() : HelmholtzEquation()
        let (reader, summary, _) = try BoxInputs.solve(equation, folder, "input.nc", options)
        let (f, u) = (try InitialStates.values(reader, "f"), try InitialStates.values(reader, "u"))
        #expect(summary.failed.isEmpty)
        #expect(
          zip(f, u).allSatisfy { abs($1 * (eigenvalue + (shift ?? 0)) - $0) <= 1e-12 }, "\(axes) \(order)")
        #expect(try InitialStates.values(reader, "residual")[0] <= 1e-12)
      }
    }
  }

  /// FIELD: the sine mode's solution is u·π²/λ_h in any dimension; N = 16 inner points: 2.8508e-3 more.
  @Test(arguments: [1, 2, 3])
  func sineModeInAnyDimension(rank: Int) throws {
    let folder = try TemporaryFolder()
    let grid = FD.grid([Int](repeating: 18, count: rank), [Grid.Placement](repeating: .nodes, count: rank))
    try BoxInputs.write(
      folder.path("input.nc"), grid,
      [["f": { $0.reduce(Double(rank) * .pi * .pi) { $0 * sin(.pi * $1) } }]])
    let reader = try BoxInputs.solve(PoissonEquation(), folder, "input.nc").reader
    let (f, u) = (try InitialStates.values(reader, "f"), try InitialStates.values(reader, "u"))
    for (source, value) in zip(f, u) where abs(source) > 1e-3 {
      let relative = value * Double(rank) * .pi * .pi / source - 1
      #expect(abs(relative - 2.8508e-3) <= 1e-7)
    }
  }

  /// Points that crowd at the ends keep second order, and stay in the file that is written.
  @Test(arguments: ["dirichlet", "neumann-dirichlet"])
  func stretchedGrids(boundary: String) throws {
    let folder = try TemporaryFolder()
    let errors = try [24, 48].map { n -> (size: Double, error: Double) in
      let x = (0...n).map { 0.5 - 0.5 * cos(.pi * (0.15 + 0.7 * Double($0) / Double(n))) }
      let scaled = x.map { ($0 - x[0]) / (x[n] - x[0]) }
      let grid = FD.grid([13, n + 1], [.nodes, .nodes])
      let mode: @Sendable (Double) -> Double = {
        boundary == "dirichlet" ? sin(.pi * $0) : cos(.pi * $0 / 2)
      }
      let square = boundary == "dirichlet" ? Double.pi * .pi : .pi * .pi / 4
      // Along y the discrete eigenvalue, so that only x is in error.
      let along = BoxAxis.dirichletNodes.eigenvalue(13)
      try BoxInputs.write(
        folder.path("input.nc"), grid, [["f": { (along + square) * sin(.pi * $0[0]) * mode($0[1]) }]],
        coordinates: ["x": scaled])
      let reader = try BoxInputs.solve(
        PoissonEquation(), folder, "input.nc", ["boundary": "dirichlet,\(boundary)"], checkEvery: 1
      ).reader
      #expect(try InitialStates.values(reader, "x") == scaled)
      let u = try InitialStates.values(reader, "u")
      let error = u.indices.reduce(0) { worst, index in
        let (y, x) = (Double(index / (n + 1)) / 12, scaled[index % (n + 1)])
        return max(worst, abs(u[index] - sin(.pi * y) * mode(x)))
      }
      #expect(try InitialStates.values(reader, "discretization_error")[0] > 0)
      return (1 / Double(n), error)
    }
    #expect(abs(FD.order(errors[0], errors[1]) - 2) <= 0.1, "\(errors)")
  }

  @Test(arguments: ["neumann", "periodic"])
  func onlySourcesOfMeanZeroHaveASolution(boundary: String) throws {
    let folder = try TemporaryFolder()
    let placement: Grid.Placement = boundary == "neumann" ? .nodes : .periodic
    let grid = FD.grid([14, 11], [placement, placement])
    let wave: @Sendable (Double) -> Double = { cos(2 * .pi * $0) }
    try BoxInputs.write(
      folder.path("input.nc"), grid,
      [["f": { wave($0[0]) * wave($0[1]) }], ["f": { wave($0[0]) * wave($0[1]) + 5 }]])
    let error = #expect(throws: DatasetError.self) {
      try BoxInputs.solve(PoissonEquation(), folder, "input.nc", ["boundary": boundary])
    }
    #expect(error?.description.contains("sample 1 has the mean 5.0") == true)
    let reader = try BoxInputs.solve(
      PoissonEquation(), folder, "input.nc", ["boundary": boundary, "source-mean": "remove"]
    ).reader
    let u = try InitialStates.values(reader, "u")
    #expect((0..<154).allSatisfy { abs(u[$0] - u[154 + $0]) <= 1e-13 })
    let means = try InitialStates.values(reader, "source_mean")
    #expect(abs(means[0]) <= 1e-14 && abs(means[1] - 5) <= 1e-13)
    #expect(reader.text("compatibility")?.contains("mean zero") == true)
    let random = try BoxInputs.generate(PoissonEquation(), folder, [12], ["boundary": boundary])
    #expect(try InitialStates.values(random, "source_mean").allSatisfy { abs($0) <= 1e-13 })
    #expect(try InitialStates.values(random, "residual").allSatisfy { $0 <= 1e-12 })
  }

  /// At an eigenvalue there is no solution; near one, nearer than the grid has it, a warning.
  @Test func resonance() throws {
    let folder = try TemporaryFolder()
    let eigenvalue = 2 * BoxAxis.dirichletNodes.eigenvalue(21)
    for (shift, isSolved, words) in [
      (-eigenvalue, false, "there is no solution"), (-eigenvalue * (1 + 1e-5), true, "is not resolved"),
      (-eigenvalue * 1.2, true, nil),
    ] as [(Double, Bool, String?)] {
      try BoxInputs.write(
        folder.path("input.nc"), FD.grid([21, 21], [.nodes, .nodes]), [["f": { $0[0] * $0[1] }]])
      let (reader, summary, warning) = try BoxInputs.solve(
        HelmholtzEquation(), folder, "input.nc", ["shift": "\(shift)"])
      #expect(summary.failed.isEmpty == isSolved)
      #expect(words == nil ? warning == nil : warning?.contains(words ?? "") == true, "\(warning ?? "")")
      let gap = try InitialStates.values(reader, "resonance_gap")[0]
      #expect(abs(gap - abs(shift + eigenvalue)) <= 1e-10)
    }
    let reader = try BoxInputs.generate(
      HelmholtzEquation(), folder, [12], ["wavenumber": "0.5:2"], samples: 5)
    #expect(Set(try InitialStates.values(reader, "wavenumber")).count == 5)
    #expect(reader.text("operator_inputs") == "f wavenumber")
  }

  /// The error that half the spacing tells falls as the square of the spacing, or its fourth power.
  @Test(arguments: [BoxAxis.periodic, .dirichletNodes, .neumannNodes, .dirichletCells, .neumannCells])
  func discretizationErrorFallsWithTheSpacing(axis: BoxAxis) throws {
    let folder = try TemporaryFolder()
    let isCompact = [BoxAxis.periodic, .dirichletNodes].contains(axis)
    for (order, exponent) in isCompact ? [("second", 2.0), ("compact", 4)] : [("second", 2)] {
      let errors = try [23, 45].map { n in
        try BoxInputs.write(
          folder.path("input.nc"), FD.grid([n, n], [axis.placement, axis.placement]),
          [["f": { axis.mode($0[0]) * axis.mode($0[1]) * (2 + cos(2 * .pi * $0[0])) }]])
        let (reader, _, _) = try BoxInputs.solve(
          HelmholtzEquation(), folder, "input.nc", ["boundary": axis.option, "order": order, "shift": "1"],
          checkEvery: 1)
        let h = axis.placement == .nodes ? 1 / Double(n - 1) : 1 / Double(n)
        return (size: h, error: try InitialStates.values(reader, "discretization_error")[0])
      }
      #expect(abs(FD.order(errors[0], errors[1]) - exponent) <= 0.1, "\(order) \(errors)")
    }
  }

  // MARK: - Bad input

  @Test func parametersOutOfRangeAreNamed() throws {
    let folder = try TemporaryFolder()
    let (heat, reaction) = (HeatFlowEquation(), FitzHughNagumoEquation())
    let cases: [(any Equation, [Int], [String: String], String)] = [
      (heat, [16], ["diffusivity": "0"], "--diffusivity"),
      (heat, [16], ["diffusivity": "nan"], "--diffusivity"),
      (heat, [16], ["diffusivity": "-1"], "--diffusivity"), (heat, [1], [:], "at least 3"),
      (heat, [2], [:], "at least 3"), (heat, [16], ["boundary": "robin"], "--boundary"),
      (heat, [16], ["boundary": "dirichlet,neumann,periodic"], "--boundary"),
      (heat, [16], ["boundary": "dirichlet,periodic"], "solve takes others"),
      (heat, [16], ["boundary": ","], "--boundary"), (heat, [16], ["dimension": "4"], "--dimension"),
      (heat, [8, 8], ["dimension": "3"], "--dimension"),
      (heat, [8, 8, 8], ["method": "adi-peaceman-rachford"], "two dimensions"),
      (heat, [16], ["order": "compact", "grid": "cells"], "has cells"), (heat, [16], ["dt": "0"], "--dt"),
      (heat, [16], ["tolerance": "1e-15"], "--tolerance"),
      (heat, [16], ["record": "entropy"], "mass, energy"),
      (heat, [16], ["random-field": "white"], "--random-field"),
      (heat, [9], ["solve-resolution": "16"], "--solve-resolution"),
      (heat, [8, 8, 8, 8], [:], "--resolution"),
      (reaction, [16], ["diffusivity-u": "0"], "--diffusivity-u"),
      (reaction, [16], ["threshold": "inf"], "--threshold"), (reaction, [2, 16], [:], "at least 3"),
      (PoissonEquation(), [16], ["order": "compact", "boundary": "neumann"], "neumann end"),
      (PoissonEquation(), [16], ["wavenumber": "1"], "--wavenumber"),
      (PoissonEquation(), [2], [:], "at least 3"),
      (HelmholtzEquation(), [16], ["wavenumber": "0"], "--wavenumber"),
      (HelmholtzEquation(), [16], ["wavenumber": "1", "shift": "2"], "--shift"),
    ]
    for (equation, resolution, options, words) in cases {
      let error = #expect(throws: ParameterError.self, "\(resolution) \(options)") {
        _ = try BoxInputs.generate(equation, folder, resolution, options)
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect(!folder.exists("F.nc") && !folder.exists("F.nc.partial"))
    }
    // The smallest that there are, and one dimension.
    for boundary in ["dirichlet", "neumann", "periodic"] {
      for equation in [heat, reaction, PoissonEquation(), HelmholtzEquation()] as [any Equation] {
        for options in [["grid": "nodes"], ["grid": "cells"], ["dimension": "1"]] {
          let reader = try BoxInputs.generate(
            equation, folder, [3], options.merging(["boundary": boundary]) { $1 }, samples: 1)
          #expect(try InitialStates.values(reader, "u").allSatisfy(\.isFinite))
        }
      }
    }
  }

  /// Eigenvectors of a grid that is its own mirror image are even or odd, and stored in an order of their own.
  @Test(arguments: [25, 27, 28, 41])
  func pointsThatAreStretchedSymmetrically(count: Int) throws {
    let folder = try TemporaryFolder()
    let points = (0..<count).map { index -> Double in
      let s = Double(index) / Double(count - 1)
      return s + 0.08 * .sin(2 * .pi * s)
    }
    try BoxInputs.write(
      folder.path("stretched.nc"), FD.grid([count, count], [.nodes, .nodes]),
      [["f": { .sin(3 * $0[0]) + $0[1] * $0[1] }]], coordinates: ["x": points, "y": points])
    let solved = try BoxInputs.solve(PoissonEquation(), folder, "stretched.nc")
    // Roundoff times the condition, some 1e4.
    #expect(try InitialStates.values(solved.reader, "residual").allSatisfy { $0 <= 1e-10 })
  }

  @Test func inputsThatDoNotFitAreRefused() throws {
    let folder = try TemporaryFolder()
    let nodes = FD.grid([9, 9], [.nodes, .nodes])
    try BoxInputs.write(
      folder.path("nan.nc"), nodes, [["u0": { $0[0] == 0.25 ? .nan : 1 }, "f": { _ in 1 }]])
    try BoxInputs.write(folder.path("two.nc"), FD.grid([2, 9], [.nodes, .nodes]), [["u0": { _ in 1 }]])
    let uneven = [0, 0.1, 0.2, 0.3, 0.5, 0.6, 0.8, 0.9, 1]
    try BoxInputs.write(
      folder.path("uneven.nc"), nodes, [["u0": { _ in 1 }, "f": { _ in 1 }]], coordinates: ["x": uneven])
    try BoxInputs.write(
      folder.path("back.nc"), nodes, [["f": { _ in 1 }]], coordinates: ["x": uneven.reversed()])
    for (equation, file, options, words) in [
      (HeatFlowEquation() as any Equation, "nan.nc", [:], "u0"),
      (HeatFlowEquation(), "two.nc", [:], "at least 3"),
      (HeatFlowEquation(), "uneven.nc", [:], "not evenly spaced"),
      (FitzHughNagumoEquation(), "two.nc", [:], "no variable v0"),
      (PoissonEquation(), "two.nc", [:], "no variable f"),
      (PoissonEquation(), "uneven.nc", ["order": "compact"], "evenly spaced"),
      (PoissonEquation(), "uneven.nc", ["boundary": "periodic"], "9 nodes"),
      (PoissonEquation(), "back.nc", [:], "descend"),
    ] as [(any Equation, String, [String: String], String)] {
      let error = #expect(throws: DatasetError.self) {
        try BoxInputs.solve(equation, folder, file, options)
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect(!folder.exists("G.nc") && !folder.exists("G.nc.partial"))
    }
    for (equation, options) in [
      (PoissonEquation() as any Equation, ["solve-resolution": "17"]), (PoissonEquation(), ["domain": "0:2"]),
      (HelmholtzEquation(), ["wavenumber": "1:2"]), (PoissonEquation(), ["random-field": "1 (-Δ + 1)^-2"]),
    ] {
      #expect(throws: ParameterError.self) { try BoxInputs.solve(equation, folder, "uneven.nc", options) }
    }
  }
}
