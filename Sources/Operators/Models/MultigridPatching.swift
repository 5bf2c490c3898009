// The patches of a field: where their points are, level by level.

import Autodiff
import Spectral
import Tensors

/// The patches of fields on one grid.
///
/// With n = 2^L patches an axis of N points (a multiple of 4^L) and s = N/n, level l has the points of spacing
/// q = 2^l, m = N/q of them, and patch i sees of it the s + 2p points from `i·s/q − ⌈(s − s/q)/2⌉ − p` on: as many as of
/// the finest level, centred about itself. What lies beyond the ends is up to the boundary.
/// An axis that is not periodic and whose points n does not divide is continued to a size that it does.
public struct MultigridPatching: Sendable, Equatable {
  public let configuration: MultigridConfiguration
  /// Points of the whole, of its continuation, of a patch without and the width of its margin, along each axis.
  public let shape: [Int]
  let continuedShape: [Int]
  let patchSizes: [Int]
  let margins: [Int]

  /// - Parameter shape: One that has no ``problem(shape:_:)``.
  public init(_ configuration: MultigridConfiguration, shape: [Int]) {
    self.configuration = configuration
    self.shape = shape
    let unit = 1 << (2 * configuration.levels)
    let continued =
      configuration.boundary == .periodic ? shape : shape.map { ($0 + unit - 1) / unit * unit }
    continuedShape = continued
    patchSizes = continued.map { $0 >> configuration.levels }
    margins = shape.indices.map { axis in
      let part = configuration.overlap[configuration.overlap.count == 1 ? 0 : axis]
      return configuration.levels == 0 ? 0 : Int((part * Double(continued[axis])).rounded(.toNearestOrEven))
    }
  }

  /// Why a grid cannot be cut, with the sizes that can; nil where it can.
  public static func problem(shape: [Int], _ configuration: MultigridConfiguration) -> String? {
    let unit = 1 << (2 * configuration.levels)
    func refused(_ count: Int, _ sizes: String) -> String {
      "an axis of \(count) points cannot be cut by \(configuration.levels) level\(configuration.levels == 1 ? "" : "s"): \(sizes) points could"
    }
    guard configuration.boundary == .periodic else {
      // More than doubled, it would be its continuation for the most part.
      return shape.first { 2 * $0 < unit }.map { refused($0, "\(unit / 2) and more") }
    }
    guard let bad = shape.first(where: { $0 % unit != 0 }) else { return nil }
    let lower = bad / unit * unit
    return refused(bad, (lower > 0 ? "\(lower) or " : "") + "\(lower + unit)")
  }

  /// Patches along each axis.
  public var counts: [Int] { shape.map { _ in 1 << configuration.levels } }
  public var patchCount: Int { counts.reduce(1, *) }

  /// `[batch, channel, …grid]` at every level, the finest first.
  public func pyramid<Element: Scalar>(
    _ field: Variable<Element>, on tape: Tape<Element>
  ) -> [Variable<Element>] {
    var level = field
    for axis in shape.indices {
      level = tape.mapAxis(level, axis: axis + 2, by: continuation(axis))
    }
    var levels = [level]
    for _ in 0..<configuration.levels {
      for axis in shape.indices {
        level = tape.mapAxis(level, axis: axis + 2, by: coarsening(level.shape[axis + 2]))
      }
      levels.append(level)
    }
    return levels
  }

  /// One patch of all levels and, where there is one, of a guess at the finest level's points,
  /// `[batch, channel·(L + 1) + outputs, …(size + 2 margin)]`; patches are numbered row-major.
  public func patch<Element: Scalar>(
    _ index: Int, of pyramid: [Variable<Element>], guess: Variable<Element>? = nil, on tape: Tape<Element>
  ) -> Variable<Element> {
    let strides = Tensor<Element>.strides(of: counts)
    let fields = pyramid.enumerated().map { ($0, $1) } + (guess.map { [(0, $0)] } ?? [])
    let parts = fields.map { level, field in
      shape.indices.reduce(field) { part, axis in
        let place = index / strides[axis] % counts[axis]
        return tape.mapAxis(part, axis: axis + 2, by: window(axis, place: place, level: level))
      }
    }
    return tape.concatenateChannels(parts)
  }

  /// The whole from all of its patches, whose margins are left out.
  public func stitched<Element: Scalar>(
    _ patches: [Variable<Element>], on tape: Tape<Element>
  ) -> Variable<Element> {
    cropped(tape.stitch(patches, counts: counts, sizes: patchSizes, margins: margins), on: tape)
  }

  /// The coarsest level of the whole, with the margin that a patch has where the ends of the domain do not meet: as many
  /// points as a patch.
  func coarsePicture<Element: Scalar>(
    of pyramid: [Variable<Element>], on tape: Tape<Element>
  ) -> Variable<Element> {
    shape.indices.reduce(pyramid[configuration.levels]) { field, axis in
      let (count, margin) = (patchSizes[axis], coarseMargins[axis])
      let table = AxisTable(
        inputCount: count, gathering: (-margin..<count + margin).map { inside($0, count) })
      return tape.mapAxis(field, axis: axis + 2, by: table)
    }
  }

  /// A field like ``coarsePicture(of:on:)`` at the points of the finest level: cubic interpolation.
  func prolonged<Element: Scalar>(_ field: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    shape.indices.reduce(field) { tape.mapAxis($0, axis: $1 + 2, by: prolongation($1)) }
  }

  /// A field without what its grid was continued by.
  func cropped<Element: Scalar>(_ field: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    shape.indices.reduce(field) { field, axis in
      let table = AxisTable(inputCount: continuedShape[axis], gathering: Array(0..<shape[axis]))
      return tape.mapAxis(field, axis: axis + 2, by: table)
    }
  }

  /// Where the points of a patch are: positions go on evenly beyond the ends of the domain.
  func positions(_ index: Int, _ whole: GridPositions) -> GridPositions {
    let strides = Tensor<Double>.strides(of: counts)
    return GridPositions(
      axes: whole.axes.enumerated().map { axis, points in
        let spacing = points.count > 1 ? points[1] - points[0] : 1
        let start = index / strides[axis] % counts[axis] * patchSizes[axis] - margins[axis]
        return (0..<patchSizes[axis] + 2 * margins[axis]).map { points[0] + Double(start + $0) * spacing }
      })
  }

  /// Where the points of ``coarsePicture(of:on:)`` are.
  func coarsePositions(_ whole: GridPositions) -> GridPositions {
    GridPositions(
      axes: whole.axes.enumerated().map { axis, points in
        let spacing = (points.count > 1 ? points[1] - points[0] : 1) * Double(1 << configuration.levels)
        let margin = coarseMargins[axis]
        return (-margin..<patchSizes[axis] + margin).map { points[0] + Double($0) * spacing }
      })
  }

  /// The fewest points that the operator inside is given along each axis.
  public var smallestShape: [Int] {
    zip(patchSizes, configuration.coarseSolve ? coarseMargins : margins).map { $0 + 2 * $1 }
  }

  private var coarseMargins: [Int] {
    configuration.boundary == .periodic ? margins.map { _ in 0 } : margins
  }

  // MARK: Tables

  private func continuation(_ axis: Int) -> AxisTable {
    AxisTable(
      inputCount: shape[axis],
      gathering: (0..<continuedShape[axis]).map { inside($0, shape[axis]) })
  }

  private func coarsening(_ count: Int) -> AxisTable {
    let places = (0..<(count + 1) / 2).map { 2 * $0 }
    guard configuration.coarsening == .average else { return AxisTable(inputCount: count, gathering: places) }
    return AxisTable(
      inputCount: count,
      rows: places.map { place in
        [(-1, 0.25), (0, 0.5), (1, 0.25)].map { (inside(place + $0.0, count), $0.1) }
      })
  }

  /// The polynomial through the four points about every point of the finest level, or through as many as there are.
  private func prolongation(_ axis: Int) -> AxisTable {
    let (step, count, margin) = (1 << configuration.levels, patchSizes[axis], coarseMargins[axis])
    let isPeriodic = configuration.boundary == .periodic
    let terms = isPeriodic ? 4 : min(4, count)
    return AxisTable(
      inputCount: count + 2 * margin,
      rows: (0..<continuedShape[axis]).map { point in
        let first = isPeriodic ? point / step - 1 : min(max(point / step - 1, 0), count - terms)
        let x = Double(point) / Double(step) - Double(first)
        return (0..<terms).map { node in
          let weight = (0..<terms).reduce(1.0) { product, other in
            other == node ? product : product * (x - Double(other)) / Double(node - other)
          }
          return (margin + inside(first + node, count), weight)
        }
      })
  }

  private func window(_ axis: Int, place: Int, level: Int) -> AxisTable {
    let (size, margin) = (patchSizes[axis], margins[axis])
    let step = size >> level
    let start = place * step - (size - step + 1) / 2 - margin
    let count = continuedShape[axis] >> level
    return AxisTable(
      inputCount: count, gathering: (start..<start + size + 2 * margin).map { inside($0, count) })
  }

  /// The point that stands for one beyond the ends.
  private func inside(_ index: Int, _ count: Int) -> Int {
    switch configuration.boundary {
    case .periodic:
      return ((index % count) + count) % count
    case .replicate:
      return min(max(index, 0), count - 1)
    case .reflect:
      let period = max(2 * (count - 1), 1)
      let folded = ((index % period) + period) % period
      return min(folded, period - folded) % count
    }
  }
}
