// Part of a computation that keeps its input alone and is computed again on the way back.

import Tensors

/// A function on a tape of its own (Griewank's checkpointing): memory for its inside is needed only while it runs,
/// forward and back; it is computed twice.
struct Recomputation<Element: Scalar>: DifferentiableOperation {
  let savesMemory: Bool
  let seed: UInt64
  let step: UInt64
  let body: (Variable<Element>, Tape<Element>) -> Variable<Element>
  private var input: Tensor<Element>?

  init(
    savesMemory: Bool, seed: UInt64, step: UInt64,
    _ body: @escaping (Variable<Element>, Tape<Element>) -> Variable<Element>
  ) {
    (self.savesMemory, self.seed, self.step, self.body) = (savesMemory, seed, step, body)
  }

  /// The tape records while a gradient will be wanted, so that dropout drops the same both times.
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    if recording { input = inputs[0] }
    return body(
      Variable(constant: inputs[0]),
      Tape(recording: recording, savesMemory: savesMemory, seed: seed, step: step)
    ).value
  }

  /// The gradients of parameters go to the parameters directly.
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let input else { return }
    let tape = Tape<Element>(savesMemory: savesMemory, seed: seed, step: step)
    let x = slots.isNeeded(0) ? tape.variable(input) : Variable(constant: input)
    tape.backward(from: body(x, tape), gradient: gradient)
    if let result = tape.gradient(of: x) { slots.add(0, result) }
  }
}

extension Tape {
  /// `body(input)`, of which nothing but the input is kept for the way back: it is computed again there.
  ///
  /// - Parameter parameters: Those that `body` uses; it takes them to its own tape, which it is given.
  public func recomputed(
    _ input: Variable<Element>, parameters: [Parameter<Element>],
    _ body: @escaping (Variable<Element>, Tape<Element>) -> Variable<Element>
  ) -> Variable<Element> {
    guard isRecording else { return body(input, self) }
    // Dropout inside differs from piece to piece.
    let piece = seed &+ UInt64(nextDropout() + 1) &* 0x9E37_79B9_7F4A_7C15
    return apply(
      Recomputation(savesMemory: savesMemory, seed: piece, step: step, body),
      [input] + parameters.map { variable($0) })
  }
}
