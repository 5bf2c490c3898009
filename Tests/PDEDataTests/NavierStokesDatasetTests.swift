import Foundation
import PDEData
import Tensors
import Testing

@Suite struct NavierStokesDatasetTests {
  private static func generator(
    _ options: [String: String], resolution: [Int] = [32], samples: Int = 2
  ) -> DatasetGenerator {
    DatasetGenerator(
      equation: NavierStokesEquation(), options: options, input: .random(seed: 1, resolution: resolution),
      samples: 0..<samples, store: .float64)
  }

  @Test func filesHoldTheStatesAndTheirTimes() throws {
    let folder = try TemporaryFolder()
    _ = try Self.generator(
      ["viscosity": "1e-3:1e-2", "final-time": "2", "save-every": "0.5", "drag": "0.1"], resolution: [24, 32]
    ).run(to: folder.path("F.nc"))
    let reader = try DatasetReader(path: folder.path("F.nc"))
    let w = try reader.variable("w")
    #expect(try reader.times(of: w) == [0.5, 1, 1.5, 2])
    let states: Tensor<Double> = try reader.read(w)
    #expect(states.shape == [2, 4, 24, 32])
    let initial: Tensor<Double> = try reader.read(reader.variable("w0"))
    #expect(initial.shape == [2, 24, 32])
    for name in ["equation", "forcing", "drag", "viscosity", "random_field", "time_stepper", "tolerance"] {
      #expect(reader.attributes[name] != nil, "\(name)")
    }
    #expect(reader.text("operator_inputs") == "w0 viscosity")
    #expect(reader.text("random_field")?.contains("(-Δ + 49)^-2.5") == true)
    #expect(try InitialStates.values(reader, "time_step_error").allSatisfy { $0 <= 1e-6 })
  }

  @Test func coarseFilesArePartsOfFineOnesAndSolvingAgainGivesThem() throws {
    let folder = try TemporaryFolder()
    let options = ["final-time": "1", "dt": "0.05", "forcing": "kolmogorov", "random-field": "script"]
    _ = try Self.generator(options, resolution: [48]).run(to: folder.path("fine.nc"))
    _ = try Self.generator(options.merging(["solve-resolution": "48"]) { $1 }, resolution: [24])
      .run(to: folder.path("coarse.nc"))
    let fine = try InitialStates.values(DatasetReader(path: folder.path("fine.nc")), "w")
    let coarse = try InitialStates.values(DatasetReader(path: folder.path("coarse.nc")), "w")
    for sample in 0..<2 {
      for y in 0..<24 {
        for x in 0..<24 {
          #expect(coarse[(sample * 24 + y) * 24 + x] == fine[(sample * 48 + 2 * y) * 48 + 2 * x])
        }
      }
    }
    _ = try DatasetGenerator(
      equation: NavierStokesEquation(), options: options.filter { $0.key != "random-field" },
      input: .dataset(DatasetReader(path: folder.path("fine.nc"))), samples: 0..<2, store: .float64
    ).run(to: folder.path("again.nc"))
    #expect(try InitialStates.values(DatasetReader(path: folder.path("again.nc")), "w") == fine)
  }

  @Test func quantitiesAreRecordedAlongTime() throws {
    let folder = try TemporaryFolder()
    _ = try Self.generator(
      ["final-time": "1", "save-every": "0.25", "record": "enstrophy,energy", "forcing": "none"]
    ).run(to: folder.path("F.nc"))
    let reader = try DatasetReader(path: folder.path("F.nc"))
    let w = try InitialStates.values(reader, "w")
    for name in ["energy", "enstrophy"] {
      let recorded: Tensor<Double> = try reader.read(reader.variable(name))
      #expect(recorded.shape == [2, 4])
      // Without a force both fall.
      for sample in 0..<2 {
        #expect((1..<4).allSatisfy { recorded[sample, $0] < recorded[sample, $0 - 1] })
      }
      guard name == "enstrophy" else { continue }
      for state in 0..<8 {
        let mean = w[state * 1024..<(state + 1) * 1024].reduce(0) { $0 + $1 * $1 / 2 } / 1024
        #expect(abs(mean / recorded.values[state] - 1) < 1e-12)
      }
    }
    #expect(throws: ParameterError.self) {
      try Self.generator(["record": "entropy"]).run(to: folder.path("G.nc"))
    }
  }

  @Test func longStepsAreWarnedOfAndStopped() throws {
    let folder = try TemporaryFolder()
    var warning: (sample: Int, text: String)?
    let summary = try Self.generator(
      ["final-time": "40", "dt": "10", "viscosity": "1e-5", "random-field": "1e6 (-Δ + 49)^-2.5"]
    ).run(to: folder.path("F.nc"), progress: { warning = $0.warning })
    #expect(summary.failed == [0, 1])
    #expect(warning?.sample == 0 && warning?.text.contains("--dt 10") == true)
    let reader = try DatasetReader(path: folder.path("F.nc"))
    #expect(try reader.sampleStatus() == [.failed, .failed])
    #expect(try InitialStates.values(reader, "w0").allSatisfy(\.isFinite))
  }
}
