// What a variable of a dataset is: its type, its dimensions and what each of them means.

/// What a dimension of a variable counts.
public enum AxisRole: Sendable, Hashable {
  case sample, time, channel, grid
}

/// A named dimension of a file.
public struct DatasetDimension: Sendable, Hashable {
  public var name: String
  public var length: Int
  public var isUnlimited: Bool

  public init(name: String, length: Int, isUnlimited: Bool = false) {
    self.name = name
    self.length = length
    self.isUnlimited = isUnlimited
  }
}

/// A variable of a dataset as the file describes it.
public struct DatasetVariable: Sendable, Hashable {
  public let name: String
  public let type: NetCDFType
  /// In the file's order.
  public let dimensions: [DatasetDimension]
  /// What each of ``dimensions`` counts.
  public let roles: [AxisRole]
  public let attributes: [Attribute]
  let id: VariableID

  public var shape: [Int] { dimensions.map(\.length) }

  public func length(of role: AxisRole) -> Int? {
    zip(roles, dimensions).first { $0.0 == role }?.1.length
  }

  /// The dimensions of the grid, slowest first.
  public var gridDimensions: [DatasetDimension] {
    zip(roles, dimensions).filter { $0.0 == .grid }.map(\.1)
  }

  public var gridShape: [Int] { gridDimensions.map(\.length) }

  /// One number a sample: a parameter that varies from sample to sample, a residual.
  public var isPerSampleScalar: Bool { roles == [.sample] }

  /// Values in the file are integers or reals from which the true ones follow by scaling.
  var isPacked: Bool {
    attributes["scale_factor"] != nil || attributes["add_offset"] != nil
      || (attributes["_Unsigned"]?.text?.lowercased() == "true")
  }
}

extension DatasetVariable: CustomStringConvertible {
  public var description: String {
    "\(type.name) \(name)(\(dimensions.map { "\($0.name): \($0.length)" }.joined(separator: ", ")))"
  }
}

/// Entries `start, start + step, …` of a dimension.
public struct StridedRange: Sendable, Hashable {
  public let start: Int
  public let count: Int
  public let step: Int

  public init(start: Int, count: Int, step: Int = 1) {
    precondition(start >= 0 && count >= 0 && step >= 1, "entries are counted upwards from a first one")
    self.start = start
    self.count = count
    self.step = step
  }

  public init(all length: Int) { self.init(start: 0, count: length) }

  public var indices: [Int] { (0..<count).map { start + $0 * step } }
}

/// Tells the roles of dimensions from their names, or, where the names say nothing, from their order.
struct RoleAssignment {
  let sampleDimension: String?
  /// Axes x, y, z whose coordinates stand in variables `x-coordinate`, … beside dimensions without names, as
  /// PDEBench writes them; slowest first.
  let anonymousAxes: [String]
  let hasAnonymousTime: Bool

  init(dimensionNames: [String], variableNames: [String]) {
    sampleDimension = dimensionNames.contains("sample") ? "sample" : nil
    let names = Set(variableNames)
    anonymousAxes = ["x", "y", "z"].filter { names.contains("\($0)-coordinate") }
    hasAnonymousTime = names.contains("t-coordinate")
  }

  private static let timeNames: Set<String> = ["time", "t"]
  private static let channelNames: Set<String> = ["channel", "channels", "component", "components"]

  /// The roles of a variable's dimensions, and the dimensions under the names that they deserve.
  func roles(
    of dimensions: [DatasetDimension], isCoordinate: Bool
  ) -> (roles: [AxisRole], dimensions: [DatasetDimension]) {
    var roles = dimensions.map { dimension -> AxisRole in
      if dimension.name == sampleDimension { return .sample }
      if Self.timeNames.contains(dimension.name.lowercased()) { return .time }
      return Self.channelNames.contains(dimension.name.lowercased()) ? .channel : .grid
    }
    var dimensions = dimensions
    guard sampleDimension == nil, !isCoordinate, !dimensions.isEmpty else { return (roles, dimensions) }
    roles[0] = .sample
    let isAnonymous = dimensions.allSatisfy { $0.name.hasPrefix("phony_dim_") }
    if isAnonymous, !anonymousAxes.isEmpty {
      var rest: [(AxisRole, String)] = anonymousAxes.map { (.grid, $0) }
      if hasAnonymousTime, dimensions.count > rest.count + 1 { rest.insert((.time, "time"), at: 0) }
      if dimensions.count == rest.count + 2 { rest.append((.channel, "channel")) }
      if dimensions.count == rest.count + 1 {
        for (index, (role, name)) in rest.enumerated() {
          roles[index + 1] = role
          dimensions[index + 1].name = name
        }
      }
    }
    return (roles, dimensions)
  }
}
