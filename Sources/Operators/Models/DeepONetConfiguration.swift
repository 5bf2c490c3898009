// Everything that a deep operator network is built from.

import Autodiff
import Tensors

/// The configuration of a ``DeepONet``.
public struct DeepONetConfiguration: Sendable, Codable, Equatable {
  /// Where the functions come from in which the output is a sum.
  public enum Basis: String, Sendable, Codable, CaseIterable {
    /// A second network of the coordinates, the trunk.
    case trunk
    /// The leading singular vectors of the training outputs (Lu et al. 2022).
    case pod
  }

  /// How branch and trunk are divided among several outputs; DeepXDE's strategies under its names.
  public enum MultiOutput: String, Sendable, Codable, CaseIterable {
    /// A branch and a trunk for each.
    case independent
    /// Each has its part of both networks' last layers.
    case splitBoth = "split_both"
    /// Each has its part of the branch; all share the trunk.
    case splitBranch = "split_branch"
    /// All share the branch; each has its part of the trunk.
    case splitTrunk = "split_trunk"
  }

  /// What becomes of functions that are sampled at other points than the model's sensors.
  public enum OtherSensors: String, Sendable, Codable, CaseIterable {
    /// They are interpolated linearly to the sensors, with a warning.
    case interpolate
    case refuse
    /// As many values as there are sensors are taken as they are: where the sensors are is not known.
    case accept
  }

  public var inChannels: Int
  public var outChannels: Int
  public var basis = Basis.trunk
  /// The points of the grid of sensors along each axis; empty until the data say it.
  public var sensors: [Int] = []
  /// Coordinates of a query point; 0 until the data say it.
  public var queryDimensions = 0
  /// The outputs of the branch's layers, the last one the number of coefficients.
  public var branch = [128, 128, 128]
  /// The outputs of the trunk's layers.
  public var trunk = [128, 128, 128]
  public var activation = Activation.tanh
  /// Nil: as the branch.
  public var trunkActivation: Activation?
  public var bias = true
  public var multiOutput = MultiOutput.splitBranch
  /// Channels of convolutions that come before the branch's layers; empty for none.
  public var convolutions: [Int] = []
  public var convolutionKernel = 5
  public var convolutionStride = 2
  public var convolutionPadding = ConvolutionPadding.zeros
  /// For each coordinate of a query point how many cosines and sines of period 1 stand for it, 0 for the coordinate
  /// itself; empty: 0 for all.
  public var harmonics: [Int] = []
  /// Random cosines of the trunk's inputs, and as many sines, that take their place; 0 for none.
  public var fourierFeatures = 0
  /// The standard deviation of their wavenumbers.
  public var fourierScale = 1.0
  /// What the coordinates, in [0, 1], are mapped to before the trunk sees them: a lower and an upper bound for each;
  /// empty: nothing is mapped.
  public var coordinateRange: [[Double]] = []
  public var otherSensors = OtherSensors.interpolate
  /// Of a POD basis: the shape of the points that it is given at; empty until the data say it.
  public var queryShape: [Int] = []
  /// Of a POD basis: whether these points form no grid.
  public var queriesAreScattered = false

  public init(inChannels: Int, outChannels: Int, basis: Basis = .trunk) {
    self.inChannels = inChannels
    self.outChannels = outChannels
    self.basis = basis
  }

  /// Products in the sum of one output.
  var terms: Int {
    let width = branch.last ?? 0
    guard basis == .trunk, outChannels > 1 else { return width }
    return switch multiOutput {
    case .independent, .splitTrunk: width
    case .splitBoth, .splitBranch: width / outChannels
    }
  }

  /// The branch's input after the convolutions.
  var branchInput: Int {
    guard !convolutions.isEmpty else { return sensors.reduce(inChannels, *) }
    return convolvedGrid.reduce(convolutions[convolutions.count - 1], *)
  }

  private var convolvedGrid: [Int] {
    convolutions.reduce(sensors) { grid, _ in
      grid.map {
        ConvolutionLayer<Float>.outputCount(
          $0, kernel: convolutionKernel, stride: convolutionStride, padding: convolutionPadding)
      }
    }
  }

  /// Numbers that the trunk sees of a point.
  var trunkInput: Int { fourierFeatures > 0 ? 2 * fourierFeatures : embeddedDimensions }

  var embeddedDimensions: Int {
    harmonics.isEmpty ? queryDimensions : harmonics.reduce(0) { $0 + ($1 == 0 ? 1 : 2 * $1) }
  }

  private static let largestSize = 1 << 20

  /// What is wrong with the configuration, in words that name the key; nil where nothing is. What the data have not
  /// said yet is not wrong.
  public var problem: String? {
    func outside(_ key: String, _ values: [Int], atLeast least: Int = 1) -> String? {
      values.first { $0 < least || $0 > Self.largestSize }
        .map { "\(key): from \(least) to \(Self.largestSize), not \($0)" }
    }
    if let problem = outside("in_channels", [inChannels]) ?? outside("out_channels", [outChannels])
      ?? outside("sensors", sensors) ?? outside("branch", branch) ?? outside("convolutions", convolutions)
      ?? outside("harmonics", harmonics, atLeast: 0)
      ?? outside("fourier_features", [fourierFeatures], atLeast: 0)
    {
      return problem
    }
    if branch.isEmpty { return "branch: at least one layer" }
    if !convolutions.isEmpty {
      if sensors.count > 2 { return "convolutions: for sensors on one or two axes, not \(sensors.count)" }
      if !(1...64).contains(convolutionKernel) {
        return "convolution_kernel: from 1 to 64, not \(convolutionKernel)"
      }
      if !(1...64).contains(convolutionStride) {
        return "convolution_stride: from 1 to 64, not \(convolutionStride)"
      }
      if !sensors.isEmpty, convolvedGrid.contains(0) {
        return "convolutions: \(convolutions.count) of them leave no point of \(sensors) sensors"
      }
    }
    return basis == .trunk ? trunkProblem(outside) : nil
  }

  private func trunkProblem(_ outside: (String, [Int], Int) -> String?) -> String? {
    if let problem = outside("trunk", trunk, 1) { return problem }
    guard let coefficients = branch.last, let functions = trunk.last else {
      return "trunk: at least one layer"
    }
    if queryDimensions > 0 {
      if !harmonics.isEmpty, harmonics.count != queryDimensions {
        return "harmonics: one number for each of \(queryDimensions) coordinates, not \(harmonics.count)"
      }
      if !coordinateRange.isEmpty, coordinateRange.count != queryDimensions {
        return
          "coordinate_range: bounds for each of \(queryDimensions) coordinates, not \(coordinateRange.count)"
      }
    }
    if coordinateRange.contains(where: { $0.count != 2 || !($0[0] < $0[1]) }) {
      return "coordinate_range: a lower and an upper bound for each coordinate"
    }
    if !(fourierScale > 0 && fourierScale.isFinite) {
      return "fourier_scale: a positive number, not \(fourierScale)"
    }
    let (branchParts, trunkParts) = parts
    if coefficients % branchParts != 0 {
      return "branch: a last layer that \(branchParts) outputs can share, not \(coefficients)"
    }
    if functions % trunkParts != 0 {
      return "trunk: a last layer that \(trunkParts) outputs can share, not \(functions)"
    }
    if coefficients / branchParts != functions / trunkParts {
      return "branch: as many coefficients an output as the trunk has functions, "
        + "\(functions / trunkParts), not \(coefficients / branchParts)"
    }
    return nil
  }

  /// How many outputs divide the last layers of branch and trunk.
  private var parts: (branch: Int, trunk: Int) {
    switch multiOutput {
    case .independent: (1, 1)
    case .splitBoth: (outChannels, outChannels)
    case .splitBranch: (outChannels, 1)
    case .splitTrunk: (1, outChannels)
    }
  }

  /// What is absent has its default; what the data say may be absent.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func value<T: Decodable>(_ key: CodingKeys, _ fallback: T) throws -> T {
      try values.decodeIfPresent(T.self, forKey: key) ?? fallback
    }
    self.init(inChannels: try value(.inChannels, 0), outChannels: try value(.outChannels, 0))
    basis = try value(.basis, basis)
    sensors = try value(.sensors, sensors)
    queryDimensions = try value(.queryDimensions, queryDimensions)
    branch = try value(.branch, branch)
    trunk = try value(.trunk, basis == .pod ? [] : trunk)
    activation = try value(.activation, activation)
    trunkActivation = try values.decodeIfPresent(Activation.self, forKey: .trunkActivation)
    bias = try value(.bias, bias)
    multiOutput = try value(.multiOutput, multiOutput)
    convolutions = try value(.convolutions, convolutions)
    convolutionKernel = try value(.convolutionKernel, convolutionKernel)
    convolutionStride = try value(.convolutionStride, convolutionStride)
    convolutionPadding = try value(.convolutionPadding, convolutionPadding)
    harmonics = try value(.harmonics, harmonics)
    fourierFeatures = try value(.fourierFeatures, fourierFeatures)
    fourierScale = try value(.fourierScale, fourierScale)
    coordinateRange = try value(.coordinateRange, coordinateRange)
    otherSensors = try value(.otherSensors, otherSensors)
    queryShape = try value(.queryShape, queryShape)
    queriesAreScattered = try value(.queriesAreScattered, queriesAreScattered)
  }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case basis, sensors, branch, trunk, activation, bias, convolutions, harmonics
    case inChannels = "in_channels"
    case outChannels = "out_channels"
    case queryDimensions = "query_dimensions"
    case trunkActivation = "trunk_activation"
    case multiOutput = "multi_output"
    case convolutionKernel = "convolution_kernel"
    case convolutionStride = "convolution_stride"
    case convolutionPadding = "convolution_padding"
    case fourierFeatures = "fourier_features"
    case fourierScale = "fourier_scale"
    case coordinateRange = "coordinate_range"
    case otherSensors = "other_sensors"
    case queryShape = "query_shape"
    case queriesAreScattered = "queries_are_scattered"
  }
}
