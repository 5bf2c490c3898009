// Writes a configuration as YAML nodes: keys in the order of the type, numbers so that they read back to the bit.

import Yams

/// Encodes an `Encodable` value to a YAML node. Yams's own encoder writes reals with 15 digits and in a form that
/// other readers of YAML take for text (`1e-3`); here they are the shortest decimals that read back the same.
final class NodeEncoder: Encoder {
  let codingPath: [any CodingKey]
  let userInfo: [CodingUserInfoKey: Any] = [:]
  private var content = Content.none

  private enum Content {
    case none
    case node(Node)
    case mapping([(String, NodeEncoder)])
    case list([NodeEncoder])
  }

  private init(at path: [any CodingKey] = []) { codingPath = path }

  static func encode(_ value: some Encodable) throws -> Node {
    let encoder = NodeEncoder()
    try value.encode(to: encoder)
    return encoder.node
  }

  private var node: Node {
    switch content {
    case .none: return .emptyMapping
    case .node(let node): return node
    case .mapping(let pairs): return Node(pairs.map { (Node($0.0), $0.1.node) })
    case .list(let items):
      let nodes = items.map(\.node)
      return Node(nodes, .implicit, nodes.allSatisfy { $0.scalar != nil } ? .flow : .block)
    }
  }

  fileprivate func put(_ node: Node) { content = .node(node) }

  fileprivate func child(_ key: any CodingKey) -> NodeEncoder {
    let child = NodeEncoder(at: codingPath + [key])
    guard case .mapping(var pairs) = content else {
      content = .mapping([(key.stringValue, child)])
      return child
    }
    pairs.removeAll { $0.0 == key.stringValue }
    content = .mapping(pairs + [(key.stringValue, child)])
    return child
  }

  fileprivate func next() -> NodeEncoder {
    let child = NodeEncoder(at: codingPath)
    if case .list(let items) = content { content = .list(items + [child]) } else { content = .list([child]) }
    return child
  }

  fileprivate var listCount: Int {
    if case .list(let items) = content { items.count } else { 0 }
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    if case .none = content { content = .mapping([]) }
    return KeyedEncodingContainer(NodeKeyedContainer<Key>(encoder: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    if case .none = content { content = .list([]) }
    return NodeUnkeyedContainer(encoder: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { self }
}

extension NodeEncoder: SingleValueEncodingContainer {
  func encodeNil() { put(Node("null")) }
  func encode(_ value: Bool) { put(Node(value ? "true" : "false")) }

  func encode(_ value: String) {
    // What would be read as something else than text is quoted.
    let isAmbiguous =
      Double(value) != nil
      || ["true", "false", "null", "~", "", "yes", "no", "on", "off"].contains(value.lowercased())
    put(Node(value, .implicit, isAmbiguous ? .singleQuoted : .any))
  }

  func encode(_ value: Double) { put(Node(Self.text(value))) }
  func encode(_ value: Float) { put(Node(Self.text(value))) }
  func encode<T: FixedWidthInteger & Encodable>(_ value: T) { put(Node(value.description)) }
  func encode<T: Encodable>(_ value: T) throws { try value.encode(to: self) }

  /// `0.001`, `1.0e-08`: with a point, which YAML 1.1 wants in a real number.
  private static func text<T: BinaryFloatingPoint & CustomStringConvertible>(_ value: T) -> String {
    let text = value.description
    guard let exponent = text.firstIndex(of: "e"), !text[..<exponent].contains(".") else { return text }
    return text[..<exponent] + ".0" + text[exponent...]
  }
}

private struct NodeKeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: NodeEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil(forKey key: Key) { encoder.child(key).encodeNil() }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws { try value.encode(to: encoder.child(key)) }

  /// What is absent stands in the file as null, so that a reader sees that there is such a key.
  private func encodeOptional(_ value: (some Encodable)?, _ key: Key) throws {
    if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
  }

  func encodeIfPresent(_ value: String?, forKey key: Key) throws { try encodeOptional(value, key) }
  func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try encodeOptional(value, key) }
  func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try encodeOptional(value, key) }
  func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try encodeOptional(value, key) }
  func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws { try encodeOptional(value, key) }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) -> KeyedEncodingContainer<NestedKey> {
    encoder.child(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    encoder.child(key).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { encoder }
  func superEncoder(forKey key: Key) -> any Encoder { encoder.child(key) }
}

private struct NodeUnkeyedContainer: UnkeyedEncodingContainer {
  let encoder: NodeEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }
  var count: Int { encoder.listCount }

  func encodeNil() { encoder.next().encodeNil() }
  func encode<T: Encodable>(_ value: T) throws { try value.encode(to: encoder.next()) }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type
  ) -> KeyedEncodingContainer<NestedKey> {
    encoder.next().container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.next().unkeyedContainer() }
  func superEncoder() -> any Encoder { encoder.next() }
}

extension Node {
  static var emptyMapping: Node { .mapping(Mapping([(Node, Node)]())) }
}
