// Update rules against PyTorch, and what is common to all of them.

import Autodiff
import Foundation
import Operators
import Tensors
import Testing

/// One real parameter and one complex one.
private final class TwoParameters<Element: Scalar>: Module {
  let real = Parameter<Element>(shape: [3])
  let complex = Parameter<Element>(shape: [2, 2], layout: .modeMajorComplex(leading: 1))

  init() {
    real.setCanonicalValues([0.5, -1, 2])
    complex.setCanonicalValues([0.25, -0.5, 1.5, 1, -0.75, 0.125, 0, -2])
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    try body("real", real)
    try body("complex", complex)
  }

  /// sin(1 + i + 3t) and cos(2 + i + 5t), the parts of a complex number in turn.
  func setGradients(step: Int) {
    clearGradients()
    give(real, (0..<3).map { Element(sin(Double(1 + $0 + 3 * step))) })
    give(complex, (0..<8).map { Element(cos(Double(2 + $0 + 5 * step))) })
  }

  private func give(_ parameter: Parameter<Element>, _ gradient: [Element]) {
    let tape = Tape<Element>()
    let value = tape.variable(parameter)
    let sum = tape.sum(value, Variable(constant: .zeros(value.shape)))
    tape.backward(from: sum, gradient: parameter.fromCanonical(gradient))
  }

  var values: [Element] { real.canonicalValues + complex.canonicalValues }
}

/// Values after five steps at learning rate 0.05, from torch 2.13 in double precision.
struct OptimizerCase: Sendable, CustomTestStringConvertible {
  let name: String
  let rule: any UpdateRule
  var clip: Double?
  let expected: [Double]

  var testDescription: String { name }

  static let all = [
    OptimizerCase(
      name: "Adam(weight_decay=0.1)", rule: Adam(weightDecay: 0.1, decouplesDecay: false),
      expected: [
        0.4124802157690099, -1.048265189187752, 1.8475713684396649, 0.23177842047874875, -0.4140129251163902,
        1.6008313905526652, 0.9961907071838207, -0.7967172540492083, -0.00031687384104817605,
        -0.030036706313222746, -1.8989954764925803,
      ]),
    OptimizerCase(
      name: "AdamW(weight_decay=0.1)", rule: Adam(weightDecay: 0.1, decouplesDecay: true),
      expected: [
        0.4131739125386858, -1.0434797619244558, 1.902988924376715, 0.2319880711055143, -0.41300558382434194,
        1.5910425601906402, 0.9972833231604018, -0.7957371510957123, -0.0005681953529020822,
        -0.030019961202571922, -1.897498552044654,
      ]),
    OptimizerCase(
      name: "Adam(betas=(0.8, 0.95), eps=1e-3), clip_grad_norm_(0.5)",
      rule: Adam(beta1: 0.8, beta2: 0.95, epsilon: 1e-3, decouplesDecay: false), clip: 0.5,
      expected: [
        0.4359095591837743, -1.058824646370799, 1.9599701793362194, 0.23798406593909463,
        -0.43626337596631365, 1.6149150455362802, 1.0194465275831905, -0.8040615926846925,
        0.01578562353993966, -0.025242341706122016, -1.9564814486902347,
      ]),
    OptimizerCase(
      name: "SGD(momentum=0.9, weight_decay=0.1)", rule: GradientDescent(momentum: 0.9, weightDecay: 0.1),
      expected: [
        0.36939208117897593, -1.0425232272111753, 1.8521020381151598, 0.1517851533934926, -0.4023775778230761,
        1.5549542675179155, 1.0345626941063313, -0.7461333700134312, -0.031089295771542683,
        -0.11505306562446639, -1.8464590422964182,
      ]),
    OptimizerCase(
      name: "SGD(momentum=0.9, nesterov=True)", rule: GradientDescent(momentum: 0.9, isNesterov: true),
      expected: [
        0.3786498397187562, -1.1454143829596393, 1.964214707442272, 0.1803096393142128, -0.4331624445759747,
        1.6419153313141681, 1.086516806070147, -0.7984248716820742, -0.013844945732533802,
        -0.10161161699277527, -1.9709570361958397,
      ]),
    OptimizerCase(
      name: "SGD(weight_decay=0.1)", rule: GradientDescent(weightDecay: 0.1),
      expected: [
        0.4571964050122861, -1.0213358384776132, 1.931123560815507, 0.24898957714700612, -0.4830697778305752,
        1.4626174612089127, 0.9704178778595411, -0.7364011624547072, 0.12137220232622017,
        0.004387671656909016, -1.945222276202495,
      ]),
  ]
}

@Suite struct OptimizerTests {
  private func largestError<Element: Scalar>(_ example: OptimizerCase, _: Element.Type) -> Double {
    let module = TwoParameters<Element>()
    let optimizer = Optimizer(example.rule, of: module)
    for step in 0..<5 {
      module.setGradients(step: step)
      let factor = example.clip.map { min(1, $0 / (optimizer.gradientNorm() + 1e-6)) } ?? 1
      optimizer.step(learningRate: 0.05, gradientFactor: factor)
    }
    return zip(module.values, example.expected).map { abs(Double($0) - $1) }.max() ?? .infinity
  }

  /// Five steps of a few operations each on numbers around one: some units in the last place.
  @Test(arguments: OptimizerCase.all)
  func agreesWithPyTorch(_ example: OptimizerCase) {
    #expect(largestError(example, Double.self) <= 1e-14)
    #expect(largestError(example, Float.self) <= 2e-6)
  }

  @Test func gradientNormIsThatOfAllNumbers() {
    let module = TwoParameters<Double>()
    let optimizer = Optimizer(GradientDescent(), of: module)
    module.setGradients(step: 2)
    let numbers = (module.real.canonicalGradient ?? []) + (module.complex.canonicalGradient ?? [])
    let exact = numbers.reduce(0) { $0 + $1 * $1 }.squareRoot()
    #expect(numbers.count == 11)
    #expect(abs(optimizer.gradientNorm() - exact) <= 1e-15 * exact)
  }

  @Test func whatIsNotTrainedStaysAsItIs() {
    let module = TwoParameters<Double>()
    let optimizer = Optimizer(Adam(weightDecay: 0.1, decouplesDecay: true), of: module)
    module.setGradients(step: 0)
    module.real.clearGradient()
    module.complex.isTrainable = false
    let before = module.values
    optimizer.step(learningRate: 0.1)
    #expect(module.values == before)
    #expect(optimizer.stepCounts == [0, 0])
  }

  /// A parameter that joins later begins with its own first step, whose length is the learning rate.
  @Test func biasCorrectionCountsAParametersOwnSteps() {
    let module = TwoParameters<Double>()
    let optimizer = Optimizer(Adam(decouplesDecay: true), of: module)
    module.complex.isTrainable = false
    for step in 0..<10 {
      module.setGradients(step: step)
      optimizer.step(learningRate: 0.1)
    }
    module.complex.isTrainable = true
    let before = module.complex.canonicalValues
    module.setGradients(step: 0)
    optimizer.step(learningRate: 0.1)
    #expect(optimizer.stepCounts == [11, 1])
    for (new, old) in zip(module.complex.canonicalValues, before) {
      #expect(abs(abs(new - old) - 0.1) <= 1e-7)
    }
  }

  /// What an optimizer remembers, taken to another one, makes the same next step.
  @Test func memoryCanBeHandedOn() throws {
    let rule = Adam(weightDecay: 0.01, decouplesDecay: false)
    let (first, second) = (TwoParameters<Float>(), TwoParameters<Float>())
    let optimizer = Optimizer(rule, of: first)
    for step in 0..<3 {
      first.setGradients(step: step)
      optimizer.step(learningRate: 0.05)
    }
    var memory: [String: [Float]] = [:]
    optimizer.forEachState { name, path, _, values in memory["\(name).\(path)"] = values() }
    #expect(memory.count == 4)
    second.real.setCanonicalValues(first.real.canonicalValues)
    second.complex.setCanonicalValues(first.complex.canonicalValues)
    let successor = Optimizer(rule, of: second)
    try successor.restore(stepCounts: optimizer.stepCounts) { name, path, _ in
      try #require(memory["\(name).\(path)"])
    }
    for (module, optimizer) in [(first, optimizer), (second, successor)] {
      module.setGradients(step: 3)
      optimizer.step(learningRate: 0.05)
    }
    #expect(first.values == second.values)
  }
}
