// Operations of perceptrons and small convolutions: values by definition, gradients by differences.

import Autodiff
import Tensors
import Testing

@Suite struct NetworkOperationTests {
  /// x moved away from 0, where the rectifier has a corner.
  @Test(arguments: Activation.allCases)
  func denseLayers(activation: Activation) {
    let input = scattered([70, 3], seed: 1)
    expectGradients(of: [input, scattered([4, 3], seed: 2), Tensor([0.3, -2.2, 1.1, 3.4], shape: [4])]) {
      $0.dense($1[0], weight: $1[1], bias: $1[2], activation: activation == .relu ? .silu : activation)
    }
    let rectified = Tape<Double>(recording: false).activate(Variable(constant: input), .relu).value
    #expect(rectified.values == input.values.map { max($0, 0) })
  }

  /// Sums over groups of rows and over all rows at once; a second step adds to the parameters' gradients.
  @Test(arguments: [(rows: 300, outputs: 4), (rows: 300, outputs: 301), (rows: 5, outputs: 70)], [1, 2])
  func gradientsOfDenseLayersByDefinition(sizes: (rows: Int, outputs: Int), steps: Int) throws {
    let input = scattered([sizes.rows, 3], seed: 1)
    let weight = Parameter<Double>(shape: [sizes.outputs, 3])
    let bias = Parameter<Double>(shape: [sizes.outputs])
    weight.value = scattered(weight.value.shape, seed: 2)
    let gradient = scattered([sizes.rows, sizes.outputs], seed: 4)
    var inputGradient: Tensor<Double>?
    for _ in 0..<steps {
      let tape = Tape<Double>()
      let x = tape.variable(input)
      let y = tape.dense(x, weight: tape.variable(weight), bias: tape.variable(bias))
      tape.backward(from: y, gradient: gradient)
      inputGradient = tape.gradient(of: x)
    }
    let (dx, dw, db) = try (#require(inputGradient), #require(weight.gradient), #require(bias.gradient))
    for o in 0..<sizes.outputs {
      // Sums of some hundred numbers of size one, in another order.
      let sum = (0..<sizes.rows).reduce(0) { $0 + gradient[$1, o] }
      #expect(abs(db[o] - Double(steps) * sum) < 1e-11)
      for i in 0..<3 {
        let sum = (0..<sizes.rows).reduce(0) { $0 + gradient[$1, o] * input[$1, i] }
        #expect(abs(dw[o, i] - Double(steps) * sum) < 1e-11)
      }
    }
    for row in 0..<sizes.rows {
      let sum = (0..<sizes.outputs).reduce(0) { $0 + gradient[row, $1] * weight.value[$1, 2] }
      #expect(abs(dx[row, 2] - sum) < 1e-11)
    }
  }

  @Test(arguments: [(false, false), (true, false), (false, true)])
  func cartesianProducts(sharesCoefficients: Bool, sharesBasis: Bool) {
    let (outputs, terms) = (3, 2)
    let coefficients = scattered([5, sharesCoefficients ? terms : outputs * terms], seed: 3)
    let basis = scattered([140, sharesBasis ? terms : outputs * terms], seed: 4)
    let biases = (0..<outputs).map { Tensor(scalar: Double($0) - 0.5) }
    func product(_ tape: Tape<Double>, _ x: [Variable<Double>]) -> Variable<Double> {
      tape.cartesianProduct(
        coefficients: x[0], basis: x[1], biases: Array(x[2...]), outputs: outputs, terms: terms,
        sharesCoefficients: sharesCoefficients, sharesBasis: sharesBasis)
    }
    let all = [coefficients, basis] + biases
    let value = product(Tape(recording: false), all.map { Variable(constant: $0) }).value
    #expect(value.shape == [5, outputs, 140])
    for output in 0..<outputs {
      let (b, t) = (sharesCoefficients ? 0 : output * terms, sharesBasis ? 0 : output * terms)
      let expected =
        (0..<terms).reduce(biases[output].scalarValue) { $0 + coefficients[4, b + $1] * basis[131, t + $1] }
      #expect(abs(value[4, output, 131] - expected) < 1e-14)
    }
    expectGradients(of: all, product)
  }

  @Test(arguments: ConvolutionPadding.allCases, [(1, 3), (2, 3), (2, 5), (1, 2)])
  func convolutions(padding: ConvolutionPadding, size: (stride: Int, kernel: Int)) {
    for grid in [[7], [5, 6]] {
      let taps = grid.map { _ in size.kernel }
      let inputs = [
        scattered([2, 3] + grid, seed: 5), scattered([4, 3] + taps, seed: 6), scattered([4], seed: 7),
      ]
      expectGradients(of: inputs) {
        $0.convolution($1[0], weight: $1[1], bias: $1[2], stride: size.stride, padding: padding)
      }
    }
  }

  /// By the definition, on an axis of five points.
  @Test func convolutionsByDefinition() {
    let (x, w) = ([1.0, 2, 4, 8, 16], [1.0, 10, 100])
    func convolve(_ padding: ConvolutionPadding, stride: Int = 1) -> [Double] {
      Tape<Double>(recording: false).convolution(
        Variable(constant: Tensor(x, shape: [1, 1, 5])),
        weight: Variable(constant: Tensor(w, shape: [1, 1, 3])),
        bias: Variable(constant: Tensor([0.5], shape: [1])), stride: stride, padding: padding
      ).value.values
    }
    #expect(convolve(.valid) == [421.5, 842.5, 1684.5])
    #expect(convolve(.zeros) == [210.5, 421.5, 842.5, 1684.5, 168.5])
    #expect(convolve(.periodic) == [226.5, 421.5, 842.5, 1684.5, 268.5])
    #expect(convolve(.reflect) == [212.5, 421.5, 842.5, 1684.5, 968.5])
    #expect(convolve(.zeros, stride: 2) == [210.5, 842.5, 168.5])
  }

  @Test func rearrangements() {
    expectGradients(of: [scattered([2, 3, 4], seed: 8), scattered([2, 1, 4], seed: 9)]) {
      $0.concatenateChannels($1)
    }
    expectGradients(of: [scattered([2, 3, 4], seed: 12)]) { $0.selectedChannels($1[0], [2, 0, 2]) }
    let x = scattered([2, 3, 4, 5], seed: 10)
    let y = Tape<Double>(recording: false).permuted(Variable(constant: x), [3, 1, 0, 2]).value
    #expect(y.shape == [5, 3, 2, 4] && y[4, 1, 0, 3] == x[0, 1, 3, 4])
    expectGradients(of: [x]) { $0.permuted($1[0], [3, 1, 0, 2]) }
    for grid in [[5, 4], [6, 3]] {
      expectGradients(of: [scattered([2, 2, 3, 2], seed: 11)]) { $0.repeatedPoints($1[0], grid: grid) }
    }
    let repeated = Tape<Double>(recording: false).repeatedPoints(
      Variable(constant: Tensor([1, 2, 3], shape: [1, 1, 3])), grid: [5])
    #expect(repeated.value.values == [1, 1, 2, 2, 3])
  }

  /// Cuts follow the sizes: any number of threads gives the same bits.
  @Test func anyNumberOfThreadsGivesTheSameBits() {
    func result() -> [[Double]] {
      let tape = Tape<Double>()
      let inputs = [
        scattered([3, 2, 40, 41], seed: 1), scattered([5, 2, 3, 3], seed: 2), scattered([5], seed: 3),
        scattered([7, 5 * 20 * 21], seed: 4), scattered([7], seed: 5), scattered([300, 7], seed: 6),
      ].map { tape.variable($0) }
      let convolved = tape.convolution(
        inputs[0], weight: inputs[1], bias: inputs[2], stride: 2, padding: .periodic)
      let branch = tape.dense(
        tape.reshaped(convolved, [3, 5 * 20 * 21]), weight: inputs[3], bias: inputs[4], activation: .tanh)
      let output = tape.cartesianProduct(coefficients: branch, basis: inputs[5], terms: 7)
      tape.backward(from: output, gradient: scattered(output.shape, seed: 9))
      return [output.value.values] + inputs.map { tape.gradient(of: $0)?.values ?? [] }
    }
    let before = WorkerPool.shared.threadCount
    defer { WorkerPool.shared.threadCount = before }
    WorkerPool.shared.threadCount = 1
    let one = result()
    WorkerPool.shared.threadCount = 4
    #expect(result() == one)
  }
}
