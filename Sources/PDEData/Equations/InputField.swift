// One input field of a problem: a random one, or one from a file.

import Spectral
import Tensors

/// The values of an input field for any sample, on one grid.
enum InputField: Sendable {
  case random(GaussianSampler, seed: UInt64, purpose: RandomPurpose = GaussianMeasure.purpose)
  case dataset(DatasetReader, DatasetVariable)

  func values(sample: Int) throws(DatasetError) -> Tensor<Double> {
    switch self {
    case .random(let sampler, let seed, let purpose):
      return sampler.sample(seed: seed, sample: UInt64(sample), purpose: purpose)
    case .dataset(let reader, let variable):
      let block: Tensor<Double> = try reader.read(variable, samples: [sample])
      return block.reshaped(Array(block.shape.dropFirst()))
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
      let isUniform = try reader.axis(of: dimension).isUniform
      guard isUniform || allowsStretched else {
        throw failure("its points along \(dimension.name) are not evenly spaced")
      }
    }
    let layout = try ChannelLayout(reader, selections: [FieldSelection(name)])
    try layout.requireFinite(reader, samples: Array(0..<reader.sampleCount))
    return (variable, try reader.grid(of: variable))
  }
}
