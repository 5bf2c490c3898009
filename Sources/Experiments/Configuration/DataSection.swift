// The section `data` of an experiment: which files, and what of them an operator sees.

import PDEData

/// Where samples come from and which variables are inputs and outputs.
public struct DataSection: Codable, Sendable, Equatable {
  /// What the times of variables become.
  public enum TimeRole: String, Codable, Sendable, CaseIterable {
    /// Each time is a channel.
    case channels
    /// Time is the slowest axis of the grid.
    case axis
  }

  /// The dataset that is trained on.
  public var train = ""
  /// The dataset that the best epoch is chosen on; without one, a part of the training samples.
  public var validation: String?
  /// The part of the training samples that is held out where there is no ``validation``; 0 for none.
  public var validationFraction = 0.1
  /// Variables, with slices of their times: `w[0:10]`. Empty: what the file itself names (`operator_inputs`).
  public var inputs: [String] = []
  public var outputs: [String] = []
  public var timeAs = TimeRole.channels
  /// Samples are kept in memory where they need no more than this, in MB of 10⁶ bytes; else they are read as they
  /// are used.
  public var memoryLimit = 4000.0

  public init(train: String, inputs: [String] = [], outputs: [String] = []) {
    self.train = train
    self.inputs = inputs
    self.outputs = outputs
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    train = try values.decode(String.self, forKey: .train)
    validation = try values.decodeIfPresent(String.self, forKey: .validation)
    validationFraction = try values.decode(.validationFraction, default: validationFraction)
    inputs = try values.decode(.inputs, default: inputs)
    outputs = try values.decode(.outputs, default: outputs)
    timeAs = try values.decode(.timeAs, default: timeAs)
    memoryLimit = try values.decode(.memoryLimit, default: memoryLimit)
  }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case train, validation, inputs, outputs
    case validationFraction = "validation_fraction"
    case timeAs = "time_as"
    case memoryLimit = "memory_limit_mb"
  }

  func selections(_ key: CodingKeys) throws -> [FieldSelection] {
    try (key == .inputs ? inputs : outputs).map { text in
      do {
        return try FieldSelection(parsing: text)
      } catch {
        throw ExperimentError(.invalidData, "data.\(key.rawValue): \(error)")
      }
    }
  }

  /// What is wrong with the numbers of the section.
  var problem: (key: CodingKeys, reason: String)? {
    if !(0..<1).contains(validationFraction) {
      return (.validationFraction, "expected a number from 0 to below 1, found \(validationFraction)")
    }
    if !(memoryLimit >= 0) { return (.memoryLimit, "expected 0 or more, found \(memoryLimit)") }
    return nil
  }
}

extension KeyedDecodingContainer {
  /// The value of a key, or, where it is absent or null, a default.
  func decode<T: Decodable>(_ key: Key, default value: T) throws -> T {
    try decodeIfPresent(T.self, forKey: key) ?? value
  }
}
