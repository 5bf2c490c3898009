// Whether a file is the beginning of the dataset that is to be written.

import Tensors

struct DatasetContinuation {
  let schema: DatasetSchema
  let path: String

  /// What may differ between the command that began a dataset and the one that continues it.
  private static let free: Set<String> = ["history"]

  /// Throws where the file differs from the schema in anything but its history; returns the samples it lacks.
  func pendingSamples() throws(DatasetError) -> [Int] {
    let reader = try DatasetReader(path: path)
    try compareAttributes(reader)
    for dimension in schema.dimensions {
      let length = reader.dimensions.first { $0.name == dimension.name }?.length
      guard length == dimension.length else {
        throw mismatch("dimension \(dimension.name)", length.map(String.init), "\(dimension.length)")
      }
    }
    for variable in schema.variables where variable.type != .string {
      let known = reader.variables.first { $0.name == variable.name }
      let described = known.map { "\($0.type.name) \($0.dimensions.map(\.name))" }
      let expected = "\(variable.type.name) \(variable.dimensions)"
      guard let known, described == expected else {
        throw mismatch("variable \(variable.name)", described, expected)
      }
      if case .numbers(let numbers) = variable.fixedValues {
        let values: Tensor<Double> = try reader.read(known)
        guard values.values == numbers else { throw mismatch("the values of \(variable.name)", nil, nil) }
      }
    }
    guard let status = try reader.sampleStatus() else { return Array(0..<schema.sampleCount) }
    return status.indices.filter { status[$0] == .pending }
  }

  private func compareAttributes(_ reader: DatasetReader) throws(DatasetError) {
    let names = Set(schema.attributes.map(\.name)).union(reader.attributes.map(\.name))
    for name in names.subtracting(Self.free).sorted() where !name.hasPrefix("_") {
      let (known, wanted) = (reader.attributes[name], schema.attributes[name])
      guard known == wanted else { throw mismatch(name, known?.description, wanted?.description) }
    }
  }

  private func mismatch(_ what: String, _ known: String?, _ wanted: String?) -> DatasetError {
    var message = "was begun with another \(what)"
    if known != nil || wanted != nil { message += " (\(known ?? "none"), now \(wanted ?? "none"))" }
    return DatasetError(.invalidData, path: path, message + "; --force begins anew")
  }
}
