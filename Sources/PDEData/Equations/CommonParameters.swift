// Parameters that several equations share, described once.

import Spectral
import Tensors

enum CommonParameters {
  /// A positive number that may be drawn for every sample.
  static func sampled(_ name: String, _ value: String, _ meaning: String) -> ParameterDescription {
    ParameterDescription(
      name, .positive(allowsRange: true), default: value,
      help: "\(meaning), or a range a:b drawn per sample (uniform in the logarithm)")
  }

  static func viscosity(_ value: String) -> ParameterDescription {
    sampled("viscosity", value, "viscosity ν")
  }

  static func finalTime(_ value: String) -> ParameterDescription {
    ParameterDescription(
      "final-time", .positive(allowsRange: false), default: value, help: "time of the last saved state")
  }

  static let saveEvery = ParameterDescription(
    "save-every", .positive(allowsRange: false), default: nil,
    help: "time between saved states (default: only the final one is saved)")
  static let step = ParameterDescription(
    "dt", .positive(allowsRange: false), default: nil,
    help: "time step (default: chosen by error control to --tolerance)")

  static func domain(_ value: String = "0:1") -> ParameterDescription {
    ParameterDescription("domain", .interval, default: value, help: "extent a:b of every axis")
  }

  static func precision(_ choices: [String] = ["float64"]) -> ParameterDescription {
    ParameterDescription(
      "precision", .choice(choices), default: choices[0], help: "arithmetic of the solver")
  }

  /// Of equations that have several.
  static func dimension(_ choices: [Int]) -> ParameterDescription {
    ParameterDescription(
      dimensionName, .choice(choices.sorted().map(String.init)), default: nil,
      help: "of space, where --resolution is one number (default: \(choices[0]))")
  }
  static let dimensionName = "dimension"

  /// Where points lie beside the boundary.
  static func placement(_ value: String = "nodes") -> ParameterDescription {
    ParameterDescription(
      "grid", .choice(["nodes", "cells"]), default: value,
      help: "nodes: points on the boundary too, coarser grids are whole strides of finer ones; cells: centres"
    )
  }

  static let solveResolution = ParameterDescription(
    "solve-resolution", .text, default: nil,
    help: "points per axis to solve with; every k-th is stored (default: as stored)")

  static func tolerance(_ value: String, _ meaning: String) -> ParameterDescription {
    ParameterDescription("tolerance", .positive(allowsRange: false), default: value, help: meaning)
  }

  /// - Parameters:
  ///   - what: `random initial states`.
  ///   - value: `paper` where the papers' fields are presets, else a covariance.
  static func randomField(
    _ what: String, _ value: String = "paper", example: String = "625 (-Δ + 25)^-2"
  ) -> ParameterDescription {
    let presets =
      value == "paper"
      ? "paper, script, or a covariance such as \"\(example)\"" : "a covariance c (-Δ + s)^-a"
    return ParameterDescription("random-field", .text, default: value, help: "\(what): \(presets)")
  }

  /// The measure of `--random-field`.
  static func measure(
    _ parameters: ParameterValues, paper: GaussianMeasure, script: GaussianMeasure
  ) throws(ParameterError) -> GaussianMeasure {
    switch parameters.text("random-field") {
    case "paper": return paper
    case "script": return script
    case let formula:
      do throws(GaussianMeasureError) {
        return try GaussianMeasure(
          formula: formula, boundary: paper.boundary, maximumWavenumber: paper.maximumWavenumber)
      } catch {
        throw ParameterError("random-field", error.description)
      }
    }
  }

  /// Beyond this, rounding errors and patience set an end.
  private static let mostSteps = 1e9

  /// The times of saved states.
  static func times(_ parameters: ParameterValues) throws(ParameterError) -> [Double] {
    let final = parameters.real("final-time") ?? 1
    let interval = parameters.real("save-every") ?? final
    let count = (final / interval).rounded()
    guard count >= 1, abs(count * interval - final) <= 1e-9 * final else {
      throw ParameterError("save-every", "\(interval) does not divide the final time \(final)")
    }
    for (name, steps) in [
      ("dt", parameters.real("dt").map { final / $0 }), ("cfl", parameters.real("cfl").map { 1 / $0 }),
    ] {
      guard steps ?? 1 <= mostSteps else {
        throw ParameterError(name, "makes more than \(Int(mostSteps)) steps")
      }
    }
    guard count <= 1e6 else {
      throw ParameterError("save-every", "\(interval) makes more than a million states")
    }
    return (1...Int(count)).map { final * Double($0) / count }
  }

  /// `64` or `64x128` as numbers of points.
  static func resolution(_ text: String, rank: Int, parameter: String) throws(ParameterError) -> [Int] {
    let numbers = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard numbers.allSatisfy({ $0 >= 1 }), numbers.count == 1 || numbers.count == rank else {
      throw ParameterError(parameter, "\"\(text)\" is not a number of points, such as 64 or 64x128")
    }
    let shape = numbers.count == rank ? numbers : [Int](repeating: numbers[0], count: rank)
    try requireBounded(shape, parameter: parameter)
    return shape
  }

  /// What memory can sensibly hold.
  static let mostPoints = 1 << 28

  static func requireBounded(_ shape: [Int], parameter: String) throws(ParameterError) {
    guard shape.reduce(1.0, { $0 * Double($1) }) <= Double(mostPoints) else {
      throw ParameterError(
        parameter,
        "\(shape.map(String.init).joined(separator: "x")) are more than \(mostPoints) points in all")
    }
  }
}

/// The points of a grid that are stored, among those that were solved for.
struct Thinning: Sendable {
  let solved: Grid
  let stored: Grid
  private let strides: [Int]
  private let offsets: [Int]
  /// Axes along which a stored point lies half-way between two that were solved for: the mean of these is taken.
  private let midways: [Int]

  /// Every k-th point, for a solution on `resolution` points; they must be points of the stored grid. Of cells, an even
  /// number of which would have no common centre, `allowsMidways` takes the mean of those nearest to it.
  init(stored: Grid, resolution: [Int], allowsMidways: Bool = false) throws(ParameterError) {
    var axes: [Grid.Axis] = []
    var strides: [Int] = []
    var offsets: [Int] = []
    var midways: [Int] = []
    for (axis, count) in zip(stored.axes, resolution) {
      func failure(_ rule: String) -> ParameterError {
        ParameterError(
          "solve-resolution",
          "\(count) does not contain the \(axis.count) points stored along \(axis.name): \(rule)")
      }
      let isNodes = axis.placement == .nodes
      let (fine, coarse) = isNodes ? (count - 1, axis.count - 1) : (count, axis.count)
      guard coarse > 0, fine >= coarse, fine % coarse == 0 else {
        throw failure(isNodes ? "of nodes, k·(n−1)+1 are wanted" : "a whole multiple is wanted")
      }
      let stride = fine / coarse
      let isMidway = axis.placement == .cells && stride % 2 == 0
      guard !isMidway || allowsMidways else {
        throw failure("cells have common centres for odd multiples only")
      }
      if isMidway { midways.append(axes.count) }
      var axis = axis
      axis.count = count
      axes.append(axis)
      strides.append(stride)
      offsets.append(axis.placement == .cells ? (stride - 1) / 2 : 0)
    }
    self.stored = stored
    solved = Grid(axes: axes)
    self.strides = strides
    self.offsets = offsets
    self.midways = midways
  }

  /// The same stored points, solved for on half the spacing.
  func refined() throws(ParameterError) -> Thinning {
    try Thinning(
      stored: stored,
      resolution: solved.axes.map { $0.placement == .nodes ? 2 * $0.count - 1 : 2 * $0.count },
      allowsMidways: true)
  }

  var isIdentity: Bool { strides.allSatisfy { $0 == 1 } }

  /// The stored points of `[…batch, …solved grid]`.
  func callAsFunction(_ values: Tensor<Double>) -> Tensor<Double> {
    guard !isIdentity else { return values }
    let rank = stored.axes.count
    let batch = values.shape.dropLast(rank)
    var result = Tensor<Double>(uninitialized: batch + stored.shape)
    let sourceStrides = Tensor<Double>.strides(of: solved.shape)
    let targetStrides = Tensor<Double>.strides(of: stored.shape)
    let (fine, coarse) = (solved.pointCount, stored.pointCount)
    result.withUnsafeMutableBuffer { target in
      values.withUnsafeBuffer { source in
        for block in 0..<batch.reduce(1, *) {
          for point in 0..<coarse {
            var index = block * fine
            for axis in 0..<rank {
              let position = point / targetStrides[axis] % stored.axes[axis].count
              index += (position * strides[axis] + offsets[axis]) * sourceStrides[axis]
            }
            var sum = 0.0
            for corner in 0..<1 << midways.count {
              sum +=
                source[
                  midways.indices.reduce(index) {
                    $0 + (corner >> $1 & 1) * sourceStrides[midways[$1]]
                  }]
            }
            target[block * coarse + point] = sum / Double(1 << midways.count)
          }
        }
      }
    }
    return result
  }
}
