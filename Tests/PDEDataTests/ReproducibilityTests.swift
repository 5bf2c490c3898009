import Foundation
import PDEData
import Spectral
import Synchronization
import Tensors
import Testing

// The planner of Fourier transforms and the worker pool are the process's: each test has one of its own.
@Suite struct ReproducibilityTests {
  private static func generator(_ equation: any Equation, _ samples: Int) -> DatasetGenerator {
    DatasetGenerator(equation: equation, input: .random(seed: 3, resolution: [40]), samples: 0..<samples)
  }

  private static func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }

  /// Measured plans, with their wisdom in a folder of this test.
  private static func measure(_ folder: TemporaryFolder) {
    FFTPlanner.folder = WisdomFolder(path: folder.path("wisdom"))
    FFTPlanner.effort = .measure
  }

  @Test func sameSeedSameBytesOnAnyNumberOfThreads() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      for equation in Equations.all {
        for count in [1, 2, 5] {
          WorkerPool.shared.threadCount = count
          _ = try Self.generator(equation, 6).run(to: folder.path("\(equation.name)\(count).nc"))
        }
        let one = try Self.bytes(folder.path("\(equation.name)1.nc"))
        #expect(try Self.bytes(folder.path("\(equation.name)2.nc")) == one)
        #expect(try Self.bytes(folder.path("\(equation.name)5.nc")) == one)
      }
    }
  }

  @Test func stoppedAndResumedIsAsIfNeverStopped() async {
    await #expect(processExitsWith: .success) {
      try Self.stopAndResume(BurgersEquation())
      try Self.stopAndResume(NavierStokesEquation())
    }
  }

  private static func stopAndResume(_ equation: any Equation) throws {
    let folder = try TemporaryFolder()
    let generator = Self.generator(equation, 25)
    _ = try generator.run(to: folder.path("whole.nc"))
    let asked = Atomic<Int>(0)
    let error = #expect(throws: GenerationInterrupted.self) {
      try generator.run(
        to: folder.path("F.nc"), isCancelled: { asked.add(1, ordering: .relaxed).oldValue >= 9 })
    }
    #expect(error?.category == .interrupted)
    #expect(error.map { $0.done > 0 && $0.done < 25 } == true)
    #expect(folder.exists("F.nc.partial") && !folder.exists("F.nc"))
    var last: GenerationProgress?
    let summary = try generator.run(
      to: folder.path("F.nc"), existing: .resume, progress: { last = $0 })
    #expect(summary.made == 25 - (error?.done ?? 0))
    #expect(last?.done == 25 && last?.total == 25)
    #expect(try Self.bytes(folder.path("F.nc")) == Self.bytes(folder.path("whole.nc")))
    // Nothing is left to do.
    #expect(try generator.run(to: folder.path("F.nc"), existing: .resume).made == 0)
    #expect(throws: DatasetError.self) { try generator.run(to: folder.path("F.nc")) }
  }

  @Test func killedAndResumedIsAsIfNeverStopped() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path("F.nc")
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let wisdom = try TemporaryFolder()
      Self.measure(wisdom)
      let asked = Atomic<Int>(0)
      _ = try Self.generator(DarcyEquation(), 60).run(
        to: path,
        isCancelled: {
          if asked.add(1, ordering: .relaxed).oldValue == 25 { kill(getpid(), SIGKILL) }
          return false
        })
    }
    let known = try DatasetReader(path: path + ".partial").usableSamples()
    #expect(!known.isEmpty && known.count < 60)
    // Resumed where nothing is known of how the transforms were planned; then made again at once from the same wisdom.
    await #expect(processExitsWith: .success) { [path = path as String] in
      let generator = Self.generator(DarcyEquation(), 60)
      #expect(try generator.run(to: path, existing: .resume).made < 60)
      #expect(FFTPlanner.effort == .measure)
      let again = try TemporaryFolder()
      _ = try generator.run(to: again.path("whole.nc"))
      for name in ["a", "u", "residual", "status"] {
        let values = try [path, again.path("whole.nc")].map {
          try InitialStates.values(DatasetReader(path: $0), name)
        }
        #expect(values[0] == values[1])
      }
    }
    #expect(!folder.exists("F.nc.partial"))
  }
}
