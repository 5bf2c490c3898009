import Spectral
import Tensors
import Testing

/// Roundoff of a transform of N points is a few √log N ulp in the mean: 64 ulp leaves room for O(√N) of the direct
/// sums too.
private func tolerance<E: Scalar>(_: E.Type) -> Double { 64 * Double(E.ulpOfOne) }

private struct Case: Sendable, CustomTestStringConvertible {
  var shape: [Int]
  var axes: [Int]
  var testDescription: String { "\(shape) along \(axes)" }
}

// Even, odd, prime and one-point sizes; batches before, between and behind the transformed axes; sizes that are
// one task, many tasks, and axis-by-axis passes.
private let cases = [
  Case(shape: [8], axes: [0]), Case(shape: [1], axes: [0]), Case(shape: [2, 9], axes: [1]),
  Case(shape: [3, 31], axes: [1]), Case(shape: [97, 5], axes: [0]), Case(shape: [6, 7], axes: [0, 1]),
  Case(shape: [6, 7], axes: [1, 0]), Case(shape: [5, 4, 9], axes: [0, 2]),
  Case(shape: [3, 5, 7, 2], axes: [1, 2]), Case(shape: [300, 67], axes: [0]),
  Case(shape: [67, 301], axes: [1]), Case(shape: [11, 13, 12], axes: [0, 1, 2]),
  Case(shape: [2, 120, 150], axes: [1, 2]), Case(shape: [210, 180], axes: [0, 1]),
  Case(shape: [41, 29, 30], axes: [2, 0, 1]),
]

@Suite struct FFTTests {
  private func agreesWithDirectSums<E: SpectralScalar>(_ test: Case, _: E.Type) {
    let last = test.axes[test.axes.count - 1]
    let points = test.axes.reduce(1) { $0 * test.shape[$1] }
    let real: Tensor<E> = arbitrary(test.shape)
    let direct = directTransform(complexified(real), axes: test.axes, sign: -1)
    let halved = test.shape[last] / 2 + 1
    let spectrum = FFT.realToComplex(real, axes: test.axes, normalization: .none)
    #expect(
      relativeDistance(converted(spectrum, to: Double.self), prefix(direct, axis: last, count: halved))
        < tolerance(E.self))
    let back = FFT.complexToReal(
      spectrum, axes: test.axes, count: test.shape[last], normalization: .inverse)
    #expect(relativeDistance(back, real) < tolerance(E.self))

    let complex: Tensor<E> = arbitrary(test.shape + [2], seed: 2)
    let reference = converted(complex, to: Double.self)
    for normalization in FFT.Normalization.allCases {
      let forward = FFT.forward(complex, axes: test.axes, normalization: normalization)
      if normalization == .none {
        #expect(
          relativeDistance(
            converted(forward, to: Double.self), directTransform(reference, axes: test.axes, sign: -1))
            < tolerance(E.self))
      }
      if normalization == .unitary {  // Parseval
        let (norm, other) = (innerProduct(forward, forward), innerProduct(complex, complex))
        #expect(abs(norm - other) < tolerance(E.self) * other)
      }
      let inverse = FFT.inverse(forward, axes: test.axes, normalization: normalization)
      let factor = normalization == .none ? E(points) : 1
      let expected = Tensor(complex.values.map { factor * $0 }, shape: complex.shape)
      #expect(relativeDistance(inverse, expected) < tolerance(E.self))
    }
  }

  @Test(arguments: cases)
  fileprivate func agreesWithDirectSumsInDouble(test: Case) { agreesWithDirectSums(test, Double.self) }

  @Test(arguments: cases)
  fileprivate func agreesWithDirectSumsInFloat(test: Case) { agreesWithDirectSums(test, Float.self) }

  @Test(arguments: [Case(shape: [2, 9], axes: [1]), Case(shape: [6, 7], axes: [0, 1])])
  fileprivate func inputsAreLeftAsTheyWere(test: Case) {
    let spectrum: Tensor<Double> = arbitrary(test.shape + [2])
    let values = spectrum.values
    let last = test.shape[test.axes[test.axes.count - 1]]
    _ = FFT.complexToReal(spectrum, axes: test.axes, count: 2 * last - 1)
    #expect(spectrum.values == values)
  }

  @Test(arguments: TrigonometricTransform.allCases, [2, 3, 8, 17, 30])
  func trigonometricTransformsAgreeWithTheirSums(kind: TrigonometricTransform, n: Int) {
    let x: Tensor<Double> = arbitrary([n])
    let (v, count) = (x.values, Double(n))
    let direct = (0..<n).map { k in
      let sign = k.isMultiple(of: 2) ? 1.0 : -1.0
      return (0..<n).reduce(0.0) { sum, j in
        let (p, q) = (Double(j), Double(k))
        let term: Double =
          switch kind {
          case .cosineI:
            j == 0 ? v[0] : j == n - 1 ? sign * v[j] : 2 * v[j] * .cos(.pi * p * q / (count - 1))
          case .cosineII: 2 * v[j] * .cos(.pi * (p + 0.5) * q / count)
          case .cosineIII: j == 0 ? v[0] : 2 * v[j] * .cos(.pi * p * (q + 0.5) / count)
          case .cosineIV: 2 * v[j] * .cos(.pi * (p + 0.5) * (q + 0.5) / count)
          case .sineI: 2 * v[j] * .sin(.pi * (p + 1) * (q + 1) / (count + 1))
          case .sineII: 2 * v[j] * .sin(.pi * (p + 0.5) * (q + 1) / count)
          case .sineIII:
            j == n - 1 ? sign * v[j] : 2 * v[j] * .sin(.pi * (p + 1) * (q + 0.5) / count)
          case .sineIV: 2 * v[j] * .sin(.pi * (p + 0.5) * (q + 0.5) / count)
          case .halfComplex:
            2 * k <= n ? v[j] * unitRoot(j * k, n).cosine : v[j] * unitRoot(j * k, n).sine
          case .fromHalfComplex:
            2 * j <= n
              ? (j == 0 || 2 * j == n ? 1 : 2) * v[j] * unitRoot(j * k, n).cosine
              : 2 * v[j] * unitRoot(j * k, n).sine
          }
        return sum + term
      }
    }
    let fast = FFT.realToReal(x, axes: [0], kinds: [kind])
    #expect(relativeDistance(fast, Tensor(direct, shape: [n])) < tolerance(Double.self))
  }

  @Test(
    arguments: TrigonometricTransform.allCases,
    [Case(shape: [4, 9, 7], axes: [2, 1]), Case(shape: [150, 251], axes: [0, 1])])
  fileprivate func trigonometricTransformsInvert(kind: TrigonometricTransform, test: Case) {
    let kinds = [kind, .sineI]
    let x: Tensor<Double> = arbitrary(test.shape)
    let size = zip(test.axes, kinds).reduce(1) { $0 * $1.1.logicalSize(test.shape[$1.0]) }
    let there = FFT.realToReal(x, axes: test.axes, kinds: kinds)
    let back = FFT.realToReal(there, axes: test.axes, kinds: kinds.map(\.inverse), scale: 1 / Double(size))
    #expect(relativeDistance(back, x) < tolerance(Double.self))
    // One axis after the other is the same transform.
    let first = FFT.realToReal(x, axes: [test.axes[0]], kinds: [kind])
    let both = FFT.realToReal(first, axes: [test.axes[1]], kinds: [.sineI])
    #expect(relativeDistance(both, there) < tolerance(Double.self))
  }

  @Test func plansExecuteOnUnalignedArraysAndInPlace() {
    let n = 45
    let geometry = TransformGeometry(axes: [.init(count: n, inputStride: 1, outputStride: 1)])
    let x: Tensor<Float> = arbitrary([n, 2])
    let expected = FFT.forward(x, axes: [0], normalization: .none)
    var shifted = [Float](repeating: 0, count: 2 * n + 1)
    shifted.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      for (index, value) in x.values.enumerated() { start[index + 1] = value }
      FFTPlan.shared(.complexForward, geometry, requirements: .inPlace).execute(start + 1, start + 1)
    }
    #expect(
      relativeDistance(Tensor(shifted.dropFirst(), shape: [n, 2]), expected) < tolerance(Float.self))
  }
}
