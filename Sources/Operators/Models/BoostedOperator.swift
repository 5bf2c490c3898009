// A sum of operators, each trained on what those before it leave.

import Autodiff
import Tensors

/// An ensemble in the manner of SpecBoost (Qin et al. 2024): `G = G₀ + η₁ R₁ + η₂ R₂ + …`, where G₀ is an operator as any
/// other and each R_i was trained on the residual of the sum before it, standardized by the residual's own mean and
/// spread; it sees the input and, where wanted, the prediction of that sum.
///
/// Takes and gives raw fields: every member's normalization is a part of it, kept as parameters that are not trained.
public final class BoostedOperator<Element: Scalar>: NeuralOperator {
  private let members: [Member]
  private let shrinkages: Parameter<Element>
  public let seesPrediction: Bool
  private var normalized: [NormalizedOperator<Element>]?

  private struct Member {
    let model: any NeuralOperator<Element>
    let inputCenter: Parameter<Element>
    let inputSpread: Parameter<Element>
    let outputCenter: Parameter<Element>
    let outputSpread: Parameter<Element>

    var statistics: [(name: String, parameter: Parameter<Element>)] {
      [
        ("input_center", inputCenter), ("input_spread", inputSpread), ("output_center", outputCenter),
        ("output_spread", outputSpread),
      ]
    }
  }

  /// - Parameters:
  ///   - models: The first takes `inChannels` channels; the others too, or, where they see the prediction, as many
  ///     more as there are outputs.
  public init(
    _ models: [any NeuralOperator<Element>], inChannels: Int, outChannels: Int, seesPrediction: Bool
  ) {
    precondition(!models.isEmpty, "an ensemble has members")
    func fixed(_ value: Element, _ count: Int) -> Parameter<Element> {
      let parameter = Parameter<Element>(shape: [count])
      parameter.value = Tensor(repeating: value, shape: [count])
      parameter.isTrainable = false
      return parameter
    }
    members = models.enumerated().map { index, model in
      let inputs = inChannels + (index > 0 && seesPrediction ? outChannels : 0)
      return Member(
        model: model, inputCenter: fixed(0, inputs), inputSpread: fixed(1, inputs),
        outputCenter: fixed(0, outChannels), outputSpread: fixed(1, outChannels))
    }
    shrinkages = fixed(1, models.count)
    self.seesPrediction = seesPrediction
  }

  public var memberCount: Int { members.count }

  /// The factors η of the members; the first one's is 1.
  public var shrinkageValues: [Double] { shrinkages.canonicalValues.map { Double($0) } }

  /// Makes a trained operator one of the members: its parameters' values and its normalization are taken over.
  public func set(_ index: Int, to trained: NormalizedOperator<Element>, shrinkage: Double) {
    let member = members[index]
    for (own, other) in zip(member.model.parameters, trained.model.parameters) {
      own.parameter.value = other.parameter.value
    }
    func set(_ center: Parameter<Element>, _ spread: Parameter<Element>, _ normalizer: Normalizer) {
      center.setCanonicalValues(normalizer.center.values.map { Element($0) })
      spread.setCanonicalValues(normalizer.scale(for: Element.self).values.map { Element($0) })
    }
    set(member.inputCenter, member.inputSpread, trained.inputNormalizer)
    set(member.outputCenter, member.outputSpread, trained.outputNormalizer)
    var factors = shrinkages.canonicalValues
    factors[index] = Element(shrinkage)
    shrinkages.setCanonicalValues(factors)
    normalized = nil
  }

  public func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    sums(input, at: positions, on: tape).last ?? input
  }

  /// The prediction after each member, for raw fields: `members` times `[batch, channel, …grid]`.
  public func predictions(_ input: Tensor<Element>, at positions: GridPositions) -> [Tensor<Element>] {
    sums(Variable(constant: input), at: positions, on: Tape(recording: false)).map(\.value)
  }

  private func sums(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> [Variable<Element>] {
    let operators = normalized ?? members.map(Self.normalizedOperator)
    normalized = operators
    let factors = shrinkages.canonicalValues
    var sums: [Variable<Element>] = []
    for (index, member) in operators.enumerated() {
      var seen = input
      if let sum = sums.last, seesPrediction {
        seen = tape.concatenateChannels([input, Variable(constant: sum.value)])
      }
      // Its points were found to fit before; per-channel normalizations fit all points.
      guard let output = try? member(seen.value, at: positions, on: tape) else {
        preconditionFailure("a member of an ensemble is not for these points")
      }
      let channels = output.shape[1]
      guard let sum = sums.last else {
        sums.append(output)
        continue
      }
      let scaled = tape.affine(
        output, factor: Tensor(repeating: factors[index], shape: [channels]), shift: .zeros([channels]))
      sums.append(tape.sum(sum, scaled))
    }
    return sums
  }

  private static func normalizedOperator(_ member: Member) -> NormalizedOperator<Element> {
    func normalizer(_ center: Parameter<Element>, _ spread: Parameter<Element>) -> Normalizer {
      func numbers(_ parameter: Parameter<Element>) -> Tensor<Double> {
        Tensor(parameter.canonicalValues.map { Double($0) }, shape: parameter.shape)
      }
      return Normalizer(.gaussian, center: numbers(center), spread: numbers(spread))
    }
    return NormalizedOperator(
      member.model, inputNormalizer: normalizer(member.inputCenter, member.inputSpread),
      outputNormalizer: normalizer(member.outputCenter, member.outputSpread))
  }

  public func fitting(at positions: GridPositions, queries: GridPositions) -> OperatorFitting {
    var result = OperatorFitting.exact
    for member in members {
      switch member.model.fitting(at: positions, queries: queries) {
      case .exact: continue
      case .adapted(let what): result = .adapted(what)
      case .refused(let reason): return .refused(reason)
      }
    }
    return queries == positions
      ? result : .refused("gives its output at the points of its input, not at others")
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    for (index, member) in members.enumerated() {
      let name = join(path, "members.\(index)")
      try member.model.forEachParameter(name, body)
      for (part, parameter) in member.statistics { try body(join(name, part), parameter) }
    }
    try body(join(path, "shrinkages"), shrinkages)
  }
}
