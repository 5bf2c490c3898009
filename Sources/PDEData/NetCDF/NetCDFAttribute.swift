// Attributes: the text and numbers beside a file's and its variables' data.

import CNetCDF

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The value of an attribute, with the type it has in the file.
public enum AttributeValue: Sendable, Hashable {
  case text(String)
  case strings([String])
  case integers([Int64], NetCDFType)
  case unsigned([UInt64])
  case reals([Double], NetCDFType)

  public static func real(_ value: Double) -> AttributeValue { .reals([value], .float64) }
  public static func integer(_ value: Int) -> AttributeValue { .integers([Int64(value)], .int64) }

  /// The numbers, where it has any.
  public var numbers: [Double]? {
    switch self {
    case .text, .strings: nil
    case .integers(let values, _): values.map(Double.init)
    case .unsigned(let values): values.map(Double.init)
    case .reals(let values, _): values
    }
  }

  public var text: String? {
    switch self {
    case .text(let text): text
    case .strings(let texts): texts.joined(separator: " ")
    default: nil
    }
  }
}

extension AttributeValue: CustomStringConvertible {
  public var description: String {
    switch self {
    case .text(let text): text
    case .strings(let texts): texts.joined(separator: ", ")
    case .integers(let values, _): values.map(\.description).joined(separator: ", ")
    case .unsigned(let values): values.map(\.description).joined(separator: ", ")
    case .reals(let values, .float32): values.map { Float($0).description }.joined(separator: ", ")
    case .reals(let values, _): values.map(\.description).joined(separator: ", ")
    }
  }
}

/// A named attribute.
public struct Attribute: Sendable, Hashable {
  public var name: String
  public var value: AttributeValue

  public init(_ name: String, _ value: AttributeValue) {
    self.name = name
    self.value = value
  }

  public init(_ name: String, _ text: String) { self.init(name, .text(text)) }
}

extension Collection where Element == Attribute {
  public subscript(name: String) -> AttributeValue? { first { $0.name == name }?.value }
}

extension NetCDFFile {
  /// All attributes of a variable (nil: of the file); those of types that have no counterpart here are left out.
  func attributes(of variable: VariableID?, count: Int) throws(DatasetError) -> [Attribute] {
    let owner = variable?.raw ?? NC_GLOBAL
    var attributes: [Attribute] = []
    for index in 0..<count {
      var nameBuffer = [CChar](repeating: 0, count: Int(NC_MAX_NAME) + 1)
      var rawType: nc_type = 0
      var length = 0
      try check(.inquire) {
        let status = nc_inq_attname(raw, owner, Int32(index), &nameBuffer)
        return status == NC_NOERR ? nc_inq_att(raw, owner, nameBuffer, &rawType, &length) : status
      }
      let name = string(nameBuffer)
      if let type = NetCDFType(rawValue: rawType),
        let value = try value(of: name, owner: owner, type: type, length: length)
      {
        attributes.append(Attribute(name, value))
      }
    }
    return attributes
  }

  private func value(
    of name: String, owner: Int32, type: NetCDFType, length: Int
  ) throws(DatasetError) -> AttributeValue? {
    switch type {
    case .character:
      var bytes = [CChar](repeating: 0, count: length + 1)
      try check(.inquire) { nc_get_att_text(raw, owner, name, &bytes) }
      return .text(string(bytes))
    case .string:
      var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: max(length, 1))
      try check(.inquire) { nc_get_att_string(raw, owner, name, &pointers) }
      let texts = pointers.prefix(length).map { $0.map { String(cString: $0) } ?? "" }
      _ = NetCDFLibrary.call { nc_free_string(length, &pointers) }
      return texts.count == 1 ? .text(texts[0]) : .strings(texts)
    case .float32, .float64:
      var values = [Double](repeating: 0, count: max(length, 1))
      try check(.inquire) { nc_get_att_double(raw, owner, name, &values) }
      return .reals(Array(values.prefix(length)), type)
    case .uint64:
      var values = [UInt64](repeating: 0, count: max(length, 1))
      try check(.inquire) { nc_get_att(raw, owner, name, &values) }
      return .unsigned(Array(values.prefix(length)))
    default:
      var values = [Int64](repeating: 0, count: max(length, 1))
      try check(.inquire) { nc_get_att_longlong(raw, owner, name, &values) }
      return .integers(Array(values.prefix(length)), type)
    }
  }

  func put(_ attribute: Attribute, to variable: VariableID?) throws(DatasetError) {
    let owner = variable?.raw ?? NC_GLOBAL
    let name = attribute.name
    try check(.write) {
      switch attribute.value {
      case .text(let text): nc_put_att_text(raw, owner, name, text.utf8.count, text)
      case .strings(let texts):
        withCStrings(texts) { nc_put_att_string(raw, owner, name, texts.count, $0) }
      case .integers(let values, let type):
        nc_put_att_longlong(raw, owner, name, type.rawValue, values.count, values)
      case .unsigned(let values):
        nc_put_att_ulonglong(raw, owner, name, nc_type(NC_UINT64), values.count, values)
      case .reals(let values, let type):
        nc_put_att_double(raw, owner, name, type.rawValue, values.count, values)
      }
    }
  }

  private func withCStrings(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Int32
  ) -> Int32 {
    let copies = texts.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    var pointers = copies.map { $0.map { UnsafePointer($0) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return NC_EINVAL }
      return body(base)
    }
  }
}
