// The inverse of the constant-coefficient operator by alternating directions.

import RealModule
import Tensors

/// Steps of alternating directions for −Δ_h u = r from u = 0: the solver where the coefficient is constant, and one cycle of
/// a few steps the preconditioner where it is not. Everything in it commutes, so that it is symmetric.
///
/// Two dimensions: Peaceman and Rachford's steps with ``EllipticShifts``, written for the correction,
/// `δ = (p + q)(H + q)⁻¹(V + p)⁻¹ r`. Three dimensions, for which no optimal set is known: Douglas's,
/// `δ = 2s² Π(A_k + s)⁻¹ r`, with the shifts of two.
final class AlternatingDirectionsInverse: EllipticPreconditioner, Sendable {
  private let laplacian: DarcyOperator
  private let layout: PaddedLayout
  private let reciprocalVolumes: PaddedArray?
  private let steps: [Step]
  /// The part of any error that a cycle leaves; nil in three dimensions, where it is not known.
  let reduction: Double?

  private struct Step: Sendable {
    var factor: Double
    var solvers: [LineSolver<Double>]
  }

  /// - Parameter reduction: What a cycle in two dimensions is to leave of any error.
  init(_ laplacian: DarcyOperator, reduction wanted: Double) {
    let elliptic = laplacian.layout
    self.laplacian = laplacian
    let layout = elliptic.padded
    self.layout = layout
    if elliptic.hasEqualVolumes {
      reciprocalVolumes = nil
    } else {
      let volumes = elliptic.volumes()
      layout.forEachRow { _, _, row in
        for i in row..<row + layout.columns { volumes.pointer[i] = 1 / volumes.pointer[i] }
      }
      reciprocalVolumes = volumes
    }
    let ranges = layout.shape.indices.map { EllipticAxis(elliptic, axis: $0).range }
    let present = ranges.compactMap { $0 }
    let all = (present.map(\.lowerBound).min() ?? 1)...(present.map(\.upperBound).max() ?? 1)
    let hasZero = elliptic.ends.contains([.neumann, .neumann])
    let isPlane = layout.rank == 2
    // An axis with the eigenvalue zero alone takes the other's spectrum.
    let shifts = EllipticShifts(
      isPlane ? ranges[1] ?? all : all, isPlane ? ranges[0] ?? all : all,
      reduction: isPlane ? wanted : 0.1, hasZeroEigenvalue: hasZero)
    reduction = isPlane ? shifts.reduction : nil
    let differences = layout.shape.indices.map { axis in
      let difference = SecondDifference(elliptic.grid.axes[axis], elliptic.boundary[axis])
      let order =
        axis == layout.rank - 1
        ? layout.stride : axis == layout.rank - 2 ? layout.planeStride / layout.stride : layout.depth
      return Self.padded(difference.interior(difference.stiffness), to: order)
    }
    steps = zip(shifts.p, shifts.q).map { p, q in
      func solver(_ axis: Int, _ shift: Double) -> LineSolver<Double> {
        let shifted = TridiagonalMatrix(
          count: differences[axis].count, lower: 0, diagonal: shift, upper: 0)
        return LineSolver(shifted.adding(-1, times: differences[axis]))
      }
      guard isPlane else {
        return Step(factor: 2 * p * p, solvers: (0..<3).map { solver($0, p) })
      }
      return Step(factor: p + q, solvers: [solver(0, p), solver(1, q)])
    }
  }

  /// The matrix with rows of zeros for what is padding in memory.
  private static func padded(_ matrix: TridiagonalMatrix, to order: Int) -> TridiagonalMatrix {
    let zeros = [Double](repeating: 0, count: order - matrix.count)
    return TridiagonalMatrix(
      lower: matrix.lower + zeros, diagonal: matrix.diagonal + zeros, upper: matrix.upper + zeros)
  }

  /// Steps of a cycle.
  var count: Int { steps.count }

  var laplacianBound: Double? { reduction.map { 1 / (1 - $0) } }

  func apply(_ r: UnsafePointer<Double>, into z: UnsafeMutablePointer<Double>) -> Double {
    let count = layout.count
    let shape =
      layout.rank == 3
      ? [layout.depth, layout.rows + 1, layout.stride] : [layout.rows, layout.stride]
    let (rest, correction, product) = (PaddedArray(layout), PaddedArray(layout), PaddedArray(layout))
    rest.pointer.update(from: r, count: count)
    CoefficientKernels.clear(z, count: count)
    for (index, step) in steps.enumerated() {
      let delta = correction.pointer
      CoefficientKernels.scale(rest.pointer, by: step.factor, to: delta, count: count)
      if let reciprocalVolumes { Pointwise.multiply(delta, by: reciprocalVolumes.pointer, count: count) }
      for (axis, solver) in step.solvers.enumerated() { solver.solve(delta, shape: shape, axis: axis) }
      Pointwise.add(delta, to: z, count: count)
      guard index < steps.count - 1 else { break }
      laplacian.apply(delta, into: product.pointer)
      Pointwise.subtract(product.pointer, from: rest.pointer, count: count)
    }
    return VectorKernels.dot(r, z, count: count)
  }
}
