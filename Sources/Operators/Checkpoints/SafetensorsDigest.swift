// The digest that a file carries of itself.

/// `"digest": "xxh64:0123456789abcdef"` in the metadata: XXH64 (seed 0) over all bytes of the file, the sixteen
/// digits themselves taken as zeros.
///
/// Any byte that changes, in header or data, changes it. To verify from Python: replace the digits in the file's
/// bytes by sixteen "0" and compare with `xxhash.xxh64(bytes).hexdigest()`.
struct SafetensorsDigest {
  static let key = "digest"
  static let prefix = "xxh64:"
  static let blank = prefix + String(repeating: "0", count: 16)

  private var hash = XXHash64()

  /// Begins with the header's length and the header, in which the digest is ``blank``.
  init(blankHeader header: [UInt8]) {
    hash.update(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) })
    hash.update(header)
  }

  /// Begins with a header in which the digest is `expected`; nil where that is no digest or occurs in the header
  /// other than once.
  init?(header: [UInt8], expected: String) {
    guard expected.hasPrefix(Self.prefix), expected.utf8.count == Self.blank.utf8.count,
      let digits = Self.digits(of: expected, in: header)
    else { return nil }
    var blankHeader = header
    blankHeader.replaceSubrange(digits, with: repeatElement(UInt8(ascii: "0"), count: 16))
    self.init(blankHeader: blankHeader)
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bytes) }

  var text: String { Self.prefix + hash.hexadecimal }

  /// Where in `header` the sixteen digits of `digest` are; nil unless it occurs exactly once.
  static func digits(of digest: String, in header: [UInt8]) -> Range<Int>? {
    let pattern = Array("\"\(digest)\"".utf8)
    guard header.count >= pattern.count else { return nil }
    var found: Int?
    for start in 0...header.count - pattern.count
    where header[start] == pattern[0] && header[start..<start + pattern.count].elementsEqual(pattern) {
      guard found == nil else { return nil }
      found = start
    }
    return found.map { $0 + 1 + prefix.utf8.count..<$0 + pattern.count - 1 }
  }
}
