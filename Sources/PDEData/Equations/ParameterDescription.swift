// What the parameters of an equation are called, mean and may be.

import Foundation

/// A parameter as it was given: text that has been understood and is in range.
public enum ParameterValue: Sendable, Hashable {
  case real(Double)
  /// Drawn for every sample between the two; for positive quantities uniformly in the logarithm.
  case range(Double, Double)
  case interval(Double, Double)
  case choice(String)
  case text(String)
}

/// A parameter of an equation: how the command line calls it, what it means, what it may be.
public struct ParameterDescription: Sendable {
  public enum Kind: Sendable, Hashable {
    /// A positive number; `allowsRange`: or two, `1e-4:1e-2`, between which every sample's is drawn.
    case positive(allowsRange: Bool)
    case notNegative
    /// Any finite number.
    case real
    /// Two numbers `a:b`, a < b.
    case interval
    case choice([String])
    case text
  }

  /// `final-time`, as the command line spells it.
  public let name: String
  public let kind: Kind
  /// The text it has where none is given; nil: it may be absent.
  public let defaultText: String?
  public let help: String

  public init(_ name: String, _ kind: Kind, default defaultText: String?, help: String) {
    self.name = name
    self.kind = kind
    self.defaultText = defaultText
    self.help = help
  }

  /// What is expected, in words.
  public var expectation: String {
    switch kind {
    case .positive(true): "a positive number, or a range such as 1e-4:1e-2"
    case .positive(false): "a positive number"
    case .notNegative: "a number, zero or positive"
    case .real: "a number"
    case .interval: "two numbers a:b with a < b"
    case .choice(let names): names.joined(separator: ", ")
    case .text: "text"
    }
  }

  /// Whether one number may be the parameter's value.
  func allows(_ number: Double) -> Bool {
    switch kind {
    case .positive: number > 0 && number.isFinite
    case .notNegative: number >= 0 && number.isFinite
    default: number.isFinite
    }
  }

  /// What is expected of one number, in words.
  var numberExpectation: String {
    if case .positive = kind { "a positive number" } else { expectation }
  }

  public func parse(_ text: String) throws(ParameterError) -> ParameterValue {
    let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map {
      Double($0.trimmingCharacters(in: .whitespaces))
    }
    let finite = numbers.compactMap { $0 }.filter(\.isFinite)
    let isComplete = finite.count == numbers.count
    switch kind {
    case .positive(let allowsRange):
      if isComplete, finite.count == 1, finite[0] > 0 { return .real(finite[0]) }
      if allowsRange, isComplete, finite.count == 2, 0 < finite[0], finite[0] < finite[1] {
        return .range(finite[0], finite[1])
      }
    case .notNegative:
      if isComplete, finite.count == 1, finite[0] >= 0 { return .real(finite[0]) }
    case .real:
      if isComplete, finite.count == 1 { return .real(finite[0]) }
    case .interval:
      if isComplete, finite.count == 2, finite[0] < finite[1] { return .interval(finite[0], finite[1]) }
    case .choice(let names):
      if names.contains(text) { return .choice(text) }
    case .text:
      if !text.isEmpty { return .text(text) }
    }
    throw ParameterError(name, "\"\(text)\" is not \(expectation)")
  }
}

/// The parameters of one equation with their values: given, or by default.
public struct ParameterValues: Sendable {
  public let descriptions: [ParameterDescription]
  private let values: [String: ParameterValue]
  /// The names of those that were given.
  public let given: Set<String>

  /// - Parameter texts: values by the names of the parameters.
  /// - Throws: for a name that the equation does not have, or a value out of range.
  public init(
    _ descriptions: [ParameterDescription], equation: String, texts: [String: String]
  ) throws(ParameterError) {
    self.descriptions = descriptions
    let known = Set(descriptions.map(\.name))
    if let stray = texts.keys.sorted().first(where: { !known.contains($0) }) {
      throw ParameterError(
        stray,
        "is no parameter of \(equation), which has \(descriptions.map { "--" + $0.name }.joined(separator: ", "))"
      )
    }
    var values: [String: ParameterValue] = [:]
    for description in descriptions {
      if let text = texts[description.name] ?? description.defaultText {
        values[description.name] = try description.parse(text)
      }
    }
    self.values = values
    given = Set(texts.keys)
  }

  public subscript(name: String) -> ParameterValue? { values[name] }

  /// A number; nil where there is none.
  public func real(_ name: String) -> Double? {
    if case .real(let value)? = values[name] { value } else { nil }
  }

  public func interval(_ name: String) -> (lower: Double, upper: Double)? {
    if case .interval(let lower, let upper)? = values[name] { (lower, upper) } else { nil }
  }

  /// A choice or text; empty where there is none.
  public func text(_ name: String) -> String {
    switch values[name] {
    case .choice(let text)?, .text(let text)?: text
    default: ""
    }
  }
}
