// The section `model` of an experiment: which architecture, and what it is built from.

import Operators
import Tensors

/// The configuration of a model of any kind. In files its `kind` stands beside the keys of that kind.
public enum ModelConfiguration: Codable, Sendable, Equatable {
  /// Dense or tensorized.
  case fno(FNOConfiguration)

  public enum Kind: String, Codable, Sendable, CaseIterable {
    case fno
    /// An FNO with factorized spectral weights, by default in Tucker form.
    case tfno
  }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case kind
  }

  public var kind: Kind {
    switch self {
    case .fno(let configuration): configuration.factorization == .dense ? .fno : .tfno
    }
  }

  /// Numbers of channels that the configuration does not state are 0: the data will say them.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let kind = try values.decode(.kind, default: Kind.fno)
    switch kind {
    case .fno, .tfno:
      var configuration = try FNOConfiguration(from: decoder)
      let keys = try decoder.container(keyedBy: FNOConfiguration.CodingKeys.self)
      configuration.inChannels = try keys.decode(.inChannels, default: 0)
      configuration.outChannels = try keys.decode(.outChannels, default: 0)
      configuration.factorization = try keys.decode(
        .factorization, default: kind == .tfno ? .tucker : .dense)
      self = .fno(configuration)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(kind, forKey: .kind)
    switch self {
    case .fno(let configuration): try configuration.encode(to: encoder)
    }
  }

  /// Grid axes that the model works on.
  public var dimensions: Int {
    switch self {
    case .fno(let configuration): configuration.dimensions
    }
  }

  /// The wavenumbers that the model keeps along each axis; nil where it has none.
  public var modes: [Int]? {
    switch self {
    case .fno(let configuration): configuration.modes
    }
  }

  public var channels: (inputs: Int, outputs: Int) {
    get {
      switch self {
      case .fno(let configuration): (configuration.inChannels, configuration.outChannels)
      }
    }
    set {
      switch self {
      case .fno(var configuration):
        (configuration.inChannels, configuration.outChannels) = newValue
        self = .fno(configuration)
      }
    }
  }

  /// What is wrong with the configuration, beginning with the key; nil where nothing is.
  public var problem: String? {
    switch self {
    case .fno(let configuration): configuration.problem
    }
  }

  /// A model with parameters drawn from `seed`. The configuration must have no ``problem``.
  public func makeModel(seed: UInt64? = 0) -> any NeuralOperator<Float> {
    switch self {
    case .fno(let configuration): FNO<Float>(configuration, seed: seed)
    }
  }

  /// The axes of a grid that have fewer points than the model's modes need: how many they have and how many it
  /// takes.
  func coarseAxes(of grid: Grid) -> [(axis: String, points: Int, needed: Int)] {
    switch self {
    case .fno(let configuration):
      zip(grid.axes, configuration.modes).enumerated().compactMap { index, pair in
        let (axis, modes) = pair
        // Padding adds points on both sides.
        let part = configuration.domainPadding.isEmpty ? 0 : configuration.domainPadding[index]
        let padding = Int((part * Double(axis.count)).rounded(.toNearestOrEven))
        return axis.count + 2 * padding < modes ? (axis.name, axis.count, modes - 2 * padding) : nil
      }
    }
  }
}
