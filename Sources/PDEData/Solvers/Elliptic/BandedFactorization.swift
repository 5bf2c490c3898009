// Direct solutions of equations on a box.

import Tensors

/// A direct solver for a ``StencilOperator``: the longest axis is the slowest, so that the band is narrow.
final class BandedFactorization: Sendable {
  private let layout: PaddedLayout
  private let strides: [Int]
  private let isSingular: Bool
  private let cholesky: BandedCholesky

  /// The unknowns' strides in the matrix's order, for the axes of the layout.
  private static func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    var step = 1
    for axis in shape.indices.sorted(by: { (shape[$0], $0) < (shape[$1], $1) }) {
      strides[axis] = step
      step *= shape[axis]
    }
    return strides
  }

  /// Bytes of the band of an operator with neighbours along axes alone.
  static func byteCount(_ layout: PaddedLayout) -> Int {
    BandedCholesky.byteCount(order: layout.unknownCount, bandwidth: strides(layout.shape).max() ?? 1)
  }

  /// Nil where the operator is not positive definite; where constants are in its kernel the first unknown is set to zero.
  init?(_ stencil: StencilOperator, isSingular: Bool) {
    let layout = stencil.layout
    let strides = Self.strides(layout.shape)
    let box = layout.rank == 3 ? strides : [0] + strides
    let steps = stencil.neighbours.map { zip($0.neighbour.steps, box).reduce(0) { $0 + $1.0 * $1.1 } }
    let bandwidth = steps.map { abs($0) }.max() ?? 0
    let order = layout.unknownCount
    let factorization = BandedCholesky(order: order, bandwidth: bandwidth) { band in
      layout.forEachRow { plane, row, offset in
        for column in 0..<layout.columns {
          let place = plane * box[0] + row * box[1] + column * box[2]
          let i = offset + column
          band[place * (bandwidth + 1)] = stencil.diagonal.pointer[i]
          for (step, (_, coupling)) in zip(steps, stencil.neighbours) where coupling.pointer[i] != 0 {
            // The entry below the diagonal of the earlier of the two.
            band[(step < 0 ? place + step : place) * (bandwidth + 1) + abs(step)] -= coupling.pointer[i]
          }
        }
      }
      if isSingular {
        for k in 1..<bandwidth + 1 { band[k] = 0 }
        band[0] = 1
      }
    }
    guard let factorization else { return nil }
    self.layout = layout
    self.strides = box
    self.isSingular = isSingular
    cholesky = factorization
  }

  /// `x = A⁻¹ f`.
  func solve(_ f: UnsafePointer<Double>, into x: UnsafeMutablePointer<Double>) {
    let work = AlignedMemory<Double>(count: layout.unknownCount)
    let values = work.pointer
    layout.forEachRow { plane, row, offset in
      let first = plane * strides[0] + row * strides[1]
      for column in 0..<layout.columns { values[first + column * strides[2]] = f[offset + column] }
    }
    if isSingular { values[0] = 0 }
    cholesky.solve(values)
    layout.forEachRow { plane, row, offset in
      let first = plane * strides[0] + row * strides[1]
      for column in 0..<layout.columns { x[offset + column] = values[first + column * strides[2]] }
    }
  }
}
