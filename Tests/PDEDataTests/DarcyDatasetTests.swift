import Foundation
import PDEData
import Tensors
import Testing

@Suite struct DarcyDatasetTests {
  private static func generator(
    _ resolution: [Int], _ samples: Range<Int> = 0..<2, options: [String: String] = [:], check: Int? = nil
  ) -> DatasetGenerator {
    DatasetGenerator(
      equation: DarcyEquation(), options: options, input: .random(seed: 3, resolution: resolution),
      samples: samples, store: .float64, checkEvery: check)
  }

  private static func solver(
    _ folder: TemporaryFolder, _ file: String, _ samples: Range<Int> = 0..<1, options: [String: String] = [:],
    check: Int? = nil
  ) throws -> DatasetGenerator {
    DatasetGenerator(
      equation: DarcyEquation(), options: options,
      input: .dataset(try DatasetReader(path: folder.path(file))), samples: samples, store: .float64,
      checkEvery: check)
  }

  private static func values(_ folder: TemporaryFolder, _ file: String, _ name: String) throws -> [Double] {
    try InitialStates.values(DatasetReader(path: folder.path(file)), name)
  }

  /// Writes one sample of fields on a grid.
  private static func write(_ path: String, _ grid: Grid, _ fields: [(String, Tensor<Double>)]) throws {
    var schema = DatasetSchema(sampleCount: 1, firstSample: 0, grid: grid, times: nil)
    for (name, _) in fields {
      schema.addField(name, type: .float64, hasTime: false, axes: grid.axes.map(\.name), longName: name)
    }
    schema.addStatus()
    let writer = try DatasetWriter(path: path, schema: schema)
    for (name, values) in fields {
      try values.withUnsafeBuffer { buffer throws in
        guard let address = buffer.baseAddress else { return }
        try writer.write(name, samples: 0..<1, values: address)
      }
    }
    try writer.complete(0..<1, status: [.solved])
    try writer.finish()
  }

  @Test(arguments: DarcyMethod.allCases)
  func layeredCoefficientFromAFileHasTheExactError(method: DarcyMethod) throws {
    // a = 12 left, 3 right, f = 1, u = 0 at both ends of x, closed sides, an even number of cells: h²/24, and on half
    // the spacing a quarter of it.
    let folder = try TemporaryFolder()
    let grid = FiniteDifference.grid([6, 32], [.cells, .cells])
    try Self.write(
      folder.path("a.nc"), grid, [("a", FiniteDifference.field(grid) { $0[1] < 0.5 ? 12 : 3 })])
    _ = try Self.solver(
      folder, "a.nc",
      options: ["boundary": "neumann,dirichlet", "tolerance": "1e-12", "method": method.rawValue], check: 1
    ).run(to: folder.path("u.nc"))
    let u = try Self.values(folder, "u.nc", "u")
    let flux = (1.0 / 96 + 1.0 / 8) / (1.0 / 24 + 1.0 / 6)
    let exact = FiniteDifference.field(grid) { point in
      let x = point[1]
      return x < 0.5 ? (flux * x - x * x / 2) / 12 : (flux * (x - 1) - (x * x - 1) / 2) / 3
    }
    let largest = zip(u, exact.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(abs(largest * 24 * 1024 - 1) < 1e-6)
    let estimate = try Self.values(folder, "u.nc", "discretization_error")[0]
    // In a layer the error is h²/8a.
    let difference = exact.values.indices.reduce(0.0) { sum, index in
      let part = 3.0 / 32 / 1024 / (index % 32 < 16 ? 12 : 3)
      return sum + part * part
    }
    let norm = exact.values.reduce(0) { $0 + $1 * $1 }
    #expect(abs(estimate / (difference / norm).squareRoot() - 1) < 0.02)
  }

  @Test(arguments: ["nodes", "cells"], ["12:3", "log-normal", "2"])
  func estimatedErrorsAreOfSecondOrder(grid: String, coefficient: String) throws {
    let folder = try TemporaryFolder()
    var errors: [Double] = []
    for size in grid == "nodes" ? [17, 33] : [16, 32] {
      let name = folder.path("\(size).nc")
      _ = try Self.generator(
        [size, size], 0..<2,
        options: [
          "grid": grid, "coefficient": coefficient,
          // A field of few waves, which both grids resolve.
          "random-field": "9 (-Δ + 9)^-4",
        ], check: 1
      ).run(to: name)
      errors.append(try Self.values(folder, "\(size).nc", "discretization_error").reduce(0, +))
    }
    #expect(errors[0] < 0.1)
    // A jump that is moved to the nearest points makes the medium itself another one from size to size.
    let order = log2(errors[0] / errors[1])
    #expect(coefficient == "12:3" ? order > 0.5 : abs(order - 2) < 0.25, "\(errors)")
  }

  @Test func closedBoxesWantBalancedSources() throws {
    let folder = try TemporaryFolder()
    #expect(throws: ParameterError.self) {
      try Self.generator([17], options: ["boundary": "neumann"]).run(to: folder.path("F.nc"))
    }
    for grid in ["nodes", "cells"] {
      _ = try Self.generator(
        [17], options: ["boundary": "neumann", "forcing": "random", "grid": grid], check: 1
      ).run(to: folder.path("\(grid).nc"))
      let u = try Self.values(folder, "\(grid).nc", "u")
      let weights = (0..<17).map { grid == "nodes" && ($0 == 0 || $0 == 16) ? 0.5 : 1.0 }
      var (sum, largest) = (0.0, 0.0)
      for point in 0..<289 {
        sum += weights[point / 17] * weights[point % 17] * u[point]
        largest = max(largest, abs(u[point]))
      }
      #expect(abs(sum) < 1e-10 * 289 * largest)
      #expect(try DatasetReader(path: folder.path("\(grid).nc")).text("operator_inputs") == "a f")
      // The same from the file.
      _ = try Self.solver(folder, "\(grid).nc", 0..<2, options: ["boundary": "neumann"])
        .run(to: folder.path("\(grid)2.nc"))
      #expect(try Self.values(folder, "\(grid)2.nc", "u") == u)
    }
    let cells = FiniteDifference.grid([8, 8], [.cells, .cells])
    let one = Tensor<Double>(repeating: 1, shape: [8, 8])
    try Self.write(folder.path("one.nc"), cells, [("a", one), ("f", one)])
    let error = #expect(throws: DatasetError.self) {
      try Self.solver(folder, "one.nc", options: ["boundary": "neumann"]).run(to: folder.path("G.nc"))
    }
    #expect(error?.variable == "f" && error?.description.contains("sample 0") == true)
  }

  @Test func boxesAndAllMethods() throws {
    let folder = try TemporaryFolder()
    var solutions: [[Double]] = []
    for method in DarcyMethod.allCases {
      _ = try Self.generator(
        [9, 10, 12], options: ["method": method.rawValue, "boundary": "z=neumann,x=dirichlet:neumann"]
      ).run(to: folder.path("\(method).nc"))
      solutions.append(try Self.values(folder, "\(method).nc", "u"))
    }
    let largest = solutions[0].map { abs($0) }.max() ?? 0
    for other in solutions {
      #expect(zip(solutions[0], other).allSatisfy { abs($0 - $1) < 1e-8 * largest })
    }
    let reader = try DatasetReader(path: folder.path("adi.nc"))
    #expect(try reader.variable("u").gridDimensions.map(\.name) == ["z", "y", "x"])
    #expect(
      reader.text("boundary_conditions") == "z: no flow; y: u = 0; x: u = 0 below, no flow above")
  }

  @Test func whatIsRefused() throws {
    let folder = try TemporaryFolder()
    for (options, resolution) in [
      (["coefficient": "0:3"], [17]), (["coefficient": "-1"], [17]), (["coefficient": "nan"], [17]),
      (["coefficient": "1:2:3"], [17]), (["boundary": "periodic"], [17]),
      (["boundary": "dirichlet,neumann,neumann"], [17]), (["boundary": "w=neumann"], [17]),
      (["boundary": "x=neumann,x=neumann"], [17]), (["forcing": "nan"], [17]), (["log-scale": "2"], [17]),
      (["max-iterations": "1.5"], [17]), (["method": "jacobi"], [17]), ([:], [1]), ([:], [2]),
      (["grid": "cells"], [1]), (["method": "cholesky"], [20001]),
    ] {
      #expect(throws: ParameterError.self, "\(options) \(resolution)") {
        _ = try DarcyEquation().problem(options: options, input: .random(seed: 0, resolution: resolution))
      }
    }
    for bad in [0.0, -1, .nan] {
      let grid = FiniteDifference.grid([5, 5], [.nodes, .nodes])
      var a = Tensor<Double>(repeating: 1, shape: [5, 5])
      a[2, 3] = bad
      try Self.write(folder.path("a\(bad).nc"), grid, [("a", a)])
      #expect(throws: DatasetError.self) {
        try Self.solver(folder, "a\(bad).nc").run(to: folder.path("u.nc"))
      }
      #expect(!FileManager.default.fileExists(atPath: folder.path("u.nc.partial")))
    }
    // The smallest grids there are.
    for method in DarcyMethod.allCases {
      for (options, size) in [
        ([:], 3), (["grid": "cells"], 2), (["grid": "cells", "boundary": "neumann,dirichlet"], 3),
      ]
        as [([String: String], Int)]
      {
        let summary = try Self.generator([size], options: options.merging(["method": method.rawValue]) { $1 })
          .run(to: folder.path("F.nc"), existing: .replace)
        #expect(summary.failed.isEmpty, "\(method) \(options)")
      }
    }
  }

  @Test(arguments: DarcyMethod.allCases.filter { $0 != .cholesky })
  func solvesThatDoNotConvergeAreMarked(method: DarcyMethod) throws {
    let folder = try TemporaryFolder()
    let summary = try Self.generator(
      [65], options: ["method": method.rawValue, "max-iterations": "2", "coefficient": "12:3"]
    ).run(to: folder.path("F.nc"))
    #expect(summary.failed == [0, 1])
    #expect(try Self.values(folder, "F.nc", "u").allSatisfy(\.isNaN))
    #expect(try Self.values(folder, "F.nc", "a").allSatisfy { $0 == 12 || $0 == 3 })
  }

  @Test func outputsThatAreFoldersAreRefusedAtOnce() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path("F.nc"), withIntermediateDirectories: false)
    #expect(throws: DatasetError.self) {
      try Self.generator([9]).run(to: folder.path("F.nc"), existing: .replace)
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("F.nc.partial")))
  }

  @Test func mergesTellOfGaps() throws {
    let folder = try TemporaryFolder()
    for (name, samples) in [("a", 0..<2), ("b", 2..<3), ("c", 5..<6)] {
      _ = try Self.generator([9], samples).run(to: folder.path("\(name).nc"))
    }
    func gaps(_ names: String...) throws -> [Range<Int>] {
      try DatasetMerge.merge(
        names.map { folder.path("\($0).nc") }, to: folder.path("merged.nc"), existing: .replace
      ).gaps.map(\.samples)
    }
    #expect(try gaps("b", "a").isEmpty)
    #expect(try gaps("c", "a", "b") == [3..<5])
    #expect(try gaps("c", "a") == [2..<5])
  }
}
