// The finite-volume discretization of −∇·(a∇u) on a rectangle.

import RealModule
import Spectral
import Tensors

/// What holds at both ends of an axis.
public enum EllipticBoundary: String, Sendable, Hashable, Codable, CaseIterable {
  /// u = 0 at the ends of the domain.
  case dirichlet
  /// No flow through the ends.
  case neumann
}

/// The unknowns of an elliptic problem on a rectangle, and how they lie in memory: rows along the last axis with zeros
/// behind them and a row of zeros before the first and after the last, so that a stencil needs no special cases.
struct EllipticLayout: Sendable {
  let grid: Grid
  let boundaries: [EllipticBoundary]
  /// Rows and columns of unknowns.
  let rows: Int
  let columns: Int
  /// From row to row.
  let stride: Int
  /// Points of the grid before the first unknown, along either axis: nodes on a Dirichlet boundary are none.
  let border: Int

  /// Nodes have Dirichlet boundaries; cells either.
  init(grid: Grid, boundaries: [EllipticBoundary]) {
    precondition(grid.axes.count == 2 && boundaries.count == 2, "two axes")
    let isNodes = grid.axes[0].placement == .nodes
    precondition(
      grid.axes.allSatisfy { ($0.placement == .nodes) == isNodes && !$0.isPeriodic }, "all nodes or all cells"
    )
    precondition(
      !isNodes || boundaries.allSatisfy { $0 == .dirichlet }, "nodes have Dirichlet boundaries here")
    self.grid = grid
    self.boundaries = boundaries
    border = isNodes ? 1 : 0
    rows = grid.axes[0].count - 2 * border
    columns = grid.axes[1].count - 2 * border
    precondition(rows >= 1 && columns >= 1, "no unknowns")
    stride = (columns + 1 + 15) / 16 * 16
  }

  /// Numbers from the first row's beginning to the last one's end.
  var count: Int { rows * stride }
  /// With the rows of zeros.
  var paddedCount: Int { (rows + 2) * stride }

  /// The faces' weights: coefficient over squared spacing, harmonic means of neighbours (Patankar, "Numerical heat
  /// transfer and fluid flow", 1980, 4.2-3); at the ends of cells the coefficient itself at half the distance.
  /// West faces of every unknown and one more per row; north faces (towards smaller rows) and one row more.
  func setFaces(
    of coefficient: UnsafePointer<Double>, west: UnsafeMutablePointer<Double>,
    north: UnsafeMutablePointer<Double>
  ) {
    let width = grid.axes[1].count
    let (height, length) = (grid.axes[0].spacing, grid.axes[1].spacing)
    func value(_ row: Int, _ column: Int) -> Double { coefficient[(row + border) * width + column + border] }
    func between(_ a: Double, _ b: Double) -> Double { 2 * a * b / (a + b) }
    func atEnd(_ axis: Int, _ a: Double) -> Double { boundaries[axis] == .dirichlet ? 2 * a : 0 }
    for row in 0..<rows {
      for column in 0...columns {
        let weight: Double
        if border == 0, column == 0 || column == columns {
          weight = atEnd(1, value(row, min(column, columns - 1)))
        } else {
          weight = between(value(row, column - 1), value(row, column))
        }
        west[row * stride + column] = weight / (length * length)
      }
    }
    for row in 0...rows {
      for column in 0..<columns {
        let weight: Double
        if border == 0, row == 0 || row == rows {
          weight = atEnd(0, value(min(row, rows - 1), column))
        } else {
          weight = between(value(row - 1, column), value(row, column))
        }
        north[row * stride + column] = weight / (height * height)
      }
    }
  }
}

/// Weights of the faces between unknowns; places without a face hold zero.
struct EllipticFaces: ~Copyable {
  let west: AlignedMemory<Double>
  let north: AlignedMemory<Double>

  init(layout: EllipticLayout) {
    west = AlignedMemory(count: layout.count)
    north = AlignedMemory(count: layout.count + layout.stride)
    west.buffer.initialize(repeating: 0)
    north.buffer.initialize(repeating: 0)
  }
}

enum DarcyKernels {
  /// One row of `q = A p`; returns `p·q` of the row.
  static func apply(
    _ q: UnsafeMutablePointer<Double>, _ p: UnsafePointer<Double>, west: UnsafePointer<Double>,
    north: UnsafePointer<Double>, stride: Int, columns: Int
  ) -> Double {
    let (above, below, south) = (p - stride, p + stride, north + stride)
    let (left, right, east) = (p - 1, p + 1, west + 1)
    var sum = 0.0
    for i in 0..<columns {
      let horizontal = Relaxed.multiplyAdd(west[i], p[i] - left[i], east[i] * (p[i] - right[i]))
      let vertical = Relaxed.multiplyAdd(north[i], p[i] - above[i], south[i] * (p[i] - below[i]))
      let value = horizontal + vertical
      q[i] = value
      sum = Relaxed.multiplyAdd(value, p[i], sum)
    }
    return sum
  }

  /// `x += α p`, `r −= α q`.
  static func advance(
    _ x: UnsafeMutablePointer<Double>, _ r: UnsafeMutablePointer<Double>, _ p: UnsafePointer<Double>,
    _ q: UnsafePointer<Double>, alpha: Double, count: Int
  ) {
    for i in 0..<count {
      x[i] = Relaxed.multiplyAdd(alpha, p[i], x[i])
      r[i] = Relaxed.multiplyAdd(-alpha, q[i], r[i])
    }
  }

  /// `p = z + β p`.
  static func direct(
    _ p: UnsafeMutablePointer<Double>, _ z: UnsafePointer<Double>, beta: Double, count: Int
  ) {
    for i in 0..<count { p[i] = Relaxed.multiplyAdd(beta, p[i], z[i]) }
  }

  static func dot(_ x: UnsafePointer<Double>, _ y: UnsafePointer<Double>, count: Int) -> Double {
    var sum = 0.0
    for i in 0..<count { sum = Relaxed.multiplyAdd(x[i], y[i], sum) }
    return sum
  }

  /// Forward elimination of one row, `z = (z + s·above)·d`.
  static func eliminate(
    _ z: UnsafeMutablePointer<Double>, _ above: UnsafePointer<Double>, _ pivots: UnsafePointer<Double>,
    coupling: Double, count: Int
  ) {
    for i in 0..<count { z[i] = Relaxed.multiplyAdd(coupling, above[i], z[i]) * pivots[i] }
  }

  /// Back substitution of one row, `z += s·d·below`.
  static func substitute(
    _ z: UnsafeMutablePointer<Double>, _ below: UnsafePointer<Double>, _ pivots: UnsafePointer<Double>,
    coupling: Double, count: Int
  ) {
    for i in 0..<count { z[i] = Relaxed.multiplyAdd(coupling * pivots[i], below[i], z[i]) }
  }

  static func scale(_ z: UnsafeMutablePointer<Double>, by factor: Double, count: Int) {
    for i in 0..<count { z[i] *= factor }
  }
}
