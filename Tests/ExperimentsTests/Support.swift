// What the tests of this target share: a folder of their own, small datasets, small experiments.

import Experiments
import Foundation
import PDEData
import Tensors

/// A folder that is removed with its owner.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "experiments-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// Writes a dataset of fields given by formulas of the sample, the time and the position, or, those in `tensors`, by
/// all their values.
func writeDataset(
  _ path: String, samples: Int, grid: Grid, times: [Double]? = nil,
  fields: [(name: String, hasTime: Bool, value: (_ sample: Int, _ time: Int, _ x: [Double]) -> Double)],
  tensors: [String: [Double]] = [:]
) throws {
  var schema = DatasetSchema(sampleCount: samples, grid: grid, times: times)
  for field in fields {
    schema.addField(
      field.name, type: .float32, hasTime: field.hasTime, axes: grid.axes.map(\.name), longName: field.name)
  }
  let writer = try DatasetWriter(path: path, schema: schema)
  let strides = Tensor<Double>.strides(of: grid.shape)
  let points = (0..<grid.pointCount).map { point in
    grid.axes.indices.map { grid.axes[$0].coordinates[point / strides[$0] % grid.shape[$0]] }
  }
  for field in fields {
    var values = tensors[field.name] ?? []
    if values.isEmpty {
      for sample in 0..<samples {
        for time in 0..<(field.hasTime ? times?.count ?? 1 : 1) {
          values += points.map { field.value(sample, time, $0) }
        }
      }
    }
    try values.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      try writer.write(field.name, samples: 0..<samples, values: base)
    }
  }
  try writer.complete(0..<samples, status: [SampleStatus](repeating: .solved, count: samples))
  try writer.finish()
}

/// `a(x)` and `u = 3 + a²/2 (+ x)`: something that a small operator can begin to learn.
func writeSquares(
  _ path: String, samples: Int = 12, shape: [Int] = [8, 8], placement: Grid.Placement = .periodic,
  a: ((_ sample: Int, _ x: [Double]) -> Double)? = nil
) throws {
  let names = ["z", "y", "x"].suffix(shape.count)
  let grid = Grid(axes: zip(names, shape).map { Grid.Axis(name: $0, count: $1, placement: placement) })
  func wave(_ sample: Int, _ x: [Double]) -> Double {
    let phase = 2 * Double.pi * x[0] + Double(sample)
    return sin(phase) + 0.25 * Double(sample % 3)
  }
  let input = a ?? wave
  func output(_ sample: Int, _ x: [Double]) -> Double {
    let value = input(sample, x)
    return 3 + 0.5 * value * value + x[x.count - 1]
  }
  try writeDataset(
    path, samples: samples, grid: grid,
    fields: [
      ("a", false, { sample, _, x in input(sample, x) }), ("u", false, { sample, _, x in output(sample, x) }),
    ])
}

func smallExperiment(_ data: String, _ changes: String...) throws -> Experiment {
  var document = try ConfigurationDocument(
    yaml: """
      data: {train: \(data), inputs: [a], outputs: [u]}
      model: {kind: fno, modes: [4, 4], width: 6, layers: 2}
      training: {epochs: 2, batch_size: 3, deterministic: true}
      """, file: "small.yaml")
  for change in changes { try document.set(change) }
  return try Experiment(document)
}

/// The exit code and the line that an error would end a command with.
func failure(_ body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch {
    return Failure(error)
  }
}

/// The values of a variable, all of them.
func values(_ path: String, _ variable: String) throws -> [Double] {
  let reader = try DatasetReader(path: path)
  let tensor: Tensor<Double> = try reader.read(reader.variable(variable))
  return tensor.values
}
