// Shards of one dataset made into one file.

import Tensors

public enum DatasetMerge {
  /// Attributes in which shards of one dataset differ.
  private static let own: Set<String> = ["history", DatasetProvenance.attribute, "sample_offset"]

  /// What was joined.
  public struct Summary: Sendable, Hashable {
    public var samples: Int
    /// Samples of the same seed that no shard holds, between those that are there: a shard may have been forgotten.
    public var gaps: [DatasetProvenance.Range]
  }

  /// Writes the samples of all shards, in the order of their `sample_offset` (shards that do not tell one keep the
  /// order given), to one dataset.
  ///
  /// Everything but the samples, their numbers and the history must be equal; no sample may occur twice, none may be
  /// pending. `history` is one line, put before those of the first shard.
  @discardableResult
  public static func merge(
    _ paths: [String], to output: String, existing: ExistingOutput = .refuse, history: String? = nil
  ) throws(DatasetError) -> Summary {
    var shards: [Shard] = []
    for path in paths { shards.append(try Shard(path: path)) }
    shards = shards.enumerated()
      .sorted { ($0.element.provenance.order, $0.offset) < ($1.element.provenance.order, $1.offset) }
      .map(\.element)
    guard let first = shards.first else {
      throw DatasetError(.invalidData, path: output, "there is nothing to merge")
    }
    for index in shards.indices {
      try requireEqual(first, shards[index])
      for other in shards[..<index] where other.provenance.overlaps(shards[index].provenance) {
        throw DatasetError(
          .invalidData, path: shards[index].path, "holds samples that \(other.path) holds too")
      }
    }
    let total = shards.reduce(0) { $0 + $1.reader.sampleCount }
    var schema = try DatasetCopy.schema(of: first.reader, sampleCount: total)
    let provenance = shards.reduce(DatasetProvenance()) { $0.joined($1.provenance) }
    var numbers: [Double] = []
    for shard in shards { numbers += try shard.sampleNumbers(after: numbers.count) }
    schema.addSampleNumbers(numbers)
    if let text = provenance.text { schema.set(DatasetProvenance.attribute, .text(text)) }
    if let history {
      let earlier = first.reader.text("history").map { "\n" + $0 } ?? ""
      schema.set("history", .text(history + earlier))
    }
    let writer = try DatasetWriter(path: output, schema: schema, existing: existing)
    do {
      var offset = 0
      for shard in shards {
        try DatasetCopy.copySamples(of: shard.reader, to: writer, at: offset)
        offset += shard.reader.sampleCount
      }
      try writer.finish()
    } catch {
      writer.discard()
      throw error
    }
    return Summary(samples: total, gaps: provenance.gaps)
  }

  private struct Shard {
    let path: String
    let reader: DatasetReader
    let provenance: DatasetProvenance

    init(path: String) throws(DatasetError) {
      self.path = path
      reader = try DatasetReader(path: path)
      provenance = DatasetProvenance(reader)
      if let status = try reader.sampleStatus(), let pending = status.firstIndex(of: .pending) {
        throw DatasetError(
          .invalidData, path: path, "is unfinished: sample \(pending) is pending; --resume completes it")
      }
    }

    func sampleNumbers(after count: Int) throws(DatasetError) -> [Double] {
      try DatasetCopy.sampleNumbers(of: reader) ?? (0..<reader.sampleCount).map { Double(count + $0) }
    }
  }

  private static func requireEqual(_ first: Shard, _ other: Shard) throws(DatasetError) {
    func mismatch(_ what: String, _ its: String?, _ expected: String?) -> DatasetError {
      DatasetError(
        .invalidData, path: other.path,
        "\(what) is \(its ?? "missing"), but \(expected ?? "missing") in \(first.path)")
    }
    let (left, right) = (first.reader, other.reader)
    for name in Set(left.attributes.map(\.name)).union(right.attributes.map(\.name)).subtracting(own).sorted()
    where !name.hasPrefix("_") && !(name == "seed" && first.provenance.text != nil) {
      guard left.attributes[name] == right.attributes[name] else {
        throw mismatch(
          "attribute \(name)", right.attributes[name]?.description, left.attributes[name]?.description)
      }
    }
    let (leftSchema, rightSchema) = (
      try DatasetCopy.schema(of: left, sampleCount: 1), try DatasetCopy.schema(of: right, sampleCount: 1)
    )
    for name in Set((leftSchema.variables + rightSchema.variables).map(\.name)).sorted() {
      let (a, b) = (leftSchema.variable(name), rightSchema.variable(name))
      func describe(_ variable: DatasetSchema.Variable?, _ schema: DatasetSchema) -> String? {
        variable.map { "\($0.type.name) \($0.dimensions) \(schema.shape(of: $0))" }
      }
      guard let a, let b, describe(a, leftSchema) == describe(b, rightSchema) else {
        throw mismatch("variable \(name)", describe(b, rightSchema), describe(a, leftSchema))
      }
      guard a.type == .string || a.fixedValues == b.fixedValues else {
        throw DatasetError(
          .invalidData, path: other.path, variable: name, "has other values than in \(first.path)")
      }
    }
  }
}
