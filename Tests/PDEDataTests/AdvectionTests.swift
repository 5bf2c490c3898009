import Foundation
import PDEData
import Spectral
import Tensors
import Testing

@Suite struct AdvectionTests {
  /// A wave is carried along and decays: cos(k·(x − ct)) e^{−ν|k|²t}.
  @Test(arguments: [[21], [16, 27], [10, 12, 15]])
  func wavesTravelAndDecay(shape: [Int]) {
    let lengths = [2.0, 3.0, 1.0].prefix(shape.count).map { $0 * Double.pi }
    let velocity = [0.7, -0.4, 0.3].prefix(shape.count).map { $0 }
    let wave = [2, -1, 1].prefix(shape.count).map { $0 }
    let frequencies = zip(wave, lengths).map { 2 * .pi * Double($0) / $1 }
    let viscosity = 0.03
    func state(_ time: Double) -> Tensor<Double> {
      let decay = exp(-viscosity * time * frequencies.reduce(0) { $0 + $1 * $1 })
      let strides = Tensor<Double>.strides(of: shape)
      let values = (0..<shape.reduce(1, *)).map { point -> Double in
        var phase = 0.0
        for axis in shape.indices {
          let position = Double(point / strides[axis] % shape[axis]) * lengths[axis] / Double(shape[axis])
          phase += frequencies[axis] * (position - velocity[axis] * time)
        }
        return decay * cos(phase)
      }
      return Tensor(values, shape: shape)
    }
    let advection = LinearAdvection<Double>(shape: shape, lengths: lengths, velocity: Array(velocity))
    let integrator = SemilinearIntegrator(
      .etdrk4, eigenvalues: advection.box.laplacian(lengths: lengths, times: viscosity),
      nonlinearity: advection)
    let result = SpectralEvolution(
      integrator: integrator, basis: advection.box, interval: 1, savedCount: 2, control: .tolerance(1e-10)
    ).solve(state(0))
    guard let states = result.states else {
      Issue.record("the integration failed")
      return
    }
    let count = shape.reduce(1, *)
    for saved in 0..<2 {
      let expected = state(Double(saved + 1)).values
      #expect((0..<count).allSatisfy { abs(states.values[saved * count + $0] - expected[$0]) < 1e-9 })
    }
  }

  @Test(arguments: [[32], [16, 24], [8, 10, 12]])
  func filesOfEveryDimension(shape: [Int]) throws {
    let folder = try TemporaryFolder()
    _ = try DatasetGenerator(
      equation: AdvectionEquation(), options: ["final-time": "1", "tolerance": "1e-9"],
      input: .random(seed: 2, resolution: shape), samples: 0..<1, store: .float64
    ).run(to: folder.path("F.nc"))
    let reader = try DatasetReader(path: folder.path("F.nc"))
    let initial: Tensor<Double> = try reader.read(reader.variable("u0"))
    let final: Tensor<Double> = try reader.read(reader.variable("u"))
    #expect(initial.shape == [1] + shape && final.shape == [1, 1] + shape)
  }
}
