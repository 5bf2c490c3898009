// From a box of points to every second one along some axes, and the operator there.

import RealModule
import Tensors

/// Coarsening along some axes together, led by the operator (Dendy, "Black box multigrid", J. Comput. Phys. 48 (1982) 366):
/// a point that is left out along some axes takes the value that its equation, summed over the other axes, gives it from
/// its neighbours, those that are left out along fewer axes first. So the flow through a jump of the coefficient stays
/// continuous, and a point in the midst of a cell follows those of its neighbours, along every axis, that it conducts to.
/// The coarse operator is Galerkin's, PᵀAP.
final class StencilCoarsening: @unchecked Sendable {
  /// What the kept points give to their neighbours on one side.
  private struct Side {
    /// Along z, y, x.
    let steps: [Int]
    /// From a kept point to that neighbour.
    let offset: Int
    /// Of the kept points: the share of each in its neighbour.
    let weights: PaddedArray
  }

  let fine: PaddedLayout
  let coarse: PaddedLayout
  /// Along z, y, x: whether every second point is left out, the first that is kept, how many points there are.
  private let isHalved: [Bool]
  private let first: [Int]
  private let counts: [Int]
  private let isFixed: [[Bool]]
  /// In the order of the axes along which the neighbour is left out: one, two, three of them.
  private let sides: [Side]

  /// - Parameters:
  ///   - axes: Counted in the layout.
  ///   - isFixed: For every axis whether u = 0 beyond its lower and beyond its upper end.
  init(_ stencil: StencilOperator, axes: [Int], isFixed: [[Bool]]) {
    let fine = stencil.layout
    let missing = 3 - fine.rank
    var (isHalved, first) = ([false, false, false], [0, 0, 0])
    var shape = fine.shape
    for axis in axes {
      isHalved[missing + axis] = true
      // Next to a zero the first point is left out.
      let start = isFixed[axis][0] && fine.shape[axis] > 1 ? 1 : 0
      first[missing + axis] = start
      shape[axis] = (fine.shape[axis] - start + 1) / 2
    }
    let coarse = PaddedLayout(shape: shape)
    sides = Self.steps { isHalved[$0] }
      .filter { $0 != [0, 0, 0] }
      .sorted { Self.rank($0) < Self.rank($1) }
      .map {
        Side(steps: $0, offset: StencilOperator.offset($0, fine), weights: PaddedArray(coarse))
      }
    (self.fine, self.coarse, self.isHalved, self.first) = (fine, coarse, isHalved, first)
    counts = [Int](repeating: 1, count: missing) + fine.shape
    self.isFixed = [[Bool]](repeating: [false, false], count: missing) + isFixed
    setWeights(stencil)
  }

  private static func rank(_ steps: [Int]) -> Int { steps.count { $0 != 0 } }

  /// −1, 0, 1 along the axes that are `included`, 0 along others.
  private static func steps(along included: (Int) -> Bool) -> [[Int]] {
    (0..<3).reduce([[]]) { result, axis in
      result.flatMap { start in (included(axis) ? [-1, 0, 1] : [0]).map { start + [$0] } }
    }
  }

  private func weights(_ steps: [Int]) -> UnsafePointer<Double>? {
    sides.first { $0.steps == steps }.map { UnsafePointer($0.weights.pointer) }
  }

  /// Calls `body(plane and row, place in the coarse array, place in the fine one)` for the rows of the coarse box.
  @inline(__always)
  private func forEachRow(_ body: ([Int], Int, Int) -> Void) {
    let steps = isHalved.map { $0 ? 2 : 1 }
    coarse.forEachRow { plane, row, place in
      let (z, y) = (steps[0] * plane + first[0], steps[1] * row + first[1])
      body([z, y], place, fine.row(z, y) + first[2])
    }
  }

  // MARK: - Interpolation

  private func setWeights(_ stencil: StencilOperator) {
    let table = CouplingTable(stencil)
    let columns = coarse.columns
    let lines = AlignedMemory<Double>(count: 2 * coarse.stride)
    let (sum, part) = (lines.pointer, lines.pointer + coarse.stride)
    for side in sides {
      let groups = groups(of: side, table)
      let target = side.weights.pointer
      forEachRow { position, place, source in
        let (z, y) = (position[0] + side.steps[0], position[1] + side.steps[1])
        guard (0..<counts[0]).contains(z), (0..<counts[1]).contains(y) else { return }
        let start = source + side.offset
        for i in 0..<columns { (sum[i], target[place + i]) = (0, 0) }
        for group in groups {
          for i in 0..<columns { part[i] = 0 }
          for coupling in group.couplings {
            Self.add(coupling + start, to: part, count: columns, isHalved: isHalved[2])
          }
          // Galerkin's operators may couple points the wrong way round; weights that are no means spoil all coarser
          // grids.
          for i in 0..<columns {
            part[i] = max(part[i], 0)
            sum[i] += part[i]
          }
          guard group.isTowards else { continue }
          if let near = group.weights {
            Pointwise.addProduct(part, near + place, to: target + place, count: columns)
          } else {
            Pointwise.add(part, to: target + place, count: columns)
          }
        }
        addExcess(table, side, [z, y], start, to: sum)
        for i in 0..<columns { target[place + i] = sum[i] > 0 ? target[place + i] / sum[i] : 0 }
        // Neighbours beyond the ends are none.
        if side.steps[2] < 0, first[2] == 0 { target[place] = 0 }
        if side.steps[2] > 0, 2 * (columns - 1) + first[2] + 1 >= counts[2] {
          target[place + columns - 1] = 0
        }
      }
    }
  }

  /// Couplings that are summed over the axes along which the neighbour is kept.
  private struct Group {
    var couplings: [UnsafePointer<Double>]
    /// Whether they lead towards the kept point in question.
    var isTowards: Bool
    /// Its share in the point that they lead to; nil: it is that point.
    var weights: UnsafePointer<Double>?
  }

  private func groups(of side: Side, _ table: CouplingTable) -> [Group] {
    Self.steps { side.steps[$0] != 0 }.filter { $0 != [0, 0, 0] }.map { steps in
      let couplings = table.neighbours.filter { neighbour in
        (0..<3).allSatisfy { side.steps[$0] == 0 || neighbour.steps[$0] == steps[$0] }
      }
      let isTowards = (0..<3).allSatisfy { steps[$0] == 0 || steps[$0] == -side.steps[$0] }
      return Group(
        couplings: couplings.map(\.coupling), isTowards: isTowards,
        weights: isTowards ? weights(zip(side.steps, steps).map { $0 + $1 }) : nil)
    }
  }

  /// Beyond a fixed end the neighbour is zero: what a row lacks to vanish in sum is coupled to it.
  private func addExcess(
    _ table: CouplingTable, _ side: Side, _ position: [Int], _ start: Int,
    to sum: UnsafeMutablePointer<Double>
  ) {
    func isAtEnd(_ axis: Int, _ index: Int) -> Bool {
      side.steps[axis] != 0
        && (index == 0 && isFixed[axis][0] || index == counts[axis] - 1 && isFixed[axis][1])
    }
    let step = isHalved[2] ? 2 : 1
    if isAtEnd(0, position[0]) || isAtEnd(1, position[1]) {
      for i in 0..<coarse.columns { sum[i] += max(0, table.excess(at: start + i * step)) }
    } else if side.steps[2] != 0 {
      for i in Set([0, coarse.columns - 1]) where isAtEnd(2, i * step + first[2] + side.steps[2]) {
        sum[i] += max(0, table.excess(at: start + i * step))
      }
    }
  }

  @inline(__always)
  private static func add(
    _ source: UnsafePointer<Double>, to target: UnsafeMutablePointer<Double>, count: Int, isHalved: Bool
  ) {
    if isHalved {
      for i in 0..<count { target[i] += source[2 * i] }
    } else {
      for i in 0..<count { target[i] += source[i] }
    }
  }

  // MARK: - Transfers

  /// `coarse = Pᵀ r`.
  func restrict(_ r: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>) {
    let (columns, isHalved) = (coarse.columns, isHalved[2])
    forEachRow { _, place, source in
      for i in 0..<columns { target[place + i] = 0 }
      Self.add(r + source, to: target + place, count: columns, isHalved: isHalved)
      for side in sides {
        Self.gather(
          target + place, side.weights.pointer + place, r + source + side.offset, columns, isHalved)
      }
    }
  }

  @inline(__always)
  private static func gather(
    _ target: UnsafeMutablePointer<Double>, _ weights: UnsafePointer<Double>, _ r: UnsafePointer<Double>,
    _ count: Int, _ isHalved: Bool
  ) {
    if isHalved {
      for i in 0..<count { target[i] = Relaxed.multiplyAdd(weights[i], r[2 * i], target[i]) }
    } else {
      for i in 0..<count { target[i] = Relaxed.multiplyAdd(weights[i], r[i], target[i]) }
    }
  }

  /// `x += P e`.
  func prolong(_ e: UnsafePointer<Double>, addingTo x: UnsafeMutablePointer<Double>) {
    let (columns, isHalved) = (coarse.columns, isHalved[2])
    forEachRow { _, place, source in
      let (target, values) = (x + source, e + place)
      if isHalved {
        for i in 0..<columns { target[2 * i] += values[i] }
      } else {
        for i in 0..<columns { target[i] += values[i] }
      }
      for side in sides {
        Self.scatter(target + side.offset, side.weights.pointer + place, values, columns, isHalved)
      }
    }
  }

  @inline(__always)
  private static func scatter(
    _ target: UnsafeMutablePointer<Double>, _ weights: UnsafePointer<Double>, _ e: UnsafePointer<Double>,
    _ count: Int, _ isHalved: Bool
  ) {
    if isHalved {
      for i in 0..<count { target[2 * i] = Relaxed.multiplyAdd(weights[i], e[i], target[2 * i]) }
    } else {
      for i in 0..<count { target[i] = Relaxed.multiplyAdd(weights[i], e[i], target[i]) }
    }
  }

  // MARK: - The coarse operator

  /// PᵀAP.
  func coarsened(_ stencil: StencilOperator) -> StencilOperator {
    let table = CouplingTable(stencil)
    let ones = AlignedMemory<Double>(count: coarse.stride)
    ones.buffer.initialize(repeating: 1)
    let one = UnsafePointer(ones.pointer)
    let diagonal = PaddedArray(coarse)
    var couplings: [([Int], PaddedArray)] = []
    for steps in Self.neighbourhood(rank: fine.rank) {
      let isDiagonal = steps == [0, 0, 0]
      let terms = terms(steps, stencil, table)
      guard !terms.isEmpty else { continue }
      let result = isDiagonal ? diagonal : PaddedArray(coarse)
      forEachRow { _, place, source in
        for term in terms {
          Self.accumulate(
            result.pointer + place, term.near.map { $0 + place } ?? one, term.entries + source,
            term.far.map { $0 + place } ?? one, term.sign, coarse.columns, isHalved[2])
        }
      }
      if !isDiagonal { couplings.append((steps, result)) }
    }
    return StencilOperator(coarse, couplings: couplings, diagonal: diagonal)
  }

  /// A path from a coarse point over the fine points next to it and the operator to another coarse point.
  private struct Term {
    /// The weight of the fine point in this coarse point's function; nil: 1.
    var near: UnsafePointer<Double>?
    var entries: UnsafePointer<Double>
    var far: UnsafePointer<Double>?
    var sign: Double
  }

  private func terms(_ steps: [Int], _ stencil: StencilOperator, _ table: CouplingTable) -> [Term] {
    let distance = StencilOperator.offset(steps, coarse)
    var result: [Term] = []
    for side in [[0, 0, 0]] + sides.map(\.steps) {
      for end in [[0, 0, 0]] + sides.map(\.steps) {
        // From the fine point at `side` of this coarse point to one at `end` of the other.
        let reach = (0..<3).map { (isHalved[$0] ? 2 : 1) * steps[$0] + end[$0] - side[$0] }
        guard reach.allSatisfy({ abs($0) <= 1 }) else { continue }
        let isOwn = reach == [0, 0, 0]
        guard let entries = isOwn ? UnsafePointer(stencil.diagonal.pointer) : table.coupling(reach) else {
          continue
        }
        result.append(
          Term(
            near: weights(side), entries: entries + StencilOperator.offset(side, fine),
            far: weights(end).map { $0 + distance }, sign: isOwn == (steps == [0, 0, 0]) ? 1 : -1))
      }
    }
    return result
  }

  @inline(__always)
  private static func accumulate(
    _ target: UnsafeMutablePointer<Double>, _ near: UnsafePointer<Double>, _ entries: UnsafePointer<Double>,
    _ far: UnsafePointer<Double>, _ sign: Double, _ count: Int, _ isHalved: Bool
  ) {
    if isHalved {
      for i in 0..<count {
        target[i] = Relaxed.multiplyAdd(sign * near[i] * far[i], entries[2 * i], target[i])
      }
    } else {
      for i in 0..<count {
        target[i] = Relaxed.multiplyAdd(sign * near[i] * far[i], entries[i], target[i])
      }
    }
  }

  /// The point itself and the neighbours that come before it.
  private static func neighbourhood(rank: Int) -> [[Int]] {
    var result: [[Int]] = []
    for z in rank == 3 ? [-1, 0] : [0] {
      for y in -1...1 {
        for x in -1...1 where (z, y, x) <= (0, 0, 0) { result.append([z, y, x]) }
      }
    }
    return result
  }
}

/// The couplings of a stencil to all neighbours, before and after.
private struct CouplingTable {
  let neighbours: [(steps: [Int], coupling: UnsafePointer<Double>)]
  private let diagonal: UnsafePointer<Double>

  init(_ stencil: StencilOperator) {
    diagonal = UnsafePointer(stencil.diagonal.pointer)
    neighbours = stencil.neighbours.flatMap { neighbour, coupling in
      let pointer = UnsafePointer(coupling.pointer)
      return [(neighbour.steps, pointer), (neighbour.steps.map { -$0 }, pointer - neighbour.offset)]
    }
  }

  func coupling(_ steps: [Int]) -> UnsafePointer<Double>? {
    neighbours.first { $0.steps == steps }?.coupling
  }

  /// The row's sum.
  func excess(at place: Int) -> Double {
    neighbours.reduce(diagonal[place]) { $0 - $1.coupling[place] }
  }
}
