// What a checkpoint's `configuration` holds: everything needed to build the model anew and to apply it to a dataset.

import Operators
import PDEData
import Tensors

/// A model's architecture, and what its inputs and outputs are.
public struct ModelDescription: Codable, Sendable, Equatable {
  public var model: ModelConfiguration
  public var fields: FieldMapping
  /// The grid of the training data; nil where it is not known (an imported model).
  public var trainingGrid: Grid?
  /// How many times each output with a `time` dimension had in the training data, all of them, not only those
  /// predicted.
  public var timeCounts: [String: Int]
  /// The samples that the model was trained on, where their dataset tells them.
  public var provenance: Provenance?
  /// Of an operator that steps through time, which channels are which times.
  public var rollout: RolloutLayout?

  public init(
    model: ModelConfiguration, fields: FieldMapping, trainingGrid: Grid? = nil,
    timeCounts: [String: Int] = [:], provenance: Provenance? = nil, rollout: RolloutLayout? = nil
  ) {
    self.model = model
    self.fields = fields
    self.trainingGrid = trainingGrid
    self.timeCounts = timeCounts
    self.provenance = provenance
    self.rollout = rollout
  }

  /// Channels that the model gives, all steps together.
  var outputChannels: Int { rollout?.outChannels ?? model.channels.outputs }

  /// The model, which steps through time where that is what it does.
  func makeModel(seed: UInt64?) -> any NeuralOperator<Float> {
    let base = model.makeModel(seed: seed)
    return rollout.map { RolloutOperator(base, layout: $0) } ?? base
  }

  public enum CodingKeys: String, CodingKey {
    case model, fields, provenance, rollout
    case trainingGrid = "training_grid"
    case timeCounts = "time_counts"
  }
}
