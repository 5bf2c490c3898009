import Foundation
import PDEData
import Tensors
import Testing

@Suite struct DatasetGeneratorTests {
  private static func generator(
    _ equation: any Equation, _ resolution: [Int], _ samples: Range<Int> = 0..<6, seed: UInt64 = 3,
    options: [String: String] = [:], store: NetCDFType = .float32
  ) -> DatasetGenerator {
    DatasetGenerator(
      equation: equation, options: options, input: .random(seed: seed, resolution: resolution),
      samples: samples, store: store)
  }

  private static func values(_ folder: TemporaryFolder, _ file: String, _ name: String) throws -> [Double] {
    try InitialStates.values(DatasetReader(path: folder.path(file)), name)
  }

  @Test func shardsAreThePartsOfTheWhole() throws {
    let folder = try TemporaryFolder()
    _ = try Self.generator(DarcyEquation(), [17], 0..<5).run(to: folder.path("whole.nc"))
    _ = try Self.generator(DarcyEquation(), [17], 0..<2).run(to: folder.path("a.nc"))
    _ = try Self.generator(DarcyEquation(), [17], 2..<5).run(to: folder.path("b.nc"))
    try DatasetMerge.merge([folder.path("b.nc"), folder.path("a.nc")], to: folder.path("merged.nc"))
    for name in ["a", "u", "residual", "sample", "status"] {
      #expect(try Self.values(folder, "merged.nc", name) == Self.values(folder, "whole.nc", name))
    }
    let merged = DatasetProvenance(try DatasetReader(path: folder.path("merged.nc")))
    let shard = DatasetProvenance(try DatasetReader(path: folder.path("b.nc")))
    #expect(merged.text == "seed 3: 0:5")
    #expect(merged.overlaps(shard))
    _ = try Self.generator(DarcyEquation(), [17], 0..<2, seed: 4).run(to: folder.path("c.nc"))
    #expect(!merged.overlaps(DatasetProvenance(try DatasetReader(path: folder.path("c.nc")))))
  }

  @Test func attributesTellWhereTheDataComeFrom() throws {
    let folder = try TemporaryFolder()
    _ = try Self.generator(BurgersEquation(), [32], 0..<1).run(to: folder.path("F.nc"))
    let reader = try DatasetReader(path: folder.path("F.nc"))
    for name in [
      "Conventions", "title", "source", "history", "equation", "viscosity", "random_field",
      "boundary_conditions", "solver", "time_stepper", "dt", "tolerance", "seed", "operator_inputs",
      "operator_outputs",
    ] {
      #expect(reader.attributes[name] != nil, "\(name)")
    }
    #expect(reader.text("random_field")?.contains("625 (-Δ + 25)^-2") == true)
    let layout = try ChannelLayout(
      reader, selections: FieldSelection.list(reader.text("operator_outputs") ?? ""))
    #expect(layout.shape(samples: 1) == [1, 1, 32])
  }

  @Test func coarseFilesArePartsOfFineOnes() throws {
    let folder = try TemporaryFolder()
    for (equation, fine, coarse, step, points) in [
      (BurgersEquation() as any Equation, 96, 32, 3, [96]), (DarcyEquation(), 33, 17, 2, [33, 33]),
    ] {
      _ = try Self.generator(equation, [fine], 0..<2, store: .float64).run(
        to: folder.path("\(equation.name)fine.nc"))
      _ = try Self.generator(
        equation, [coarse], 0..<2, options: ["solve-resolution": "\(fine)"], store: .float64
      ).run(to: folder.path("\(equation.name)coarse.nc"))
      let all: Tensor<Double> = try {
        let reader = try DatasetReader(path: folder.path("\(equation.name)fine.nc"))
        return try reader.read(reader.variable("u"))
      }()
      let some = try Self.values(folder, "\(equation.name)coarse.nc", "u")
      let strides = Tensor<Double>.strides(of: [2] + points)
      var expected: [Double] = []
      for (index, value) in all.values.enumerated()
      where zip(points, strides.dropFirst()).allSatisfy({ index / $0.1 % $0.0 % step == 0 }) {
        expected.append(value)
      }
      #expect(some == expected)
    }
  }

  @Test func viscositiesAreDrawnFromARange() throws {
    let folder = try TemporaryFolder()
    _ = try Self.generator(BurgersEquation(), [64], 0..<40, options: ["viscosity": "1e-2:1"], store: .float64)
      .run(to: folder.path("F.nc"))
    let drawn = try Self.values(folder, "F.nc", "viscosity")
    #expect(drawn.allSatisfy { $0 > 1e-2 && $0 < 1 } && Set(drawn).count == 40)
    // Uniform in the logarithm: half of them on either side of 0.1, within three standard deviations.
    #expect(abs(drawn.count { $0 < 0.1 } - 20) < 10)
    #expect(try DatasetReader(path: folder.path("F.nc")).text("operator_inputs") == "u0 viscosity")
    // The same samples one by one, with their viscosities from a file.
    let states = try Self.values(folder, "F.nc", "u0")
    try InitialStates.write(
      folder.path("input.nc"), points: 64,
      states: (0..<3).map { sample in { states[64 * sample + Int(($0 * 64).rounded())] } },
      viscosities: Array(drawn.prefix(3)))
    _ = try DatasetGenerator(
      equation: BurgersEquation(), input: .dataset(try DatasetReader(path: folder.path("input.nc"))),
      samples: 0..<3, store: .float64
    ).run(to: folder.path("G.nc"))
    #expect(try Self.values(folder, "G.nc", "u") == Array(Self.values(folder, "F.nc", "u").prefix(3 * 64)))
  }

  @Test func darcyOfTheUsersOwnCoefficient() throws {
    let folder = try TemporaryFolder()
    for grid in ["nodes", "cells"] {
      _ = try Self.generator(DarcyEquation(), [13, 18], 0..<2, options: ["grid": grid], store: .float64)
        .run(to: folder.path("\(grid).nc"))
      _ = try DatasetGenerator(
        equation: DarcyEquation(), input: .dataset(try DatasetReader(path: folder.path("\(grid).nc"))),
        samples: 0..<2, store: .float64
      ).run(to: folder.path("\(grid)2.nc"))
      #expect(try Self.values(folder, "\(grid)2.nc", "u") == Self.values(folder, "\(grid).nc", "u"))
      let values = Set(try Self.values(folder, "\(grid).nc", "a"))
      #expect(values == [12, 3])
    }
    // The script's coefficient, and none below a positive number.
    _ = try Self.generator(DarcyEquation(), [9], 0..<1, options: ["random-field": "script"])
      .run(to: folder.path("script.nc"))
    #expect(Set(try Self.values(folder, "script.nc", "a")) == [12, 4])
  }

  @Test func samplesThatFailAreMarkedAndTheOthersKept() throws {
    // With steps of a tenth, ETDRK4 is unstable where the state is large and the viscosity small.
    let folder = try TemporaryFolder()
    try InitialStates.write(
      folder.path("input.nc"), points: 256,
      states: [{ 0.01 * sin(2 * .pi * $0) }, { 500 * sin(2 * .pi * $0) }])
    let summary = try DatasetGenerator(
      equation: BurgersEquation(), options: ["viscosity": "1e-4", "dt": "0.1"],
      input: .dataset(try DatasetReader(path: folder.path("input.nc"))), samples: 0..<2
    ).run(to: folder.path("F.nc"))
    #expect(summary.failed == [1])
    let reader = try DatasetReader(path: folder.path("F.nc"))
    #expect(try reader.sampleStatus() == [.solved, .failed])
    #expect(try reader.usableSamples() == [0])
    let u: Tensor<Float> = try reader.read(reader.variable("u"), samples: [0, 1])
    #expect(u.values.prefix(256).allSatisfy(\.isFinite) && u.values.suffix(256).allSatisfy(\.isNaN))
  }

  @Test func parametersOutOfRangeAreNamed() throws {
    let folder = try TemporaryFolder()
    let cases: [(any Equation, [Int], [String: String], String)] = [
      (BurgersEquation(), [64], ["viscosity": "0"], "--viscosity"),
      (BurgersEquation(), [64], ["viscosity": "-1"], "--viscosity"),
      (BurgersEquation(), [64], ["viscosity": "nan"], "--viscosity"),
      (BurgersEquation(), [64], ["viscosity": "1e-2:1e-4"], "--viscosity"),
      (BurgersEquation(), [64], ["viscosity": "thick"], "--viscosity"),
      (BurgersEquation(), [64], ["drag": "1"], "--drag"),
      (BurgersEquation(), [64], ["save-every": "0.3"], "--save-every"),
      (BurgersEquation(), [64], ["domain": "1:0"], "--domain"),
      (BurgersEquation(), [64], ["method": "magic"], "spectral-etdrk4"),
      (BurgersEquation(), [64], ["random-field": "7 x"], "--random-field"),
      (BurgersEquation(), [64], ["solve-resolution": "100"], "--solve-resolution"),
      (BurgersEquation(), [3], [:], "--resolution"),
      (BurgersEquation(), [64, 64, 64], [:], "--resolution"),
      (BurgersEquation(), [64], ["dt": "0.1", "cfl": "1"], "--cfl"),
      (BurgersEquation(), [64], ["precision": "float32", "tolerance": "1e-8"], "--tolerance"),
      (NavierStokesEquation(), [16], ["viscosity": "0"], "--viscosity"),
      (NavierStokesEquation(), [16], ["viscosity": "-1e-3"], "--viscosity"),
      (NavierStokesEquation(), [16], ["drag": "-1"], "--drag"),
      (NavierStokesEquation(), [16], ["dt": "0"], "--dt"),
      (NavierStokesEquation(), [4], ["method": "differences-adi"], "at least 8"),
      (NavierStokesEquation(), [16], ["method": "differences-adi", "drag": "-1"], "--drag"),
      (NavierStokesEquation(), [16], ["method": "differences-adi", "dt": "0.1", "cfl": "1"], "--cfl"),
      (BurgersEquation(), [16], ["record": "enstrophy"], "--record"),
      (NavierStokesEquation(), [16], ["forcing": "wind"], "kolmogorov"),
      (NavierStokesEquation(), [16], ["forcing-wavenumber": "2"], "--forcing-wavenumber"),
      (NavierStokesEquation(), [16], ["forcing": "none", "forcing-scale": "2"], "--forcing-scale"),
      (
        NavierStokesEquation(), [16], ["forcing": "kolmogorov", "forcing-wavenumber": "6"],
        "--forcing-wavenumber"
      ),
      (NavierStokesEquation(), [16, 24], ["solve-resolution": "32x40"], "--solve-resolution"),
      (NavierStokesEquation(), [1], [:], "at least 8"),
      (NavierStokesEquation(), [2], [:], "at least 8"),
      (NavierStokesEquation(), [64, 3], [:], "at least 8"),
      (NavierStokesEquation(), [8, 8, 8], [:], "--resolution"),
      (DarcyEquation(), [1], [:], "--resolution"),
      (DarcyEquation(), [2], [:], "--resolution"),
      (DarcyEquation(), [8], ["grid": "cells", "solve-resolution": "16"], "odd multiples"),
      (DarcyEquation(), [8], ["viscosity": "1"], "--viscosity"),
      (DarcyEquation(), [8], ["coefficient": "3:0"], "--coefficient"),
    ]
    for (equation, resolution, options, words) in cases {
      let error = #expect(throws: ParameterError.self, "\(resolution) \(options)") {
        try Self.generator(equation, resolution, options: options).run(to: folder.path("F.nc"))
      }
      #expect(error?.category == .usage)
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect(!folder.exists("F.nc") && !folder.exists("F.nc.partial"))
    }
    // The smallest that there are.
    _ = try Self.generator(DarcyEquation(), [3]).run(to: folder.path("three.nc"))
    _ = try Self.generator(DarcyEquation(), [2, 3], options: ["grid": "cells"]).run(to: folder.path("two.nc"))
    _ = try Self.generator(BurgersEquation(), [8], 0..<1).run(to: folder.path("eight.nc"))
    #expect(throws: ParameterError.self) { try Equations.named("burger") }
  }

  @Test func inputsThatDoNotFitAreRefused() throws {
    let folder = try TemporaryFolder()
    func run(_ equation: any Equation, _ file: String) throws {
      _ = try DatasetGenerator(
        equation: equation, input: .dataset(try DatasetReader(path: folder.path(file))), samples: 0..<1
      ).run(to: folder.path("G.nc"))
    }
    try InitialStates.write(
      folder.path("nan.nc"), points: 16, states: [{ $0 == 0.25 ? .nan : $0 }])
    _ = try Self.generator(DarcyEquation(), [9], 0..<1).run(to: folder.path("darcy.nc"))
    _ = try Self.generator(BurgersEquation(), [16], 0..<1).run(to: folder.path("burgers.nc"))
    for (equation, file, words) in [
      (BurgersEquation() as any Equation, "nan.nc", "x 4"), (BurgersEquation(), "darcy.nc", "no variable u0"),
      (DarcyEquation(), "burgers.nc", "no variable a"),
    ] {
      let error = #expect(throws: DatasetError.self) { try run(equation, file) }
      #expect(error?.category == .invalidData)
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect(!folder.exists("G.nc") && !folder.exists("G.nc.partial"))
    }
  }
}
