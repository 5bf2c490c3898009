// Losses: neuraloperator's values, and how they are written in files.

import Autodiff
import Foundation
import Operators
import Tensors
import Testing

private func periodic(_ shape: [Int]) -> Grid { Grid(periodicUnit: shape) }

@Suite struct LossTests {
  /// Relative L2 and H1 (periodic, second-order differences on [0, 1]) of neuraloperator, to 1e-5.
  @Test(arguments: GoldenFile.all(prefix: "losses"))
  func goldenValues(path: String) throws {
    let file = try SafetensorsFile(path: path)
    for dimension in 1...2 {
      let prediction: Tensor<Float> = try file.tensor("prediction_\(dimension)d")
      let target: Tensor<Float> = try file.tensor("target_\(dimension)d")
      for (kind, name) in [(Loss.Kind.relativeL2, "relative_l2"), (.relativeH1, "relative_h1")] {
        let key = "\(name)_\(dimension)d_mean"
        let expected = try #require(Double(file.metadata[key] ?? ""), "the file has no \(key)")
        let loss = LossFunction<Float>(Loss([.init(kind)]), on: periodic(Array(target.shape[2...])))
        let tape = Tape<Float>()
        let value = loss(tape.variable(prediction), target, on: tape).value.scalarValue
        #expect(abs(Double(value) / expected - 1) <= 1e-5, "\(key)")
        let samples = loss.perSample(prediction, target)
        #expect(abs(samples.reduce(0, +) / Double(samples.count) / expected - 1) <= 1e-5, "\(key)")
      }
    }
  }

  /// Where every wave is resolved, central differences and the spectrum agree up to (κh)²/6 of the slopes.
  @Test func differencesAndSpectrumAgreeOnSmoothFields() {
    let grid = periodic([64])
    let x = grid.axes[0].coordinates
    let target = Tensor(x.map { sin(2 * .pi * $0) + 2 }, shape: [1, 1, 64])
    let prediction = Tensor(x.map { sin(2 * .pi * $0) + 0.1 * cos(4 * .pi * $0) + 2 }, shape: [1, 1, 64])
    func value(_ kind: Loss.Kind, order: Double? = nil) -> Double {
      LossFunction<Double>(Loss([.init(kind, order: order)]), on: grid).perSample(prediction, target)[0]
    }
    #expect(abs(value(.relativeH1) / value(.relativeH1Spectral) - 1) <= 0.01)
    #expect(abs(value(.relativeSobolev, order: 1) - value(.relativeH1Spectral)) <= 1e-14)
    #expect(abs(value(.relativeSobolev, order: 0) - value(.relativeL2)) <= 1e-14)
    // The error is of a shorter wave than the field.
    #expect(value(.relativeSobolev, order: -1) < value(.relativeL2))
  }

  @Test func aSumIsTheSumOfItsParts() {
    let grid = periodic([10])
    let stream = RandomStream(seed: 1, purpose: "losses")
    let fields = Tensor<Double>.normal([2, 3, 1, 10], from: stream).values
    let prediction = Tensor(fields[..<30], shape: [3, 1, 10])
    let target = Tensor(fields[30...], shape: [3, 1, 10])
    let terms: [Loss.Term] = [.init(.relativeL2, weight: 0.5), .init(.relativeSobolev, weight: 2, order: -2)]
    let sum = LossFunction<Double>(Loss(terms), on: grid)
    let parts = terms.map {
      LossFunction<Double>(Loss([.init($0.kind, order: $0.order)]), on: grid).perSample(prediction, target)
    }
    let expected = zip(parts[0], parts[1]).map { 0.5 * $0 + 2 * $1 }
    for (own, other) in zip(sum.perSample(prediction, target), expected) {
      #expect(abs(own - other) <= 1e-14)
    }
    let tape = Tape<Double>()
    let value = sum(tape.variable(prediction), target, on: tape).value.scalarValue
    #expect(abs(value - expected.reduce(0, +) / 3) <= 1e-14)
  }

  @Test func filesSayTheSame() throws {
    for loss in [
      Loss.relativeL2, .meanSquaredError, Loss([.init(.relativeSobolev)]),
      Loss([.init(.relativeL2), .init(.relativeSobolev, weight: 0.5, order: -2)]),
    ] {
      let data = try JSONEncoder().encode(["loss": loss])
      #expect(try JSONDecoder().decode([String: Loss].self, from: data)["loss"] == loss)
    }
    #expect(
      String(decoding: try JSONEncoder().encode([Loss.relativeL2]), as: UTF8.self) == #"["relative_l2"]"#)
  }

  @Test func badLossesAreRefused() {
    for loss in [
      Loss([]), Loss([.init(.relativeL2, weight: -1)]), Loss([.init(.relativeL2, weight: .nan)]),
      Loss([.init(.relativeL2, weight: 0)]), Loss([.init(.relativeL2, order: 1)]),
      Loss([.init(.relativeSobolev, order: 100)]),
    ] {
      #expect(TrainingConfiguration(loss: loss).problem?.key == "loss")
    }
  }
}
