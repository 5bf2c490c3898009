// The file format: what is written comes back, and whatever is wrong is found.

import Foundation
import Operators
import Tensors
import Testing

@Suite struct SafetensorsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ bytes: [UInt8], _ name: String = "file.safetensors") throws -> String {
    let path = folder.file(name)
    // Not by Foundation, which waits for the disk.
    let stream = try #require(fopen(path, "wb"))
    #expect(fwrite(bytes, 1, bytes.count, stream) == bytes.count)
    fclose(stream)
    return path
  }

  /// A file of a header as text and data.
  private func write(header: String, data: [UInt8] = []) throws -> String {
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    return try write(length + Array(header.utf8) + data)
  }

  private func error(opening path: String) -> CheckpointError? {
    do {
      _ = try SafetensorsFile(path: path)
      return nil
    } catch {
      return error as? CheckpointError
    }
  }

  private func example(metadata: [String: String] = [:]) throws -> String {
    var contents = SafetensorsContents(metadata: metadata)
    contents.add("a", Tensor<Float>([1, -2.5, 3], shape: [3]))
    contents.add("b", Tensor<Double>([.pi, 1e300], shape: [2, 1]))
    contents.addComplex("c", shape: [2]) { [Float](arrayLiteral: 1, 2, 3, 4) }
    contents.add("empty", Tensor<Float>([], shape: [0, 7]))
    let path = folder.file("example.safetensors")
    try contents.write(to: path)
    return path
  }

  /// https://github.com/Cyan4973/xxHash: its own known answers, and one longer than a stripe, in pieces.
  @Test func hashHasItsKnownAnswers() {
    func hash(_ text: String) -> String {
      var hash = XXHash64()
      hash.update(Array(text.utf8))
      return hash.hexadecimal
    }
    #expect(hash("") == "ef46db3751d8e999")
    #expect(hash("a") == "d24ec4f1a98c6e5b")
    #expect(hash("abc") == "44bc2cf5ad770999")
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * $0) }
    var whole = XXHash64()
    whole.update(bytes)
    #expect(whole.value == 0xd76b_02b6_e24e_57a5)
    for piece in [1, 7, 31, 32, 33, 100] {
      var parts = XXHash64()
      for start in stride(from: 0, to: bytes.count, by: piece) {
        parts.update(Array(bytes[start..<min(start + piece, bytes.count)]))
      }
      #expect(parts.value == whole.value)
    }
  }

  @Test func whatIsWrittenComesBack() throws {
    let file = try SafetensorsFile(path: example(metadata: ["words": "\"quoted\" / ünïcode\n"]))
    #expect(file.metadata["words"] == "\"quoted\" / ünïcode\n")
    #expect(Set(file.tensors.map(\.name)) == ["a", "b", "c", "empty"])
    #expect(try file.tensor("a", as: Float.self).values == [1, -2.5, 3])
    #expect(try file.tensor("b", as: Double.self).values == [.pi, 1e300])
    #expect(try file.tensor("b", as: Double.self).shape == [2, 1])
    #expect(file["c"]?.type == .complex64)
    #expect(try file.tensor("c", as: Float.self).shape == [2, 2])
    #expect(try file.tensor("c", as: Double.self).values == [1, 2, 3, 4])
    #expect(try file.tensor("empty", as: Float.self).shape == [0, 7])
    #expect(throws: CheckpointError.missingParameter(file: file.path, parameter: "d")) {
      try file.tensor("d", as: Float.self)
    }
    #expect(folder.names == ["example.safetensors"])
  }

  /// Every single byte, header and data alike, and every length.
  @Test func everyFlippedByteAndEveryCutIsFound() throws {
    let bytes = [UInt8](
      try Data(
        contentsOf: URL(fileURLWithPath: example(metadata: ["format": "operators", "format_version": "1"]))))
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 1 << UInt8(index % 8)
      #expect(error(opening: try write(damaged)) != nil, "byte \(index)")
    }
    for length in bytes.indices {
      switch error(opening: try write(Array(bytes[..<length]))) {
      case .truncated: break
      case let other: Issue.record("cut to \(length): \(String(describing: other))")
      }
    }
    #expect(error(opening: try write(bytes + [0])) != nil)
    #expect(error(opening: try write(bytes)) == nil)
  }

  @Test func filesWithoutOurDigestAreAccepted() throws {
    for metadata in ["", #""__metadata__":{"digest":"sha256:of something else"},"#] {
      let header = "{\(metadata)" + #""x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
      let file = try SafetensorsFile(path: write(header: header, data: [0, 0, 128, 63]))
      #expect(try file.tensor("x", as: Float.self).values == [1])
    }
  }

  @Test func storedTypesAreConverted() throws {
    func values(_ type: String, _ bytes: [UInt8], count: Int) throws -> [Double] {
      let header = #"{"x":{"dtype":"\#(type)","shape":[\#(count)],"data_offsets":[0,\#(bytes.count)]}}"#
      return try SafetensorsFile(path: write(header: header, data: bytes)).tensor("x").values
    }
    // 1, −2, the largest, the smallest, −∞.
    #expect(
      try values("F16", [0, 0x3c, 0, 0xc0, 0xff, 0x7b, 1, 0, 0, 0xfc], count: 5)
        == [1, -2, 65504, 0x1p-24, -.infinity])
    #expect(try values("BF16", [0x80, 0x3f, 0x49, 0x40], count: 2) == [1, 3.140625])
    #expect(try values("I64", [0xfe, 255, 255, 255, 255, 255, 255, 255], count: 1) == [-2])
    #expect(try values("I32", [0, 1, 0, 0], count: 1) == [256])
    #expect(try values("U8", [200, 3], count: 2) == [200, 3])
    #expect(try values("BOOL", [0, 1], count: 2) == [0, 1])
  }

  @Test(arguments: [
    (#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, "size"),
    (#"{"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#, "too large"),
    (#"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, "negative"),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, "negative"),
    (#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4]}}"#, "negative"),
    (#"{"x":{"dtype":"F12","shape":[1],"data_offsets":[0,4]}}"#, "unknown type 'F12'"),
    (#"{"x":{"dtype":"F32","shape":[0.5],"data_offsets":[0,4]}}"#, ""),
    (#"{"x":{"dtype":"F32","data_offsets":[0,4]}}"#, "lacks 'shape'"),
    (#"{"x":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#, "do not follow"),
    (
      #"{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"y":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
      "do not follow"
    ),
    (#"{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}"#, "1 bytes belong to no tensor"),
    (
      #"{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"x":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}"#,
      ""
    ),
    (#"{"__metadata__":{"n":1},"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, "wrong type"),
    (#"["x"]"#, ""),
    (#"{"x":"#, "not JSON"),
  ])
  func contradictoryHeadersAreRefused(header: String, reason: String) throws {
    let path = try write(header: header, data: [1, 2, 3, 4])
    guard case .damagedHeader(let file, let found) = error(opening: path) else {
      Issue.record("\(header): \(String(describing: error(opening: path)))")
      return
    }
    #expect(file == path)
    #expect(reason.isEmpty || found.contains(reason), "\(found)")
  }

  @Test func absurdLengthsAreRefused() throws {
    for length: UInt64 in [0, 1, 100_000_001, .max] {
      let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) }
      let error = error(opening: try write(bytes + [UInt8](repeating: 0x20, count: 64)))
      guard case .damagedHeader = error else {
        Issue.record("\(length): \(String(describing: error))")
        continue
      }
    }
  }

  @Test(arguments: [Array("CDF\u{5}1234".utf8), [0x89] + Array("HDF\r\n\u{1a}\n".utf8)])
  func dataAreToldFromWeights(beginning: [UInt8]) throws {
    let path = try write(beginning + [UInt8](repeating: 0, count: 64))
    #expect(error(opening: path) == .damagedHeader(file: path, reason: "it is NetCDF data"))
  }

  @Test func missingFilesAndFoldersAreNamed() throws {
    let path = folder.file("none.safetensors")
    #expect(error(opening: path) == .notFound(file: path))
    guard case .unreadable = error(opening: folder.path) else {
      Issue.record("a folder is no file")
      return
    }
    let target = folder.file("no/folder.safetensors")
    #expect(throws: CheckpointError.cannotCreate(file: target, reason: "No such file or directory")) {
      try SafetensorsContents().write(to: target)
    }
  }

  /// A file that cannot be written whole leaves the one before it.
  @Test func aFailedWriteLeavesWhatWasThere() throws {
    struct Refusal: Error {}
    let path = try example()
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    #if os(Linux)
      // The disk that is always full.
      let full = folder.file("full.safetensors")
      try FileManager.default.createSymbolicLink(atPath: full + ".partial", withDestinationPath: "/dev/full")
      var contents = SafetensorsContents()
      contents.add("x", Tensor<Float>.zeros([1000]))
      #expect(throws: CheckpointError.writeFailed(file: full, reason: "No space left on device")) {
        try contents.write(to: full)
      }
      #expect(!FileManager.default.fileExists(atPath: full))
      #expect(!FileManager.default.fileExists(atPath: full + ".partial"))
    #endif
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }
}
