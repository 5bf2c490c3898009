import Synchronization
import Tensors
import Testing

@Suite struct TensorTests {
  @Test func copiesShareMemoryUntilWritten() {
    let original = Tensor<Double>([1, 2, 3, 4, 5, 6], shape: [2, 3])
    var copy = original
    copy[1, 2] = 60
    #expect(original[1, 2] == 6)
    #expect(copy[1, 2] == 60)
    #expect(original.strides == [3, 1])
  }

  @Test func releasedMemoryIsHandedOutAgain() {
    do { _ = Tensor<Float>.zeros([1234, 7]) }
    let before = BufferPool.shared.statistics.systemAllocations
    for _ in 0..<10 { _ = Tensor<Float>.zeros([1234, 7]) }
    // Other tests run beside this one: they may allocate a little, ten buffers of this size they do not.
    #expect(BufferPool.shared.statistics.systemAllocations - before < 10)
  }

  @Test(arguments: [false, true], [false, true])
  func gemmAgreesWithItsDefinition(transposeA: Bool, transposeB: Bool) {
    let (m, n, k) = (7, 5, 9)
    let a = (0..<m * k).map { Double($0 % 11) - 4 }
    let b = (0..<k * n).map { Double($0 % 7) - 3 }
    var c = [Double](repeating: 1, count: m * n)
    gemm(
      transposeA, transposeB, m: m, n: n, k: k, alpha: 2, a: a, lda: transposeA ? m : k, b: b,
      ldb: transposeB ? k : n, beta: 3, c: &c, ldc: n)
    for i in 0..<m {
      for j in 0..<n {
        let sum = (0..<k).reduce(0.0) { sum, l in
          sum + (transposeA ? a[l * m + i] : a[i * k + l]) * (transposeB ? b[j * k + l] : b[l * n + j])
        }
        #expect(c[i * n + j] == 2 * sum + 3)  // small integers: exact
      }
    }
  }

  @Test func everyTaskRunsOnce() {
    let counts = Tensor<Double>.zeros([1000])
    counts.withUnsafeBuffer { buffer in
      nonisolated(unsafe) let pointer = UnsafeMutablePointer(mutating: buffer.baseAddress!)
      for _ in 0..<200 { WorkerPool.shared.run(tasks: 1000) { pointer[$0] += 1 } }
    }
    #expect(counts.values.allSatisfy { $0 == 200 })
  }

  /// Ranges cover everything once; few things are not left to one thread.
  @Test(arguments: [(17, 1), (17, 8), (65, 1), (1000, 128), (4096, 1), (1, 4096), (0, 1)])
  func rangesCoverEverything(count: Int, grain: Int) {
    let ranges = Mutex<[Range<Int>]>([])
    WorkerPool.shared.forEachRange(count: count, grain: grain) { range in ranges.withLock { $0.append(range) }
    }
    let sorted = ranges.withLock { $0 }.sorted { $0.lowerBound < $1.lowerBound }
    #expect(sorted.flatMap(\.self) == Array(0..<count))
    #expect(sorted.count <= 64 && sorted.count >= min(count / max(grain, 1), 2))
    if count == 17, grain == 8 { #expect(sorted.map(\.count) == [6, 6, 5]) }
  }
}
