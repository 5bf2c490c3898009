// Where the inputs of samples come from: random fields, or the user's file.

import Spectral
import Tensors

/// Where a problem's samples begin.
public enum InputSource: Sendable {
  /// Random inputs of a seed on a grid of this many points per axis, slowest first.
  case random(seed: UInt64, resolution: [Int])
  /// The samples of a file, on its own grid.
  case dataset(DatasetReader)
}

/// A parameter's value for every sample: the same one, one drawn for each, or one from the input file.
struct SampleParameter: Sendable {
  let name: String
  private let source: Source

  private enum Source: Sendable {
    case constant(Double)
    case logUniform(Double, Double, seed: UInt64)
    case listed([Double])
  }

  /// The value given; else, for inputs from a file that has a variable of this name, its numbers; else the default.
  init(_ name: String, _ parameters: ParameterValues, _ input: InputSource) throws {
    self.name = name
    let variableName = Self.variable(name)
    if case .dataset(let reader) = input, !parameters.given.contains(name),
      let variable = reader.variables.first(where: { $0.name == variableName && $0.isPerSampleScalar })
    {
      let values: Tensor<Double> = try reader.read(variable)
      if let description = parameters.descriptions.first(where: { $0.name == name }),
        let bad = values.values.firstIndex(where: { !description.allows($0) })
      {
        throw DatasetError(
          .invalidData, path: reader.path, variable: variableName,
          "sample \(bad): \(values.values[bad]) is not \(description.numberExpectation)")
      }
      source = .listed(values.values)
      return
    }
    switch parameters[name] {
    case .range(let lower, let upper)?:
      guard case .random(let seed, _) = input else {
        throw ParameterError(
          name,
          "a range is drawn for random inputs only; give one value, or \(variableName)(sample) in the file")
      }
      source = .logUniform(lower, upper, seed: seed)
    case .real(let value)?: source = .constant(value)
    default: throw ParameterError(name, "has no value")
    }
  }

  /// `diffusivity_u`, as files have it.
  var variable: String { Self.variable(name) }

  private static func variable(_ name: String) -> String {
    name.split(separator: "-").joined(separator: "_")
  }

  /// The one value that all samples have.
  var constant: Double? { if case .constant(let value) = source { value } else { nil } }

  func value(sample: Int) -> Double {
    switch source {
    case .constant(let value): return value
    case .listed(let values): return values[sample]
    case .logUniform(let lower, let upper, let seed):
      let stream = RandomStream(
        seed: seed, purpose: RandomPurpose("parameter \(name)"), sample: UInt64(sample))
      return lower * Double.pow(upper / lower, stream.uniform(at: 0))
    }
  }

  var attribute: Attribute {
    let key = variable
    switch source {
    case .constant(let value): return Attribute(key, .real(value))
    case .listed: return Attribute(key, "of every sample, from the input file")
    case .logUniform(let lower, let upper, _):
      return Attribute(key, "of every sample, between \(lower) and \(upper), uniform in the logarithm")
    }
  }
}
