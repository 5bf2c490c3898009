// The file that a dataset begins as: all its metadata, and room for all its values.

import CNetCDF

struct DatasetDraft {
  let schema: DatasetSchema
  let path: String

  func create() throws(DatasetError) {
    let file = try NetCDFFile(creating: path)
    var dimensions: [String: DimensionID] = [:]
    for dimension in schema.dimensions {
      dimensions[dimension.name] = try file.defineDimension(
        dimension.name, length: dimension.isUnlimited ? nil : dimension.length)
    }
    var ids: [VariableID] = []
    for variable in schema.variables {
      let variableDimensions = variable.dimensions.map { name -> DimensionID in
        guard let id = dimensions[name] else {
          preconditionFailure("\(variable.name) has no dimension \(name)")
        }
        return id
      }
      let id = try file.defineVariable(
        variable.name, variable.type, variableDimensions, chunk: chunk(of: variable))
      for attribute in variable.attributes { try file.put(attribute, to: id) }
      ids.append(id)
    }
    for attribute in schema.attributes { try file.put(attribute, to: nil) }
    try file.endDefinition()
    for (variable, id) in zip(schema.variables, ids) { try fill(variable, id, in: file) }
    try file.close()
  }

  /// Fixed values are written; of all others each chunk gets its place in the file, by one number written to it
  /// past the library's cache. The rest of it stays a hole.
  private func fill(
    _ variable: DatasetSchema.Variable, _ id: VariableID, in file: NetCDFFile
  ) throws(DatasetError) {
    let shape = schema.shape(of: variable)
    let whole = Hyperslab(start: shape.map { _ in 0 }, count: shape)
    switch variable.fixedValues {
    case .text(let text): try file.writeText(text, to: id, named: variable.name)
    case .numbers(let numbers):
      precondition(
        numbers.count == whole.valueCount, "\(variable.name): \(shape) of \(numbers.count) numbers")
      try file.write(id, named: variable.name, whole, from: numbers)
    case nil:
      if variable.name == SampleStatus.variableName {
        let codes = [Double](repeating: Double(SampleStatus.pending.rawValue), count: whole.valueCount)
        return try file.write(id, named: variable.name, whole, from: codes)
      }
      guard let chunk = chunk(of: variable) else {
        preconditionFailure("\(variable.name) has neither values nor samples")
      }
      try file.tuneCache(of: id, compressedBytes: 1)
      let one = shape.map { _ in 1 }
      for origin in origins(shape, chunk) {
        try file.write(id, named: variable.name, Hyperslab(start: origin, count: one), from: [0.0])
      }
      // The last number makes the unlimited dimension as long as it will be.
      try file.write(
        id, named: variable.name, Hyperslab(start: shape.map { $0 - 1 }, count: one), from: [0.0])
    }
  }

  private func origins(_ shape: [Int], _ chunk: [Int]) -> [[Int]] {
    var origins: [[Int]] = [[]]
    for (extent, step) in zip(shape, chunk) {
      origins = origins.flatMap { origin in stride(from: 0, to: extent, by: step).map { origin + [$0] } }
    }
    return origins
  }

  private static let chunkBytes = 8 << 20
  /// HDF5's own limit is 4 GiB.
  private static let largestChunkBytes = 1 << 30

  /// Whole samples, some megabytes of them; parts of a sample where one is huge. Nil: contiguous.
  private func chunk(of variable: DatasetSchema.Variable) -> [Int]? {
    guard variable.dimensions.first == DatasetSchema.sampleDimension else { return nil }
    var chunk = schema.shape(of: variable)
    let samples = chunk[0]
    let bytes = schema.valuesPerSample(variable) * variable.type.size
    let most = max(1, Self.chunkBytes / bytes)
    let chunks = (samples + most - 1) / most
    chunk[0] = (samples + chunks - 1) / chunks
    var axis = 1
    while chunk.reduce(variable.type.size, *) > Self.largestChunkBytes, axis < chunk.count {
      if chunk[axis] == 1 { axis += 1 } else { chunk[axis] = (chunk[axis] + 1) / 2 }
    }
    return chunk
  }
}
