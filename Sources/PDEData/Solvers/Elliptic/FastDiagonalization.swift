// The inverse of the constant-coefficient operator: transforms within slabs, tridiagonal solves across them.

import RealModule
import Spectral
import Tensors

/// `z = (−Δ_h)⁻¹ r` on an ``EllipticLayout``, with the layout's boundary conditions.
///
/// Sine and cosine transforms (of the kind that fits the ends) of every row in two dimensions, of every plane in three,
/// decouple the axes but the slowest; what is left along it is a tridiagonal system for every mode, factored once and
/// solved for all modes of a slab at a time. That saves the transform along one axis, which may have a bad size.
///
/// Where constants are solutions of the homogeneous problem, r has to have no sum, and z is one of the solutions.
final class FastDiagonalization: EllipticPreconditioner, Sendable {
  private let layout: PaddedLayout
  private let forward: FFTPlan<Double>
  private let inverse: FFTPlan<Double>
  /// Reciprocal pivots of every slab and mode, zero in padding.
  private let pivots: PaddedArray
  private let coupling: Double
  private let scale: Double
  /// One over the extents of the volumes along rows and along columns, where they are not all 1.
  private let reciprocals: [[Double]]?

  init(_ elliptic: EllipticLayout) {
    let layout = elliptic.padded
    self.layout = layout
    let axes = layout.shape.indices.dropFirst()
    let operators = axes.map { EllipticAxis(elliptic, axis: $0) }
    let geometry = TransformGeometry(
      axes: axes.map {
        .init(count: layout.shape[$0], inputStride: layout.strides[$0], outputStride: layout.strides[$0])
      })
    forward = FFTPlan.shared(
      .realToReal(operators.map(\.transform)), geometry, requirements: [.aligned, .inPlace])
    inverse = FFTPlan.shared(
      .realToReal(operators.map(\.transform.inverse)), geometry, requirements: [.aligned, .inPlace])
    scale = zip(axes, operators).reduce(1) {
      $0 / Double($1.1.transform.logicalSize(layout.shape[$1.0]))
    }
    let height = elliptic.grid.axes[0].spacing
    coupling = 1 / (height * height)
    let rank = layout.rank
    let rowExtents = (0..<layout.rows).map { rank == 3 ? elliptic.extent(1, $0) : 1 }
    let columnExtents = (0..<layout.columns).map { elliptic.extent(rank - 1, $0) }
    reciprocals =
      (rowExtents + columnExtents).allSatisfy { $0 == 1 }
      ? nil : [rowExtents.map { 1 / $0 }, columnExtents.map { 1 / $0 }]
    pivots = Self.pivots(elliptic, operators, coupling)
  }

  private static func pivots(
    _ elliptic: EllipticLayout, _ operators: [EllipticAxis], _ coupling: Double
  ) -> PaddedArray {
    let layout = elliptic.padded
    let result = PaddedArray(layout)
    let slabRows = layout.rank == 3 ? operators[0].eigenvalues : [0]
    let columns = operators[operators.count - 1].eigenvalues
    func end(_ index: Int) -> Double {
      // At the ends of cells the neighbour is the boundary at half the distance.
      elliptic.ends[0][index] == .neumann ? 0 : elliptic.isNodes ? coupling : 2 * coupling
    }
    for slab in 0..<layout.slabs {
      let before = slab == 0 ? end(0) : coupling
      let after = slab == layout.slabs - 1 ? end(1) : coupling
      let extent = elliptic.extent(0, slab)
      for (row, rowValue) in slabRows.enumerated() {
        let target = result.pointer + slab * layout.slabStride + row * layout.stride
        for (column, value) in columns.enumerated() {
          let carried = slab == 0 ? 0 : coupling * coupling * target[column - layout.slabStride]
          let isFree = elliptic.isSingular && slab == layout.slabs - 1 && row == 0 && column == 0
          target[column] = isFree ? 0 : 1 / (before + after + extent * (rowValue + value) - carried)
        }
      }
    }
    return result
  }

  var laplacianBound: Double? { 1 }

  func apply(_ r: UnsafePointer<Double>, into z: UnsafeMutablePointer<Double>) -> Double {
    let (step, stride, columns) = (layout.slabStride, layout.stride, layout.columns)
    let rows = layout.rank == 3 ? layout.rows : 1
    let pivots = pivots.pointer
    for slab in 0..<layout.slabs {
      let target = z + slab * step
      for row in 0..<rows {
        CoefficientKernels.copy(
          r + slab * step + row * stride, to: target + row * stride, count: columns, paddedTo: stride)
      }
      if let reciprocals { divide(target, rows, reciprocals) }
      forward.execute(target, target)
      // The slab before the first is zeros.
      Self.eliminate(target, target - step, pivots + slab * step, coupling: coupling, count: step)
    }
    var sum = 0.0
    for slab in (0..<layout.slabs).reversed() {
      let target = z + slab * step
      if slab < layout.slabs - 1 {
        Self.substitute(target, target + step, pivots + slab * step, coupling: coupling, count: step)
        sum += finish(slab + 1, r, z)
      }
    }
    return sum + finish(0, r, z)
  }

  private func divide(_ slab: UnsafeMutablePointer<Double>, _ rows: Int, _ reciprocals: [[Double]]) {
    for row in 0..<rows {
      let (values, factor) = (slab + row * layout.stride, reciprocals[0][row])
      for column in 0..<layout.columns { values[column] *= factor * reciprocals[1][column] }
    }
  }

  /// Back from modes to points in one slab, which no other slab needs any more.
  private func finish(_ slab: Int, _ r: UnsafePointer<Double>, _ z: UnsafeMutablePointer<Double>) -> Double {
    let target = z + slab * layout.slabStride
    inverse.execute(target, target)
    let rows = layout.rank == 3 ? layout.rows : 1
    var sum = 0.0
    for row in 0..<rows {
      let (values, offset) = (target + row * layout.stride, slab * layout.slabStride + row * layout.stride)
      Self.scale(values, by: scale, count: layout.columns)
      sum += VectorKernels.dot(r + offset, values, count: layout.columns)
    }
    return sum
  }

  /// Forward elimination of one slab, `z = (z + s·before)·d`.
  private static func eliminate(
    _ z: UnsafeMutablePointer<Double>, _ before: UnsafePointer<Double>, _ pivots: UnsafePointer<Double>,
    coupling: Double, count: Int
  ) {
    for i in 0..<count { z[i] = Relaxed.multiplyAdd(coupling, before[i], z[i]) * pivots[i] }
  }

  /// Back substitution of one slab, `z += s·d·after`.
  private static func substitute(
    _ z: UnsafeMutablePointer<Double>, _ after: UnsafePointer<Double>, _ pivots: UnsafePointer<Double>,
    coupling: Double, count: Int
  ) {
    for i in 0..<count { z[i] = Relaxed.multiplyAdd(coupling * pivots[i], after[i], z[i]) }
  }

  private static func scale(_ z: UnsafeMutablePointer<Double>, by factor: Double, count: Int) {
    for i in 0..<count { z[i] *= factor }
  }
}
