// An experiment: the data, the model and the training, with every default filled in.

import Operators

/// What a training run is made from, as its `experiment.yaml` says it.
///
/// ```yaml
/// data: {train: darcy.nc, inputs: [a], outputs: [u]}
/// model: {kind: fno, modes: [12, 12], width: 32}
/// training: {epochs: 100, learning_rate: 0.002}
/// ```
public struct Experiment: Codable, Sendable, Equatable {
  public var data: DataSection
  public var model: ModelConfiguration
  public var training: TrainingSection

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case data, model, training
  }

  public init(data: DataSection, model: ModelConfiguration, training: TrainingSection = TrainingSection()) {
    self.data = data
    self.model = model
    self.training = training
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    data = try values.decode(DataSection.self, forKey: .data)
    model = try values.decode(ModelConfiguration.self, forKey: .model)
    training = try values.decode(.training, default: TrainingSection())
  }

  /// - Throws: ``ExperimentError`` that names the key and its place.
  public init(_ document: ConfigurationDocument) throws {
    self = try document.decode()
    try validate(document)
  }

  /// The experiment as a complete YAML document.
  public func yaml() throws -> String { try ConfigurationDocument.yaml(self) }

  private func validate(_ document: ConfigurationDocument) throws {
    func fail(_ path: String, _ reason: String) -> ExperimentError {
      document.error(about: path, "\(path): \(reason)")
    }
    if let (key, reason) = data.problem { throw fail("data.\(key.rawValue)", reason) }
    if let problem = training.configuration.problem {
      throw fail("training.\(problem.key)", "expected \(problem.reason)")
    }
    try document.validate(model)
    if let growth = training.incrementalModes {
      guard let modes = model.modes else {
        throw fail("training.incremental_modes", "the modes of a \(model.kind.rawValue) cannot grow")
      }
      if let problem = growth.problem(modes: modes) {
        throw fail("training.\(problem.key)", "expected \(problem.reason)")
      }
    }
  }
}

extension ConfigurationDocument {
  /// The section `model` alone.
  public func model() throws -> ModelConfiguration {
    struct Sections: Decodable {
      var model: ModelConfiguration

      enum CodingKeys: String, CodingKey, CaseIterable { case model }
    }
    let model = try decode(Sections.self).model
    try validate(model)
    return model
  }

  /// With the architecture of the model that training begins with, as far as the section `model` does not say it; as it
  /// is where the section is of another kind.
  public func fillingModelFromInitialModel() throws -> ConfigurationDocument {
    guard let path = try text("training.initialize_from") else { return self }
    let model = try TrainedModel(path: path).description.model
    let kind = try text("model.kind") ?? model.kind.rawValue
    guard kind == model.kind.rawValue else { return self }
    var document = self
    try document.fill("model", from: model, origin: path)
    return document
  }

  fileprivate func validate(_ model: ModelConfiguration) throws {
    // A file says the rank of dense weights as it says every default; who asks for one by an option wants another model.
    if case .fno(let configuration) = model, configuration.factorization == .dense, isOption("model.rank") {
      throw error(about: "model.rank", "model.rank: \(ModelConfiguration.dense)")
    }
    var model = model
    // Channels that are not stated are no mistake yet.
    model.channels = (max(model.channels.inputs, 1), max(model.channels.outputs, 1))
    guard let problem = model.problem else { return }
    let parts = problem.split(separator: ":", maxSplits: 1).map { String($0.drop { $0 == " " }) }
    let path = "model.\(parts[0])"
    throw error(about: path, "\(path): " + (parts.count > 1 ? "expected \(parts[1])" : "is wrong"))
  }
}
