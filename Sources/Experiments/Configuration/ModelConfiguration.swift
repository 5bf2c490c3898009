// The section `model` of an experiment: which architecture, and what it is built from.

import Operators
import Tensors

/// The configuration of a model of any kind. In files its `kind` stands beside the keys of that kind.
public enum ModelConfiguration: Codable, Sendable, Equatable {
  /// Dense or tensorized.
  case fno(FNOConfiguration)
  /// A model of any kind on patches of the domain. Its channels are those of the whole; the coarser levels that the
  /// patches have beside them are added where the model is made.
  indirect case multigrid(MultigridConfiguration, ModelConfiguration)

  public enum Kind: String, Codable, Sendable, CaseIterable {
    case fno
    /// An FNO with factorized spectral weights, by default in Tucker form.
    case tfno
  }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case kind, multigrid
  }

  public var kind: Kind {
    switch self {
    case .fno(let configuration): configuration.factorization == .dense ? .fno : .tfno
    case .multigrid(_, let base): base.kind
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
    if let multigrid = try values.decodeIfPresent(MultigridConfiguration.self, forKey: .multigrid) {
      self = .multigrid(multigrid, self)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .fno(let configuration):
      try values.encode(kind, forKey: .kind)
      try configuration.encode(to: encoder)
    case .multigrid(let multigrid, let base):
      try base.encode(to: encoder)
      try values.encode(multigrid, forKey: .multigrid)
    }
  }

  /// Grid axes that the model works on.
  public var dimensions: Int {
    switch self {
    case .fno(let configuration): configuration.dimensions
    case .multigrid(_, let base): base.dimensions
    }
  }

  /// The wavenumbers that the model keeps along each axis; nil where it has none.
  public var modes: [Int]? {
    switch self {
    case .fno(let configuration): configuration.modes
    case .multigrid(_, let base): base.modes
    }
  }

  public var channels: (inputs: Int, outputs: Int) {
    get {
      switch self {
      case .fno(let configuration): (configuration.inChannels, configuration.outChannels)
      case .multigrid(_, let base): base.channels
      }
    }
    set {
      switch self {
      case .fno(var configuration):
        (configuration.inChannels, configuration.outChannels) = newValue
        self = .fno(configuration)
      case .multigrid(let multigrid, var base):
        base.channels = newValue
        self = .multigrid(multigrid, base)
      }
    }
  }

  /// What is wrong with the configuration, beginning with the key; nil where nothing is.
  public var problem: String? {
    switch self {
    case .fno(let configuration): configuration.problem
    case .multigrid(let multigrid, let base):
      multigrid.problem(dimensions: base.dimensions) ?? base.onPatches(multigrid).problem
    }
  }

  /// A model with parameters drawn from `seed`. The configuration must have no ``problem``.
  public func makeModel(seed: UInt64? = 0) -> any NeuralOperator<Float> {
    switch self {
    case .fno(let configuration): FNO<Float>(configuration, seed: seed)
    case .multigrid(let multigrid, let base):
      PatchedOperator(base.onPatches(multigrid).makeModel(seed: seed), multigrid)
    }
  }

  /// This model with the channels of all levels of patches.
  private func onPatches(_ multigrid: MultigridConfiguration) -> ModelConfiguration {
    var result = self
    result.channels.inputs *= multigrid.levels + 1
    return result
  }

  /// Why the model cannot be applied to a grid of this shape; nil where it can.
  func problem(grid shape: [Int]) -> String? {
    switch self {
    case .fno: nil
    case .multigrid(let multigrid, let base):
      MultigridPatching.problem(shape: shape, multigrid) ?? base.problem(grid: shape)
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
    case .multigrid(let multigrid, let base):
      base.coarseAxes(of: Self.patchGrid(multigrid, grid))
    }
  }

  /// The grid of a patch.
  private static func patchGrid(_ multigrid: MultigridConfiguration, _ grid: Grid) -> Grid {
    guard multigrid.levels > 0, MultigridPatching.problem(shape: grid.shape, multigrid) == nil else {
      return grid
    }
    let patching = MultigridPatching(multigrid, shape: grid.shape)
    var result = grid
    for axis in grid.axes.indices {
      result.axes[axis].count = patching.patchSizes[axis] + 2 * patching.margins[axis]
    }
    return result
  }
}
