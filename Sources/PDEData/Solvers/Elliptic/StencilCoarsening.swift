// From a box of points to every second one along an axis, and the operator there.

import RealModule
import Tensors

/// Coarsening along one axis, led by the operator: a point that is left out takes the value that its equation, summed over
/// the other axes, gives it between its two neighbours (Dendy, "Black box multigrid", 1982), so that the flow through a
/// jump of the coefficient stays continuous. The coarse operator is Galerkin's, PᵀAP.
final class StencilCoarsening: @unchecked Sendable {
  let fine: PaddedLayout
  let coarse: PaddedLayout
  private let axis: Int
  /// The first point that is kept.
  private let first: Int
  /// For every point that is left out, the weights of the neighbours before and after; else zero.
  private let before: PaddedArray
  private let after: PaddedArray

  /// - Parameters:
  ///   - axis: Counted in the layout.
  ///   - isFixed: Whether u = 0 beyond the lower and beyond the upper end of the axis.
  init(_ stencil: StencilOperator, axis: Int, isFixed: [Bool]) {
    fine = stencil.layout
    self.axis = axis
    // Next to a zero the first point is left out.
    let n = fine.shape[axis]
    first = isFixed[0] && n > 1 ? 1 : 0
    var shape = fine.shape
    shape[axis] = (n - first + 1) / 2
    coarse = PaddedLayout(shape: shape)
    before = PaddedArray(fine)
    after = PaddedArray(fine)
    setWeights(stencil, isFixed)
  }

  /// Whether a point is kept.
  private func isKept(_ index: Int) -> Bool { index >= first && (index - first).isMultiple(of: 2) }

  private func setWeights(_ stencil: StencilOperator, _ isFixed: [Bool]) {
    let (box, n) = (3 - fine.rank + axis, fine.shape[axis])
    let table = CouplingTable(stencil)
    let lines = AlignedMemory<Double>(count: 2 * fine.stride)
    let (lower, upper) = (lines.pointer, lines.pointer + fine.stride)
    fine.forEachRow { plane, row, offset in
      let index = box == 0 ? plane : row
      guard box == 2 || !isKept(index) else { return }
      for i in 0..<fine.columns { (lower[i], upper[i]) = (0, 0) }
      for (steps, coupling) in table.neighbours where steps[box] != 0 {
        Pointwise.add(coupling + offset, to: steps[box] < 0 ? lower : upper, count: fine.columns)
      }
      for i in 0..<fine.columns {
        let position = box == 2 ? i : index
        guard !isKept(position) else { continue }
        var sum = lower[i] + upper[i]
        // Beyond a fixed end the neighbour is zero: what the row lacks to vanish in sum is coupled to it.
        if position == 0 && isFixed[0] || position == n - 1 && isFixed[1] {
          sum += max(0, table.excess(at: offset + i))
        }
        guard sum > 0 else { continue }
        before.pointer[offset + i] = lower[i] / sum
        after.pointer[offset + i] = upper[i] / sum
      }
    }
  }

  // MARK: - Transfers

  /// `coarse = Pᵀ r`.
  func restrict(_ r: UnsafePointer<Double>, into target: UnsafeMutablePointer<Double>) {
    let (step, before, after) = (fine.strides[axis], before.pointer, after.pointer)
    forEachRow { place, source, count, isAlong in
      if isAlong {
        Self.restrict(target + place, r + source, before + source, after + source, count, step, by: 2)
      } else {
        Self.restrict(target + place, r + source, before + source, after + source, count, step, by: 1)
      }
    }
  }

  @inline(__always)
  private static func restrict(
    _ target: UnsafeMutablePointer<Double>, _ r: UnsafePointer<Double>, _ before: UnsafePointer<Double>,
    _ after: UnsafePointer<Double>, _ count: Int, _ step: Int, by stride: Int
  ) {
    for i in 0..<count {
      let c = i * stride
      // The point before has this one after it.
      let sum = Relaxed.multiplyAdd(after[c - step], r[c - step], r[c])
      target[i] = Relaxed.multiplyAdd(before[c + step], r[c + step], sum)
    }
  }

  /// `x = P e` or `x += P e`.
  func prolong(
    _ e: UnsafePointer<Double>, into x: UnsafeMutablePointer<Double>, isAdded: Bool
  ) {
    let (before, after) = (before.pointer, after.pointer)
    let box = 3 - fine.rank + axis
    let coarseStep = coarse.strides[axis]
    fine.forEachRow { plane, row, offset in
      let target = x + offset
      if !isAdded { for i in 0..<fine.columns { target[i] = 0 } }
      if box == 2 {
        let source = e + coarse.row(plane, row)
        for i in 0..<coarse.columns { target[2 * i + first] += source[i] }
        // Left out are those before the first kept, and then every second.
        for i in Swift.stride(from: 1 - first, to: fine.columns, by: 2) {
          let next = (i - first + 1) >> 1
          target[i] += before[offset + i] * source[next - 1] + after[offset + i] * source[next]
        }
        return
      }
      let index = box == 0 ? plane : row
      if isKept(index) {
        let place = (index - first) / 2
        let source = e + (box == 0 ? coarse.row(place, row) : coarse.row(plane, place))
        Pointwise.add(source, to: target, count: fine.columns)
      } else {
        let place = (index - first + 1) >> 1
        let source = e + (box == 0 ? coarse.row(place, row) : coarse.row(plane, place))
        Pointwise.addProduct(before + offset, source - coarseStep, to: target, count: fine.columns)
        Pointwise.addProduct(after + offset, source, to: target, count: fine.columns)
      }
    }
  }

  /// Calls `body(place in the coarse array, place in the fine one, points, whether they lie along the axis)` for the rows of the
  /// coarse box.
  @inline(__always)
  private func forEachRow(_ body: (Int, Int, Int, Bool) -> Void) {
    let box = 3 - fine.rank + axis
    coarse.forEachRow { plane, row, place in
      let source =
        switch box {
        case 0: fine.row(2 * plane + first, row)
        case 1: fine.row(plane, 2 * row + first)
        default: fine.row(plane, row) + first
        }
      body(place, source, coarse.columns, box == 2)
    }
  }

  // MARK: - The coarse operator

  /// PᵀAP.
  func coarsened(_ stencil: StencilOperator) -> StencilOperator {
    let (box, step) = (3 - fine.rank + axis, fine.strides[axis])
    let table = CouplingTable(stencil)
    let ones = AlignedMemory<Double>(count: 2 * coarse.stride + 2)
    ones.buffer.initialize(repeating: 1)
    let one = UnsafePointer(ones.pointer)
    // Weight of the coarse point at distance `side` (in fine points) before or after a fine point.
    func weights(_ side: Int) -> UnsafePointer<Double>? {
      side == 0 ? nil : UnsafePointer(side < 0 ? after.pointer : before.pointer)
    }
    let diagonal = PaddedArray(coarse)
    var couplings: [([Int], PaddedArray)] = []
    for steps in Self.neighbourhood(rank: fine.rank) {
      let isDiagonal = steps.allSatisfy { $0 == 0 }
      var terms: [Term] = []
      for side in -1...1 {
        for reach in -1...1 {
          // From the fine point at `side` of this coarse point to one at `end` of the other coarse point.
          let end = side + reach - 2 * steps[box]
          guard abs(end) <= 1 else { continue }
          var fineSteps = steps
          fineSteps[box] = reach
          let isOwn = fineSteps.allSatisfy { $0 == 0 }
          guard let entries = isOwn ? UnsafePointer(stencil.diagonal.pointer) : table.coupling(fineSteps)
          else { continue }
          terms.append(
            Term(
              near: weights(side).map { $0 + side * step },
              entries: entries + side * step,
              far: weights(end).map { $0 + side * step + StencilOperator.offset(fineSteps, fine) },
              sign: isOwn == isDiagonal ? 1 : -1))
        }
      }
      guard !terms.isEmpty else { continue }
      let result = isDiagonal ? diagonal : PaddedArray(coarse)
      forEachRow { place, source, count, isAlong in
        for term in terms {
          let target = result.pointer + place
          let (near, far) = (term.near.map { $0 + source } ?? one, term.far.map { $0 + source } ?? one)
          if isAlong {
            Self.accumulate(target, near, term.entries + source, far, term.sign, count, by: 2)
          } else {
            Self.accumulate(target, near, term.entries + source, far, term.sign, count, by: 1)
          }
        }
      }
      if !isDiagonal { couplings.append((steps, result)) }
    }
    return StencilOperator(coarse, couplings: couplings, diagonal: diagonal)
  }

  private struct Term {
    /// The weight of the fine point in this coarse point's function; nil: 1.
    var near: UnsafePointer<Double>?
    var entries: UnsafePointer<Double>
    var far: UnsafePointer<Double>?
    var sign: Double
  }

  @inline(__always)
  private static func accumulate(
    _ target: UnsafeMutablePointer<Double>, _ near: UnsafePointer<Double>, _ entries: UnsafePointer<Double>,
    _ far: UnsafePointer<Double>, _ sign: Double, _ count: Int, by stride: Int
  ) {
    for i in 0..<count {
      let c = i * stride
      target[i] = Relaxed.multiplyAdd(sign * near[c], entries[c] * far[c], target[i])
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
