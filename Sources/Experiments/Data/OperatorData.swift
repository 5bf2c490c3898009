// A dataset as an operator sees it: channels in, channels out, on one grid.

import Operators
import PDEData
import Tensors

/// Which variables an operator maps to which, and what their times are.
public struct FieldMapping: Codable, Sendable, Equatable {
  /// With slices of times or channels: `w[0:10]`.
  public var inputs: [FieldSelection]
  public var outputs: [FieldSelection]
  public var timeAs: DataSection.TimeRole

  public init(
    inputs: [FieldSelection], outputs: [FieldSelection], timeAs: DataSection.TimeRole = .channels
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.timeAs = timeAs
  }

  /// - Throws: `FieldSelectionError` for what is no variable or slice of one.
  public init(inputs: [String], outputs: [String], timeAs: DataSection.TimeRole? = nil) throws {
    self.init(
      inputs: try inputs.map { try FieldSelection(parsing: $0) },
      outputs: try outputs.map { try FieldSelection(parsing: $0) }, timeAs: timeAs ?? .channels)
  }

  enum CodingKeys: String, CodingKey {
    case inputs, outputs
    case timeAs = "time_as"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func selections(_ key: CodingKeys) throws -> [FieldSelection] {
      try values.decode([String].self, forKey: key).map { try FieldSelection(parsing: $0) }
    }
    inputs = try selections(.inputs)
    outputs = try selections(.outputs)
    timeAs = try values.decode(.timeAs, default: .channels)
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(inputs.map(\.description), forKey: .inputs)
    try values.encode(outputs.map(\.description), forKey: .outputs)
    try values.encode(timeAs, forKey: .timeAs)
  }
}

/// An opened dataset with the channels that an operator takes and, where the file has them, those it is to give.
public struct OperatorData: Sendable {
  public let reader: DatasetReader
  public let mapping: FieldMapping
  public let inputs: ChannelLayout
  /// Nil where the file does not hold the outputs.
  public let outputs: ChannelLayout?
  /// The numbers of the samples that are whole; see ``SampleStatus``.
  public let samples: [Int]
  /// The coordinates of the points along each axis of the grid, in the file's units.
  public let coordinates: [[Double]]
  /// The grid of the outputs: that of the inputs but for operators whose outputs may lie elsewhere. Points that form
  /// no grid are one axis.
  public let outputGrid: Grid
  private let outputCoordinates: [[Double]]
  /// For each coordinate the position of every point of the outputs, where they form no grid.
  private let scattered: [[Double]]?

  /// The grid of the inputs, the axis of time among its axes where it is one.
  public var grid: Grid { inputs.grid }

  /// - Parameters:
  ///   - timeAxis: Where times are an axis and the file does not hold the outputs: the axis that they had in
  ///     training.
  ///   - separatesGrids: Whether the outputs may lie at other points than the inputs.
  /// - Throws: `DatasetError` that names file and variable.
  public init(
    _ reader: DatasetReader, _ mapping: FieldMapping, requiresOutputs: Bool, timeAxis: Grid.Axis? = nil,
    separatesGrids: Bool = false
  ) throws {
    self.reader = reader
    self.mapping = mapping
    let hasOutputs = mapping.outputs.allSatisfy { reader.hasVariable($0.variable) }
    let time: ChannelLayout.Time = mapping.timeAs == .axis ? .axis : .channels
    outputs =
      requiresOutputs || hasOutputs
      ? try ChannelLayout(reader, selections: mapping.outputs, time: time) : nil
    inputs =
      separatesGrids
      ? try ChannelLayout(reader, selections: mapping.inputs)
      : try Self.inputLayout(reader, mapping, outputs: outputs, timeAxis: timeAxis)
    if !separatesGrids, let outputs, outputs.grid.shape != inputs.grid.shape {
      throw DatasetError(
        .invalidData, path: reader.path,
        "the inputs lie on the grid \(inputs.grid), the outputs on \(outputs.grid)")
    }
    samples = try reader.usableSamples()
    coordinates = try inputs.grid.axes.map { try Self.coordinates(of: $0, in: reader) }
    let repeated = separatesGrids && mapping.timeAs == .axis ? timeAxis.map { [$0] } ?? [] : []
    let outputGrid = outputs?.grid ?? Grid(axes: repeated + inputs.grid.axes)
    self.outputGrid = outputGrid
    outputCoordinates = try outputGrid.axes.map { try Self.coordinates(of: $0, in: reader) }
    scattered =
      separatesGrids && outputs != nil
      ? try ScatteredPoints.positions(of: mapping.outputs, in: reader, domain: inputs.grid) : nil
    guard !samples.isEmpty else {
      throw DatasetError(.invalidData, path: reader.path, "holds no sample that is whole")
    }
  }

  /// Samples that are recorded as failed or unfinished.
  public var skippedCount: Int { reader.sampleCount - samples.count }

  /// Where the points of the inputs are, scaled to [0, 1] by the extent of the domain.
  public var positions: GridPositions { Self.scaled(coordinates, grid) }

  /// The same of the outputs.
  public var outputPositions: GridPositions {
    scattered.map(GridPositions.init(scattered:)) ?? Self.scaled(outputCoordinates, outputGrid)
  }

  private static func scaled(_ coordinates: [[Double]], _ grid: Grid) -> GridPositions {
    GridPositions(
      axes: zip(grid.axes, coordinates).map { axis, points in
        points.map { ($0 - axis.lowerBound) / axis.length }
      })
  }

  /// What metrics need to know of the outputs' grid.
  public var metricGrid: MetricGrid {
    MetricGrid(
      axes: zip(outputGrid.axes, outputCoordinates).map {
        MetricGrid.Axis(coordinates: $1, isPeriodic: $0.isPeriodic, length: $0.length)
      }, hasNeighbours: scattered == nil)
  }

  private static func inputLayout(
    _ reader: DatasetReader, _ mapping: FieldMapping, outputs: ChannelLayout?, timeAxis: Grid.Axis?
  ) throws -> ChannelLayout {
    let hasTimes = mapping.outputs.contains { output in
      reader.variables.contains { $0.name == output.variable && $0.length(of: .time) != nil }
    }
    guard mapping.timeAs == .axis, let axis = outputs == nil ? timeAxis : outputs?.grid.axes.first,
      outputs == nil || hasTimes
    else {
      return try ChannelLayout(reader, selections: mapping.inputs, grid: outputs?.grid)
    }
    // Inputs at the very times of the outputs vary along the axis; others are channels, the same at all times.
    let slices = Set(mapping.outputs.map(\.slice))
    let isAlong = mapping.inputs.contains { input in
      reader.variables.contains { $0.name == input.variable && $0.length(of: .time) != nil }
        && slices.contains(input.slice)
    }
    if isAlong {
      let layout = try ChannelLayout(reader, selections: mapping.inputs, time: .axis)
      if layout.grid.axes.first == axis { return layout }
    }
    let spatial = outputs.map { Grid(axes: Array($0.grid.axes.dropFirst())) }
    return try ChannelLayout(
      reader, selections: mapping.inputs, time: .channelsRepeated(along: axis), grid: spatial)
  }

  /// The coordinates in the file where they are uneven; those of the axis, which have no roundoff, where they are
  /// not.
  private static func coordinates(of axis: Grid.Axis, in reader: DatasetReader) throws -> [Double] {
    guard let dimension = reader.dimensions.first(where: { $0.name == axis.name && $0.length == axis.count }),
      let variable = reader.variables.first(where: { $0.name == axis.name && reader.isCoordinate($0) }),
      variable.shape == [axis.count], try !reader.axis(of: dimension).isUniform
    else { return axis.coordinates }
    let values: Tensor<Double> = try reader.read(variable)
    return values.values
  }
}
