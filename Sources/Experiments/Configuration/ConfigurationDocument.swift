// The text of a configuration before it is decoded: a file, and what the command line puts over it.

import PDEData
import Yams

/// A YAML document with single values replaced or added by name (`training.epochs`).
///
/// Remembers where each value came from, so that a complaint names the file and line or the option.
public struct ConfigurationDocument {
  private var root: Node
  private let file: String?
  private var origins: [String: String] = [:]

  /// A document without any keys.
  public init() {
    root = .emptyMapping
    file = nil
  }

  /// - Throws: ``ExperimentError``: the file is missing (66) or is no YAML (65).
  public init(contentsOf path: String) throws {
    try self.init(yaml: try TextFile.read(path), file: path)
  }

  /// - Parameter file: The name for errors.
  public init(yaml: String, file: String) throws {
    self.file = file
    do {
      root = try compose(yaml: yaml, .basic) ?? .emptyMapping
    } catch let error as YamlError {
      throw ExperimentError(.invalidData, "\(file): \(Self.line(error))")
    }
    if root.isNull { root = .emptyMapping }
  }

  /// Takes an assignment as `--set` has it: `training.epochs=10`, the value in YAML.
  public mutating func set(_ assignment: String, origin: String = "--set") throws {
    guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
      throw ExperimentError(.usage, "\(origin) \(assignment): expected KEY=VALUE, such as training.epochs=10")
    }
    let value: Node
    do {
      value =
        try compose(yaml: String(assignment[assignment.index(after: equals)...]), .basic) ?? Node("null")
    } catch {
      throw ExperimentError(.usage, "\(origin) \(assignment): the value is not YAML")
    }
    try set(String(assignment[..<equals]), to: value, origin: origin)
  }

  /// Puts `value` at a dotted path. `origin` is what a complaint about it names: an option, a file.
  public mutating func set(_ path: String, to value: some Encodable, origin: String) throws {
    try set(path, to: try NodeEncoder.encode(value), origin: origin)
  }

  /// Adds to a section what it does not have of the keys of `value`.
  mutating func fill(_ section: String, from value: some Encodable, origin: String) throws {
    let own = node(section)?.mapping ?? [:]
    for (key, value) in try NodeEncoder.encode(value).mapping ?? [:] {
      guard let name = key.scalar?.string, own[name] == nil else { continue }
      try set("\(section).\(name)", to: value, origin: origin)
    }
  }

  private mutating func set(_ path: String, to value: Node, origin: String) throws {
    let keys = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard keys.allSatisfy({ !$0.isEmpty }) else {
      throw ExperimentError(.usage, "\(origin) \(path): expected a key such as training.epochs")
    }
    for end in keys.indices { origins[keys[...end].joined(separator: ".")] = origin }
    try Self.set(keys[...], to: value, in: &root, path: path, origin: origin)
  }

  private static func set(
    _ keys: ArraySlice<String>, to value: Node, in node: inout Node, path: String, origin: String
  ) throws {
    guard let key = keys.first else {
      node = value
      return
    }
    if node.isNull { node = .emptyMapping }
    guard var mapping = node.mapping else {
      throw ExperimentError(.invalidData, "\(origin) \(path): there are no keys below \(path), but a value")
    }
    var child = mapping[key] ?? .emptyMapping
    try set(keys.dropFirst(), to: value, in: &child, path: path, origin: origin)
    mapping[key] = child
    node = .mapping(mapping)
  }

  /// Whether the value at a dotted path comes from an option of the command line.
  func isOption(_ path: String) -> Bool { origins[path]?.hasPrefix("--") == true }

  /// Takes out what is at a key of a section, if anything.
  public mutating func remove(_ key: String, from section: String) {
    guard var mapping = root.mapping, var keys = mapping[section]?.mapping else { return }
    keys[key] = nil
    mapping[section] = .mapping(keys)
    root = .mapping(mapping)
  }

  /// Whether there is anything at a dotted path.
  func contains(_ path: String) -> Bool { node(path) != nil }

  /// The text of the value at a dotted path; nil where there is none.
  public func text(_ path: String) throws -> String? {
    guard let node = node(path), !node.isNull else { return nil }
    guard let text = node.scalar?.string else { throw error(path, node, "\(path): expected text") }
    return text
  }

  private func node(_ path: String) -> Node? {
    var node: Node? = root
    for key in path.split(separator: ".") { node = node?.mapping?[String(key)] }
    return node
  }

  /// Decodes strictly: see ``ExperimentError``s that name key, place, what was expected and what was found.
  public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T {
    try StrictDecoder.decode(type, from: root, document: StrictDecoder.Document(error: error))
  }

  /// The error about the value at a dotted path: it names the file and line, or the option, that the value is from,
  /// or, where nothing is said of the path, the nearest key above it.
  func error(about path: String, _ message: String) -> ExperimentError {
    var node = root
    for key in path.split(separator: ".") {
      guard let child = node.mapping?[String(key)] else { break }
      node = child
    }
    return error(path, node, message)
  }

  private func error(_ path: String, _ node: Node, _ message: String) -> ExperimentError {
    if let origin = origins[path] {
      // An option is the command line's own; what `--set` says is configuration.
      return ExperimentError(origin == "--set" ? .invalidData : .usage, "\(origin): \(message)")
    }
    let place = file.map { file in node.mark.map { "\(file):\($0.line)" } ?? file } ?? "the configuration"
    return ExperimentError(.invalidData, "\(place): \(message)")
  }

  /// A value as a document of its own.
  public static func yaml(_ value: some Encodable) throws -> String {
    try serialize(node: try NodeEncoder.encode(value), width: -1, allowUnicode: true)
  }

  /// The first key whose value differs, with both values; nil where there is none. Keys in `except` may differ.
  static func difference<T: Encodable>(
    _ first: T, _ second: T, except: Set<String> = []
  ) throws -> (key: String, first: String, second: String)? {
    let (first, second) = (try flat(first), try flat(second))
    func value(_ key: String, _ values: [(key: String, value: String)]) -> String {
      values.first { $0.key == key }?.value ?? "nothing"
    }
    return (first + second).lazy.map(\.key).filter { !except.contains($0) }
      .map { (key: $0, first: value($0, first), second: value($0, second)) }
      .first { $0.first != $0.second }
  }

  /// Every value of a configuration in one line of YAML, with its dotted path.
  private static func flat(_ value: some Encodable) throws -> [(key: String, value: String)] {
    func flatten(_ node: Node, _ path: [String]) throws -> [(key: String, value: String)] {
      guard case .mapping(let mapping) = node else {
        let text = try serialize(node: node, width: -1, allowUnicode: true)
        return [(path.joined(separator: "."), String(text.split(separator: "\n").joined(separator: " ")))]
      }
      return try mapping.flatMap { try flatten($0.value, path + [$0.key.scalar?.string ?? ""]) }
    }
    return try flatten(try NodeEncoder.encode(value), [])
  }

  private static func line(_ error: YamlError) -> String {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "line \(mark.line), column \(mark.column): not YAML: \(problem)"
    case .duplicatedKeysInMapping(let duplicates, _):
      "the key \(duplicates.sorted().joined(separator: ", ")) is there twice"
    default: "not YAML"
    }
  }
}
