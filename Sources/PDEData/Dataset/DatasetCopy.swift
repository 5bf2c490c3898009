// A dataset in the project's form with the content of another: what merging and predicting begin with.

import Tensors

enum DatasetCopy {
  /// The schema of a copy with `sampleCount` samples. Dimensions of samples, times and channels get their names,
  /// axes their order; variables named in `replaced` become plain reals that can hold anything.
  static func schema(
    of reader: DatasetReader, sampleCount: Int, replaced: Set<String> = []
  ) throws(DatasetError) -> DatasetSchema {
    var schema = DatasetSchema(attributes: reader.attributes.filter { !$0.name.hasPrefix("_") })
    schema.dimensions = [
      DatasetDimension(name: DatasetSchema.sampleDimension, length: sampleCount, isUnlimited: true)
    ]
    for variable in reader.variables where variable.type.isNumeric && variable.name != "sample" {
      guard !reader.isCoordinate(variable) else { continue }
      let names = try addDimensions(of: variable, reader, to: &schema)
      schema.variables.append(
        try copied(variable, names, reader, isReplaced: replaced.contains(variable.name)))
    }
    if let numbers = try sampleNumbers(of: reader), numbers.count == sampleCount {
      schema.addSampleNumbers(numbers)
    }
    for variable in reader.variables where variable.type == .string && variable.dimensions.isEmpty {
      schema.variables.append(
        .init(
          name: variable.name, type: .string, dimensions: [], attributes: variable.attributes,
          fixedValues: .text(try reader.file.readText(variable.id, named: variable.name))))
    }
    return schema
  }

  /// The coordinate `sample`, where the dataset has one.
  static func sampleNumbers(of reader: DatasetReader) throws(DatasetError) -> [Double]? {
    guard let variable = reader.variables.first(where: { $0.name == DatasetSchema.sampleDimension }),
      variable.type.isNumeric, variable.shape == [reader.sampleCount]
    else { return nil }
    let values: Tensor<Double> = try reader.read(variable)
    return values.values
  }

  /// The variables whose values ``copySamples(of:to:at:)`` copies.
  private static func sampled(_ reader: DatasetReader) -> [DatasetVariable] {
    reader.variables.filter {
      $0.type.isNumeric && !reader.isCoordinate($0) && $0.roles.contains(.sample)
        && $0.name != SampleStatus.variableName
    }
  }

  /// Copies all samples, block by block, to the places from `offset` on.
  static func copySamples(
    of reader: DatasetReader, to writer: DatasetWriter, at offset: Int
  ) throws(DatasetError) {
    let count = reader.sampleCount
    for variable in sampled(reader) {
      guard variable.length(of: .sample) == count else {
        throw DatasetError(
          .invalidData, path: reader.path, variable: variable.name,
          "has \(variable.length(of: .sample) ?? 0) samples where others have \(count)")
      }
      let block = VariableBlock(variable)
      let bytes = max(1, block.count * 8)
      let step = max(1, (16 << 20) / bytes)
      let isVerbatim =
        block.permutation == nil && writer.schema.variable(variable.name)?.type == variable.type
        && writer.schema.variable(variable.name)?.attributes == variable.attributes
      for start in stride(from: 0, to: count, by: step) {
        let samples = start..<min(count, start + step)
        let target = offset + start..<offset + samples.upperBound
        if isVerbatim {
          let memory = AlignedMemory<UInt8>(count: samples.count * block.count * variable.type.size)
          try reader.file.readBytes(
            variable.id, named: variable.name, block.slab(samples), into: memory.pointer)
          try writer.writeBytes(variable.name, samples: target, from: memory.pointer)
        } else {
          let values: Tensor<Double> = try reader.read(variable, samples: Array(samples))
          try values.withUnsafeBuffer { buffer throws(DatasetError) in
            guard let base = buffer.baseAddress else { return }
            try writer.write(variable.name, samples: target, values: base)
          }
        }
      }
    }
    let status = try reader.sampleStatus() ?? [SampleStatus](repeating: .solved, count: count)
    try writer.complete(offset..<offset + count, status: status)
  }

  /// Adds what is missing of the dimensions of a variable, with their coordinates; returns their names in the
  /// project's order.
  private static func addDimensions(
    of variable: DatasetVariable, _ reader: DatasetReader, to schema: inout DatasetSchema
  ) throws(DatasetError) -> [String] {
    var names: [String] = []
    for role in [AxisRole.sample, .time, .channel, .grid] {
      for (dimension, itsRole) in zip(variable.dimensions, variable.roles) where itsRole == role {
        let name =
          switch role {
          case .sample: DatasetSchema.sampleDimension
          case .time: "time"
          case .channel: "channel"
          case .grid: dimension.name
          }
        names.append(name)
        guard role != .sample, !schema.dimensions.contains(where: { $0.name == name }) else { continue }
        schema.dimensions.append(DatasetDimension(name: name, length: dimension.length))
        guard let (coordinate, values) = try reader.coordinates(of: dimension) else { continue }
        schema.variables.append(
          .init(
            name: name, type: .float64, dimensions: [name], attributes: unpacked(coordinate.attributes),
            fixedValues: .numbers(values)))
      }
    }
    return names
  }

  private static func copied(
    _ variable: DatasetVariable, _ dimensions: [String], _ reader: DatasetReader, isReplaced: Bool
  ) throws(DatasetError) -> DatasetSchema.Variable {
    let isPlain = VariableBlock(variable).permutation == nil && !isReplaced
    if !variable.roles.contains(.sample) {
      let values: Tensor<Double> = try reader.read(variable)
      return .init(
        name: variable.name, type: .float64, dimensions: variable.dimensions.map(\.name),
        attributes: unpacked(variable.attributes), fixedValues: .numbers(values.values))
    }
    if isPlain {
      return .init(
        name: variable.name, type: variable.type, dimensions: dimensions, attributes: variable.attributes)
    }
    let type: NetCDFType = variable.type == .float64 ? .float64 : .float32
    return .init(
      name: variable.name, type: type, dimensions: dimensions,
      attributes: [Attribute("_FillValue", .reals([.nan], type))] + unpacked(variable.attributes))
  }

  /// The attributes that still hold when values are stored as they are.
  private static func unpacked(_ attributes: [Attribute]) -> [Attribute] {
    let packing: Set<String> = [
      "scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned", "valid_range", "valid_min",
      "valid_max",
    ]
    return attributes.filter { !packing.contains($0.name) }
  }
}
