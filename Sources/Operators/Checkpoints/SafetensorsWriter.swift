// Writing safetensors files, tensor by tensor.

import Foundation
import Tensors

/// What is to be written: metadata and tensors in their order in the file. The values are asked for only when it
/// is their turn, so that a file's worth of copies is never held.
public struct SafetensorsContents {
  struct Item {
    let name: String
    let type: StorageType
    let shape: [Int]
    let byteCount: Int
    let withBytes: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  }

  public var metadata: [String: String]
  private(set) var items: [Item] = []

  public init(metadata: [String: String] = [:]) { self.metadata = metadata }

  /// Adds a real tensor (`F32` or `F64`).
  public mutating func add<Element: Scalar>(
    _ name: String, shape: [Int], values: @escaping () -> [Element]
  ) {
    append(name, Element.self == Float.self ? .float32 : .float64, shape, values)
  }

  public mutating func add<Element: Scalar>(_ name: String, _ tensor: Tensor<Element>) {
    add(name, shape: tensor.shape) { tensor.values }
  }

  /// Adds a complex tensor of `shape` complex numbers, whose values are real and imaginary part in turn: `C64`,
  /// or, as there is no type of double precision, `F64` with a last axis of length 2.
  public mutating func addComplex<Element: Scalar>(
    _ name: String, shape: [Int], values: @escaping () -> [Element]
  ) {
    if Element.self == Float.self {
      append(name, .complex64, shape, values)
    } else {
      append(name, .float64, shape + [2], values)
    }
  }

  private mutating func append<Element: Scalar>(
    _ name: String, _ type: StorageType, _ shape: [Int], _ values: @escaping () -> [Element]
  ) {
    let byteCount = shape.reduce(type.byteCount, *)
    items.append(
      Item(name: name, type: type, shape: shape, byteCount: byteCount) { body in
        try values().withUnsafeBytes { bytes in
          precondition(bytes.count == byteCount, "as many values of '\(name)' as its shape says")
          try body(bytes)
        }
      })
  }

  /// Writes the file with a digest of all of it (see ``SafetensorsDigest``), so that it appears whole or not at
  /// all.
  ///
  /// - Throws: ``CheckpointError`` where the file cannot be created or written.
  public func write(to path: String) throws {
    // Large numbers first: readers that map the file want every number at a multiple of its size.
    let items = items.enumerated()
      .sorted { ($1.element.type.byteCount, $0.offset) < ($0.element.type.byteCount, $1.offset) }
      .map(\.element)
    let header = try blankHeader(items)
    var digest = SafetensorsDigest(blankHeader: header)
    let file = try ReplacementFile(path: path)
    try file.write(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) })
    try file.write(header)
    for item in items {
      try item.withBytes { bytes in
        digest.update(bytes)
        try file.write(bytes)
      }
    }
    guard let digits = SafetensorsDigest.digits(of: SafetensorsDigest.blank, in: header) else {
      preconditionFailure("the header was made with one blank digest")
    }
    try file.write(Array(digest.text.utf8.suffix(digits.count)), at: 8 + digits.lowerBound)
    try file.commit()
  }

  /// The header with a blank digest, padded so that the data are aligned.
  private func blankHeader(_ items: [Item]) throws -> [UInt8] {
    var metadata = metadata
    metadata[SafetensorsDigest.key] = SafetensorsDigest.blank
    var parts = ["\"__metadata__\":\(try json(metadata))"]
    var offset = 0
    for item in items {
      let shape = item.shape.map(String.init).joined(separator: ",")
      let range = "[\(offset),\(offset + item.byteCount)]"
      parts.append(
        "\(try json(item.name)):{\"dtype\":\"\(item.type.rawValue)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":\(range)}")
      offset += item.byteCount
    }
    var header = Array("{\(parts.joined(separator: ","))}".utf8)
    header.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
    return header
  }

  private func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
