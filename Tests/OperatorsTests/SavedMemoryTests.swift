// Memory saved in training: what is computed again is what was there before.

import Autodiff
import Foundation
import Operators
import Tensors
import Testing

@Suite struct SavedMemoryTests {
  private func gradients(savesMemory: Bool) throws -> (loss: Double, gradients: [[Double]]) {
    let model = FNO<Double>(
      FNOConfiguration(modes: [4, 4], inChannels: 2, outChannels: 1, width: 8), seed: 3)
    let stream = RandomStream(seed: 1, purpose: "fields")
    let input = Tensor<Double>.normal([3, 2, 9, 12], from: stream)
    let target = Tensor<Double>.normal([3, 1, 9, 12], from: stream)
    let tape = Tape<Double>(savesMemory: savesMemory)
    let output = model(Variable(constant: input), at: GridPositions(uniform: [9, 12]), on: tape)
    let loss = tape.relativeL2(output, target)
    tape.backward(from: loss)
    return (loss.value.scalarValue, try model.parameters.map { try #require($0.parameter.canonicalGradient) })
  }

  /// Roundoff alone may differ: the same formulas, over tiles that may be cut differently.
  @Test func gradientsAreTheSame() throws {
    let (normal, low) = (try gradients(savesMemory: false), try gradients(savesMemory: true))
    #expect(normal.loss == low.loss)
    for (a, b) in zip(normal.gradients, low.gradients) {
      let size = a.map(\.magnitude).max() ?? 0
      #expect(zip(a, b).allSatisfy { ($0 - $1).magnitude <= 1e-13 * size })
    }
  }

  @Test func trainingComesToTheSame() throws {
    func losses(_ memory: TrainingConfiguration.Memory) throws -> [Double] {
      let source = TensorSource<Float>(
        inputs: .normal([6, 1, 16], from: RandomStream(seed: 1, purpose: "inputs")),
        targets: .normal([6, 1, 16], from: RandomStream(seed: 2, purpose: "targets")),
        positions: GridPositions(uniform: [16]))
      let model = FNO<Float>(FNOConfiguration(modes: [6], inChannels: 1, outChannels: 1, width: 8), seed: 3)
      let normalized = NormalizedOperator(
        model, inputNormalizer: .identity(channels: 1), outputNormalizer: .identity(channels: 1))
      let trainer = try Trainer(
        normalized, TrainingConfiguration(epochs: 4, batchSize: 3, memory: memory), training: source)
      #expect(try trainer.run() == .finished)
      return trainer.state.history.map(\.trainingLoss)
    }
    for (a, b) in zip(try losses(.normal), try losses(.low)) {
      // Eight steps of single precision.
      #expect(abs(a - b) <= 1e-5 * a)
    }
  }

  /// How much memory is taken is no part of what a checkpoint goes on with.
  @Test func checkpointsDoNotHoldIt() throws {
    let data = try JSONEncoder().encode(TrainingConfiguration(memory: .low))
    #expect(!String(decoding: data, as: UTF8.self).contains("memory"))
    #expect(try JSONDecoder().decode(TrainingConfiguration.self, from: data) == TrainingConfiguration())
  }
}
