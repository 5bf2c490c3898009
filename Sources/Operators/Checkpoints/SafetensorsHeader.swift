// The header of a safetensors file: what it may say, and the checks that it means it.

import Foundation

/// How the numbers of a tensor are stored (https://github.com/huggingface/safetensors).
public enum StorageType: String, Sendable, CaseIterable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case uint16 = "U16"
  case int16 = "I16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case uint32 = "U32"
  case int32 = "I32"
  case float32 = "F32"
  case uint64 = "U64"
  case int64 = "I64"
  case float64 = "F64"
  /// Real and imaginary part in turn, single precision.
  case complex64 = "C64"

  /// Bytes of one number; of a complex one, both parts.
  public var byteCount: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64, .complex64: 8
    }
  }

  /// Real numbers in one element.
  public var components: Int { self == .complex64 ? 2 : 1 }
}

/// One tensor of a file: its name, how it is stored and where.
public struct StoredTensor: Sendable, Equatable {
  public let name: String
  public let type: StorageType
  /// Of a complex tensor, the shape counts complex numbers.
  public let shape: [Int]
  /// Bytes from the end of the header.
  let range: Range<Int>

  /// Real numbers in it: a complex one counts as two.
  public var count: Int { range.count / type.byteCount * type.components }
}

/// The header of a file: metadata and tensors in the order of their data.
struct SafetensorsHeader {
  /// The largest header that is read, as in the reference implementation.
  static let maximumByteCount = 100_000_000

  var metadata: [String: String]
  var tensors: [StoredTensor]

  /// Parses a header and checks that every tensor has the size its shape says, and that the tensors fill
  /// `dataByteCount` without gap or overlap.
  init(json: [UInt8], dataByteCount: Int, file: String) throws {
    let decoded: DecodedHeader
    do {
      decoded = try JSONDecoder().decode(DecodedHeader.self, from: Data(json))
    } catch {
      throw CheckpointError.damagedHeader(file: file, reason: Self.reason(error))
    }
    metadata = decoded.metadata
    tensors = []
    for (name, entry) in decoded.entries {
      tensors.append(try Self.tensor(name, entry, file: file))
    }
    tensors.sort {
      ($0.range.lowerBound, $0.range.upperBound, $0.name) < (
        $1.range.lowerBound, $1.range.upperBound, $1.name
      )
    }
    var end = 0
    for tensor in tensors {
      guard tensor.range.lowerBound == end else {
        throw CheckpointError.damagedHeader(
          file: file, reason: "the data of '\(tensor.name)' do not follow the data before them")
      }
      end = tensor.range.upperBound
    }
    guard end <= dataByteCount else {
      let header = 8 + json.count
      throw CheckpointError.truncated(file: file, bytes: header + dataByteCount, expected: header + end)
    }
    guard end == dataByteCount else {
      throw CheckpointError.damagedHeader(
        file: file, reason: "\(dataByteCount - end) bytes belong to no tensor")
    }
  }

  private static func tensor(
    _ name: String, _ entry: DecodedHeader.Entry, file: String
  ) throws -> StoredTensor {
    guard let type = StorageType(rawValue: entry.dtype) else {
      throw CheckpointError.damagedHeader(
        file: file, reason: "'\(name)' is of the unknown type '\(entry.dtype)'")
    }
    guard entry.offsets.count == 2, entry.offsets[0] >= 0, entry.offsets[0] <= entry.offsets[1],
      entry.shape.allSatisfy({ $0 >= 0 })
    else {
      throw CheckpointError.damagedHeader(file: file, reason: "'\(name)' has a negative size or place")
    }
    var byteCount = type.byteCount
    for extent in entry.shape {
      let (product, overflow) = byteCount.multipliedReportingOverflow(by: extent)
      guard !overflow else {
        throw CheckpointError.damagedHeader(file: file, reason: "'\(name)' is too large")
      }
      byteCount = product
    }
    guard byteCount == entry.offsets[1] - entry.offsets[0] else {
      throw CheckpointError.damagedHeader(
        file: file, reason: "'\(name)' has another size than its shape says")
    }
    return StoredTensor(
      name: name, type: type, shape: entry.shape, range: entry.offsets[0]..<entry.offsets[1])
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      "\(place(context.codingPath)) lacks '\(key.stringValue)'"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      "\(place(context.codingPath)) is of the wrong type"
    default:
      "the header is not JSON"
    }
  }

  private static func place(_ path: [any CodingKey]) -> String {
    path.isEmpty ? "the header" : "'\(path.map(\.stringValue).joined(separator: "."))'"
  }
}

/// The header as JSON has it: an object of tensors, with the metadata among them.
private struct DecodedHeader: Decodable {
  struct Entry: Decodable {
    let dtype: String
    let shape: [Int]
    let offsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case offsets = "data_offsets"
    }
  }

  struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  var metadata: [String: String] = [:]
  var entries: [(String, Entry)] = []

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    for key in container.allKeys {
      if key.stringValue == "__metadata__" {
        metadata = try container.decode([String: String].self, forKey: key)
      } else {
        entries.append((key.stringValue, try container.decode(Entry.self, forKey: key)))
      }
    }
  }
}
