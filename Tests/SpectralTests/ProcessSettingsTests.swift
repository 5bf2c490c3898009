import Spectral
import Tensors
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

// The settings of the planner and of the worker pool are the process's: one test at a time.
@Suite(.serialized) struct ProcessSettingsTests {
  /// Effort and wisdom as they were, whatever the test does; a folder of its own.
  private func withOwnFolder(_ body: (String) throws -> Void) rethrows {
    let (effort, folder) = (FFTPlanner.effort, FFTPlanner.folder)
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let path = "\(base)/operators-wisdom-\(getpid())"
    defer {
      for name in ["fftw-wisdom-float32", "fftw-wisdom-float64"] { unlink("\(path)/cache/\(name)") }
      rmdir("\(path)/cache")
      rmdir(path)
      FFTPlanner.effort = effort
      FFTPlanner.folder = folder
    }
    FFTPlanner.folder = WisdomFolder(path: path + "/cache")
    try body(path + "/cache")
  }

  @Test func manyThreadsPlanAtOnce() {
    // Sizes that no other test plans, every one wanted by several tasks.
    nonisolated(unsafe) var errors = [Double](repeating: 1, count: 96)
    errors.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let errors = buffer
      WorkerPool.shared.run(tasks: 96) { task in
        let x: Tensor<Double> = arbitrary([501 + task % 24])
        let spectrum = FFT.realToComplex(x, axes: [0])
        errors[task] = relativeDistance(FFT.complexToReal(spectrum, axes: [0], count: x.count), x)
      }
    }
    #expect(errors.allSatisfy { $0 < 1e-14 })
  }

  @Test func wisdomIsKeptAndTakenBack() {
    withOwnFolder { path in
      FFTPlanner.effort = .measure
      let x: Tensor<Double> = arbitrary([1260])
      let measured = FFT.realToComplex(x, axes: [0]).values
      // Wisdom is long: nothing but its properties goes into the expectations.
      let wisdom = FFTPlanner.wisdom
      let isWisdom = wisdom.float64.hasPrefix("(fftw-")
      #expect(isWisdom)
      #expect(access("\(path)/fftw-wisdom-float64", R_OK) == 0)
      let isTaken = FFTPlanner.replaceWisdom(with: wisdom)
      #expect(isTaken)
      #expect(FFT.realToComplex(x, axes: [0]).values == measured)
      let isUnchanged = FFTPlanner.wisdom.float64.count == wisdom.float64.count
      #expect(isUnchanged)
      #expect(!FFTPlanner.importWisdom(.init(float32: "no wisdom", float64: "")))
    }
  }

  @Test func withoutACacheFolderPlansAreEstimated() {
    let x: Tensor<Double> = arbitrary([1350])
    withOwnFolder { _ in
      FFTPlanner.effort = .estimate
      let estimated = FFT.realToComplex(x, axes: [0]).values
      FFTPlanner.replaceWisdom(with: .init(float32: "", float64: ""))
      FFTPlanner.effort = .patient
      FFTPlanner.folder = WisdomFolder(path: "/dev/null/nowhere")
      #expect(FFT.realToComplex(x, axes: [0]).values == estimated)
      #expect(FFTPlanner.wisdom.float64 == "")
    }
  }

  @Test func resultsDoNotDependOnTheNumberOfThreads() {
    let x: Tensor<Double> = arbitrary([7, 130, 90])
    let pool = WorkerPool.shared
    let threads = pool.threadCount
    defer { pool.threadCount = threads }
    let results = [1, 2, 3].map { count in
      pool.threadCount = count
      return FFT.realToComplex(x, axes: [1, 2]).values
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test(arguments: [[1000], [40, 44], [100, 90], [12, 10, 14], [22, 21, 20]], [40, 7])
  func truncatedTransformsDoNotDependOnTheNumberOfThreads(grid: [Int], channels: Int) {
    let transform = TruncatedTransform<Float>(gridShape: grid, modes: grid.map { _ in 12 })
    let field: Tensor<Float> = arbitrary([3, channels] + grid)
    let pool = WorkerPool.shared
    let threads = pool.threadCount
    defer { pool.threadCount = threads }
    let results = [1, 2, 3].map { count in
      pool.threadCount = count
      let spectrum = transform.analyze(field, scale: 1, doublesInterior: false)
      return spectrum.values + transform.synthesize(spectrum, scale: 1, doublesInterior: true).values
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }
}
