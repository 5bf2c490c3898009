// Decodes a configuration without forgiving anything: no unknown key, no value of another type.

import PDEData
import Yams

/// Decodes a `Decodable` value from YAML nodes, strictly.
///
/// A key that no type asked for is an error that names the nearest known one; a value of the wrong type is an error
/// that names the key, what was expected and what was found. Keys are known from `CodingKeys` that are
/// `CaseIterable` (all of them, also those of types that share a section), or else by having been asked for.
/// A single value stands for a list of one.
final class StrictDecoder: Decoder {
  /// What all decoders of one document share.
  final class Document {
    /// The error about a value, by its dotted path.
    let error: (_ path: String, _ node: Node, _ message: String) -> ExperimentError
    /// For each section its keys so far.
    fileprivate var known: [String: Set<String>] = [:]
    fileprivate var sections: [(path: String, mapping: Node.Mapping)] = []

    init(error: @escaping (_ path: String, _ node: Node, _ message: String) -> ExperimentError) {
      self.error = error
    }

    /// The complaint about the first key of the document that nobody knows.
    func unknownKey() -> ExperimentError? {
      for section in sections {
        let known = known[section.path] ?? []
        for (key, value) in section.mapping {
          let name = key.scalar?.string ?? "?"
          guard !known.contains(name) else { continue }
          let path = join(section.path, name)
          let nearest = nearestPath(to: name, in: section.path)
          return error(
            path, value.mapping == nil ? value : key,
            "unknown key \(path)" + (nearest.map { "; the nearest known key is \($0)" } ?? ""))
        }
      }
      return nil
    }

    /// The same name in another section, or else the most similar name in this one.
    private func nearestPath(to name: String, in section: String) -> String? {
      if let other = known.keys.sorted().first(where: { known[$0]?.contains(name) == true }) {
        return join(other, name)
      }
      return nearest(to: name, among: known[section] ?? []).map { join(section, $0) }
    }
  }

  let node: Node
  let codingPath: [any CodingKey]
  let userInfo: [CodingUserInfoKey: Any] = [:]
  fileprivate let document: Document

  init(_ node: Node, document: Document, at path: [any CodingKey] = []) {
    self.node = node
    self.document = document
    codingPath = path
  }

  static func decode<T: Decodable>(_ type: T.Type, from node: Node, document: Document) throws -> T {
    do {
      let value = try T(from: StrictDecoder(node, document: document))
      if let error = document.unknownKey() { throw error }
      return value
    } catch let error as MissingKey {
      // A key that is missing is often there with a spelling mistake.
      throw document.unknownKey() ?? error.asExperimentError
    }
  }

  fileprivate var path: String { codingPath.map(\.stringValue).joined(separator: ".") }

  fileprivate func error(_ message: String) -> ExperimentError { document.error(path, node, message) }

  fileprivate func mismatch(_ expected: String, _ hint: String = "") -> ExperimentError {
    error("\(path): expected \(expected), found \(describe(node))\(hint)")
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    let mapping: Node.Mapping
    switch node {
    case .mapping(let found): mapping = found
    case .scalar where node.isNull: mapping = Node.Mapping([(Node, Node)]())
    default: throw mismatch("keys with values")
    }
    if document.known[path] == nil {
      document.known[path] = []
      document.sections.append((path, mapping))
    }
    if let keys = Key.self as? any (CaseIterable & CodingKey).Type {
      document.known[path]?.formUnion(names(of: keys))
    }
    return KeyedDecodingContainer(StrictKeyedContainer<Key>(decoder: self, mapping: mapping))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    switch node {
    case .sequence(let sequence): StrictUnkeyedContainer(decoder: self, nodes: Array(sequence))
    case .scalar where !node.isNull: StrictUnkeyedContainer(decoder: self, nodes: [node])
    default: throw mismatch("a list")
    }
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { self }
}

/// A key without a value; kept apart from other errors until it is known whether it was misspelt.
private struct MissingKey: Error {
  let asExperimentError: ExperimentError
}

// MARK: - Scalars

extension StrictDecoder: SingleValueDecodingContainer {
  func decodeNil() -> Bool { node.isNull }

  func decode(_ type: Bool.Type) throws -> Bool {
    switch node.plainText?.lowercased() {
    case "true": true
    case "false": false
    default: throw mismatch("true or false")
    }
  }

  func decode(_ type: String.Type) throws -> String {
    guard let scalar = node.scalar, !node.isNull else { throw mismatch("text") }
    return scalar.string
  }

  func decode(_ type: Double.Type) throws -> Double {
    guard let text = node.plainText, let value = Double(text), value.isFinite else {
      throw mismatch("a number")
    }
    return value
  }

  func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }

  func decode<T: FixedWidthInteger & Decodable>(_ type: T.Type) throws -> T {
    guard let text = node.plainText, let value = T(text) else {
      throw mismatch(T.isSigned ? "an integer" : "an integer, 0 or more")
    }
    return value
  }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    if let choices = T.self as? any (CaseIterable & RawRepresentable).Type {
      return try decode(type, oneOf: names(of: choices))
    }
    do {
      return try T(from: self)
    } catch let error as DecodingError {
      let (keys, reason) = place(error)
      let place = keys.dropFirst(codingPath.count).reduce(path) { join($0, $1.stringValue) }
      throw document.error(place, node, "\(place): \(reason)")
    }
  }

  private func decode<T: Decodable>(_ type: T.Type, oneOf names: [String]) throws -> T {
    if let text = node.scalar?.string, names.contains(text) { return try T(from: self) }
    let similar = node.scalar.flatMap {
      nearest(to: $0.string, among: names, within: min(3, ($0.string.count + 1) / 2))
    }
    let hint = similar.map { " (did you mean \($0)?)" } ?? ""
    throw mismatch("one of \(names.joined(separator: ", "))", hint)
  }

  /// The keys that an error is about, and what it says.
  private func place(_ error: DecodingError) -> (keys: [any CodingKey], reason: String) {
    switch error {
    case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context),
      .keyNotFound(_, let context):
      (context.codingPath, context.debugDescription)
    @unknown default: ([], "\(error)")
    }
  }
}

// MARK: - Sections and lists

private struct StrictKeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: StrictDecoder
  let mapping: Node.Mapping

  var codingPath: [any CodingKey] { decoder.codingPath }
  var allKeys: [Key] { mapping.keys.compactMap { $0.scalar.flatMap { Key(stringValue: $0.string) } } }

  private func find(_ key: Key) -> Node? {
    decoder.document.known[decoder.path]?.insert(key.stringValue)
    return mapping.first { $0.key.scalar?.string == key.stringValue }?.value
  }

  private func child(_ key: Key) throws -> StrictDecoder {
    guard let node = find(key) else {
      let path = join(decoder.path, key.stringValue)
      throw MissingKey(
        asExperimentError: decoder.error("\(path) is missing"))
    }
    return StrictDecoder(node, document: decoder.document, at: codingPath + [key])
  }

  func contains(_ key: Key) -> Bool { find(key) != nil }
  func decodeNil(forKey key: Key) throws -> Bool { find(key)?.isNull ?? true }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try child(key).decode(type)
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try child(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try child(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { decoder }
  func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }
}

private struct StrictUnkeyedContainer: UnkeyedDecodingContainer {
  let decoder: StrictDecoder
  let nodes: [Node]
  var currentIndex = 0

  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { nodes.count }
  var isAtEnd: Bool { currentIndex == nodes.count }

  private mutating func next() throws -> StrictDecoder {
    guard !isAtEnd else { throw decoder.mismatch("more values") }
    defer { currentIndex += 1 }
    let path = codingPath + (nodes.count > 1 ? [ListIndex(currentIndex)] : [])
    return StrictDecoder(nodes[currentIndex], document: decoder.document, at: path)
  }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, nodes[currentIndex].isNull else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try next().decode(type) }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try next().container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next().unkeyedContainer()
  }

  mutating func superDecoder() throws -> any Decoder { try next() }
}

private struct ListIndex: CodingKey {
  let intValue: Int?
  var stringValue: String { (intValue ?? 0).description }

  init(_ index: Int) { intValue = index }
  init?(stringValue: String) { nil }
  init?(intValue: Int) { self.init(intValue) }
}

// MARK: - Nodes and names

extension Node {
  /// The text of a scalar that was written without quotes.
  fileprivate var plainText: String? {
    guard let scalar, scalar.style == .plain || scalar.style == .any else { return nil }
    return scalar.string
  }

  var isNull: Bool {
    guard let text = plainText else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }
}

private func describe(_ node: Node) -> String {
  switch node {
  case .scalar(let scalar): node.isNull ? "nothing" : "'\(scalar.string)'"
  case .sequence: "a list"
  case .mapping: "keys with values"
  case .alias: "an alias"
  }
}

private func names<T: CaseIterable & CodingKey>(of keys: T.Type) -> [String] {
  T.allCases.map(\.stringValue)
}

private func names<T: CaseIterable & RawRepresentable>(of choices: T.Type) -> [String] {
  T.allCases.map { "\($0.rawValue)" }
}

private func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
