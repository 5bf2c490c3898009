import Tensors
import Testing

@Suite struct ArithmeticTests {
  @Test(arguments: [0, 1, 17, 5000, 100_000])
  func pointwiseOperationsAreTheirDefinitions(count: Int) {
    // Small integers: every result is exact, in both precisions.
    let a = (0..<count).map { Float($0 % 13) - 6 }
    let b = (0..<count).map { Float($0 % 7) - 3 }
    let (x, y) = (Tensor<Float>(a, shape: [count]), Tensor<Float>(b, shape: [count]))
    #expect((x + y).values == zip(a, b).map(+))
    #expect((x - y).values == zip(a, b).map(-))
    #expect((x * y).values == zip(a, b).map(*))
    #expect((3 * x).values == a.map { 3 * $0 })
    var z = x
    z += y
    z *= 2
    z.addScaled(x, by: -2)
    #expect(z.values == b.map { 2 * $0 })
    z -= y
    z *= y
    z += 1
    #expect(z.values == b.map { $0 * $0 + 1 })
    z.fill(with: 5)
    #expect(z.values == [Float](repeating: 5, count: count))
    z.copyValues(from: x)
    #expect(z.values == a)
    #expect(x.converted(to: Double.self).converted(to: Float.self).values == a)
  }

  @Test func productsAccumulate() {
    let x: [Double] = [1, 2, 3]
    var z: [Double] = [10, 20, 30]
    Pointwise.addProduct(x, [4, 5, 6], to: &z, count: 3)
    #expect(z == [14, 30, 48])
  }

  @Test func sumsOfManyFloatsKeepTheirDigits() {
    let count = 1_000_000
    let x = Tensor<Float>(repeating: 0.1, shape: [count])
    let value = Double(Float(0.1))
    // All partial sums are multiples of 2^-27 below 2^17: exact in double.
    #expect(x.sum() == value * Double(count))
    #expect(abs(x.mean() - value) <= value.ulp)
    #expect(abs(x.sumOfSquares() / (value * value * Double(count)) - 1) < 1e-13)
  }

  @Test func cancellationBetweenBlocksLosesNothing() {
    // Neumaier's example, a block apart: plain summation gives 0.
    var x = Tensor<Double>.zeros([30_000])
    x[100] = 1
    x[9000] = 1e100
    x[17_000] = 1
    x[29_000] = -1e100
    #expect(x.sum() == 2)
  }

  @Test func reductionsAreTheirDefinitions() {
    for count in [0, 1, 31, 8192, 8193, 50_000] {
      let a = (0..<count).map { Double($0 % 13) - 6 }
      let b = (0..<count).map { Double($0 % 7) - 3 }
      let (x, y) = (Tensor(a, shape: [count]), Tensor(b, shape: [count]))
      #expect(x.sum() == a.reduce(0, +))
      #expect(x.dot(y) == zip(a, b).reduce(0) { $0 + $1.0 * $1.1 })
      #expect(x.sumOfSquares() == a.reduce(0) { $0 + $1 * $1 })
      #expect(
        x.sumOfSquaredDifferences(from: y) == zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
      #expect(x.maximumMagnitude() == a.map(\.magnitude).max() ?? 0)
      let deviations = x.withUnsafeBuffer {
        Reductions.sumOfSquaredDeviations($0.baseAddress!, from: 2, count: count)
      }
      #expect(deviations == a.reduce(0) { $0 + ($1 - 2) * ($1 - 2) })
    }
  }

  @Test func notFiniteValuesAreCountedAndLocated() {
    var x = Tensor<Float>.zeros([3, 9000])
    #expect(x.nonFinite() == nil)
    x[1, 5] = .nan
    x[2, 8999] = -.infinity
    let found = x.nonFinite()
    #expect(found?.count == 2 && found?.first == 9005)
    #expect(x.maximumMagnitude().isNaN)
    #expect(x.sum().isNaN)
    x[1, 5] = 0
    #expect(x.maximumMagnitude() == .infinity)
    #expect(x.sum() == -.infinity)
  }

  @Test func resultsDoNotDependOnTheNumberOfThreads() {
    let count = 300_001
    let x = Tensor<Float>((0..<count).map { Float($0 * 7919 % 10_007) / 10_007 - 0.4 }, shape: [count])
    let threads = WorkerPool.shared.threadCount
    defer { WorkerPool.shared.threadCount = threads }
    var results: [[Double]] = []
    for count in [1, 2, 3] {
      WorkerPool.shared.threadCount = count
      results.append([x.sum(), x.sumOfSquares(), x.dot(x), (x * x).sum()])
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }
}
