import Spectral
import Tensors
import Testing

@Suite struct SpectralDerivativeTests {
  /// sin and cos up to the highest resolved wave, in the middle axis of three.
  @Test(arguments: [(9, 4), (10, 4), (16, 3), (31, 12)], [0, 1, 2, 3, 4, 5])
  func wavesAreDifferentiatedExactly(wave: (n: Int, k: Int), order: Int) {
    let (length, kappa) = (3.0, 2 * Double.pi * Double(wave.k) / 3.0)
    func field(_ order: Int) -> Tensor<Double> {
      // The derivative of order m of cos(κx + φ) is κ^m cos(κx + φ + mπ/2).
      let size = (0..<order).reduce(1.0) { product, _ in product * kappa }
      return Tensor(
        (0..<2 * wave.n * 3).map { index in
          let (x, phase) = (Double(index / 3 % wave.n) * length / Double(wave.n), Double(index % 3))
          return size * .cos(kappa * x + phase + Double(order) * .pi / 2)
        }, shape: [2, wave.n, 3])
    }
    let derivative = SpectralDerivative.derivative(of: field(0), axis: 1, order: order, length: length)
    #expect(relativeDistance(derivative, field(order)) < 1e-12)
  }

  @Test func theNyquistWaveHasNoOddDerivative() {
    let n = 8
    let wave = Tensor((0..<n).map { $0.isMultiple(of: 2) ? 1.0 : -1.0 }, shape: [n])
    let first = SpectralDerivative.derivative(of: wave, axis: 0, order: 1, length: 1)
    #expect(first.values.allSatisfy { abs($0) < 1e-13 })
    let second = SpectralDerivative.derivative(of: wave, axis: 0, order: 2, length: 1)
    let kappa = Double.pi * Double(n)
    #expect(relativeDistance(second, Tensor(wave.values.map { -kappa * kappa * $0 }, shape: [n])) < 1e-14)
  }

  @Test func theLaplacianOfAPlaneWave() {
    let (ny, nx) = (12, 15)
    let wave = Tensor(
      (0..<ny * nx).map {
        Double.cos(2 * .pi * (3 * Double($0 / nx) / Double(ny) - 2 * Double($0 % nx) / Double(nx)))
      }, shape: [ny, nx])
    let laplacian = SpectralDerivative.laplacian(of: wave, axes: [0, 1], lengths: [2, 1])
    let square = 4 * Double.pi * .pi * (9.0 / 4 + 4)
    #expect(relativeDistance(laplacian, Tensor(wave.values.map { -square * $0 }, shape: [ny, nx])) < 1e-13)
  }
}

@Suite struct RadialSpectrumTests {
  @Test(arguments: [[16], [9, 12], [8, 7], [6, 8, 10]])
  func binsSumToTheMeanSquare(grid: [Int]) {
    let fields: Tensor<Double> = arbitrary([2, 3] + grid)
    let energy = RadialSpectrum.energy(of: fields, dimensions: grid.count)
    #expect(Array(energy.shape.dropLast()) == [2, 3])
    let points = Double(grid.reduce(1, *))
    let total = energy.values.reduce(0, +)
    #expect(abs(total - innerProduct(fields, fields) / points) < 1e-13 * total)
  }

  /// cos(k·x) has mean square ½, all of it in the bin of |k| = √(3² + 4²) = 5; the constant in bin 0.
  @Test func aWaveIsInItsBin() {
    let n = 16
    let values = (0..<n * n).map { index in
      let turns = Double(3 * (index / n) - 4 * (index % n)) / Double(n)
      return Float(2 + Double.cos(2 * .pi * turns))
    }
    let wave = Tensor(values, shape: [n, n])
    let energy = RadialSpectrum.energy(of: wave, dimensions: 2).values
    for (bin, value) in energy.enumerated() {
      #expect(abs(value - (bin == 0 ? 4 : bin == 5 ? 0.5 : 0)) < 1e-5)
    }
  }
}
