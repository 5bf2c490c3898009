// Which part of which variable: `u`, `w[0:10]`, `u[-1]`.

import Foundation

/// A variable by name, with a slice of its times (or of its channels, where it has no times), written as in Python:
/// `w[0:10]`, `u[3]`, `u[-1]`, `u[::2]`. The end is left out; negative numbers count from the end.
public struct FieldSelection: Sendable, Hashable, Codable {
  public struct Slice: Sendable, Hashable, Codable {
    public var start: Int?
    public var end: Int?
    public var step: Int

    public init(start: Int? = nil, end: Int? = nil, step: Int = 1) {
      self.start = start
      self.end = end
      self.step = step
    }
  }

  public var variable: String
  /// Nil: everything.
  public var slice: Slice?

  public init(_ variable: String, slice: Slice? = nil) {
    self.variable = variable
    self.slice = slice
  }

  /// Parses one selection; throws ``FieldSelectionError`` where it is none.
  public init(parsing text: String) throws(FieldSelectionError) {
    let text = text.trimmingCharacters(in: .whitespaces)
    guard let bracket = text.firstIndex(of: "[") else {
      guard !text.isEmpty, !text.contains("]"), !text.contains(":") else {
        throw FieldSelectionError(text: text)
      }
      self.init(text)
      return
    }
    let name = String(text[..<bracket])
    guard !name.isEmpty, text.hasSuffix("]") else { throw FieldSelectionError(text: text) }
    let inside = text[text.index(after: bracket)...].dropLast()
    let parts = inside.split(separator: ":", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    let numbers = parts.map { Int($0) }
    guard zip(parts, numbers).allSatisfy({ $0.isEmpty || $1 != nil }), parts.count <= 3 else {
      throw FieldSelectionError(text: text)
    }
    if parts.count == 1 {
      guard let index = numbers[0] else { throw FieldSelectionError(text: text) }
      self.init(name, slice: Slice(start: index, end: index == -1 ? nil : index + 1))
      return
    }
    let step = parts.count == 3 ? numbers[2] ?? 1 : 1
    guard step >= 1 else { throw FieldSelectionError(text: text) }
    self.init(name, slice: Slice(start: numbers[0], end: numbers[1], step: step))
  }

  /// A list of selections separated by white space (or commas), as `operator_inputs` in a dataset.
  public static func list(_ text: String) throws(FieldSelectionError) -> [FieldSelection] {
    var selections: [FieldSelection] = []
    var depth = 0
    var current = ""
    for character in text + " " {
      if character == "[" { depth += 1 }
      if character == "]" { depth -= 1 }
      if depth == 0, character.isWhitespace || character == "," {
        if !current.isEmpty { selections.append(try FieldSelection(parsing: current)) }
        current = ""
      } else {
        current.append(character)
      }
    }
    guard current.isEmpty else { throw FieldSelectionError(text: current) }
    return selections
  }

  /// The entries that a slice takes of `count`; nil where it takes none or a single index is outside.
  static func resolve(_ slice: Slice, count: Int) -> StridedRange? {
    func absolute(_ index: Int) -> Int { index < 0 ? index + count : index }
    let start = slice.start.map(absolute) ?? 0
    let end = slice.end.map(absolute) ?? count
    guard start >= 0, start < end, end <= count else { return nil }
    return StridedRange(start: start, count: (end - start + slice.step - 1) / slice.step, step: slice.step)
  }
}

extension FieldSelection: CustomStringConvertible {
  public var description: String {
    guard let slice else { return variable }
    let bounds = "\(slice.start.map(String.init) ?? ""):\(slice.end.map(String.init) ?? "")"
    return "\(variable)[\(bounds)\(slice.step == 1 ? "" : ":\(slice.step)")]"
  }
}

/// A selection that cannot be understood.
public struct FieldSelectionError: CategorizedError, Hashable {
  public let text: String

  public var category: ErrorCategory { .usage }
  public var description: String {
    "\"\(text)\" selects nothing: a variable's name was expected, or a slice of one such as w[0:10], u[3], u[-1], u[::2]"
  }
}
