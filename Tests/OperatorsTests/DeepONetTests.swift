// DeepONets: DeepXDE's numbers reproduced, output strategies, embeddings, bases from training data.

import Autodiff
import Foundation
import Operators
import Tensors
import Testing

private func norm(_ values: [Float]) -> Double {
  values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
}

@Suite struct DeepONetTests {
  /// Output to 1e-5 of its norm, gradients to 1e-4·max(‖g‖, 1e-3 × the largest ‖g‖). The file beside this one is
  /// DeepXDE 1.15.0's `DeepONetCartesianProd` on PyTorch.
  @Test(arguments: GoldenFile.all(prefix: "deeponet"))
  func deepXDE(path: String) throws {
    let file = try SafetensorsFile(path: path)
    let (branch, trunk) = (try #require(file.metadata["branch"]), try #require(file.metadata["trunk"]))
    let activation = try #require(file.metadata["activation"])
    let configuration = try DeepONetConfiguration(
      deepXDEJSON: Data(
        #"{"layer_sizes_branch": \#(branch), "layer_sizes_trunk": \#(trunk), "activation": \#(activation)}"#
          .utf8))
    let model = DeepONet<Float>(configuration)
    for (name, parameter) in model.parameters {
      #expect(try #require(file["param.\(name)"], "the file has no \(name)").shape == parameter.shape)
      parameter.setCanonicalValues(try file.tensor("param.\(name)").values)
    }
    #expect(model.parameters.count == file.tensors.filter { $0.name.hasPrefix("param.") }.count)

    let input: Tensor<Float> = try file.tensor("branch_input")
    let points: Tensor<Float> = try file.tensor("trunk_input")
    let target: Tensor<Float> = try file.tensor("target")
    let expected: [Float] = try file.tensor("output").values
    let queries = GridPositions(
      scattered: (0..<points.shape[1]).map { axis in (0..<points.shape[0]).map { Double(points[$0, axis]) } })
    let tape = Tape<Float>()
    let x = Variable(constant: input.reshaped([input.shape[0], 1, input.shape[1]]))
    let output = model(x, at: GridPositions(uniform: [input.shape[1]]), queries: queries, on: tape)
    let difference = norm(zip(output.value.values, expected).map { $0 - $1 })
    #expect(difference <= 1e-5 * norm(expected))

    let loss = tape.relativeL2(output, target.reshaped(output.shape))
    #expect(abs(Double(loss.value.scalarValue) - (Double(file.metadata["loss"] ?? "") ?? 0)) <= 1e-5)
    tape.backward(from: loss)
    let gradients = try model.parameters.map { name, parameter in
      (name, try #require(parameter.canonicalGradient), try file.tensor("grad.\(name)").values as [Float])
    }
    let largest = gradients.map { norm($0.2) }.max() ?? 0
    for (name, own, expected) in gradients {
      let difference = norm(zip(own, expected).map { $0 - $1 })
      #expect(difference <= 1e-4 * max(norm(expected), 1e-3 * largest), "\(name): \(difference)")
    }
  }

  private func configuration(
    outputs: Int = 1, _ change: (inout DeepONetConfiguration) -> Void = { _ in }
  ) -> DeepONetConfiguration {
    var result = DeepONetConfiguration(inChannels: 1, outChannels: outputs)
    result.sensors = [6]
    result.queryDimensions = 1
    result.branch = [5, 4]
    result.trunk = [5, 4]
    change(&result)
    return result
  }

  private func output(
    _ model: DeepONet<Double>, queries: GridPositions = GridPositions(uniform: [9]), sensors: Int = 6
  ) -> Tensor<Double> {
    let input = Tensor((0..<2 * sensors).map { sin(Double($0)) }, shape: [2, 1, sensors])
    return model(
      Variable(constant: input), at: GridPositions(uniform: [sensors]), queries: queries,
      on: Tape(recording: false)
    ).value
  }

  /// The widths that each strategy needs, and how it names its parameters.
  @Test func severalOutputs() {
    typealias Strategy = DeepONetConfiguration.MultiOutput
    let widths: [(Strategy, branch: Int, trunk: Int)] = [
      (.independent, 4, 4), (.splitBoth, 6, 6), (.splitBranch, 12, 4), (.splitTrunk, 4, 12),
    ]
    for (strategy, branch, trunk) in widths {
      let good = configuration(outputs: 3) {
        $0.multiOutput = strategy
        $0.branch = [5, branch]
        $0.trunk = [5, trunk]
      }
      #expect(good.problem == nil, "\(strategy): \(good.problem ?? "")")
      let model = DeepONet<Double>(good)
      #expect(output(model).shape == [2, 3, 9])
      let names = model.parameters.map(\.path)
      #expect(
        names.contains(strategy == .independent ? "trunk.2.linears.1.weight" : "trunk.linears.1.weight"))
      #expect(names.filter { $0.hasPrefix("b.") } == ["b.0", "b.1", "b.2"])
      var bad = good
      bad.branch = [5, 5]
      #expect(bad.problem?.hasPrefix("branch:") == true)
    }
  }

  /// Harmonics make the output periodic: one period on it is the same, also through random features.
  @Test(arguments: [0, 7])
  func periodicEmbedding(features: Int) {
    let model = DeepONet<Double>(
      configuration {
        $0.harmonics = [2]
        $0.fourierFeatures = features
      }, seed: 4)
    let here = output(model, queries: GridPositions(scattered: [[0.1, 0.4, 0.73]])).values
    let there = output(model, queries: GridPositions(scattered: [[1.1, -0.6, 3.73]])).values
    #expect(zip(here, there).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(
      model.parameterCount
        == DeepONet<Double>(
          configuration {
            $0.harmonics = [2]
            $0.fourierFeatures = features
          }
        ).parameterCount)
  }

  /// Linear functions are interpolated exactly; other sensors can be refused.
  @Test func otherSensors() {
    let fine = GridPositions(axes: [(0..<21).map { Double($0) / 20 }])
    let own = GridPositions(axes: [[0, 0.2, 0.4, 0.6, 0.8, 1]])
    let model = DeepONet<Double>(configuration())
    for (parameter, points) in zip(model.parameters.suffix(1), own.axes) {
      parameter.parameter.setCanonicalValues(points)
    }
    func output(_ positions: GridPositions) -> [Double] {
      let values = positions.axes[0].map { 2 - 3 * $0 }
      return model(
        Variable(constant: Tensor(values, shape: [1, 1, values.count])), at: positions,
        queries: GridPositions(uniform: [4]), on: Tape(recording: false)
      ).value.values
    }
    #expect(zip(output(fine), output(own)).allSatisfy { abs($0 - $1) < 1e-13 })
    #expect(model.fitting(at: own, queries: own) == .exact)
    guard case .adapted = model.fitting(at: fine, queries: own) else {
      Issue.record("no word about other sensors")
      return
    }
    let strict = DeepONet<Double>(configuration { $0.otherSensors = .refuse })
    guard case .refused = strict.fitting(at: fine, queries: own) else {
      Issue.record("other sensors were not refused")
      return
    }
  }

  @Test func aConvolutionalBranch() {
    let convolutional = configuration {
      $0.sensors = [9, 10]
      $0.queryDimensions = 2
      $0.convolutions = [3, 4]
      $0.convolutionKernel = 3
    }
    #expect(convolutional.problem == nil)
    let model = DeepONet<Double>(convolutional)
    let input = Variable(constant: Tensor((0..<180).map { cos(Double($0)) }, shape: [2, 1, 9, 10]))
    let value = model(input, at: GridPositions(uniform: [9, 10]), on: Tape(recording: false)).value
    #expect(value.shape == [2, 1, 9, 10])
    var tooMany = convolutional
    tooMany.convolutionPadding = .valid
    tooMany.convolutions = [3, 4, 5]
    #expect(tooMany.problem?.hasPrefix("convolutions:") == true)
  }

  // MARK: - POD

  /// Outputs `3 + a·sin 2πx + b·cos 2πx`, with `mean` added.
  private func source(_ samples: Int, points: Int = 8, mean: Float = 3) -> TensorSource<Float> {
    let turn: Float = 2 * .pi / Float(points)
    let x: [Float] = (0..<points).map { turn * Float($0) }
    var outputs: [Float] = []
    for sample in 0..<samples {
      let (a, b) = (Float(2 + sample % 3), Float(sample * sample % 5 - 2))
      for point in x {
        let wave: Float = a * sin(point) + b * cos(point)
        outputs.append(mean + wave)
      }
    }
    return TensorSource<Float>(
      inputs: .zeros([samples, 1, points]), targets: Tensor(outputs, shape: [samples, 1, points]),
      positions: GridPositions(uniform: [points]))
  }

  private func podConfiguration(modes: Int) -> DeepONetConfiguration {
    var result = DeepONetConfiguration(inChannels: 1, outChannels: 1, basis: .pod)
    result.sensors = [8]
    result.queryDimensions = 1
    result.branch = [4, modes]
    result.trunk = []
    result.queryShape = [8]
    return result
  }

  /// Two modes span these outputs: the basis reproduces each from its mean, and is that of the samples given, not of
  /// any others.
  @Test func theBasisIsThatOfTheTrainingOutputs() throws {
    let model = DeepONet<Float>(podConfiguration(modes: 2))
    let training = source(10)
    try model.prepare(from: training, outputNormalizer: .identity(channels: 1))
    let parameters = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.path, $0.parameter) })
    let mean = try #require(parameters["pod.mean"]).canonicalValues
    let modes = try #require(parameters["pod.modes"]).canonicalValues
    let inner = (0..<8).reduce(Float(0)) { $0 + modes[$1] * modes[8 + $1] }
    #expect(abs(inner) < 1e-5)
    for sample in 0..<10 {
      var rest = (0..<8).map { training.targets[sample, 0, $0] - mean[$0] }
      for mode in 0..<2 {
        let vector = modes[mode * 8..<mode * 8 + 8].map { $0 }
        let size = vector.reduce(0) { $0 + $1 * $1 }
        let part = zip(rest, vector).reduce(0) { $0 + $1.0 * $1.1 } / size
        rest = zip(rest, vector).map { $0 - part * $1 }
      }
      #expect(norm(rest) < 1e-5)
    }
    // The basis is not trained, and survives at its own points; elsewhere it is interpolated.
    #expect(parameters["pod.modes"]?.isTrainable == false)
    let own = GridPositions(uniform: [8])
    #expect(model.fitting(at: own, queries: own) == .exact)
    guard case .adapted = model.fitting(at: own, queries: GridPositions(uniform: [16])) else {
      Issue.record("no word about an interpolated basis")
      return
    }
    let scattered = GridPositions(scattered: [[0.1, 0.2]])
    guard case .refused = model.fitting(at: own, queries: scattered) else {
      Issue.record("a basis is not known at scattered points")
      return
    }
  }

  @Test func moreModesThanSamplesAreRefused() {
    let model = DeepONet<Float>(podConfiguration(modes: 5))
    #expect(throws: ConfigurationError.self) {
      try model.prepare(from: source(4), outputNormalizer: .identity(channels: 1))
    }
  }
}
