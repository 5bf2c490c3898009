import Foundation
import PDEData
import Tensors
import Testing

/// Burgers' equation as datasets: two components, boundaries, what is warned of and what is refused.
@Suite struct BurgersProblemTests {
  private static func generator(
    _ resolution: [Int], _ options: [String: String], samples: Range<Int> = 0..<1
  ) -> DatasetGenerator {
    DatasetGenerator(
      equation: BurgersEquation(), options: options, input: .random(seed: 5, resolution: resolution),
      samples: samples, store: .float64)
  }

  private static func relativeDifference(_ a: [Double], _ b: [Double]) -> Double {
    let square = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    return (square / b.reduce(0) { $0 + $1 * $1 }).squareRoot()
  }

  @Test func bothMethodsOfThePlaneAgree() throws {
    let folder = try TemporaryFolder()
    var u: [String: [Double]] = [:]
    for method in ["spectral-etdrk4", "differences-central"] {
      let path = folder.path("\(method).nc")
      _ = try Self.generator(
        [64, 45], ["viscosity": "0.1", "final-time": "0.25", "method": method, "tolerance": "1e-5"]
      ).run(to: path)
      let reader = try DatasetReader(path: path)
      #expect(reader.text("operator_inputs") == "u0 v0" && reader.text("operator_outputs") == "u v")
      u[method] = try InitialStates.values(reader, "u") + InitialStates.values(reader, "v")
      let (u0, v0) = (
        try InitialStates.values(reader, "u0"), try InitialStates.values(reader, "v0")
      )
      #expect(Self.relativeDifference(u0, v0) > 0.5, "independent components")
    }
    // The error of the differences on 45 points, about (kh)²/6 for the lowest modes.
    let difference = Self.relativeDifference(u["differences-central"] ?? [], u["spectral-etdrk4"] ?? [])
    #expect(difference < 0.02 && difference > 1e-5, "\(difference)")
  }

  @Test func aFlowAlongOneAxisIsThatOfOneDimension() throws {
    // u(x), v = 0: the x-component is Burgers' equation of one dimension.
    let folder = try TemporaryFolder()
    let axes = ["y", "x"].map { Grid.Axis(name: $0, count: 36, placement: .periodic) }
    var schema = DatasetSchema(sampleCount: 1, grid: Grid(axes: axes))
    for name in ["u0", "v0"] {
      schema.addField(name, type: .float64, hasTime: false, axes: ["y", "x"], longName: name)
    }
    let writer = try DatasetWriter(path: folder.path("plane.nc"), schema: schema)
    let wave = axes[1].coordinates.map { 0.2 + sin(2 * .pi * $0) }
    try writer.write("u0", samples: 0..<1, values: (0..<36).flatMap { _ in wave })
    try writer.write("v0", samples: 0..<1, values: [Double](repeating: 0, count: 36 * 36))
    try writer.finish()
    try InitialStates.write(
      folder.path("line.nc"), points: 36, states: [{ 0.2 + sin(2 * .pi * $0) }])
    for name in ["plane", "line"] {
      _ = try DatasetGenerator(
        equation: BurgersEquation(), options: ["tolerance": "1e-10", "final-time": "0.3"],
        input: .dataset(try DatasetReader(path: folder.path("\(name).nc"))), samples: 0..<1, store: .float64
      ).run(to: folder.path("\(name)F.nc"))
    }
    let u = try InitialStates.values(DatasetReader(path: folder.path("planeF.nc")), "u")
    let v = try InitialStates.values(DatasetReader(path: folder.path("planeF.nc")), "v")
    let line = try InitialStates.values(DatasetReader(path: folder.path("lineF.nc")), "u")
    #expect((0..<36 * 36).allSatisfy { abs(u[$0] - line[$0 % 36]) < 1e-9 && abs(v[$0]) < 1e-14 })
  }

  @Test func randomStatesVanishAtTheEnds() throws {
    let folder = try TemporaryFolder()
    for (resolution, name) in [([33], "u0"), ([17, 20], "v0")] {
      let path = folder.path("\(name).nc")
      _ = try Self.generator(
        resolution, ["boundary": "dirichlet", "method": "differences-central", "final-time": "0.01"]
      ).run(to: path)
      let values = try InitialStates.values(DatasetReader(path: path), name)
      let strides = Tensor<Double>.strides(of: resolution)
      for (index, value) in values.enumerated() {
        let isEnd = resolution.indices.contains {
          let place = index / strides[$0] % resolution[$0]
          return place == 0 || place == resolution[$0] - 1
        }
        #expect(isEnd == (value == 0))
      }
    }
  }

  @Test(arguments: [
    ("differences-central", "periodic"), ("differences-central", "dirichlet"),
    ("differences-weno", "dirichlet"), ("spectral-etdrk4", "dirichlet"),
  ])
  func theErrorCheckTellsTheError(method: String, boundary: String) throws {
    // Cole and Hopf's solution vanishes at 0 and 1. The check sees all of the error but that of the finer solution:
    // three quarters of it for methods of order two, more for others.
    let folder = try TemporaryFolder()
    let placement: Grid.Placement = boundary == "periodic" ? .periodic : .nodes
    func exact(_ x: Double, _ t: Double) -> Double {
      ExponentialIntegratorTests.coleHopf(x, t, viscosity: 0.02)
    }
    try InitialStates.write(
      folder.path("input.nc"), points: 49, states: [{ exact($0, 0) }], placement: placement)
    _ = try DatasetGenerator(
      equation: BurgersEquation(),
      options: ["viscosity": "0.02", "method": method, "boundary": boundary, "tolerance": "1e-7"],
      input: .dataset(try DatasetReader(path: folder.path("input.nc"))), samples: 0..<1, store: .float64,
      checkEvery: 1
    ).run(to: folder.path("F.nc"))
    let reader = try DatasetReader(path: folder.path("F.nc"))
    let told = try InitialStates.values(reader, "discretization_error")[0]
    let u = try InitialStates.values(reader, "u")
    let axis = Grid.Axis(name: "x", count: 49, placement: placement)
    let error = Self.relativeDifference(u, axis.coordinates.map { exact($0, 1) })
    #expect(told > 0.7 * error && told < 1.2 * error, "\(told) of \(error)")
  }

  @Test(arguments: ["625 (-Δ + 25)^-2", "100 (-Δ + 25)^-1.2"])
  func theErrorOfTheStepIsWithinTheTolerance(field: String) throws {
    // Rough initial states, for which the first steps are of low order: of eight samples the worst at every tolerance.
    let folder = try TemporaryFolder()
    func run(_ tolerance: String) throws -> (u: [Double], told: [Double]) {
      let path = folder.path("\(tolerance).nc")
      _ = try Self.generator(
        [512], ["tolerance": tolerance, "random-field": field, "viscosity": "0.02"], samples: 0..<8
      ).run(to: path)
      let reader = try DatasetReader(path: path)
      return (
        try InitialStates.values(reader, "u"), try InitialStates.values(reader, "time_step_error")
      )
    }
    let exact = try run("1e-12").u
    for tolerance in ["1e-4", "1e-6", "1e-8", "1e-10"] {
      let (u, told) = try run(tolerance)
      for sample in 0..<8 {
        let place = sample * 512..<(sample + 1) * 512
        let error = Self.relativeDifference(Array(u[place]), Array(exact[place]))
        let bound = Double(tolerance) ?? 0
        #expect(error <= bound && told[sample] <= bound)
      }
    }
  }

  @Test func whatIsAskedForByHandAndTooMuch() throws {
    let folder = try TemporaryFolder()
    func run(_ name: String, _ resolution: [Int], _ options: [String: String]) throws -> (
      warning: String?, failed: [Int]
    ) {
      var warning: String?
      let summary = try Self.generator(resolution, options).run(
        to: folder.path("\(name).nc"),
        progress: {
          warning = $0.warning?.text ?? warning
        })
      return (warning, summary.failed)
    }
    for method in ["central", "limited", "weno"] {
      let found = try run(
        method, [256], ["method": "differences-\(method)", "dt": "0.05", "viscosity": "1e-4"])
      #expect(found.warning?.contains("--dt 0.05") == true && found.failed == [0], "\(found)")
    }
    let coarse = try run("coarse", [64], ["method": "differences-central", "viscosity": "1e-3"])
    #expect(coarse.warning?.contains("Péclet") == true && coarse.failed.isEmpty)
    let tail = try run("tail", [32], ["viscosity": "1e-3", "tolerance": "1e-4"])
    #expect(tail.warning?.contains("under-resolved") == true, "\(tail)")
    let fine = try run("fine", [128], [:])
    #expect(fine.warning == nil && fine.failed.isEmpty)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let folder = try TemporaryFolder()
    for (resolution, options, words) in [
      ([16, 16], ["method": "differences-weno"], "one dimension"),
      ([16, 16], ["boundary": "dirichlet", "method": "spectral-etdrk4"], "periodic"),
      ([3, 16], [:], "at least 8"),
      ([8, 8, 8], [:], "--resolution"), ([2], ["method": "differences-central"], "at least 8"),
    ] as [([Int], [String: String], String)] {
      let error = #expect(throws: ParameterError.self) {
        try Self.generator(resolution, options).run(to: folder.path("F.nc"))
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
    try InitialStates.write(folder.path("periodic.nc"), points: 16, states: [{ sin(2 * .pi * $0) }])
    try InitialStates.write(folder.path("ends.nc"), points: 17, states: [{ 1 + $0 }], placement: .nodes)
    for (file, words) in [("periodic.nc", "nodes"), ("ends.nc", "at an end")] {
      let error = #expect(throws: DatasetError.self) {
        try DatasetGenerator(
          equation: BurgersEquation(), options: ["boundary": "dirichlet"],
          input: .dataset(try DatasetReader(path: folder.path(file))), samples: 0..<1
        ).run(to: folder.path("G.nc"))
      }
      #expect(error?.category == .invalidData)
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect(!folder.exists("G.nc") && !folder.exists("G.nc.partial"))
    }
  }
}
