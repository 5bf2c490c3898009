// Opens a dataset and tells what is in it.

import Tensors

/// A file of samples, ours or anybody's: NetCDF-4, HDF5 or classic NetCDF.
///
/// Without a `sample` dimension the first dimension of a variable is taken as samples. Dimensions named `time` and
/// `channel` are what they say; all others span the grid. Everything but values is read when the file is opened.
public final class DatasetReader: Sendable {
  public let path: String
  public let dimensions: [DatasetDimension]
  /// In the file's order, coordinates among them; variables of types that NetCDF does not know are invisible.
  public let variables: [DatasetVariable]
  public let attributes: [Attribute]
  let file: NetCDFFile

  public init(path: String) throws(DatasetError) {
    self.path = path
    file = try NetCDFFile(opening: path, for: .read)
    let counts = try file.counts()
    var dimensions: [DatasetDimension] = []
    for index in 0..<counts.dimensions {
      let id = DimensionID(raw: Int32(index))
      let (name, length) = try file.dimension(id)
      dimensions.append(
        DatasetDimension(name: name, length: length, isUnlimited: counts.unlimited.contains(id)))
    }
    self.dimensions = dimensions
    attributes = try file.attributes(of: nil, count: counts.attributes)
    variables = try Self.variables(of: file, count: counts.variables, dimensions: dimensions)
    guard !variables.isEmpty else {
      throw DatasetError(
        .invalidData, path: path,
        counts.groups > 0
          ? "holds no variables beside its \(counts.groups) groups, which are not looked into"
          : "holds no variables that NetCDF can read")
    }
    if counts.isClassic {
      try Self.checkLength(
        of: path, dimensions: dimensions, variables: variables, attributes: attributes)
    }
    for variable in variables {
      // Enough for a few chunks across samples; more than memory is worth is not kept.
      let sample = variable.shape.dropFirst().reduce(variable.type.size, *)
      try file.tuneCache(of: variable.id, compressedBytes: min(max(64 << 20, 4 * sample), 512 << 20))
    }
  }

  /// The variable of this name.
  public func variable(_ name: String) throws(DatasetError) -> DatasetVariable {
    if let variable = variables.first(where: { $0.name == name }) { return variable }
    let names = variables.filter { !isCoordinate($0) }.map(\.name).joined(separator: ", ")
    throw DatasetError(.invalidData, path: path, "has no variable \(name); it holds \(names)")
  }

  public func hasVariable(_ name: String) -> Bool { variables.contains { $0.name == name } }

  /// True for the variables that hold the positions of other variables' values.
  public func isCoordinate(_ variable: DatasetVariable) -> Bool {
    Self.isCoordinate(variable.name, dimensions: variable.dimensions)
  }

  /// Samples in the file: the length of `sample`, or else of the first dimension of its largest variable.
  public var sampleCount: Int {
    if let dimension = dimensions.first(where: { $0.name == "sample" }) { return dimension.length }
    let fields = variables.filter { !isCoordinate($0) && $0.type.isNumeric && !$0.dimensions.isEmpty }
    let largest = fields.max { $0.shape.reduce(1, *) < $1.shape.reduce(1, *) }
    return largest?.shape.first ?? 0
  }

  /// The text of a global attribute.
  public func text(_ attribute: String) -> String? { attributes[attribute]?.text }

  /// `status(sample)` where the file has it: 0 for a sample that is whole, see ``SampleStatus``.
  public func sampleStatus() throws(DatasetError) -> [SampleStatus]? {
    guard let variable = variables.first(where: { $0.name == SampleStatus.variableName }),
      variable.isPerSampleScalar, variable.type.isNumeric
    else { return nil }
    let values: Tensor<Double> = try read(variable)
    return values.values.map { SampleStatus(code: $0) }
  }

  /// The numbers of the samples that are whole.
  public func usableSamples() throws(DatasetError) -> [Int] {
    guard let status = try sampleStatus() else { return Array(0..<sampleCount) }
    return status.indices.filter { status[$0] == .solved }
  }

  static func isCoordinate(_ name: String, dimensions: [DatasetDimension]) -> Bool {
    dimensions.count == 1 && (dimensions[0].name == name || name.hasSuffix("-coordinate"))
  }

  private static func variables(
    of file: NetCDFFile, count: Int, dimensions: [DatasetDimension]
  ) throws(DatasetError) -> [DatasetVariable] {
    var found: [(id: VariableID, name: String, type: NetCDFType, [DatasetDimension], attributes: Int)] = []
    for index in 0..<count {
      let id = VariableID(raw: Int32(index))
      let variable = try file.variable(id)
      guard let type = variable.type else { continue }
      found.append(
        (id, variable.name, type, variable.dimensions.map { dimensions[Int($0.raw)] }, variable.attributes))
    }
    let assignment = RoleAssignment(
      dimensionNames: dimensions.map(\.name), variableNames: found.map(\.name))
    var variables: [DatasetVariable] = []
    for (id, name, type, dimensions, attributeCount) in found {
      let (roles, dimensions) = assignment.roles(
        of: dimensions, isCoordinate: isCoordinate(name, dimensions: dimensions))
      variables.append(
        DatasetVariable(
          name: name, type: type, dimensions: dimensions, roles: roles,
          attributes: try file.attributes(of: id, count: attributeCount), id: id))
    }
    return variables
  }

  /// NetCDF-C gives zeros where a classic file was cut off: its length must hold header and data at least.
  private static func checkLength(
    of path: String, dimensions: [DatasetDimension], variables: [DatasetVariable], attributes: [Attribute]
  ) throws(DatasetError) {
    func padded(_ bytes: Int) -> Int { (bytes + 3) / 4 * 4 }
    func size(_ attributes: [Attribute]) -> Int {
      attributes.reduce(8) { sum, attribute in
        let values =
          switch attribute.value {
          case .text(let text): text.utf8.count
          case .integers(let values, let type): values.count * type.size
          case .reals(let values, let type): values.count * type.size
          case .strings, .unsigned: 0
          }
        return sum + 12 + padded(attribute.name.utf8.count) + padded(values)
      }
    }
    var bytes = 24 + size(attributes)
    for dimension in dimensions { bytes += 8 + padded(dimension.name.utf8.count) }
    for variable in variables {
      bytes += 20 + padded(variable.name.utf8.count) + 4 * variable.shape.count + size(variable.attributes)
      bytes += variable.shape.reduce(variable.type.size, *)
    }
    guard let length = FileSystem.size(path), length < bytes else { return }
    throw DatasetError(
      .invalidData, path: path, "is truncated: \(length) bytes where its data need at least \(bytes)")
  }
}

/// What became of a sample, as `status(sample)` in a dataset tells.
public enum SampleStatus: Int8, Sendable, Hashable, CaseIterable {
  /// Not computed yet: the file is still being written, or was left unfinished.
  case pending = -1
  case solved = 0
  /// The solver did not converge or its values ceased to be finite; the fields hold fill values.
  case failed = 1

  static let variableName = "status"

  init(code: Double) {
    self = code == 0 ? .solved : code == -1 ? .pending : .failed
  }
}
