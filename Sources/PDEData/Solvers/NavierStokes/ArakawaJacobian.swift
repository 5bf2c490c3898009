// Arakawa's Jacobian: advection by a streamfunction that conserves what it should.

import RealModule
import Tensors

/// `J(a, b) = a_x b_y − a_y b_x` on a grid `[y, x]` by Arakawa's nine-point formula (J. Comput. Phys. 1 (1966) 119), the
/// mean of three second-order ones. On a periodic grid ΣJ, ΣaJ and ΣbJ vanish: advection neither makes nor destroys mean
/// vorticity, energy or enstrophy.
public struct ArakawaJacobian<Element: Scalar>: Sendable {
  public let shape: [Int]
  private let isPeriodic: [Bool]
  private let factor: Element

  /// - Parameter grid: Two axes, y and x; along an axis that is not periodic J is zero at the two ends.
  public init(grid: Grid) {
    precondition(grid.axes.count == 2, "two axes")
    shape = grid.shape
    isPeriodic = grid.axes.map(\.isPeriodic)
    factor = Element(1 / (12 * grid.axes[0].spacing * grid.axes[1].spacing))
  }

  /// J(a, b).
  public func callAsFunction(_ a: Tensor<Element>, _ b: Tensor<Element>) -> Tensor<Element> {
    precondition(a.shape == shape && b.shape == shape, "fields on the grid \(shape)")
    var result = Tensor<Element>(uninitialized: shape)
    apply(a.unsafePointer, b.unsafePointer, into: result.unsafeMutablePointer())
    withExtendedLifetime((a, b)) {}
    return result
  }

  /// `j = J(a, b)`; j is none of the two.
  func apply(
    _ a: UnsafePointer<Element>, _ b: UnsafePointer<Element>, into j: UnsafeMutablePointer<Element>
  ) {
    let (rows, columns) = (shape[0], shape[1])
    nonisolated(unsafe) let (a, b, j) = (a, b, j)
    WorkerPool.shared.forEachRange(count: rows, grain: max(1, (1 << 13) / columns)) { range in
      for row in range {
        let target = j + row * columns
        guard isPeriodic[0] || (row > 0 && row < rows - 1) else {
          Pointwise.fill(target, with: 0, count: columns)
          continue
        }
        let (south, here, north) = (
          (row + rows - 1) % rows * columns, row * columns, (row + 1) % rows * columns
        )
        let lines = StencilRows(
          south: a + south, here: a + here, north: a + north, otherSouth: b + south, otherHere: b + here,
          otherNorth: b + north)
        if columns > 2 { jacobianRow(lines, 1..<columns - 1, factor, into: target) }
        for column in columns > 1 ? [0, columns - 1] : [0] {
          target[column] = isPeriodic[1] ? lines.jacobian(column, columns) * factor : 0
        }
      }
    }
  }
}

/// Three neighbouring rows of two fields.
private struct StencilRows<E: Scalar> {
  var south: UnsafePointer<E>
  var here: UnsafePointer<E>
  var north: UnsafePointer<E>
  var otherSouth: UnsafePointer<E>
  var otherHere: UnsafePointer<E>
  var otherNorth: UnsafePointer<E>

  /// 12 h² J at a column, its neighbours counted periodically.
  @inline(__always)
  func jacobian(_ i: Int, _ count: Int) -> E {
    jacobian(i, west: i == 0 ? count - 1 : i - 1, east: i == count - 1 ? 0 : i + 1)
  }

  @inline(__always)
  func jacobian(_ i: Int, west w: Int, east e: Int) -> E {
    let (s, h, n) = (south, here, north)
    let (p, q, r) = (otherSouth, otherHere, otherNorth)
    // Arakawa's J⁺⁺, J⁺ˣ and Jˣ⁺, sorted by the neighbours of a.
    var sum = h[e] * (r[i] - p[i] + r[e] - p[e]) - h[w] * (r[i] - p[i] + r[w] - p[w])
    sum -= n[i] * (q[e] - q[w] + r[e] - r[w]) - s[i] * (q[e] - q[w] + p[e] - p[w])
    sum += n[e] * (r[i] - q[e]) - n[w] * (r[i] - q[w])
    sum -= s[e] * (p[i] - q[e]) - s[w] * (p[i] - q[w])
    return sum
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func jacobianRow<E: Scalar>(
  _ lines: StencilRows<E>, _ columns: Range<Int>, _ factor: E, into target: UnsafeMutablePointer<E>
) {
  for i in columns { target[i] = lines.jacobian(i, west: i - 1, east: i + 1) * factor }
}
