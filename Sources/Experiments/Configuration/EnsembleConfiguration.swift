// The configuration of an ensemble whose members are trained one after the other.

import Operators
import Tensors

/// An ensemble in the manner of SpecBoost: a first operator, then operators trained on what is left.
public struct EnsembleConfiguration: Architecture {
  /// One operator and how its training differs from that of the others.
  public struct Member: Codable, Sendable, Equatable {
    public var model: ModelConfiguration
    /// Nil: as `training` says.
    public var epochs: Int?
    public var learningRate: Double?
    /// Of the first member: a trained run or model that is taken as it is.
    public var run: String?

    public init(
      _ model: ModelConfiguration, epochs: Int? = nil, learningRate: Double? = nil, run: String? = nil
    ) {
      self.model = model
      self.epochs = epochs
      self.learningRate = learningRate
      self.run = run
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
      case epochs
      case learningRate = "learning_rate"
      case run
    }

    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      epochs = try values.decodeIfPresent(Int.self, forKey: .epochs)
      learningRate = try values.decodeIfPresent(Double.self, forKey: .learningRate)
      run = try values.decodeIfPresent(String.self, forKey: .run)
      let keys = try decoder.container(keyedBy: ModelConfiguration.CodingKeys.self)
      if let run, !keys.contains(.kind) {
        model = try TrainedModel(path: run).description.model
      } else {
        model = try ModelConfiguration(from: decoder)
      }
    }

    public func encode(to encoder: any Encoder) throws {
      try model.encode(to: encoder)
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encodeIfPresent(epochs, forKey: .epochs)
      try values.encodeIfPresent(learningRate, forKey: .learningRate)
      try values.encodeIfPresent(run, forKey: .run)
    }
  }

  public var members: [Member]
  /// Whether members after the first see the prediction that they correct.
  public var seesPrediction = true
  /// The part of the validation loss that a member must take away; less, and the ensemble ends before it.
  public var minimumGain = 0.0
  public var inChannels = 0
  public var outChannels = 0

  public init(_ members: [Member]) { self.members = members }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case members
    case seesPrediction = "sees_prediction"
    case minimumGain = "minimum_gain"
    case inChannels = "in_channels"
    case outChannels = "out_channels"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    members = try values.decode([Member].self, forKey: .members)
    seesPrediction = try values.decode(.seesPrediction, default: seesPrediction)
    minimumGain = try values.decode(.minimumGain, default: minimumGain)
    inChannels = try values.decode(.inChannels, default: inChannels)
    outChannels = try values.decode(.outChannels, default: outChannels)
  }

  var dimensions: Int { members.lazy.map(\.model.dimensions).first { $0 > 0 } ?? 0 }

  var problem: String? {
    if members.isEmpty { return "members: at least one" }
    if !(0..<1).contains(minimumGain) { return "minimum_gain: from 0 to below 1, not \(minimumGain)" }
    for (index, member) in members.enumerated() {
      func problem(_ text: String) -> String { "members.\(index).\(text)" }
      if case .ensemble = member.model { return problem("kind: no ensemble within an ensemble") }
      var model = member.model
      model.channels = (max(model.channels.inputs, 1), max(model.channels.outputs, 1))
      if let text = model.problem { return problem(text) }
      if member.model.dimensions > 0, member.model.dimensions != dimensions {
        return problem(
          "modes: \(dimensions) grid axes, as the other members have, not \(member.model.dimensions)")
      }
      if let epochs = member.epochs, epochs < 1 { return problem("epochs: at least 1, not \(epochs)") }
      if let rate = member.learningRate, !(rate > 0 && rate.isFinite) {
        return problem("learning_rate: a positive number, not \(rate)")
      }
      if member.run != nil, index > 0 {
        return problem("run: a trained run as the first member alone, the others correct it")
      }
    }
    return nil
  }

  /// The channels of each member: those after the first may see the prediction.
  private func channels(_ index: Int) -> (inputs: Int, outputs: Int) {
    (inChannels + (index > 0 && seesPrediction ? outChannels : 0), outChannels)
  }

  func makeModel(seed: UInt64?) -> any NeuralOperator<Float> {
    BoostedOperator(
      members.enumerated().map { index, member in
        var model = member.model
        model.channels = channels(index)
        return model.makeModel(seed: seed.map { $0 &+ UInt64(index) })
      }, inChannels: inChannels, outChannels: outChannels, seesPrediction: seesPrediction)
  }

  mutating func adapt(to data: OperatorData) throws {
    for index in members.indices {
      let (inputs, outputs) = channels(index)
      let stated = members[index].model.channels
      for (role, stated, found) in [("in", stated.inputs, inputs), ("out", stated.outputs, outputs)]
      where stated != 0 && stated != found {
        throw ExperimentError(
          .invalidData,
          "\(data.reader.path): model.members.\(index).\(role)_channels is \(stated), but this member has \(found)"
        )
      }
      try members[index].model.adapt(to: data)
      members[index].model.channels = (inputs, outputs)
    }
  }

  func problem(trainingSamples: Int) -> String? {
    for (index, member) in members.enumerated() {
      if let text = member.model.architecture.problem(trainingSamples: trainingSamples) {
        return "members.\(index).\(text)"
      }
    }
    return nil
  }

  func problem(grid shape: [Int]) -> String? {
    for (index, member) in members.enumerated() {
      if let text = member.model.problem(grid: shape) { return "model.members.\(index): \(text)" }
    }
    return nil
  }

  func warning(grid: Grid) -> String? {
    members.lazy.compactMap { $0.model.architecture.warning(grid: grid) }.first
  }

  func coarseAxes(of grid: Grid) -> [CoarseAxis] {
    for (index, member) in members.enumerated() {
      let axes = member.model.coarseAxes(of: grid)
      guard axes.isEmpty else { return axes.map { $0.within("members.\(index)") } }
    }
    return []
  }
}
