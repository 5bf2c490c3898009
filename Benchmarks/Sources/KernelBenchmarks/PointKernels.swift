// Work at every point: channel products and networks, GELU, matrix products, the optimizer's update.

import Autodiff
import Measurement
import Operators
import Tensors

// Operations of the exact GELU and of its derivative beside it, counted in `VectorMath`; a division is one.
private let geluOperations = 52.0
private let derivativeOperations = 8.0

/// Channels, hidden channels and points of a layer's channel network.
private struct NetworkSizes {
  let batch: Int
  let channels: Int
  let grid: [Int]

  var hidden: Int { channels / 2 }
  var points: Double { Double(batch * grid.reduce(1, *)) }
  var fieldShape: [Int] { [batch, channels] + grid }
  var fieldBytes: Double { 4 * points * Double(channels) }
  var name: String { "\(batch)×\(channels), \(grid.map(String.init).joined(separator: "×"))" }
  /// One product with a hidden axis, and one without.
  var hiddenProduct: Double { 2 * points * Double(channels * hidden) }
  var squareProduct: Double { 2 * points * Double(channels * channels) }
  func activations(_ perNumber: Double, channels: Int) -> Double { perNumber * points * Double(channels) }

  static let compared = [
    NetworkSizes(batch: 20, channels: 32, grid: [64, 64]),
    NetworkSizes(batch: 8, channels: 64, grid: [128, 128]),
  ]
}

/// The parameters of a channel network and of the skips around it.
private struct NetworkParameters {
  let first: Tensor<Float>
  let firstBias: Tensor<Float>
  let second: Tensor<Float>
  let secondBias: Tensor<Float>
  let skip: Tensor<Float>
  let gate: Tensor<Float>

  init(_ sizes: NetworkSizes) {
    let (channels, hidden) = (sizes.channels, sizes.hidden)
    func weights(_ shape: [Int]) -> Tensor<Float> { 0.1 * randomTensor(shape) }
    (first, firstBias) = (weights([hidden, channels]), weights([hidden]))
    (second, secondBias) = (weights([channels, hidden]), weights([channels]))
    (skip, gate) = (weights([channels, channels]), weights([channels]))
  }

  func network(_ x: Tensor<Float>, on tape: Tape<Float>) -> Variable<Float> {
    tape.channelNetwork(
      tape.variable(x), first: tape.variable(first), firstBias: tape.variable(firstBias),
      second: tape.variable(second), secondBias: tape.variable(secondBias))
  }

  func layerEnd(_ x: Tensor<Float>, _ convolved: Tensor<Float>, on tape: Tape<Float>) -> Variable<Float> {
    tape.fourierLayerTail(
      tape.variable(x), convolved: tape.variable(convolved), skip: tape.variable(skip),
      first: tape.variable(first), firstBias: tape.variable(firstBias), second: tape.variable(second),
      secondBias: tape.variable(secondBias), around: .gatedInput(tape.variable(gate)), activation: .gelu)
  }
}

private func maker(_ name: String, _ make: @escaping (NetworkSizes) -> Kernel) -> [KernelMaker] {
  NetworkSizes.compared.map { sizes in ("\(name), \(sizes.name)", { make(sizes) }) }
}

private let pointCount = 240

var productKernels: [KernelMaker] {
  [
    ("PointProduct, 64 of 64, \(pointCount) points", pointProduct),
    ("OuterProductSums, 64 by 64, \(pointCount) points", outerProduct),
  ]
    + [(20, 32, 32), (8, 64, 64), (64, 1024, 64), (512, 512, 512)].map { m, n, k in
      ("GEMM \(m)×\(n)×\(k)", { gemmKernel(m, n, k) })
    }
    + maker("channel MLP") { sizes in
      let (x, parameters) = (randomTensor(sizes.fieldShape), NetworkParameters(sizes))
      return Kernel(
        bytes: 2 * sizes.fieldBytes,
        operations: 2 * sizes.hiddenProduct + sizes.activations(geluOperations, channels: sizes.hidden)
      ) { _ = parameters.network(x, on: Tape(recording: false)) }
    }
    + maker("channel MLP, backward") { sizes in
      let (x, parameters) = (randomTensor(sizes.fieldShape), NetworkParameters(sizes))
      return Kernel(
        bytes: 3 * sizes.fieldBytes,
        operations: 5 * sizes.hiddenProduct
          + sizes.activations(geluOperations + derivativeOperations, channels: sizes.hidden)
      ) { backwardMilliseconds($0, gradient: x) { parameters.network(x, on: $0) } }
    }
    + maker("Fourier layer's end") { sizes in
      let (x, parameters) = (randomTensor(sizes.fieldShape), NetworkParameters(sizes))
      let convolved = randomTensor(sizes.fieldShape)
      return Kernel(
        bytes: 3 * sizes.fieldBytes,
        operations: 2 * sizes.hiddenProduct + sizes.squareProduct
          + sizes.activations(geluOperations, channels: sizes.hidden + 2 * sizes.channels)
      ) { _ = parameters.layerEnd(x, convolved, on: Tape(recording: false)) }
    }
    + maker("Fourier layer's end, backward") { sizes in
      let (x, parameters) = (randomTensor(sizes.fieldShape), NetworkParameters(sizes))
      let convolved = randomTensor(sizes.fieldShape)
      return Kernel(
        bytes: 6 * sizes.fieldBytes,
        operations: 5 * sizes.hiddenProduct + 2 * sizes.squareProduct
          + sizes.activations(geluOperations + derivativeOperations, channels: sizes.hidden + sizes.channels)
      ) { backwardMilliseconds($0, gradient: x) { parameters.layerEnd(x, convolved, on: $0) } }
    }
}

var pointwiseKernels: [KernelMaker] {
  [
    ("GELU, in cache", { gelu(count: 4096, rounds: 500, withDerivative: false) }),
    ("GELU and derivative, in cache", { gelu(count: 2048, rounds: 1000, withDerivative: true) }),
    ("GELU, in memory", { geluInMemory(withDerivative: false) }),
    ("GELU and derivative, in memory", { geluInMemory(withDerivative: true) }),
  ]
}

private func pointProduct() -> Kernel {
  let (channels, count) = (64, pointCount)
  let weight = randomTensor([channels, channels])
  return .inCache(
    rounds: 20, operations: 10 * 2 * Double(channels * channels * count), memory: 2 * channels * count
  ) { memory in
    weight.withUnsafeBuffer { weight in
      guard let weight = weight.baseAddress else { return }
      let product = PointProduct(weight, rows: channels, inner: channels)
      for _ in 0..<10 {
        product(memory, stride: count, into: memory + channels * count, stride: count, count: count)
      }
    }
  }
}

private func outerProduct() -> Kernel {
  let (channels, count) = (64, pointCount)
  return .inCache(
    rounds: 20, operations: 10 * 2 * Double(channels * channels * count),
    memory: 2 * channels * count + channels * channels
  ) { memory in
    let sums = OuterProductSums<Float>(rows: channels, columns: channels)
    for _ in 0..<10 {
      sums.add(memory, stride: count, memory + channels * count, stride: count, count: count)
    }
    let target = memory + 2 * channels * count
    target.update(repeating: 0, count: channels * channels)
    sums.add(to: target)
  }
}

private func gemmKernel(_ m: Int, _ n: Int, _ k: Int) -> Kernel {
  let operations = 2 * Double(m * n * k)
  return .inCache(
    rounds: max(1, Int(2e8 / operations)), operations: operations, memory: m * k + k * n + m * n
  ) { memory in
    gemm(
      m: m, n: n, k: k, a: memory, lda: k, b: memory + m * k, ldb: n, c: memory + (m * k + k * n), ldc: n)
  }
}

private func gelu(count: Int, rounds: Int, withDerivative: Bool) -> Kernel {
  .inCache(
    rounds: rounds,
    operations: Double(count) * (geluOperations + (withDerivative ? derivativeOperations : 0)),
    memory: 3 * count
  ) { memory in
    if withDerivative {
      VectorMath.gelu(memory, into: memory + count, derivative: memory + 2 * count, count: count)
    } else {
      VectorMath.gelu(memory, into: memory + count, count: count)
    }
  }
}

private func geluInMemory(withDerivative: Bool) -> Kernel {
  let count = 1 << 24
  let (x, y) = (randomTensor([count]), Tensor<Float>.zeros([count]))
  let slope = Tensor<Float>.zeros([withDerivative ? count : 0])
  let streams = withDerivative ? 3.0 : 2
  return Kernel(
    bytes: 4 * streams * Double(count),
    operations: Double(count) * (geluOperations + (withDerivative ? derivativeOperations : 0))
  ) { repeats in
    var (y, slope) = (y, slope)
    return milliseconds(repeats, x, &y, &slope, withDerivative: withDerivative)
  }
}

private func milliseconds(
  _ repeats: Int, _ x: Tensor<Float>, _ y: inout Tensor<Float>, _ slope: inout Tensor<Float>,
  withDerivative: Bool
) -> Double {
  let count = x.count
  return x.withUnsafeBuffer { x in
    y.withUnsafeMutableBuffer { y in
      slope.withUnsafeMutableBuffer { slope in
        guard let x = x.baseAddress, let y = y.baseAddress else { return .nan }
        let d = slope.baseAddress
        return medianMilliseconds(repeats: repeats) {
          WorkerPool.shared.forEachRange(count: count, grain: 1 << 14, limit: 1 << 10) { range in
            let first = range.lowerBound
            if withDerivative, let d {
              VectorMath.gelu(x + first, into: y + first, derivative: d + first, count: range.count)
            } else {
              VectorMath.gelu(x + first, into: y + first, count: range.count)
            }
          }
        }
      }
    }
  }
}
