// Writes a dataset so that a kill at any moment leaves a file that can be read and continued.

import Tensors

/// Writes a dataset of known size, samples in any order.
///
/// The partial file gets all its metadata and, on the disk, all its room at once, before it has its name: what is
/// written afterwards are values in places that exist, never HDF5's own bookkeeping. So a SIGKILL at any moment
/// leaves a sound file, a full disk is known at the start, and other processes may read along. `status(sample)` of a
/// sample is written after its values have reached the system; ``pendingSamples`` are those without.
public final class DatasetWriter {
  public let files: DatasetFiles
  public let schema: DatasetSchema
  /// Samples that are not written yet, ascending. Without `status` in the schema: all.
  public private(set) var pendingSamples: [Int]
  private var file: NetCDFFile?
  private var lock: WriterLock?
  private var ids: [String: VariableID] = [:]

  /// Begins or continues the dataset at `path`; see ``ExistingOutput``.
  public init(
    path: String, schema: DatasetSchema, existing policy: ExistingOutput = .refuse
  ) throws(DatasetError) {
    precondition(schema.sampleCount >= 1, "a dataset has at least one sample")
    files = DatasetFiles(path: path)
    self.schema = schema
    pendingSamples = Array(0..<schema.sampleCount)
    switch try files.check(policy) {
    case .whole:
      pendingSamples = try DatasetContinuation(schema: schema, path: path).pendingSamples()
      guard pendingSamples.isEmpty else {
        throw DatasetError(
          .invalidData, path: path, "has its final name but is not whole; --force begins anew")
      }
    case .partial:
      pendingSamples = try DatasetContinuation(schema: schema, path: files.partial).pendingSamples()
      try open()
    case .none:
      FileSystem.remove(files.draft)
      try FileSystem.requireRoom(schema.byteCount, at: path)
      do {
        try DatasetDraft(schema: schema, path: files.draft).create()
        try FileSystem.reserve(files.draft)
        try FileSystem.rename(files.draft, to: files.partial)
      } catch {
        FileSystem.remove(files.draft)
        throw DatasetError(error.category, path: path, variable: error.variable, error.message)
      }
      try open()
    }
  }

  private func open() throws(DatasetError) {
    lock = try WriterLock(path: files.partial)
    let file = try NetCDFFile(opening: files.partial, for: .update)
    for (index, variable) in try Self.names(file).enumerated() {
      let id = VariableID(raw: Int32(index))
      ids[variable] = id
      try file.tuneCache(of: id, compressedBytes: 1)
    }
    self.file = file
  }

  private static func names(_ file: NetCDFFile) throws(DatasetError) -> [String] {
    var names: [String] = []
    for index in 0..<(try file.counts().variables) {
      names.append(try file.variable(VariableID(raw: Int32(index))).name)
    }
    return names
  }

  /// Writes samples of a variable: `[samples, …]` in the order of its dimensions, converted to its type. `times`,
  /// `channels`: only these entries of those dimensions.
  public func write<Element: Scalar>(
    _ name: String, samples: Range<Int>, times: StridedRange? = nil, channels: StridedRange? = nil,
    values: UnsafePointer<Element>
  ) throws(DatasetError) {
    guard let file, let variable = schema.variable(name), let id = ids[name] else {
      preconditionFailure("no variable \(name) in a dataset that is being written")
    }
    let ranges = variable.dimensions.map { dimension in
      switch dimension {
      case DatasetSchema.sampleDimension: StridedRange(start: samples.lowerBound, count: samples.count)
      case "time": times ?? StridedRange(all: schema.length(of: dimension))
      case "channel": channels ?? StridedRange(all: schema.length(of: dimension))
      default: StridedRange(all: schema.length(of: dimension))
      }
    }
    let slab = Hyperslab(start: ranges.map(\.start), count: ranges.map(\.count), stride: ranges.map(\.step))
    try file.write(id, named: name, slab, from: values)
  }

  /// Writes samples of a variable as bytes of its own type.
  func writeBytes(
    _ name: String, samples: Range<Int>, from bytes: UnsafeRawPointer
  ) throws(DatasetError) {
    guard let file, let variable = schema.variable(name), let id = ids[name] else {
      preconditionFailure("no variable \(name) in a dataset that is being written")
    }
    let shape = schema.shape(of: variable)
    let slab = Hyperslab(
      start: [samples.lowerBound] + shape.dropFirst().map { _ in 0 },
      count: [samples.count] + shape.dropFirst())
    try file.writeBytes(id, named: name, slab, from: bytes)
  }

  /// Writes a number for each of some samples.
  public func write(_ name: String, samples: Range<Int>, numbers: [Double]) throws(DatasetError) {
    precondition(numbers.count == samples.count, "a number for every sample")
    try numbers.withUnsafeBufferPointer { buffer throws(DatasetError) in
      guard let base = buffer.baseAddress else { return }
      try write(name, samples: samples, values: base)
    }
  }

  /// Makes what was written of some samples final: after this, a kill does not lose them.
  public func complete(_ samples: Range<Int>, status: [SampleStatus]) throws(DatasetError) {
    precondition(status.count == samples.count, "a status for every sample")
    guard let file else { return }
    try file.synchronize()
    if let id = ids[SampleStatus.variableName] {
      let codes = status.map(\.rawValue)
      let slab = Hyperslab(start: [samples.lowerBound], count: [samples.count])
      try codes.withUnsafeBufferPointer { buffer throws(DatasetError) in
        guard let base = buffer.baseAddress else { return }
        try file.writeBytes(id, named: SampleStatus.variableName, slab, from: base)
      }
      try file.synchronize()
    }
    pendingSamples.removeAll { samples.contains($0) }
  }

  /// Closes the file and gives it its final name. All samples must be written.
  public func finish() throws(DatasetError) {
    guard let file else { return }
    precondition(!schema.hasStatus || pendingSamples.isEmpty, "samples are pending")
    self.file = nil
    try file.close()
    try FileSystem.rename(files.partial, to: files.path)
    lock = nil
  }

  /// Closes the file and leaves it partial, to be continued.
  public func suspend() throws(DatasetError) {
    let open = file
    file = nil
    lock = nil
    try open?.close()
  }

  /// Closes and removes the partial file.
  public func discard() {
    guard file != nil else { return }
    file = nil
    FileSystem.remove(files.partial)
    lock = nil
  }
}
