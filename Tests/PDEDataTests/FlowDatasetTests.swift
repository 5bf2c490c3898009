import Foundation
import PDEData
import Tensors
import Testing

/// Datasets of flows by finite differences: Navier–Stokes on the torus and the lid-driven cavity.
@Suite struct FlowDatasetTests {
  private static func generate(
    _ equation: any Equation, _ options: [String: String], _ resolution: [Int], _ path: String,
    samples: Int = 2, checkEvery: Int? = nil
  ) throws -> DatasetReader {
    _ = try DatasetGenerator(
      equation: equation, options: options, input: .random(seed: 5, resolution: resolution),
      samples: 0..<samples, store: .float64, checkEvery: checkEvery
    ).run(to: path)
    return try DatasetReader(path: path)
  }

  private static func largest(_ a: [Double], minus b: [Double]) -> Double {
    zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  /// Stored on 24 × 20 points, solved on two and four times as many: the difference from the spectral solution falls by four.
  @Test(arguments: ["differences-adi", "differences-midpoint"])
  func differencesConvergeToTheSpectralSolution(method: String) throws {
    let folder = try TemporaryFolder()
    let common = [
      "viscosity": "2e-2", "final-time": "1", "save-every": "0.5", "drag": "0.1",
      // Smooth enough that 40 points and 80 know the same field.
      "random-field": "1e16 (-Δ + 49)^-8",
    ]
    func states(_ factor: Int, _ options: [String: String]) throws -> DatasetReader {
      let text = "\(24 * factor)x\(20 * factor)"
      return try Self.generate(
        NavierStokesEquation(),
        common.merging(options.merging(["solve-resolution": text]) { $1 }) { $1 }, [24, 20],
        folder.path("\(options["method"] ?? "")\(text).nc"))
    }
    let exact = try states(4, ["method": "spectral-etdrk4", "tolerance": "1e-9"])
    let w = try InitialStates.values(exact, "w")
    let errors = try [2, 4].map { factor -> Double in
      let reader = try states(factor, ["method": method, "dt": "\(0.02 / Double(factor))"])
      let initial = try InitialStates.values(exact, "w0")
      let drawn = try InitialStates.values(reader, "w0")
      #expect(Self.largest(drawn, minus: initial) < 1e-6)
      #expect(reader.text("solver")?.contains("Arakawa") == true)
      return Self.largest(try InitialStates.values(reader, "w"), minus: w)
    }
    let order = log2(errors[0] / errors[1])
    #expect(abs(order - 2) <= 0.1, "\(errors)")
  }

  /// The check solves on half the spacing: it tells ¾ of an error of second order.
  @Test func discretizationErrorOfDifferencesIsTold() throws {
    let folder = try TemporaryFolder()
    let options = ["viscosity": "2e-2", "random-field": "1e4 (-Δ + 49)^-3", "tolerance": "1e-5"]
    let reader = try Self.generate(
      NavierStokesEquation(), options.merging(["method": "differences-adi"]) { $1 }, [32],
      folder.path("F.nc"), checkEvery: 1)
    let exact = try Self.generate(NavierStokesEquation(), options, [32], folder.path("G.nc"))
    let (w, u) = (try InitialStates.values(reader, "w"), try InitialStates.values(exact, "w"))
    for (sample, told) in try InitialStates.values(reader, "discretization_error").enumerated() {
      let part = sample * 1024..<(sample + 1) * 1024
      let error = zip(w[part], u[part]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let ratio = told / (error / u[part].reduce(0) { $0 + $1 * $1 }).squareRoot()
      #expect(ratio > 0.6 && ratio < 0.9, "\(ratio)")
    }
  }

  @Test(arguments: [
    ["dt": "1"], ["dt": "1", "method": "differences-midpoint"], ["cfl": "50"],
    ["cfl": "50", "method": "spectral-etdrk4"],
  ])
  func longStepsAreWarnedOfAndStopped(options: [String: String]) throws {
    let folder = try TemporaryFolder()
    var warning: String?
    let summary = try DatasetGenerator(
      equation: NavierStokesEquation(),
      options: [
        "final-time": "8", "viscosity": "1e-5", "random-field": "1e6 (-Δ + 49)^-2.5",
        "method": "differences-adi",
      ].merging(options) { $1 },
      input: .random(seed: 1, resolution: [32]), samples: 0..<2
    ).run(to: folder.path("F.nc"), progress: { warning = warning ?? $0.warning?.text })
    #expect(summary.failed == [0, 1])
    #expect(warning?.contains(options["dt"] == nil ? "--cfl 50" : "about") == true)
    let initial = try InitialStates.values(DatasetReader(path: folder.path("F.nc")), "w0")
    let areFinite = initial.allSatisfy { $0.isFinite }
    #expect(areFinite)
  }

  // MARK: Quantities

  @Test func spectraAddUpToTheEnergy() throws {
    let folder = try TemporaryFolder()
    let record = ["record": "energy,spectrum,mass", "final-time": "0.4", "save-every": "0.2"]
    let cases: [(any Equation, [Int], [String: String])] = [
      (NavierStokesEquation(), [24, 27], [:]),
      (NavierStokesEquation(), [24, 27], ["method": "differences-adi"]),
      (BurgersEquation(), [48], [:]), (BurgersEquation(), [48], ["method": "differences-central"]),
      (AdvectionEquation(), [13, 16], [:]),
    ]
    for (index, (equation, resolution, options)) in cases.enumerated() {
      let reader = try Self.generate(
        equation, record.merging(options) { $1 }, resolution, folder.path("\(index).nc"))
      let spectrum: Tensor<Double> = try reader.read(reader.variable("spectrum"))
      let energy: Tensor<Double> = try reader.read(reader.variable("energy"))
      let axis = try InitialStates.values(reader, "wavenumber")
      #expect(axis == axis.indices.map(Double.init))
      #expect(spectrum.shape == [2, 2, axis.count] && energy.shape == [2, 2])
      for state in 0..<4 {
        let sum = spectrum.values[state * axis.count..<(state + 1) * axis.count].reduce(0, +)
        #expect(abs(sum / energy.values[state] - 1) < 1e-12)
      }
      // Transport and diffusion leave it as it was: zero.
      let mass = try InitialStates.values(reader, "mass")
      #expect(mass.allSatisfy { abs($0) < 1e-13 })
    }
    #expect(throws: ParameterError.self) {
      try Self.generate(BurgersEquation(), ["record": "enstrophy"], [16], folder.path("G.nc"))
    }
  }

  // MARK: The cavity

  @Test func cavitiesHoldLidVorticityAndStreamfunction() throws {
    let folder = try TemporaryFolder()
    let reader = try Self.generate(
      CavityEquation(),
      [
        "final-time": "0.5", "save-every": "0.25", "tolerance": "1e-3", "viscosity": "1e-2:1e-1",
        "record": "energy,enstrophy",
      ], [17, 21], folder.path("F.nc"))
    let lid: Tensor<Double> = try reader.read(reader.variable("lid"))
    let w: Tensor<Double> = try reader.read(reader.variable("w"))
    let psi: Tensor<Double> = try reader.read(reader.variable("psi"))
    #expect(lid.shape == [2, 21] && w.shape == [2, 2, 17, 21] && psi.shape == w.shape)
    #expect(reader.text("operator_inputs") == "lid viscosity")
    #expect(lid[0, 0] == 0 && lid[0, 20] == 0 && lid.values != lid.values.map { -$0 })
    #expect((0..<21).contains { lid[0, $0] != lid[1, $0] })
    let energy = try InitialStates.values(reader, "energy")
    #expect(energy.allSatisfy { $0 > 0 } && energy[1] > energy[0])
    for column in 0..<21 {
      #expect(psi[1, 1, 0, column] == 0 && psi[1, 1, 16, column] == 0)
    }
    // Thom's formula on the lid, of the saved state itself.
    let h = 1 / 16.0
    for column in 1..<20 {
      let expected = -2 * psi[1, 1, 15, column] / (h * h) - 2 * lid[1, column] / h
      #expect(abs(w[1, 1, 16, column] - expected) < 1e-10)
    }
    // Their own lids again give the same flows.
    _ = try DatasetGenerator(
      equation: CavityEquation(),
      options: ["final-time": "0.5", "save-every": "0.25", "tolerance": "1e-3"],
      input: .dataset(reader), samples: 0..<2, store: .float64
    ).run(to: folder.path("G.nc"))
    let again = try InitialStates.values(DatasetReader(path: folder.path("G.nc")), "w")
    #expect(again == w.values)
  }

  /// In space, time steps following the spacing; lids that meet walls at rest without a jump.
  @Test func cavityIsOfSecondOrder() throws {
    let folder = try TemporaryFolder()
    func psi(_ nodes: Int) throws -> [Double] {
      let reader = try Self.generate(
        CavityEquation(),
        [
          "lid": "smooth", "final-time": "0.5", "dt": "\(0.08 / Double(nodes - 1))", "viscosity": "0.02",
          "solve-resolution": "\(nodes)",
        ], [13], folder.path("\(nodes).nc"), samples: 1)
      return try InitialStates.values(reader, "psi")
    }
    let states = try [25, 49, 97].map(psi)
    let order = log2(Self.largest(states[0], minus: states[1]) / Self.largest(states[1], minus: states[2]))
    #expect(abs(order - 2) <= 0.1, "\(order)")
  }

  @Test func cavitiesThatCannotBeAreRefused() throws {
    let folder = try TemporaryFolder()
    let cases: [([Int], [String: String], String)] = [
      ([4], [:], "at least 5"), ([1, 33], [:], "at least 5"), ([9, 9, 9], [:], "--resolution"),
      ([9], ["viscosity": "0"], "--viscosity"), ([9], ["lid": "wavy"], "uniform"),
      ([9], ["lid-speed": "nan"], "--lid-speed"), ([9], ["random-field": "7 x"], "--random-field"),
      ([9], ["method": "spectral-etdrk4"], "differences-adi"), ([9], ["record": "spectrum"], "--record"),
      ([9], ["lid": "smooth", "random-field": "9 (-Δ + 9)^-2"], "--lid random"),
      ([9], ["solve-resolution": "16"], "--solve-resolution"),
    ]
    for (resolution, options, words) in cases {
      let error = #expect(throws: ParameterError.self, "\(resolution) \(options)") {
        _ = try Self.generate(CavityEquation(), options, resolution, folder.path("F.nc"))
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
    // Too long a step is said and stopped, the lid kept.
    var warning: String?
    let summary = try DatasetGenerator(
      equation: CavityEquation(), options: ["dt": "2", "final-time": "80", "viscosity": "1e-3"],
      input: .random(seed: 1, resolution: [33]), samples: 0..<1
    ).run(to: folder.path("F.nc"), progress: { warning = warning ?? $0.warning?.text })
    #expect(summary.failed == [0] && warning?.contains("about") == true)
    // The smallest that there is.
    _ = try Self.generate(CavityEquation(), ["final-time": "0.1"], [5], folder.path("five.nc"))
    // Lids on periodic points.
    let burgers = try Self.generate(BurgersEquation(), ["final-time": "0.01"], [16], folder.path("b.nc"))
    #expect(throws: DatasetError.self) {
      try DatasetGenerator(equation: CavityEquation(), input: .dataset(burgers), samples: 0..<1)
        .run(to: folder.path("H.nc"))
    }
  }
}
