// The walk over parameters that every update rule shares, and what is remembered of each parameter.

import Autodiff
import Tensors

/// Applies an ``UpdateRule`` to the parameters of a module, in the order in which the module names them.
public final class Optimizer<Element: Scalar> {
  public let rule: any UpdateRule
  private var slots: [Slot] = []
  // All parameters cut into stretches of bounded length, the tasks of a step: by sizes alone, so that sums over
  // them do not depend on the number of threads.
  private var stretches: [Stretch] = []
  private var memory: [Memory] = []
  private let partialSums: AlignedMemory<Double>

  private struct Slot {
    let path: String
    let parameter: Parameter<Element>
    // `[names, …]`, one block of the parameter's size a name, made at the first step.
    var state: Tensor<Element>?
    var stepCount = 0
  }

  private struct Stretch {
    let slot: Int
    let offset: Int
    let count: Int
    let parameterCount: Int
  }

  // Where a slot's arrays are during one walk; empty for a parameter that has no gradient.
  private struct Memory {
    var value: UnsafeMutablePointer<Element>?
    var gradient: UnsafePointer<Element>?
    var state: UnsafeMutablePointer<Element>?
    var stepCount = 0
  }

  public init(_ rule: any UpdateRule, of module: some Module<Element>) {
    self.rule = rule
    var slots: [Slot] = []
    var stretches: [Stretch] = []
    var total = 0
    module.forEachParameter("") { total += $1.count }
    // Streams that are begun seldom are faster; small modules are to be shared out, too.
    let length = min(1 << 18, max(1 << 14, (total / 64 + 15) / 16 * 16))
    module.forEachParameter("") { path, parameter in
      for offset in stride(from: 0, to: parameter.count, by: length) {
        stretches.append(
          Stretch(
            slot: slots.count, offset: offset, count: min(length, parameter.count - offset),
            parameterCount: parameter.count))
      }
      slots.append(Slot(path: path, parameter: parameter))
    }
    self.slots = slots
    self.stretches = stretches
    memory = [Memory](repeating: Memory(), count: slots.count)
    partialSums = AlignedMemory(count: stretches.count)
  }

  /// The Euclidean norm of all gradients taken as one vector; not finite where one of them is not.
  public func gradientNorm() -> Double {
    for slot in slots.indices {
      memory[slot].gradient = slots[slot].parameter.gradient?.unsafePointer
    }
    let sums = partialSums.pointer
    forEachStretch { index, stretch, memory in
      sums[index] =
        memory.gradient.map { Reductions.sumOfSquares($0 + stretch.offset, count: stretch.count) } ?? 0
    }
    var sum = 0.0
    for index in stretches.indices { sum += sums[index] }
    return sum.squareRoot()
  }

  /// Takes one step with every parameter that is trainable and has a gradient.
  ///
  /// - Parameter gradientFactor: What gradients are multiplied by first, to clip them.
  public func step(learningRate: Double, gradientFactor: Double = 1) {
    for slot in slots.indices { prepare(slot) }
    let rule = rule
    forEachStretch { _, stretch, memory in
      guard let value = memory.value, let gradient = memory.gradient, let state = memory.state else { return }
      rule.update(
        ParameterStretch(
          value: value + stretch.offset, gradient: gradient + stretch.offset, state: state + stretch.offset,
          stateStride: stretch.parameterCount, count: stretch.count),
        OptimizationStep(
          learningRate: learningRate, count: memory.stepCount, gradientFactor: gradientFactor))
    }
  }

  private func prepare(_ slot: Int) {
    let parameter = slots[slot].parameter
    guard parameter.isTrainable, let gradient = parameter.gradient else {
      memory[slot] = Memory()
      return
    }
    if slots[slot].state == nil {
      slots[slot].state = .zeros([rule.stateNames.count, parameter.count])
    }
    slots[slot].stepCount += 1
    memory[slot] = Memory(
      value: parameter.value.unsafeMutablePointer(), gradient: gradient.unsafePointer,
      state: slots[slot].state?.unsafeMutablePointer(), stepCount: slots[slot].stepCount)
  }

  private func forEachStretch(_ body: (Int, Stretch, Memory) -> Void) {
    let (stretches, memory) = (stretches, memory)
    WorkerPool.shared.run(tasks: stretches.count) { index in
      body(index, stretches[index], memory[stretches[index].slot])
    }
  }
}

// MARK: - What checkpoints hold

extension Optimizer {
  /// The steps that every parameter has taken, in the module's order.
  public var stepCounts: [Int] { slots.map(\.stepCount) }

  /// Calls `body` with everything remembered: its name under the rule, the parameter with its path, and a closure
  /// that gives the numbers in the order of ``Parameter/canonicalValues``.
  public func forEachState(
    _ body: (_ name: String, _ path: String, Parameter<Element>, @escaping () -> [Element]) throws -> Void
  ) rethrows {
    for slot in slots {
      guard let state = slot.state else { continue }
      for (index, name) in rule.stateNames.enumerated() {
        let (parameter, count) = (slot.parameter, slot.parameter.count)
        try body(name, slot.path, parameter) {
          let block = state.withUnsafeBuffer { Array($0[index * count..<(index + 1) * count]) }
          return parameter.canonical(Tensor(block, shape: parameter.value.shape))
        }
      }
    }
  }

  /// Takes up what ``stepCounts`` and ``forEachState(_:)`` gave.
  ///
  /// - Parameter values: The numbers of a name, path and parameter; asked for where steps were taken.
  public func restore(
    stepCounts: [Int], values: (_ name: String, _ path: String, Parameter<Element>) throws -> [Element]
  ) throws {
    precondition(stepCounts.count == slots.count, "as many counts of steps as parameters")
    for slot in slots.indices {
      let parameter = slots[slot].parameter
      slots[slot].stepCount = stepCounts[slot]
      slots[slot].state = nil
      guard stepCounts[slot] > 0 else { continue }
      var blocks: [Element] = []
      for name in rule.stateNames {
        blocks += parameter.fromCanonical(try values(name, slots[slot].path, parameter)).values
      }
      slots[slot].state = Tensor(blocks, shape: [rule.stateNames.count, parameter.count])
    }
  }
}
