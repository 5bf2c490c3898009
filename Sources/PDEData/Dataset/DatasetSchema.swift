// What a dataset that is to be written consists of.

import Tensors

/// Dimensions, variables and attributes of a dataset: everything but the values of its samples.
public struct DatasetSchema: Sendable {
  /// Values known beforehand: coordinates, or text.
  public enum FixedValues: Sendable, Hashable {
    case numbers([Double])
    case text(String)
  }

  public struct Variable: Sendable {
    public var name: String
    public var type: NetCDFType
    public var dimensions: [String]
    public var attributes: [Attribute]
    /// Nil: written sample by sample.
    public var fixedValues: FixedValues?

    public init(
      name: String, type: NetCDFType, dimensions: [String], attributes: [Attribute] = [],
      fixedValues: FixedValues? = nil
    ) {
      self.name = name
      self.type = type
      self.dimensions = dimensions
      self.attributes = attributes
      self.fixedValues = fixedValues
    }
  }

  public static let sampleDimension = "sample"

  /// `sample` among them, with the number of samples that the whole dataset will have.
  public var dimensions: [DatasetDimension]
  public var variables: [Variable]
  public var attributes: [Attribute]

  public init(
    dimensions: [DatasetDimension] = [], variables: [Variable] = [], attributes: [Attribute] = []
  ) {
    self.dimensions = dimensions
    self.variables = variables
    self.attributes = attributes
  }

  public var sampleCount: Int { dimensions.first { $0.name == Self.sampleDimension }?.length ?? 0 }

  public func variable(_ name: String) -> Variable? { variables.first { $0.name == name } }

  public func length(of dimension: String) -> Int {
    dimensions.first { $0.name == dimension }?.length ?? 0
  }

  public func shape(of variable: Variable) -> [Int] { variable.dimensions.map(length) }

  /// Values of one sample of a variable.
  public func valuesPerSample(_ variable: Variable) -> Int {
    variable.dimensions.filter { $0 != Self.sampleDimension }.reduce(1) { $0 * length(of: $1) }
  }

  /// Bytes of all values.
  public var byteCount: Int {
    variables.reduce(0) { $0 + shape(of: $1).reduce($1.type.size, *) }
  }

  /// Sets a global attribute, in its place where it is there already.
  public mutating func set(_ name: String, _ value: AttributeValue) {
    if let index = attributes.firstIndex(where: { $0.name == name }) {
      attributes[index].value = value
    } else {
      attributes.append(Attribute(name, value))
    }
  }
}

// MARK: - The project's form

extension DatasetSchema {
  /// Dimensions and coordinates of `sampleCount` samples, counted from `firstSample`, on a grid.
  public init(sampleCount: Int, firstSample: Int = 0, grid: Grid, times: [Double]? = nil) {
    self.init()
    dimensions = [DatasetDimension(name: Self.sampleDimension, length: sampleCount, isUnlimited: true)]
    addSampleNumbers((0..<sampleCount).map { Double(firstSample + $0) })
    if let times {
      dimensions.append(DatasetDimension(name: "time", length: times.count))
      variables.append(
        Variable(
          name: "time", type: .float64, dimensions: ["time"],
          attributes: [
            Attribute("long_name", "time"), Attribute("units", "1"), Attribute("axis", "T"),
          ], fixedValues: .numbers(times)))
    }
    for axis in grid.axes {
      dimensions.append(DatasetDimension(name: axis.name, length: axis.count))
      variables.append(Self.coordinate(axis))
    }
  }

  /// Sets the coordinate of the samples: their numbers under their seed.
  mutating func addSampleNumbers(_ numbers: [Double]) {
    variables.removeAll { $0.name == Self.sampleDimension }
    variables.insert(
      Variable(
        name: Self.sampleDimension, type: .int64, dimensions: [Self.sampleDimension],
        attributes: [Attribute("long_name", "number of the sample")], fixedValues: .numbers(numbers)), at: 0)
  }

  /// Replaces the coordinates of an axis by others, not evenly spaced.
  mutating func setCoordinates(of axis: String, to values: [Double]) {
    guard let index = variables.firstIndex(where: { $0.name == axis }) else { return }
    variables[index].fixedValues = .numbers(values)
  }

  private static func coordinate(_ axis: Grid.Axis) -> Variable {
    var attributes = [Attribute("long_name", "\(axis.name) coordinate"), Attribute("units", "1")]
    if ["x", "y", "z"].contains(axis.name) { attributes.append(Attribute("axis", axis.name.uppercased())) }
    attributes += [
      Attribute("placement", axis.placement.rawValue),
      Attribute("domain", .reals([axis.lowerBound, axis.upperBound], .float64)),
    ]
    return Variable(
      name: axis.name, type: .float64, dimensions: [axis.name], attributes: attributes,
      fixedValues: .numbers(axis.coordinates))
  }

  /// Adds a field on the grid; unsolved samples hold NaN.
  public mutating func addField(
    _ name: String, type: NetCDFType, hasTime: Bool, axes: [String], longName: String, units: String = "1"
  ) {
    variables.append(
      Variable(
        name: name, type: type,
        dimensions: [Self.sampleDimension] + (hasTime ? ["time"] : []) + axes,
        attributes: [
          Attribute("_FillValue", .reals([.nan], type)), Attribute("long_name", longName),
          Attribute("units", units),
        ]))
  }

  /// Adds a number per sample.
  public mutating func addScalar(_ name: String, longName: String, units: String = "1") {
    variables.append(
      Variable(
        name: name, type: .float64, dimensions: [Self.sampleDimension],
        attributes: [
          Attribute("_FillValue", .reals([.nan], .float64)), Attribute("long_name", longName),
          Attribute("units", units),
        ]))
  }

  /// Adds `status(sample)`, by which a dataset can be continued.
  public mutating func addStatus() {
    variables.append(
      Variable(
        name: SampleStatus.variableName, type: .int8, dimensions: [Self.sampleDimension],
        attributes: [
          Attribute("long_name", "what became of the sample"),
          Attribute("flag_values", .integers(SampleStatus.allCases.map { Int64($0.rawValue) }, .int8)),
          Attribute("flag_meanings", SampleStatus.allCases.map { "\($0)" }.joined(separator: " ")),
        ]))
  }

  var hasStatus: Bool { variable(SampleStatus.variableName) != nil }
}
