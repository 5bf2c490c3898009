// The text of a configuration before it is decoded: a file, and what the command line puts over it.

import Foundation
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

  /// Decodes strictly: see ``ExperimentError``s that name key, place, what was expected and what was found.
  public func decode<T: Decodable>(_ type: T.Type = T.self) throws -> T {
    let document = StrictDecoder.Document { path, node in
      if let origin = origins[path] { return origin }
      guard let file else { return "the configuration" }
      return node.mark.map { "\(file):\($0.line)" } ?? file
    }
    return try StrictDecoder.decode(type, from: root, document: document)
  }

  /// A value as a document of its own.
  public static func yaml(_ value: some Encodable) throws -> String {
    try serialize(node: try NodeEncoder.encode(value), width: -1, allowUnicode: true)
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

/// Small files of text, with errors in one line.
enum TextFile {
  static func read(_ path: String) throws -> String {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ExperimentError(.missingInput, "\(path): no such file")
    }
    guard !isFolder.boolValue else {
      throw ExperimentError(.missingInput, "\(path): a file was expected, not a folder")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ExperimentError(.missingInput, "\(path): cannot be read")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw ExperimentError(.invalidData, "\(path): not text in UTF-8")
    }
    return text
  }
}
