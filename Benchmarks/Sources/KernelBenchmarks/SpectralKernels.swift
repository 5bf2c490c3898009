// The parts of a spectral convolution, and the whole.

import Autodiff
import Measurement
import Spectral
import Tensors

/// The sizes of a spectral layer.
struct LayerSizes {
  let batch: Int
  let channels: Int
  let grid: [Int]
  let modes: [Int]

  var name: String {
    func joined(_ sizes: [Int]) -> String { sizes.map(String.init).joined(separator: "×") }
    return "\(batch)×\(channels), \(joined(grid)), modes \(joined(modes))"
  }
  var points: Int { batch * channels * grid.reduce(1, *) }
  var fieldShape: [Int] { [batch, channels] + grid }
  var transform: TruncatedTransform<Float> { .cached(gridShape: grid, modes: modes) }
  var spectrumShape: [Int] { [transform.keptCount, 2, batch, channels] }
  var weightShape: [Int] { [transform.keptCount, 2, channels, channels] }
  var spectrumCount: Int { spectrumShape.reduce(1, *) }
  var weightCount: Int { weightShape.reduce(1, *) }

  /// Operations of one transform: along a line of n points kept · n/3 products (see `TruncatedTransform`), the
  /// halved axis first.
  var transformOperations: Double {
    let kept = transform.keptShape
    var operations = 0.0
    var inner = 1
    for axis in grid.indices.reversed() {
      let lines = Double(grid[..<axis].reduce(1, *) * inner)
      operations += lines * 2 * Double(kept[axis] * grid[axis]) / 3
      inner *= kept[axis]
    }
    return operations * Double(batch * channels)
  }
  var contractionOperations: Double { 8 * Double(transform.keptCount * batch * channels * channels) }

  static let compared = [
    LayerSizes(batch: 20, channels: 64, grid: [1024], modes: [32]),
    LayerSizes(batch: 20, channels: 32, grid: [64, 64], modes: [24, 24]),
    LayerSizes(batch: 8, channels: 64, grid: [128, 128], modes: [64, 64]),
    LayerSizes(batch: 4, channels: 20, grid: [64, 64, 20], modes: [16, 16, 16]),
  ]
}

private func maker(_ name: String, _ make: @escaping (LayerSizes) -> Kernel) -> [KernelMaker] {
  LayerSizes.compared.map { sizes in ("\(name), \(sizes.name)", { make(sizes) }) }
}

var transformKernels: [KernelMaker] {
  maker("analysis") { sizes in
    let (field, transform) = (randomTensor(sizes.fieldShape), sizes.transform)
    return Kernel(
      bytes: 4 * Double(sizes.points + sizes.spectrumCount), operations: sizes.transformOperations
    ) { _ = transform.analyze(field, scale: 1, doublesInterior: false) }
  }
    + maker("synthesis") { sizes in
      let (spectrum, transform) = (randomTensor(sizes.spectrumShape), sizes.transform)
      return Kernel(
        bytes: 4 * Double(sizes.points + sizes.spectrumCount), operations: sizes.transformOperations
      ) { _ = transform.synthesize(spectrum, scale: 1, doublesInterior: true) }
    }
}

var contractionKernels: [KernelMaker] {
  maker("contraction") { sizes in
    let spectrum = Variable(constant: randomTensor(sizes.spectrumShape))
    let weight = Variable(constant: randomTensor(sizes.weightShape))
    return Kernel(
      bytes: 4 * Double(2 * sizes.spectrumCount + sizes.weightCount), operations: sizes.contractionOperations
    ) { _ = Tape(recording: false).spectralContraction(spectrum, weight: weight) }
  }
    + maker("contraction, backward") { sizes in
      let (spectrum, weight) = (randomTensor(sizes.spectrumShape), randomTensor(sizes.weightShape))
      return Kernel(
        bytes: 4 * Double(3 * sizes.spectrumCount + 2 * sizes.weightCount),
        operations: 2 * sizes.contractionOperations
      ) { repeats in
        backwardMilliseconds(repeats, gradient: spectrum) { tape in
          tape.spectralContraction(tape.variable(spectrum), weight: tape.variable(weight))
        }
      }
    }
}

/// Fields in, fields out: what lies between need never leave the caches but for the spectra.
var convolutionKernels: [KernelMaker] {
  maker("spectral convolution") { sizes in
    let (field, transform) = (Variable(constant: randomTensor(sizes.fieldShape)), sizes.transform)
    let weight = Variable(constant: randomTensor(sizes.weightShape))
    return Kernel(
      bytes: 4 * Double(2 * sizes.points + 4 * sizes.spectrumCount + sizes.weightCount),
      operations: 2 * sizes.transformOperations + sizes.contractionOperations
    ) {
      let tape = Tape<Float>(recording: false)
      let product = tape.spectralContraction(tape.truncatedAnalysis(field, transform), weight: weight)
      _ = tape.truncatedSynthesis(product, transform)
    }
  }
}

/// The time of the walk back alone. The gradient is copied first, since it may be overwritten.
func backwardMilliseconds(
  _ repeats: Int, gradient: Tensor<Float>, _ forward: (Tape<Float>) -> Variable<Float>
) -> Double {
  medianMilliseconds(
    repeats: repeats,
    prepare: {
      let tape = Tape<Float>()
      let output = forward(tape)
      var copy = Tensor<Float>(uninitialized: gradient.shape)
      copy.copyValues(from: gradient)
      return Walk(tape: tape, output: output, gradient: copy)
    }, { $0.run() })
}

private final class Walk {
  private let tape: Tape<Float>
  private let output: Variable<Float>
  private var gradient: Tensor<Float>?

  init(tape: Tape<Float>, output: Variable<Float>, gradient: Tensor<Float>) {
    (self.tape, self.output, self.gradient) = (tape, output, gradient)
  }

  func run() {
    guard let gradient = gradient.take() else { return }
    tape.backward(from: output, gradient: gradient)
  }
}
