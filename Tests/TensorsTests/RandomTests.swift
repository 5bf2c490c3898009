import Foundation
import Tensors
import Testing

@Suite struct RandomTests {
  /// The known answers of the generator's authors (Random123, kat_vectors).
  @Test func philoxGivesItsKnownAnswers() {
    let pi = SIMD4<UInt32>(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344)
    let ones = UInt32.max
    #expect(
      Philox4x32.words(counter: .zero, key: .zero)
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      Philox4x32.words(counter: SIMD4(repeating: ones), key: SIMD2(repeating: ones))
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      Philox4x32.words(counter: pi, key: SIMD2(0xa409_3822, 0x299f_31d0))
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  /// Against the C library's functions; two units in the last place for each of root, logarithm, sine and product.
  @Test func boxMullerIsItsFormula() {
    let stream = RandomStream(seed: 2, purpose: "test")
    for block in 0..<UInt64(20_000) {
      let (first, second) = stream.bits(block: block)
      let radius = (-2 * log((Double(first) + 0.5) * 0x1p-64)).squareRoot()
      let angle = 2 * Double.pi * (Double(second >> 11) * 0x1p-53)
      let (x, y) = stream.normalPair(block: block)
      #expect(
        abs(x - radius * cos(angle)) <= 8 * radius.ulp && abs(y - radius * sin(angle)) <= 8 * radius.ulp)
    }
    // The ends: the largest number, √(130 log 2), and zero; quarter turns are exact.
    let largest = (130 * log(2.0)).squareRoot()
    for (quarter, cosine, sine) in [(0, 1.0, 0.0), (1, 0.0, 1.0), (2, -1.0, 0.0), (3, 0.0, -1.0)] {
      let (x, y) = BoxMuller.normals(0, UInt64(quarter) << 62)
      #expect(abs(x - cosine * largest) <= 4 * largest.ulp && abs(y - sine * largest) <= 4 * largest.ulp)
      let (u, v) = BoxMuller.normals(.max, UInt64(quarter) << 62)
      #expect(u == 0 && v == 0)
    }
  }

  /// Sample moments of n numbers lie within five standard errors of the distribution's.
  @Test func normalNumbersHaveTheirMoments() {
    let n = 400_000
    let x = Tensor<Double>.normal([n], from: RandomStream(seed: 1, purpose: "test")).values
    let root = Double(n).squareRoot()
    func moment(_ power: Int) -> Double {
      x.reduce(0) { sum, x in sum + (0..<power).reduce(1.0) { product, _ in product * x } } / Double(n)
    }
    // Var xᵏ = (2k − 1)!! − E[xᵏ]²
    #expect(abs(moment(1)) < 5 / root)
    #expect(abs(moment(2) - 1) < 5 * 2.0.squareRoot() / root)
    #expect(abs(moment(3)) < 5 * 15.0.squareRoot() / root)
    #expect(abs(moment(4) - 3) < 5 * 96.0.squareRoot() / root)
    // Neighbours come from one pair, and pairs from neighbouring counters: neither is correlated.
    for lag in 1...3 {
      let product = zip(x, x.dropFirst(lag)).reduce(0) { $0 + $1.0 * $1.1 } / Double(n)
      #expect(abs(product) < 5 / root)
      let squares =
        zip(x, x.dropFirst(lag)).reduce(0) { $0 + ($1.0 * $1.0 - 1) * ($1.1 * $1.1 - 1) } / Double(n)
      #expect(abs(squares) < 5 * 2 / root)
    }
    // P(|x| > 3) and P(|x| > 4).
    for (bound, probability) in [(3.0, 2.699796063e-3), (4.0, 6.334248367e-5)] {
      let expected = probability * Double(n)
      let found = Double(x.filter { abs($0) > bound }.count)
      #expect(abs(found - expected) < 5 * expected.squareRoot())
    }
  }

  @Test func uniformNumbersHaveTheirMomentsAndBounds() {
    let n = 400_000
    let stream = RandomStream(seed: 7, purpose: "test", sample: 3)
    let x = Tensor<Float>.uniform([n], from: stream)
    let mean = x.mean()
    #expect(abs(mean - 0.5) < 5 / (12 * Double(n)).squareRoot())
    // Var (x − ½)² = 1/80 − 1/144 = 1/180.
    let variance = x.values.reduce(0) { $0 + (Double($1) - 0.5) * (Double($1) - 0.5) } / Double(n)
    #expect(abs(variance - 1.0 / 12) < 5 / (180 * Double(n)).squareRoot())
    #expect(x.values.allSatisfy { $0 >= 0 && $0 < 1 })
    // The float is the double, rounded down to 24 bits.
    for i in 0..<100 {
      let double = stream.uniform(at: UInt64(i))
      #expect(Double(x[i]) <= double && double - Double(x[i]) < 0x1p-24)
    }
    let scaled = Tensor<Double>.uniform([1000], from: stream, lower: -3, upper: 5)
    #expect(scaled.values.allSatisfy { $0 >= -3 && $0 < 5 } && scaled.maximumMagnitude() > 4.9)
  }

  @Test func valuesDependOnTheirAddressAlone() {
    let stream = RandomStream(seed: 5, purpose: "test", sample: 9)
    let threads = WorkerPool.shared.threadCount
    defer { WorkerPool.shared.threadCount = threads }
    WorkerPool.shared.threadCount = 1
    let one = Tensor<Double>.normal([5001], from: stream).values
    WorkerPool.shared.threadCount = 3
    #expect(Tensor<Double>.normal([5001], from: stream).values == one)
    #expect((0..<5001).reversed().map { stream.normal(at: UInt64($0)) } == one.reversed())
    var part = [Double](repeating: 0, count: 10)
    stream.fillNormal(&part, count: 10, offset: 4001)
    #expect(part == Array(one[4001..<4011]))
  }

  @Test func seedPurposeAndSampleEachMakeOtherNumbers() {
    let streams = [
      RandomStream(seed: 5, purpose: "a", sample: 0), RandomStream(seed: 6, purpose: "a", sample: 0),
      RandomStream(seed: 5 + 1 << 32, purpose: "a", sample: 0),
      RandomStream(seed: 5, purpose: "b", sample: 0),
      RandomStream(seed: 5, purpose: "a", sample: 1), RandomStream(seed: 5, purpose: "a", sample: 1 << 32),
    ]
    let n = 20_000
    let draws = streams.map { Tensor<Double>.normal([n], from: $0) }
    for i in draws.indices {
      for j in draws.indices where j < i {
        #expect(abs(draws[i].dot(draws[j])) < 5 * Double(n).squareRoot())
      }
    }
  }

  /// Of 3·2^62 values a plain multiplication would reach the multiples of 3 twice as often as the others.
  @Test func integersAreUnbiased() {
    let stream = RandomStream(seed: 11, purpose: "test")
    let n = 30_000
    var counts = [0, 0, 0]
    for i in 0..<n { counts[Int(stream.integer(below: 3 << 62, at: UInt64(i)) % 3)] += 1 }
    let deviation = (Double(n) * 2 / 9).squareRoot()
    for count in counts { #expect(abs(Double(count) - Double(n) / 3) < 5 * deviation) }
    #expect((0..<100).allSatisfy { stream.integer(below: 1, at: $0) == 0 })
  }

  @Test func shufflesArePermutationsOfSeedAndEpoch() {
    let first = shuffledIndices(count: 1000, seed: 3, epoch: 4)
    #expect(first.sorted() == Array(0..<1000))
    #expect(first == shuffledIndices(count: 1000, seed: 3, epoch: 4))
    #expect(first != shuffledIndices(count: 1000, seed: 3, epoch: 5))
    #expect(first != shuffledIndices(count: 1000, seed: 4, epoch: 4))
    #expect(shuffledIndices(count: 0, seed: 1, epoch: 0).isEmpty)
    // All six orders of three are equally likely.
    let n = 6000
    var counts: [[Int]: Int] = [:]
    for epoch in 0..<n { counts[shuffledIndices(count: 3, seed: 8, epoch: epoch), default: 0] += 1 }
    let deviation = (Double(n) * 5 / 36).squareRoot()
    #expect(counts.count == 6)
    for count in counts.values { #expect(abs(Double(count) - Double(n) / 6) < 5 * deviation) }
  }
}
