// Symmetric operators that couple neighbours on a box, and the relaxation of their equations point by point.

import RealModule
import Tensors

/// `(A u)_i = d_i u_i − Σ_o s_o(i) u_{i+o}` over the neighbours o, those along diagonals too: five or nine points in two
/// dimensions, seven or 27 in three. Symmetric, so that of o and −o one is stored, at the point that comes later.
///
/// Relaxation is that of Gauss and Seidel, point by point, colour by colour: points of a colour do not couple, so that
/// a row's are updated by vector code that masks the others.
final class StencilOperator: @unchecked Sendable {
  /// A neighbour that comes before a point, steps along z, y, x.
  struct Neighbour: Hashable {
    var steps: [Int]
    /// Its place relative to the point.
    var offset: Int
  }

  let layout: PaddedLayout
  /// The neighbours that come before a point, and s of each.
  let neighbours: [(neighbour: Neighbour, coupling: PaddedArray)]
  let diagonal: PaddedArray
  /// 1/d, zero in padding.
  private let reciprocal: PaddedArray
  /// Whether only neighbours along axes are coupled: two colours do.
  private let isAxial: Bool

  init(_ layout: PaddedLayout, couplings: [([Int], PaddedArray)], diagonal: PaddedArray) {
    self.layout = layout
    neighbours = couplings.map {
      (Neighbour(steps: $0.0, offset: Self.offset($0.0, layout)), $0.1)
    }
    self.diagonal = diagonal
    isAxial = couplings.allSatisfy { $0.0.count { $0 != 0 } == 1 }
    reciprocal = PaddedArray(layout)
    layout.forEachRow { _, _, row in
      for i in row..<row + layout.columns { reciprocal.pointer[i] = 1 / diagonal.pointer[i] }
    }
  }

  /// The operator of a discretization, without its boundary faces' places.
  convenience init(_ darcy: DarcyOperator) {
    let layout = darcy.layout.padded
    let diagonal = PaddedArray(layout)
    var couplings: [([Int], PaddedArray)] = []
    for axis in layout.shape.indices {
      let (face, step) = (darcy.faces[axis].pointer, layout.strides[axis])
      let coupling = PaddedArray(layout)
      layout.forEachRow { plane, row, offset in
        for i in offset..<offset + layout.columns { diagonal.pointer[i] += face[i] + face[i + step] }
        let index = axis == layout.rank - 1 ? 1 : axis == layout.rank - 2 ? row : plane
        guard index > 0 else { return }
        let first = axis == layout.rank - 1 ? 1 : 0
        for i in offset + first..<offset + layout.columns { coupling.pointer[i] = face[i] }
      }
      var steps = [0, 0, 0]
      steps[3 - layout.rank + axis] = -1
      couplings.append((steps, coupling))
    }
    self.init(layout, couplings: couplings, diagonal: diagonal)
  }

  static func offset(_ steps: [Int], _ layout: PaddedLayout) -> Int {
    steps[0] * layout.planeStride + steps[1] * layout.stride + steps[2]
  }

  /// For every neighbour, before and after: where its coupling with point 0 lies, and where it lies itself.
  private var terms: [(coupling: Int, pointer: UnsafePointer<Double>, offset: Int)] {
    neighbours.flatMap { neighbour, coupling in
      [
        (0, UnsafePointer(coupling.pointer), neighbour.offset),
        (-neighbour.offset, UnsafePointer(coupling.pointer), -neighbour.offset),
      ]
    }
  }

  private typealias Lanes = SixteenLanes<Double>

  /// What a row's kernels read.
  private struct Row {
    /// Couplings and neighbours' places, in pairs.
    let couplings: [UnsafePointer<Double>]
    let offsets: [Int]

    init(_ terms: [(coupling: Int, pointer: UnsafePointer<Double>, offset: Int)]) {
      couplings = terms.map { $0.pointer + $0.coupling }
      offsets = terms.map(\.offset)
    }
  }

  /// `r = f − A x`.
  func residual(
    _ f: UnsafePointer<Double>, _ x: UnsafePointer<Double>, into r: UnsafeMutablePointer<Double>
  ) {
    let (row, diagonal, columns) = (Row(terms), diagonal.pointer, layout.columns)
    row.couplings.withUnsafeBufferPointer { couplings in
      row.offsets.withUnsafeBufferPointer { offsets in
        layout.forEachRow { _, _, start in
          for i in Swift.stride(from: start, to: start + columns, by: Lanes.width) {
            var sum = Lanes.load(x + i).negated().multiplyAdd(Lanes.load(diagonal + i), Lanes.load(f + i))
            for k in 0..<couplings.count {
              sum = Lanes.load(x + i + offsets[k]).multiplyAdd(Lanes.load(couplings[k] + i), sum)
            }
            sum.store(r + i)
          }
        }
      }
    }
  }

  /// One sweep over all points; backward is the adjoint of forward.
  func relax(_ x: UnsafeMutablePointer<Double>, _ f: UnsafePointer<Double>, isForward: Bool) {
    let row = Row(terms)
    row.couplings.withUnsafeBufferPointer { couplings in
      row.offsets.withUnsafeBufferPointer { offsets in
        let (depth, rows) = (layout.depth, layout.rows)
        func relax(_ plane: Int, _ row: Int, _ parity: Int) {
          relaxRow(x, f, start: layout.row(plane, row), parity: parity, couplings, offsets)
        }
        guard isAxial else {
          let places = isForward ? [0, 1] : [1, 0]
          for planes in places {
            for lines in places {
              for plane in Swift.stride(from: planes, to: depth, by: 2) {
                for row in Swift.stride(from: lines, to: rows, by: 2) {
                  for parity in places { relax(plane, row, parity) }
                }
              }
            }
          }
          return
        }
        // Red slabs, and black ones a slab behind: one pass through memory.
        let isBox = layout.rank == 3
        func relaxSlab(_ slab: Int, _ colour: Int) {
          guard (0..<layout.slabs).contains(slab) else { return }
          if isBox {
            for row in 0..<rows { relax(slab, row, (slab + row + colour) & 1) }
          } else {
            relax(0, slab, (slab + colour) & 1)
          }
        }
        for slab in 0...layout.slabs {
          relaxSlab(slab, isForward ? 0 : 1)
          relaxSlab(slab - 1, isForward ? 1 : 0)
        }
      }
    }
  }

  /// Every second point of a row, from `parity` on.
  @inline(__always)
  private func relaxRow(
    _ x: UnsafeMutablePointer<Double>, _ f: UnsafePointer<Double>, start: Int, parity: Int,
    _ couplings: UnsafeBufferPointer<UnsafePointer<Double>>, _ offsets: UnsafeBufferPointer<Int>
  ) {
    let (reciprocal, columns) = (reciprocal.pointer, layout.columns)
    let mask = Lanes(lanes: parity == 0 ? Self.evenLanes : Self.oddLanes)
    for i in Swift.stride(from: start, to: start + columns, by: Lanes.width) {
      var sum = Lanes.load(f + i)
      for k in 0..<couplings.count {
        sum = Lanes.load(x + i + offsets[k]).multiplyAdd(Lanes.load(couplings[k] + i), sum)
      }
      let old = Lanes.load(x + i)
      sum.times(Lanes.load(reciprocal + i)).plus(old.negated()).multiplyAdd(mask, old).store(x + i)
    }
  }

  private static let evenLanes = SIMD16<Double>(1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0)
  private static let oddLanes = SIMD16<Double>(0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1)
}
