import Foundation
import PDEData
import Tensors
import Testing

@Suite struct ForeignFileTests {
  /// A file in NetCDF's classic format, written by hand: `u(batch, x)` of shorts, without coordinates.
  private static func classicFile(batch: UInt32, points: UInt32, values: [Int16]) -> Data {
    var bytes: [UInt8] = [0x43, 0x44, 0x46, 1]
    func word(_ value: UInt32) { withUnsafeBytes(of: value.bigEndian) { bytes += $0 } }
    func name(_ text: String) {
      word(UInt32(text.utf8.count))
      bytes += text.utf8
      bytes += [UInt8](repeating: 0, count: (4 - text.utf8.count % 4) % 4)
    }
    word(0)
    word(10); word(2)
    name("batch"); word(batch)
    name("x"); word(points)
    word(0); word(0)
    word(11); word(1)
    name("u"); word(2); word(0); word(1)
    word(0); word(0)
    word(3)
    word((batch * points * 2 + 3) / 4 * 4)
    word(UInt32(bytes.count + 4))
    for value in values { withUnsafeBytes(of: value.bigEndian) { bytes += $0 } }
    return Data(bytes)
  }

  @Test func classicFilesWithoutCoordinatesAreRead() throws {
    let folder = try TemporaryFolder()
    let data = Self.classicFile(batch: 3, points: 4, values: (0..<12).map { Int16($0 * $0) - 5 })
    let reader = try DatasetReader(path: folder.write("classic.nc", data))
    #expect(reader.sampleCount == 3)
    let layout = try ChannelLayout(reader, selections: [FieldSelection("u")])
    #expect(layout.grid.axes[0].coordinates == [0, 0.25, 0.5, 0.75])
    let tensor: Tensor<Float> = try layout.read(reader, samples: [2, 0])
    #expect(tensor.values == [59, 76, 95, 116, -5, -4, -1, 4])

    let error = #expect(throws: DatasetError.self) {
      try DatasetReader(path: folder.write("cut.nc", data.dropLast(10)))
    }
    #expect(error?.category == .invalidData)
  }

  @Test func filesThatCannotBeReadSayWhy() throws {
    let folder = try TemporaryFolder()
    let whole = try Data(contentsOf: URL(filePath: SmallDataset.make(folder.path("F.nc"), samples: 40)))
    let cases: [(String, Data, String)] = [
      ("garbage.nc", Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 37) }), "not a NetCDF file"),
      ("empty.nc", Data(), "is empty"),
      ("header.nc", whole.prefix(20), "truncated"),
      ("half.nc", whole.prefix(whole.count / 2), "truncated"),
      ("almost.nc", whole.dropLast(100), "truncated"),
    ]
    for (name, data, words) in cases {
      let error = #expect(throws: DatasetError.self) { try DatasetReader(path: folder.write(name, data)) }
      #expect(error?.category == .invalidData)
      #expect(error?.description.contains(name) == true)
      #expect(error?.description.contains(words) == true, "\(name): \(error?.description ?? "")")
    }
    let missing = #expect(throws: DatasetError.self) { try DatasetReader(path: folder.path("none.nc")) }
    #expect(missing?.category == .missingInput)
    let isFolder = #expect(throws: DatasetError.self) { try DatasetReader(path: folder.url.path) }
    #expect(isFolder?.category == .missingInput)
  }

  @Test func whatAFileLacksIsNamed() throws {
    let folder = try TemporaryFolder()
    let reader = try DatasetReader(path: SmallDataset.make(folder.path("F.nc"), samples: 2))
    for (selection, words) in [
      ("q", "has no variable q; it holds a, w"), ("w[0:6]", "has 5 times"), ("a[0]", "no time or channel"),
      ("x", "coordinate"), ("viscosity", "none has a grid"),
    ] {
      let error = #expect(throws: DatasetError.self) {
        try ChannelLayout(reader, selections: FieldSelection.list(selection))
      }
      #expect(error?.category == .invalidData)
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
    let layout = try ChannelLayout(reader, selections: [FieldSelection("a")])
    #expect(throws: DatasetError.self) { let _: Tensor<Float> = try layout.read(reader, samples: [2]) }
  }

  struct Coordinates: Sendable {
    var first: Double
    var spacing: Double
    var count: Int
    var placement: Grid.Placement
    var lower = 0.0
    var upper = 1.0

    static let examples: [Coordinates] = [
      Coordinates(first: 0, spacing: 1.0 / 16, count: 16, placement: .periodic),
      Coordinates(first: 0, spacing: 1.0 / 15, count: 16, placement: .nodes),
      Coordinates(first: 1.0 / 32, spacing: 1.0 / 16, count: 16, placement: .cells),
      Coordinates(first: 0, spacing: Double.pi / 32, count: 64, placement: .periodic, upper: 2 * Double.pi),
      Coordinates(first: -1, spacing: 2.0 / 256, count: 257, placement: .nodes, lower: -1),
      Coordinates(first: -1, spacing: 2.0 / 256, count: 256, placement: .periodic, lower: -1),
      Coordinates(first: 1.0 / 2048, spacing: 1.0 / 1024, count: 1024, placement: .cells),
      Coordinates(first: 0, spacing: 1.0 / 420, count: 421, placement: .nodes),
      Coordinates(first: 0, spacing: 0.5, count: 3, placement: .nodes),
      Coordinates(first: 0, spacing: 1.0 / 3, count: 3, placement: .periodic),
    ]
  }

  @Test(arguments: Coordinates.examples)
  func placementIsFoundFromCoordinates(example: Coordinates) throws {
    let folder = try TemporaryFolder()
    // In single precision, as files often have them.
    let coordinates = (0..<example.count).map { Double(Float(example.first + Double($0) * example.spacing)) }
    let schema = DatasetSchema(
      dimensions: [
        .init(name: "sample", length: 1, isUnlimited: true), .init(name: "x", length: example.count),
      ],
      variables: [
        .init(name: "x", type: .float32, dimensions: ["x"], fixedValues: .numbers(coordinates)),
        .init(name: "u", type: .float32, dimensions: ["sample", "x"]),
      ])
    let writer = try DatasetWriter(path: folder.path("F.nc"), schema: schema)
    try writer.finish()
    let reader = try DatasetReader(path: folder.path("F.nc"))
    let axis = try reader.grid(of: reader.variable("u")).axes[0]
    #expect(axis.placement == example.placement)
    #expect(abs(axis.lowerBound - example.lower) < 1e-5 && abs(axis.upperBound - example.upper) < 1e-5)
  }
}
