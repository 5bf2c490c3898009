// One input field of a problem: a random one, one from a file, or one that a formula gives.

import Spectral
import Tensors

/// The values of an input field for any sample, on one grid.
enum InputField: Sendable {
  case random(GaussianSampler, seed: UInt64, purpose: RandomPurpose = GaussianMeasure.purpose)
  /// A random field around a mean.
  case randomAround(Double, GaussianSampler, seed: UInt64)
  case dataset(DatasetReader, DatasetVariable)
  /// What is not zero at the ends of the axes is refused.
  case zeroEndedDataset(DatasetReader, DatasetVariable)
  /// Of a sample's number, on any grid.
  case function(@Sendable (_ sample: Int, _ grid: Grid) -> Tensor<Double>)

  /// What is taken for zero at the ends, relative to the largest value: roundoff of single precision.
  private static let endTolerance = 1e-6

  func values(sample: Int) throws(DatasetError) -> Tensor<Double> {
    switch self {
    case .random(let sampler, let seed, let purpose):
      return sampler.sample(seed: seed, sample: UInt64(sample), purpose: purpose)
    case .randomAround(let mean, let sampler, let seed):
      var values = sampler.sample(seed: seed, sample: UInt64(sample))
      values += mean
      return values
    case .dataset(let reader, let variable):
      let block: Tensor<Double> = try reader.read(variable, samples: [sample])
      return block.reshaped(Array(block.shape.dropFirst()))
    case .zeroEndedDataset(let reader, let variable):
      var values = try InputField.dataset(reader, variable).values(sample: sample)
      if let found = values.clearEnds(tolerance: Self.endTolerance) {
        throw DatasetError(
          .invalidData, path: reader.path, variable: variable.name,
          "sample \(sample) has the value \(found) at an end; zero was expected")
      }
      return values
    case .function: preconditionFailure("a formula is evaluated on a grid of its own")
    }
  }

  /// A field of a file and the grid on which it lies, which has to have this many axes, evenly spaced unless
  /// `allowsStretched`; all its values are finite.
  static func find(
    _ name: String, in reader: DatasetReader, rank: Int, allowsStretched: Bool = false
  ) throws(DatasetError) -> (variable: DatasetVariable, grid: Grid) {
    let variable = try reader.variable(name)
    func failure(_ message: String) -> DatasetError {
      DatasetError(.invalidData, path: reader.path, variable: name, message)
    }
    guard variable.type.isNumeric else { throw failure("holds text, not numbers") }
    guard variable.roles.contains(.sample) else { throw failure("has no samples") }
    guard variable.roles.allSatisfy({ $0 == .sample || $0 == .grid }),
      variable.gridDimensions.count == rank
    else {
      throw failure(
        "\(rank) \(rank == 1 ? "axis" : "axes") beside the samples were expected, not \(variable.dimensions.map(\.name))"
      )
    }
    for dimension in variable.gridDimensions {
      let reading = try reader.axis(of: dimension)
      guard reading.isUniform || allowsStretched else {
        throw failure("its points along \(dimension.name) are not evenly spaced")
      }
      guard !reading.isDescending else {
        throw failure("its points along \(dimension.name) descend; ascending coordinates are wanted")
      }
    }
    let layout = try ChannelLayout(reader, selections: [FieldSelection(name)])
    try layout.requireFinite(reader, samples: Array(0..<reader.sampleCount))
    return (variable, try reader.grid(of: variable))
  }
}

extension Tensor<Double> {
  /// Sets the first and last points along every axis to zero; gives a value that was not, beyond `tolerance` times the
  /// largest.
  fileprivate mutating func clearEnds(tolerance: Double) -> Double? {
    let (shape, strides) = (shape, strides)
    let limit = tolerance * maximumMagnitude()
    var stray: Double?
    withUnsafeMutableBuffer { values in
      for point in values.indices {
        let isEnd = shape.indices.contains {
          let position = point / strides[$0] % shape[$0]
          return position == 0 || position == shape[$0] - 1
        }
        guard isEnd else { continue }
        if abs(values[point]) > limit { stray = values[point] }
        values[point] = 0
      }
    }
    return stray
  }
}
