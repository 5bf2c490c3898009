// How errors grow along time.

import Operators
import PDEData
import Tensors

/// The error of one time of the outputs.
public struct TimeError: Sendable, Equatable {
  /// In the file's units; nil where it has no times, only their order.
  public let time: Double?
  /// Mean over samples of ‖p − t‖₂/‖t‖₂, norms over all channels and points of this time.
  public let relativeL2: Double?
  /// The root mean square over points of each sample and channel; its mean.
  public let rmse: Double?

  var json: JSONValue {
    ["time": .real(time), "relative_l2": .real(relativeL2), "rmse": .real(rmse)]
  }
}

/// Collects ``TimeError`` batch by batch.
struct TimeErrorCollector {
  private let times: [Double?]
  /// For each time the blocks of a sample that belong to it: channel by channel, or the axis's slices.
  private let blocks: [[Int]]
  private let blockSize: Int
  private var relative: [Double]
  private var roots: [Double]
  private var samples = 0

  /// Nil where the outputs have no more than one time.
  init?(_ data: OperatorData) throws {
    guard let outputs = data.outputs else { return nil }
    let points = outputs.grid.pointCount
    if data.mapping.timeAs == .axis, let axis = outputs.grid.axes.first, axis.name == "time" {
      guard axis.count > 1 else { return nil }
      times = axis.coordinates
      blocks = (0..<axis.count).map { time in
        (0..<outputs.channelCount).map { $0 * axis.count + time }
      }
      blockSize = points / axis.count
    } else {
      let indices = Set(outputs.channels.compactMap(\.timeIndex)).sorted()
      guard indices.count > 1 else { return nil }
      let variable = try data.reader.variable(data.mapping.outputs[0].variable)
      let known = try data.reader.times(of: variable)
      times = indices.map { index in known.flatMap { index < $0.count ? $0[index] : nil } }
      blocks = indices.map { index in
        outputs.channels.indices.filter { outputs.channels[$0].timeIndex == index }
      }
      blockSize = points
    }
    relative = times.map { _ in 0 }
    roots = times.map { _ in 0 }
  }

  mutating func add(prediction: Tensor<Float>, target: Tensor<Float>) {
    let count = target.shape[0]
    let size = target.count / max(count, 1)
    let (blocks, blockSize, sampleSize) = (blocks, blockSize, size)
    let difference = prediction - target
    difference.withUnsafeBuffer { errors in
      target.withUnsafeBuffer { values in
        for sample in 0..<count {
          for (time, own) in blocks.enumerated() {
            var (error, norm) = (0.0, 0.0)
            for block in own {
              let first = sample * sampleSize + block * blockSize
              var sum = 0.0
              for index in first..<first + blockSize {
                sum += Double(errors[index]) * Double(errors[index])
                norm += Double(values[index]) * Double(values[index])
              }
              error += sum
              roots[time] += (sum / Double(blockSize)).squareRoot() / Double(own.count)
            }
            relative[time] += (error / norm).squareRoot()
          }
        }
      }
    }
    samples += count
  }

  var values: [TimeError] {
    let count = Double(max(samples, 1))
    return times.indices.map {
      TimeError(time: times[$0], relativeL2: (relative[$0] / count).finite, rmse: (roots[$0] / count).finite)
    }
  }
}
