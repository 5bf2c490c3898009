import Spectral
import Tensors
import Testing

struct TruncatedCase: Sendable, CustomTestStringConvertible {
  var grid: [Int]
  var modes: [Int]
  var planes = (batch: 2, channels: 3)
  var testDescription: String { "\(grid), modes \(modes), \(planes.batch)×\(planes.channels) planes" }
  var points: Int { grid.reduce(1, *) }
}

/// 1-D, 2-D, 3-D; odd, even, prime, one and two points; one mode, some, all, more than points; planes that fill
/// no, some and many vectors.
private let cases = [
  TruncatedCase(grid: [16], modes: [6]), TruncatedCase(grid: [17], modes: [17]),
  TruncatedCase(grid: [1], modes: [1]), TruncatedCase(grid: [2], modes: [2]),
  TruncatedCase(grid: [3], modes: [4]), TruncatedCase(grid: [4], modes: [4], planes: (3, 16)),
  TruncatedCase(grid: [64], modes: [1]), TruncatedCase(grid: [24], modes: [100], planes: (1, 33)),
  TruncatedCase(grid: [97], modes: [20], planes: (5, 8)), TruncatedCase(grid: [256], modes: [32]),
  TruncatedCase(grid: [200], modes: [200], planes: (1, 1)), TruncatedCase(grid: [384], modes: [384]),
  TruncatedCase(grid: [8, 8], modes: [4, 4], planes: (4, 16)),
  TruncatedCase(grid: [16, 16], modes: [12, 12]),
  TruncatedCase(grid: [12, 10], modes: [12, 10]), TruncatedCase(grid: [13, 9], modes: [5, 7]),
  TruncatedCase(grid: [11, 13], modes: [20, 20]), TruncatedCase(grid: [6, 15], modes: [1, 1]),
  TruncatedCase(grid: [7, 1], modes: [3, 3]), TruncatedCase(grid: [1, 7], modes: [3, 3]),
  TruncatedCase(grid: [2, 2], modes: [2, 2]),
  TruncatedCase(grid: [36, 44], modes: [24, 24], planes: (1, 20)),
  // Few planes of many points: their columns are tasks of their own.
  TruncatedCase(grid: [96, 100], modes: [12, 12], planes: (1, 17)),
  TruncatedCase(grid: [5, 6, 8], modes: [3, 4, 5]), TruncatedCase(grid: [4, 4, 4], modes: [4, 4, 4]),
  TruncatedCase(grid: [8, 9, 10], modes: [6, 6, 6], planes: (2, 10)),
  TruncatedCase(grid: [3, 5, 7], modes: [9, 9, 9]), TruncatedCase(grid: [3, 2, 4, 5], modes: [2, 2, 3, 4]),
]

/// Every kept mode by its definition, `[K, 2, batch, channel]`, from `[batch, channel, …grid]`.
private func directAnalysis(_ field: Tensor<Double>, _ test: TruncatedCase, doubles: Bool) -> Tensor<Double> {
  let transform = TruncatedTransform<Double>(gridShape: test.grid, modes: test.modes)
  var values = complexified(field)
  for axis in test.grid.indices {
    let n = test.grid[axis]
    let isLast = axis == test.grid.count - 1
    let k = transform.wavenumbers[axis]
    values = applied(along: axis + 2, of: values, outputCount: k.count) { index, x in
      let root = unitRoot(k[index] * x, n)
      let weight = doubles && isLast && k[index] > 0 && 2 * k[index] < n ? 2.0 : 1.0
      return (weight * root.cosine, -weight * root.sine)
    }
  }
  let planes = field.shape[0] * field.shape[1]
  let (source, kept) = (values.values, transform.keptCount)
  let spectrum = (0..<kept * 2 * planes).map { index in
    let (mode, part, plane) = (index / (2 * planes), index / planes % 2, index % planes)
    return source[(plane * kept + mode) * 2 + part]
  }
  return Tensor(spectrum, shape: [kept, 2, field.shape[0], field.shape[1]])
}

@Suite struct TruncatedTransformTests {
  private func field<E: Scalar>(_ test: TruncatedCase, seed: UInt64 = 1) -> Tensor<E> {
    arbitrary([test.planes.batch, test.planes.channels] + test.grid, seed: seed)
  }

  private func spectrum<E: Scalar>(_ test: TruncatedCase, kept: Int) -> Tensor<E> {
    arbitrary([kept, 2, test.planes.batch, test.planes.channels], seed: 5)
  }

  @Test func keptModesAreNeuraloperators() {
    let transform = TruncatedTransform<Float>(gridShape: [64, 5, 64], modes: [24, 7, 24])
    #expect(transform.wavenumbers[0] == Array(-12...11))
    #expect(transform.wavenumbers[1] == [-2, -1, 0, 1, 2])
    #expect(transform.wavenumbers[2] == Array(0...12))
    #expect(transform.keptShape == [24, 5, 13] && transform.keptCount == 24 * 5 * 13)
    #expect(TruncatedTransform<Float>(gridShape: [4], modes: [9]).wavenumbers == [[0, 1, 2]])
    #expect(
      TruncatedTransform<Float>.cached(gridShape: [8, 8], modes: [4, 4])
        === TruncatedTransform<Float>.cached(gridShape: [8, 8], modes: [4, 4]))
  }

  @Test(arguments: cases, [false, true])
  func analysisIsItsDefinition(test: TruncatedCase, doubles: Bool) {
    let field: Tensor<Double> = field(test)
    let transform = TruncatedTransform<Double>(gridShape: test.grid, modes: test.modes)
    let direct = directAnalysis(field, test, doubles: doubles)
    let spectrum = transform.analyze(field, scale: 1, doublesInterior: doubles)
    // Roundoff of sums of up to a thousand terms: √1000 ulp and some.
    #expect(relativeDistance(spectrum, direct) < 1e-14)
    let single = TruncatedTransform<Float>(gridShape: test.grid, modes: test.modes)
      .analyze(converted(field, to: Float.self), scale: 2, doublesInterior: doubles)
    #expect(
      relativeDistance(
        converted(single, to: Double.self), Tensor(direct.values.map { 2 * $0 }, shape: direct.shape))
        < 4e-6)
  }

  /// ⟨analyze u, ŝ⟩ = ⟨u, synthesize ŝ⟩ for equal weights and scales; analysis is proved above.
  @Test(arguments: cases, [false, true])
  func synthesisIsTheAdjointOfAnalysis(test: TruncatedCase, doubles: Bool) {
    let transform = TruncatedTransform<Double>(gridShape: test.grid, modes: test.modes)
    let u: Tensor<Double> = field(test)
    let s: Tensor<Double> = spectrum(test, kept: transform.keptCount)
    let scale = 1 / Double(test.points)
    let analyzed = transform.analyze(u, scale: scale, doublesInterior: doubles)
    let synthesized = transform.synthesize(s, scale: scale, doublesInterior: doubles)
    let size = (innerProduct(analyzed, analyzed) * innerProduct(s, s)).squareRoot()
    #expect(abs(innerProduct(analyzed, s) - innerProduct(u, synthesized)) < 1e-14 * size)
    let single = TruncatedTransform<Float>(gridShape: test.grid, modes: test.modes)
      .synthesize(converted(s, to: Float.self), scale: Float(scale), doublesInterior: doubles)
    #expect(relativeDistance(converted(single, to: Double.self), synthesized) < 4e-6)
  }

  /// Kernels in vectors of 256 and of 512 bits add in the same order, but for what the compiler contracts.
  @Test(arguments: cases)
  func vectorWidthsAgree(test: TruncatedCase) {
    func agrees<E: SpectralScalar>(_: E.Type) {
      let results = VectorWidth.allCases.map { vectors in
        let transform = TruncatedTransform<E>(gridShape: test.grid, modes: test.modes, vectors: vectors)
        let spectrum = transform.analyze(field(test), scale: 1, doublesInterior: false)
        return (spectrum, transform.synthesize(spectrum, scale: 1, doublesInterior: true))
      }
      #expect(relativeDistance(results[0].0, results[1].0) < 4 * Double(E.ulpOfOne))
      #expect(relativeDistance(results[0].1, results[1].1) < 4 * Double(E.ulpOfOne))
    }
    agrees(Float.self)
    agrees(Double.self)
  }

  /// The definition of synthesis itself, one mode and one point at a time.
  @Test(arguments: cases.filter { $0.points < 200 }, [false, true])
  func synthesisIsItsDefinition(test: TruncatedCase, doubles: Bool) {
    let transform = TruncatedTransform<Double>(gridShape: test.grid, modes: test.modes)
    let s: Tensor<Double> = spectrum(test, kept: transform.keptCount)
    let planes = test.planes.batch * test.planes.channels
    let coefficients = s.values
    var values = [Double](repeating: 0, count: planes * test.points)
    let last = test.grid.count - 1
    for mode in 0..<transform.keptCount {
      var (rest, k) = (mode, test.grid)
      for axis in test.grid.indices.reversed() {
        k[axis] = transform.wavenumbers[axis][rest % transform.keptShape[axis]]
        rest /= transform.keptShape[axis]
      }
      let weight = doubles && k[last] > 0 && 2 * k[last] < test.grid[last] ? 2.0 : 1.0
      for point in 0..<test.points {
        var (rest, turns) = (point, 0.0)
        for axis in test.grid.indices.reversed() {
          turns += Double(k[axis] * (rest % test.grid[axis]) % test.grid[axis]) / Double(test.grid[axis])
          rest /= test.grid[axis]
        }
        let (c, s) = (weight * .cos(2 * .pi * turns), weight * .sin(2 * .pi * turns))
        for plane in 0..<planes {
          values[plane * test.points + point] +=
            c * coefficients[2 * mode * planes + plane] - s * coefficients[(2 * mode + 1) * planes + plane]
        }
      }
    }
    let expected = Tensor(values, shape: [test.planes.batch, test.planes.channels] + test.grid)
    let synthesized = transform.synthesize(s, scale: 1, doublesInterior: doubles)
    #expect(relativeDistance(synthesized, expected) < 2e-14)
  }

  /// With all modes kept the two transforms are inverse to each other; with fewer, a projection.
  @Test(arguments: cases)
  func inverseOfForwardIsAProjection(test: TruncatedCase) {
    let transform = TruncatedTransform<Double>(gridShape: test.grid, modes: test.modes)
    func project(_ u: Tensor<Double>) -> Tensor<Double> {
      transform.synthesize(
        transform.analyze(u, scale: 1 / Double(test.points), doublesInterior: false), scale: 1,
        doublesInterior: true)
    }
    let u: Tensor<Double> = field(test)
    if zip(test.grid, test.modes).allSatisfy({ $0 <= $1 }) {
      #expect(relativeDistance(project(u), u) < 1e-14)
    } else if zip(test.grid, transform.wavenumbers).dropLast().allSatisfy({
      $1.count == $0 || $1.count % 2 == 1
    }) {
      // (An even number of modes on a full axis keeps −m/2 without its conjugate at k_last = 0.)
      #expect(relativeDistance(project(project(u)), project(u)) < 1e-14)
    }
  }

  @Test(arguments: cases)
  func accumulationAddsToWhatIsThere(test: TruncatedCase) {
    let transform = TruncatedTransform<Double>(gridShape: test.grid, modes: test.modes)
    let s: Tensor<Double> = spectrum(test, kept: transform.keptCount)
    let skip: Tensor<Double> = field(test, seed: 9)
    var sum = skip
    transform.synthesize(s, scale: 1.5, doublesInterior: true, into: &sum, accumulate: true)
    let alone = transform.synthesize(s, scale: 1.5, doublesInterior: true)
    let expected = Tensor(zip(skip.values, alone.values).map { $0 + $1 }, shape: skip.shape)
    #expect(relativeDistance(sum, expected) < 1e-15)
    var overwritten = skip
    transform.synthesize(s, scale: 1.5, doublesInterior: true, into: &overwritten, accumulate: false)
    #expect(overwritten.values == alone.values)
  }

  /// A translation by whole points multiplies every mode by its phase.
  @Test func translationIsAPhase() {
    let transform = TruncatedTransform<Double>(gridShape: [12, 15], modes: [8, 8])
    let u: Tensor<Double> = arbitrary([1, 1, 12, 15])
    var shifted = u
    for y in 0..<12 { for x in 0..<15 { shifted[0, 0, y, x] = u[0, 0, (y + 3) % 12, (x + 2) % 15] } }
    let a = transform.analyze(u, scale: 1, doublesInterior: false)
    let b = transform.analyze(shifted, scale: 1, doublesInterior: false)
    var mode = 0
    for ky in transform.wavenumbers[0] {
      for kx in transform.wavenumbers[1] {
        let (y, x) = (unitRoot(3 * ky, 12), unitRoot(2 * kx, 15))
        let phase = (
          y.cosine * x.cosine - y.sine * x.sine, y.cosine * x.sine + y.sine * x.cosine
        )
        let (re, im) = (a[mode, 0, 0, 0], a[mode, 1, 0, 0])
        #expect(abs(b[mode, 0, 0, 0] - (re * phase.0 - im * phase.1)) < 1e-13)
        #expect(abs(b[mode, 1, 0, 0] - (re * phase.1 + im * phase.0)) < 1e-13)
        mode += 1
      }
    }
  }
}
