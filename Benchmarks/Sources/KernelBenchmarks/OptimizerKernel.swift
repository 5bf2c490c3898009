// A step of the optimizer alone.

import Autodiff
import Operators
import Tensors

/// Adam with decay on real parameters in four tensors, all of which have gradients.
func adam(parameters count: Int) -> Kernel {
  let module = PlainParameters(count: count)
  let optimizer = Optimizer(OptimizerConfiguration().updateRule, of: module)
  let tape = Tape<Float>()
  module.forEachParameter("") { _, parameter in
    let copy = tape.reshaped(tape.variable(parameter), [1, parameter.count])
    tape.backward(from: copy, gradient: 0.01 * randomTensor([1, parameter.count]))
  }
  // Parameter, gradient and two moments are read, all but the gradient written.
  return Kernel(bytes: 7 * 4 * Double(count), operations: 14 * Double(count)) {
    optimizer.step(learningRate: 1e-3)
  }
}

private final class PlainParameters: Module {
  private let tensors: [Parameter<Float>]

  init(count: Int) {
    tensors = (0..<4).map { index in
      let parameter = Parameter<Float>(shape: [count * (index + 1) / 4 - count * index / 4])
      parameter.value = randomTensor([parameter.count])
      return parameter
    }
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Float>) throws -> Void) rethrows {
    for (index, tensor) in tensors.enumerated() { try body("\(path)\(index)", tensor) }
  }
}
