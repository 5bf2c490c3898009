// The constructor arguments of DeepXDE's `DeepONetCartesianProd`, read from JSON.

import Autodiff
import Foundation

extension DeepONetConfiguration {
  /// Reads `layer_sizes_branch`, `layer_sizes_trunk`, `activation`, `num_outputs` and `multi_output_strategy` from a JSON
  /// object, and two keys that DeepXDE does not have: `input_channels` where the sensors hold several fields (1), and
  /// `coordinate_range`, the bounds of each coordinate in the domain that the model was trained on ([0, 1]).
  ///
  /// Where the sensors are DeepXDE does not know: as many values as there are sensors are taken as they are.
  ///
  /// - Throws: ``ConfigurationError`` for a key that is unknown or missing, or an option without counterpart here.
  public init(deepXDEJSON json: Data) throws {
    let known: Set<String> = [
      "layer_sizes_branch", "layer_sizes_trunk", "activation", "num_outputs", "multi_output_strategy",
      "input_channels", "coordinate_range", "kernel_initializer", "regularization",
    ]
    guard let object = (try? JSONSerialization.jsonObject(with: json)) as? [String: Any] else {
      throw ConfigurationError(key: "configuration", reason: "is not a JSON object")
    }
    if let key = object.keys.sorted().first(where: { !known.contains($0) }) {
      throw ConfigurationError(
        key: key, reason: "is no option of DeepXDE's DeepONetCartesianProd that is known here")
    }
    func sizes(_ key: String) throws -> [Int] {
      guard let list = object[key] as? [Int], list.count >= 2 else {
        throw ConfigurationError(key: key, reason: "expected a list of two sizes or more, all integers")
      }
      return list
    }
    func integer(_ key: String) throws -> Int {
      guard let value = object[key] else { return 1 }
      guard let value = value as? Int, value >= 1 else {
        throw ConfigurationError(key: key, reason: "expected an integer from 1 on, not \(value)")
      }
      return value
    }
    let (branchSizes, trunkSizes) = (try sizes("layer_sizes_branch"), try sizes("layer_sizes_trunk"))
    self.init(inChannels: try integer("input_channels"), outChannels: try integer("num_outputs"))
    guard branchSizes[0] % inChannels == 0 else {
      throw ConfigurationError(
        key: "input_channels", reason: "\(inChannels) do not divide a branch of \(branchSizes[0]) inputs")
    }
    sensors = [branchSizes[0] / inChannels]
    branch = Array(branchSizes.dropFirst())
    queryDimensions = trunkSizes[0]
    trunk = Array(trunkSizes.dropFirst())
    otherSensors = .accept
    (activation, trunkActivation) = try Self.activations(object["activation"])
    if let ranges = object["coordinate_range"] {
      guard let ranges = ranges as? [[Double]] else {
        throw ConfigurationError(
          key: "coordinate_range", reason: "expected a list of bounds for each coordinate")
      }
      coordinateRange = ranges
    }
    switch object["multi_output_strategy"] {
    case nil, is NSNull:
      guard outChannels == 1 else {
        throw ConfigurationError(
          key: "multi_output_strategy", reason: "is missing for \(outChannels) outputs")
      }
    case let name as String:
      guard let strategy = MultiOutput(rawValue: name) else {
        throw ConfigurationError(
          key: "multi_output_strategy",
          reason:
            "expected one of \(MultiOutput.allCases.map(\.rawValue).joined(separator: ", ")), not \(name)")
      }
      multiOutput = strategy
    case .some(let value):
      throw ConfigurationError(key: "multi_output_strategy", reason: "expected a name, not \(value)")
    }
    if let problem { throw ConfigurationError(key: "configuration", reason: problem) }
  }

  private static func activations(_ value: Any?) throws -> (branch: Activation, trunk: Activation?) {
    let names: [String: Activation] = [
      "gelu": .gelu, "relu": .relu, "tanh": .tanh, "sin": .sine, "silu": .silu, "swish": .silu,
      "linear": .identity,
    ]
    func named(_ value: Any?) throws -> Activation {
      guard let name = value as? String, let activation = names[name.lowercased()] else {
        throw ConfigurationError(
          key: "activation",
          reason: "expected one of \(names.keys.sorted().joined(separator: ", ")), not \(value ?? "nothing")")
      }
      return activation
    }
    guard let pair = value as? [String: Any] else { return (try named(value), nil) }
    return (try named(pair["branch"]), try named(pair["trunk"]))
  }
}
