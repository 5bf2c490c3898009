import Foundation
import PDEData
import Tensors

/// A folder for the files of one test, removed with it.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "pdedata-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }

  func write(_ name: String, _ data: Data) throws -> String {
    try data.write(to: url.appending(path: name))
    return path(name)
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
}

/// A small dataset `a(sample, y, x)`, `w(sample, time, y, x)`, `viscosity(sample)` whose values tell their place.
enum SmallDataset {
  static let grid = Grid(axes: [
    Grid.Axis(name: "y", count: 3, placement: .nodes), Grid.Axis(name: "x", count: 4, placement: .periodic),
  ])
  static let times = [0.5, 1.0, 1.5, 2.0, 2.5]

  static func schema(samples: Int, firstSample: Int = 0, seed: UInt64 = 7) -> DatasetSchema {
    var schema = DatasetSchema(sampleCount: samples, firstSample: firstSample, grid: grid, times: times)
    schema.attributes = [
      Attribute("Conventions", "CF-1.11"), Attribute("equation", "test"),
      Attribute("viscosity", .reals([1e-3], .float64)), Attribute("seed", .unsigned([seed])),
      Attribute("sample_ranges", "seed \(seed): \(firstSample):\(firstSample + samples)"),
      Attribute("history", "today"),
    ]
    schema.addField("a", type: .float32, hasTime: false, axes: ["y", "x"], longName: "coefficient")
    schema.addField("w", type: .float64, hasTime: true, axes: ["y", "x"], longName: "vorticity")
    schema.addScalar("viscosity", longName: "kinematic viscosity")
    schema.addStatus()
    return schema
  }

  static func a(_ sample: Int, _ point: Int) -> Double { Double(1000 * sample + point) }
  static func w(_ sample: Int, _ time: Int, _ point: Int) -> Double {
    Double(sample) + Double(time) / 8 + Double(point) / 1024
  }

  static func writeSamples(
    _ samples: Range<Int>, firstSample: Int = 0, to writer: DatasetWriter
  ) throws(DatasetError) {
    let numbers = samples.map { $0 + firstSample }
    let points = grid.pointCount
    let a = numbers.flatMap { sample in (0..<points).map { Float(SmallDataset.a(sample, $0)) } }
    let w = numbers.flatMap { sample in
      times.indices.flatMap { time in (0..<points).map { SmallDataset.w(sample, time, $0) } }
    }
    try writer.write("a", samples: samples, values: a)
    try writer.write("w", samples: samples, values: w)
    try writer.write("viscosity", samples: samples, numbers: numbers.map { 1e-3 * Double($0 + 1) })
    try writer.complete(samples, status: samples.map { _ in .solved })
  }

  @discardableResult
  static func make(
    _ path: String, samples: Int, firstSample: Int = 0, seed: UInt64 = 7
  ) throws(DatasetError) -> String {
    let writer = try DatasetWriter(
      path: path, schema: schema(samples: samples, firstSample: firstSample, seed: seed))
    try writeSamples(0..<samples, firstSample: firstSample, to: writer)
    try writer.finish()
    return path
  }
}
