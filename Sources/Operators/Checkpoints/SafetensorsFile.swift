// Reading safetensors files, tensor by tensor.

import Foundation
import Tensors

/// An open safetensors file: its header is read and checked, its tensors are read when asked for.
///
/// Tensors are read rather than mapped: a file that somebody cuts short meanwhile is then an error and not the
/// end of the process.
public final class SafetensorsFile {
  /// The path it was opened by, as messages name it.
  public let path: String
  public let metadata: [String: String]
  /// In the order of their data.
  public let tensors: [StoredTensor]
  private let indices: [String: Int]
  private let source: FileSource
  private let dataOffset: Int
  private let headerBytes: [UInt8]

  /// Opens a file and checks its header. Where the metadata hold a digest it is verified, unless told otherwise
  /// (a listing of names needs no look at the data); files from elsewhere without one are accepted.
  public init(path: String, verifyingDigest: Bool = true) throws {
    self.path = path
    source = try FileSource(path: path)
    guard source.byteCount >= 8 else {
      throw CheckpointError.truncated(file: path, bytes: source.byteCount, expected: 8)
    }
    let beginning = try source.read(at: 0, count: 8)
    let length = beginning.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard length >= 2, length <= UInt64(SafetensorsHeader.maximumByteCount) else {
      let isData = beginning.starts(with: "CDF".utf8) || beginning.starts(with: [0x89] + "HDF".utf8)
      throw CheckpointError.damagedHeader(
        file: path,
        reason: isData ? "it is NetCDF data" : "it does not begin with the length of a header")
    }
    dataOffset = 8 + Int(length)
    guard source.byteCount >= dataOffset else {
      throw CheckpointError.truncated(file: path, bytes: source.byteCount, expected: dataOffset)
    }
    headerBytes = try source.read(at: 8, count: Int(length))
    let header = try SafetensorsHeader(
      json: headerBytes, dataByteCount: source.byteCount - dataOffset, file: path)
    metadata = header.metadata
    tensors = header.tensors
    indices = Dictionary(uniqueKeysWithValues: zip(tensors.map(\.name), tensors.indices))
    try CheckpointFormat.check(metadata, file: path)
    if verifyingDigest { try verifyDigest() }
  }

  public subscript(_ name: String) -> StoredTensor? { indices[name].map { tensors[$0] } }

  /// The numbers of a tensor, row-major, converted to `Element` where it is stored otherwise; of a complex one
  /// real and imaginary part in turn.
  public func values<Element: Scalar>(
    of tensor: StoredTensor, as type: Element.Type = Element.self
  ) throws -> [Element] {
    let isStoredAsIs =
      Element.self == Float.self
      ? tensor.type == .float32 || tensor.type == .complex64 : tensor.type == .float64
    let offset = dataOffset + tensor.range.lowerBound
    if isStoredAsIs {
      return try [Element](unsafeUninitializedCapacity: tensor.count) { buffer, count in
        let memory = UnsafeMutableRawBufferPointer(
          rebasing: UnsafeMutableRawBufferPointer(buffer)[..<tensor.range.count])
        try source.read(at: offset, into: memory)
        count = tensor.count
      }
    }
    let bytes = try source.read(at: offset, count: tensor.range.count)
    return bytes.withUnsafeBytes { convert($0, of: tensor.type, count: tensor.count) }
  }

  /// A tensor by its name, in the shape it has in the file; a complex one with a last axis of length 2.
  public func tensor<Element: Scalar>(
    _ name: String, as type: Element.Type = Element.self
  ) throws -> Tensor<Element> {
    guard let stored = self[name] else { throw CheckpointError.missingParameter(file: path, parameter: name) }
    let values: [Element] = try values(of: stored)
    return Tensor(values, shape: stored.shape + (stored.type == .complex64 ? [2] : []))
  }

  private func verifyDigest() throws {
    let isOurs = metadata["format"] == CheckpointFormat.name
    let stored = metadata[SafetensorsDigest.key]
    // A file of ours has a digest: where it is missing, the header was changed. What others may call a digest is
    // their own.
    guard isOurs || stored?.hasPrefix(SafetensorsDigest.prefix) == true else { return }
    guard let stored, var digest = SafetensorsDigest(header: headerBytes, expected: stored) else {
      throw CheckpointError.digestMismatch(file: path)
    }
    var offset = dataOffset
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
    defer { piece.deallocate() }
    while offset < source.byteCount {
      let part = UnsafeMutableRawBufferPointer(rebasing: piece.prefix(source.byteCount - offset))
      try source.read(at: offset, into: part)
      digest.update(UnsafeRawBufferPointer(part))
      offset += part.count
    }
    guard digest.text == stored else { throw CheckpointError.digestMismatch(file: path) }
  }
}

/// Converts stored numbers; a complex one is two.
private func convert<Element: Scalar>(
  _ bytes: UnsafeRawBufferPointer, of type: StorageType, count: Int
) -> [Element] {
  func load<Stored: FixedWidthInteger>(_ index: Int, _: Stored.Type) -> Stored {
    Stored(
      littleEndian: bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self))
  }
  let indices = 0..<count
  return switch type {
  case .bool: indices.map { load($0, UInt8.self) == 0 ? 0 : 1 }
  case .uint8: indices.map { Element(load($0, UInt8.self)) }
  case .int8: indices.map { Element(load($0, Int8.self)) }
  case .uint16: indices.map { Element(load($0, UInt16.self)) }
  case .int16: indices.map { Element(load($0, Int16.self)) }
  case .float16: indices.map { Element(single(half: load($0, UInt16.self))) }
  case .bfloat16: indices.map { Element(Float(bitPattern: UInt32(load($0, UInt16.self)) << 16)) }
  case .uint32: indices.map { Element(load($0, UInt32.self)) }
  case .int32: indices.map { Element(load($0, Int32.self)) }
  case .float32, .complex64: indices.map { Element(Float(bitPattern: load($0, UInt32.self))) }
  case .uint64: indices.map { Element(load($0, UInt64.self)) }
  case .int64: indices.map { Element(load($0, Int64.self)) }
  case .float64: indices.map { Element(Double(bitPattern: load($0, UInt64.self))) }
  }
}

/// The IEEE half precision number of these bits. (`Float16` does not exist on every platform.)
private func single(half bits: UInt16) -> Float {
  let sign: Float = bits >> 15 == 0 ? 1 : -1
  let exponent = Int(bits >> 10 & 31)
  let fraction = Float(bits & 1023)
  switch exponent {
  case 0: return sign * fraction * 0x1p-24
  case 31: return fraction == 0 ? sign * .infinity : .nan
  default: return sign * Float(sign: .plus, exponent: exponent - 25, significand: 1024 + fraction)
  }
}
