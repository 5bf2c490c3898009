// How variables become the channels of a tensor, and back.

import Tensors

/// The channels that selected variables of a dataset make: `[sample, channel, …grid]`.
///
/// Each time of a variable with `time` is a channel, so is each entry of a `channel` dimension (time slowest), and
/// a number per sample is a constant channel. With time as an axis, times are the slowest axis of the grid instead,
/// and variables without time are constant along it.
public struct ChannelLayout: Sendable {
  /// What the times of variables become.
  public enum Time: Sendable, Hashable {
    case channels
    /// The slowest axis of the grid.
    case axis
    /// Channels, and everything is repeated along a further, slowest axis: how inputs meet outputs whose time is
    /// an axis of another length.
    case channelsRepeated(along: Grid.Axis)
  }

  /// Where a channel comes from.
  public struct Channel: Sendable, Hashable {
    public let variable: String
    public let timeIndex: Int?
    public let channelIndex: Int?

    /// As a selection: `w[3]`.
    public var name: String {
      let time = timeIndex.map { "[\($0)]" } ?? ""
      return variable + time + (channelIndex.map { "[\($0)]" } ?? "")
    }
  }

  struct Field: Sendable {
    let block: VariableBlock
    let channels: Int
    let hasTimeAxis: Bool
    var variable: DatasetVariable { block.variable }
  }

  public let selections: [FieldSelection]
  public let time: Time
  /// The axes of the tensor after its channels, slowest first, among them that of time where it is one.
  public let grid: Grid
  public let channels: [Channel]
  let fields: [Field]

  /// `grid`: of the samples, for selections that are all numbers per sample (parameters alone); without it at least
  /// one variable has a grid. All variables must share one.
  public init(
    _ reader: DatasetReader, selections: [FieldSelection], time: Time = .channels, grid: Grid? = nil
  ) throws(DatasetError) {
    func failure(_ variable: String?, _ message: String) -> DatasetError {
      DatasetError(.invalidData, path: reader.path, variable: variable, message)
    }
    func indices(_ range: StridedRange?) -> [Int?] { range.map { $0.indices.map { $0 } } ?? [nil] }
    guard !selections.isEmpty else { throw failure(nil, "no variable was selected") }
    self.selections = selections
    self.time = time
    var fields: [Field] = []
    var channels: [Channel] = []
    var spatial: (grid: Grid, owner: String)? = grid.map { ($0, "the grid of the samples") }
    var timeAxis: (axis: Grid.Axis, indices: [Int], owner: String)?
    for selection in selections {
      let variable = try reader.variable(selection.variable)
      guard variable.type.isNumeric else { throw failure(variable.name, "holds text, not numbers") }
      guard !reader.isCoordinate(variable) else {
        throw failure(variable.name, "is a coordinate, not a field")
      }
      if !variable.isPerSampleScalar {
        let grid = try reader.grid(of: variable)
        if let (known, owner) = spatial, !Self.agree(known, grid) {
          throw failure(variable.name, "lies on the grid \(grid), but \(owner) on \(known)")
        }
        spatial = spatial ?? (grid, variable.name)
      }
      let (times, entries) = try Self.ranges(selection, variable, path: reader.path)
      let hasTimeAxis = time == .axis && times != nil
      if hasTimeAxis, let times {
        if let (_, indices, owner) = timeAxis, indices.count != times.count {
          throw failure(variable.name, "\(times.count) times were selected, but \(indices.count) of \(owner)")
        }
        if timeAxis == nil {
          let axis = try Self.timeAxis(reader, variable, times)
          timeAxis = (axis, times.indices, variable.name)
        }
      }
      let channelTimes: [Int?] = hasTimeAxis ? [nil] : indices(times)
      let own = channelTimes.flatMap { time in
        indices(entries).map {
          Channel(variable: variable.name, timeIndex: time, channelIndex: $0)
        }
      }
      channels += own
      let order: [AxisRole] = hasTimeAxis ? [.channel, .time, .grid] : [.time, .channel, .grid]
      fields.append(
        Field(
          block: VariableBlock(variable, time: times, channel: entries, order: order),
          channels: own.count, hasTimeAxis: hasTimeAxis))
    }
    guard let spatial else {
      throw failure(nil, "the selected variables are numbers per sample: none has a grid")
    }
    var axes = spatial.grid.axes
    if let timeAxis { axes.insert(timeAxis.axis, at: 0) }
    if case .channelsRepeated(let axis) = time { axes.insert(axis, at: 0) }
    self.grid = Grid(axes: axes)
    self.channels = channels
    self.fields = fields
  }

  public var channelCount: Int { channels.count }

  /// `[samples, channels, …grid]`.
  public func shape(samples: Int) -> [Int] { [samples, channelCount] + grid.shape }

  /// Values of one sample.
  public var valuesPerSample: Int { channelCount * grid.pointCount }

  /// Entries that the leading, repeated axis has; 1 where there is none.
  var repeats: Int {
    switch time {
    case .channels: 1
    case .axis: fields.contains(where: \.hasTimeAxis) ? grid.axes[0].count : 1
    case .channelsRepeated(let axis): axis.count
    }
  }

  /// Same sizes, and positions alike but for the last digits.
  private static func agree(_ left: Grid, _ right: Grid) -> Bool {
    guard left.shape == right.shape else { return false }
    return zip(left.axes, right.axes).allSatisfy { a, b in
      let tolerance = 1e-5 * a.length
      return abs(a.lowerBound - b.lowerBound) <= tolerance && abs(a.upperBound - b.upperBound) <= tolerance
    }
  }

  private static func ranges(
    _ selection: FieldSelection, _ variable: DatasetVariable, path: String
  ) throws(DatasetError) -> (times: StridedRange?, entries: StridedRange?) {
    let times = variable.length(of: .time)
    let entries = variable.length(of: .channel)
    guard let slice = selection.slice else {
      return (times.map(StridedRange.init(all:)), entries.map(StridedRange.init(all:)))
    }
    guard let length = times ?? entries else {
      throw DatasetError(
        .invalidData, path: path, variable: variable.name,
        "has no time or channel dimension that \(selection) could select from")
    }
    guard let range = FieldSelection.resolve(slice, count: length) else {
      throw DatasetError(
        .invalidData, path: path, variable: variable.name,
        "has \(length) \(times != nil ? "times" : "channels"): \(selection) is outside")
    }
    return times != nil ? (range, entries.map(StridedRange.init(all:))) : (nil, range)
  }

  private static func timeAxis(
    _ reader: DatasetReader, _ variable: DatasetVariable, _ range: StridedRange
  ) throws(DatasetError) -> Grid.Axis {
    guard let values = try reader.times(of: variable) else {
      return Grid.Axis(name: "time", count: range.count, placement: .nodes)
    }
    let chosen = range.indices.map { values[$0] }
    let length = chosen[chosen.count - 1] - chosen[0]
    return Grid.Axis(
      name: "time", lowerBound: chosen[0], upperBound: length > 0 ? chosen[0] + length : chosen[0] + 1,
      count: range.count, placement: .nodes)
  }
}
