// The section `model` of an experiment: which architecture, and what it is built from.

import Operators
import Tensors

/// The configuration of a model of any kind. In files its `kind` stands beside the keys of that kind.
public enum ModelConfiguration: Codable, Sendable, Equatable {
  /// Dense or tensorized.
  case fno(FNOConfiguration)
  /// With a trunk or with a POD basis.
  case deepONet(DeepONetConfiguration)
  case uNet(UNetConfiguration)
  case factorizedFNO(FactorizedFNOConfiguration)
  /// Operators of any of these kinds, each trained on what those before it leave.
  case ensemble(EnsembleConfiguration)
  /// A model of any kind on patches of the domain. Its channels are those of the whole; the coarser levels that the
  /// patches have beside them are added where the model is made.
  indirect case multigrid(MultigridConfiguration, ModelConfiguration)

  public enum Kind: String, Codable, Sendable, CaseIterable {
    case fno
    /// An FNO with factorized spectral weights, by default in Tucker form.
    case tfno
    case deepONet = "deeponet"
    /// A DeepONet whose basis functions are found in the training outputs.
    case podDeepONet = "pod-deeponet"
    case uNet = "unet"
    /// An FNO whose convolutions take one axis at a time.
    case factorizedFNO = "ffno"
    /// A first operator, and others trained on the residual.
    case specBoost = "specboost"
  }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case kind, multigrid
  }

  /// What is said of a rank where weights are dense.
  static let dense =
    "expected kind: tfno, or a factorization (tucker, cp, tt) beside it; a dense fno has no ranks"

  public var kind: Kind {
    switch self {
    case .fno(let configuration): configuration.factorization == .dense ? .fno : .tfno
    case .deepONet(let configuration): configuration.basis == .pod ? .podDeepONet : .deepONet
    case .uNet: .uNet
    case .factorizedFNO: .factorizedFNO
    case .ensemble: .specBoost
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
      if kind == .fno, keys.contains(.rank), !keys.contains(.factorization) {
        throw DecodingError.dataCorruptedError(
          forKey: .rank, in: keys,
          debugDescription:
            "kind: tfno, or a factorization (tucker, cp, tt) beside it; a dense fno has no ranks")
      }
      configuration.inChannels = try keys.decode(.inChannels, default: 0)
      configuration.outChannels = try keys.decode(.outChannels, default: 0)
      configuration.factorization = try keys.decode(
        .factorization, default: kind == .tfno ? .tucker : .dense)
      if kind == .tfno, configuration.factorization == .dense {
        throw DecodingError.dataCorruptedError(
          forKey: .factorization, in: keys,
          debugDescription: "expected tucker, cp or tt for kind: tfno, found dense")
      }
      self = .fno(configuration)
    case .deepONet, .podDeepONet:
      var configuration = try DeepONetConfiguration(from: decoder)
      if kind == .podDeepONet { configuration.basis = .pod }
      self = .deepONet(configuration)
    case .uNet:
      self = .uNet(try UNetConfiguration(from: decoder))
    case .factorizedFNO:
      self = .factorizedFNO(try FactorizedFNOConfiguration(from: decoder))
    case .specBoost:
      self = .ensemble(try EnsembleConfiguration(from: decoder))
    }
    if let multigrid = try values.decodeIfPresent(MultigridConfiguration.self, forKey: .multigrid) {
      self = .multigrid(multigrid, self)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    if case .multigrid(let multigrid, let base) = self {
      try base.encode(to: encoder)
      try values.encode(multigrid, forKey: .multigrid)
    } else {
      try values.encode(kind, forKey: .kind)
      try architecture.encode(to: encoder)
    }
  }

  var architecture: any Architecture {
    get {
      switch self {
      case .fno(let configuration): configuration
      case .deepONet(let configuration): configuration
      case .uNet(let configuration): configuration
      case .factorizedFNO(let configuration): configuration
      case .ensemble(let configuration): configuration
      case .multigrid(let multigrid, let base): PatchedArchitecture(multigrid: multigrid, base: base)
      }
    }
    set {
      switch newValue {
      case let configuration as FNOConfiguration: self = .fno(configuration)
      case let configuration as DeepONetConfiguration: self = .deepONet(configuration)
      case let configuration as UNetConfiguration: self = .uNet(configuration)
      case let configuration as FactorizedFNOConfiguration: self = .factorizedFNO(configuration)
      case let configuration as EnsembleConfiguration: self = .ensemble(configuration)
      case let patched as PatchedArchitecture: self = .multigrid(patched.multigrid, patched.base)
      default: preconditionFailure("every architecture is a model's")
      }
    }
  }

  /// Grid axes that the model's input has; 0 where it may have any number.
  public var dimensions: Int { architecture.dimensions }

  /// The wavenumbers that the model keeps along each axis, where they can grow while training; nil where not.
  public var modes: [Int]? { architecture.growingModes }

  public var channels: (inputs: Int, outputs: Int) {
    get { (architecture.inChannels, architecture.outChannels) }
    set {
      var changed = architecture
      changed.inChannels = newValue.inputs
      changed.outChannels = newValue.outputs
      architecture = changed
    }
  }

  /// What is wrong with the configuration, beginning with the key; nil where nothing is.
  public var problem: String? { architecture.problem }

  /// A model with parameters drawn from `seed`. The configuration must have no ``problem``.
  public func makeModel(seed: UInt64? = 0) -> any NeuralOperator<Float> {
    architecture.makeModel(seed: seed)
  }

  /// Why the model cannot be applied to a grid of this shape; nil where it can.
  func problem(grid shape: [Int]) -> String? { architecture.problem(grid: shape) }

  /// Whether outputs may lie at other points than inputs.
  var separatesGrids: Bool { architecture.separatesGrids }

  /// Takes over from the data what the configuration does not state: channels, places of sensors.
  mutating func adapt(to data: OperatorData) throws {
    channels = (data.inputs.channelCount, data.outputs?.channelCount ?? 0)
    try architecture.adapt(to: data)
  }

  /// The axes of a grid that have fewer points than the model needs: how many they have and how many it takes.
  func coarseAxes(of grid: Grid) -> [CoarseAxis] {
    architecture.coarseAxes(of: grid)
  }
}
