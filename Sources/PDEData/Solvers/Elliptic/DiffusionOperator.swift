// −∇·(a∇u) by finite volumes: two-point fluxes with harmonic means, on nodes or cells.

import RealModule
import Tensors

/// The unknowns of a second-order problem with u = 0 on the whole boundary, in memory with a frame of zeros around
/// them, so that stencils need no special cases.
///
/// On nodes the boundary nodes are known and make up the frame; on cells all centres are unknown and the frame is
/// beyond the boundary.
struct FramedGrid: Sendable, Equatable {
  /// Points of the grid along each axis.
  let gridShape: [Int]
  let isNodal: Bool
  /// The distance of neighbours along each axis.
  let spacings: [Double]
  /// Unknowns along each axis.
  let unknowns: [Int]
  /// Unknowns and frame.
  let framedShape: [Int]
  let strides: [Int]

  init(_ grid: Grid) {
    precondition(!grid.axes.contains(where: \.isPeriodic), "an axis with two ends")
    gridShape = grid.shape
    isNodal = grid.axes.allSatisfy { $0.placement == .nodes }
    precondition(
      isNodal || grid.axes.allSatisfy { $0.placement == .cells }, "nodes or cells along every axis")
    spacings = grid.axes.map(\.spacing)
    let isNodal = isNodal
    unknowns = gridShape.map { isNodal ? $0 - 2 : $0 }
    framedShape = unknowns.map { $0 + 2 }
    strides = Tensor<Double>.strides(of: framedShape)
  }

  var count: Int { framedShape.reduce(1, *) }

  /// The place of the first unknown.
  var firstUnknown: Int { strides.reduce(0, +) }

  /// Calls `body(offset in the framed array, offset in the grid's array, count)` for every row of unknowns.
  func forEachRow(_ body: (_ framed: Int, _ grid: Int, _ count: Int) -> Void) {
    let gridStrides = Tensor<Double>.strides(of: gridShape)
    let rows = unknowns.dropLast().reduce(1, *)
    let shift = isNodal ? 1 : 0
    for row in 0..<rows {
      var (remainder, framed, grid) = (row, 1, shift)
      for axis in unknowns.indices.dropLast().reversed() {
        let index = remainder % unknowns[axis]
        remainder /= unknowns[axis]
        framed += (index + 1) * strides[axis]
        grid += (index + shift) * gridStrides[axis]
      }
      body(framed, grid, unknowns.last ?? 1)
    }
  }
}

/// The operator A of `A u = f` for −∇·(a∇u) = f, u = 0 on the boundary.
///
/// The flux through the face between neighbours p and q at the distance h is `2 a_p a_q/(a_p + a_q)·(u_p − u_q)/h`,
/// exact for a coefficient that is constant on either side of the face; through a boundary face of a cell
/// `a_p·u_p/(h/2)`. A is symmetric and positive definite.
struct DiffusionOperator<Element: Scalar>: ~Copyable {
  let grid: FramedGrid
  /// For each axis the coefficient over h² of the face before each point, in the framed layout.
  private let faces: [Tensor<Element>]

  /// - Parameter coefficient: a at every point of the grid, positive.
  init(_ grid: FramedGrid, coefficient: UnsafePointer<Double>) {
    self.grid = grid
    let strides = Tensor<Double>.strides(of: grid.gridShape)
    faces = grid.gridShape.indices.map { axis in
      var face = Tensor<Element>.zeros([grid.count])
      let (target, stride) = (face.unsafeMutablePointer(), strides[axis])
      let scale = 1 / (grid.spacings[axis] * grid.spacings[axis])
      let (step, points) = (grid.strides[axis], grid.gridShape[axis])
      grid.forEachRow { framed, source, count in
        for j in 0..<count {
          let (here, p) = (framed + j, source + j)
          let index = p / stride % points
          let a = coefficient[p]
          target[here] = Element(
            index == 0 ? 2 * a * scale : Self.harmonicMean(coefficient[p - stride], a) * scale)
          // The face after the last unknown belongs to the frame.
          if grid.isNodal, index == points - 2 {
            target[here + step] = Element(Self.harmonicMean(a, coefficient[p + stride]) * scale)
          } else if !grid.isNodal, index == points - 1 {
            target[here + step] = Element(2 * a * scale)
          }
        }
      }
      return face
    }
  }

  private static func harmonicMean(_ a: Double, _ b: Double) -> Double { 2 * a * b / (a + b) }

  /// `y = A u`, and `Σ u·y`; both framed, u with zeros in its frame, which stay.
  func apply(_ u: UnsafePointer<Element>, into y: UnsafeMutablePointer<Element>) -> Double {
    var product = 0.0
    let first = faces[0].unsafePointer
    let second = faces.count > 1 ? faces[1].unsafePointer : nil
    let third = faces.count > 2 ? faces[2].unsafePointer : nil
    let strides = grid.strides
    let (s0, s1, s2) = (strides[0], strides.count > 1 ? strides[1] : 0, strides.count > 2 ? strides[2] : 0)
    grid.forEachRow { row, _, count in
      product += Double(
        applyRow(
          u + row, y + row, first + row, second.map { $0 + row }, third.map { $0 + row }, s0, s1, s2,
          count: count))
    }
    withExtendedLifetime(faces) {}
    return product
  }
}

/// One row of `y = A u`; returns its part of `u·y`.
@specialized(where E == Float)
@specialized(where E == Double)
private func applyRow<E: Scalar>(
  _ u: UnsafePointer<E>, _ y: UnsafeMutablePointer<E>, _ c0: UnsafePointer<E>, _ c1: UnsafePointer<E>?,
  _ c2: UnsafePointer<E>?, _ s0: Int, _ s1: Int, _ s2: Int, count: Int
) -> E {
  var product: E = 0
  if let c1, let c2 {
    for i in 0..<count {
      let x = u[i]
      let value =
        c0[i] * (x - u[i - s0]) + c0[i + s0] * (x - u[i + s0]) + c1[i] * (x - u[i - s1])
        + c1[i + s1] * (x - u[i + s1]) + c2[i] * (x - u[i - s2]) + c2[i + s2] * (x - u[i + s2])
      y[i] = value
      product = Relaxed.multiplyAdd(x, value, product)
    }
  } else if let c1 {
    for i in 0..<count {
      let x = u[i]
      let value =
        c0[i] * (x - u[i - s0]) + c0[i + s0] * (x - u[i + s0]) + c1[i] * (x - u[i - s1])
        + c1[i + s1] * (x - u[i + s1])
      y[i] = value
      product = Relaxed.multiplyAdd(x, value, product)
    }
  } else {
    for i in 0..<count {
      let x = u[i]
      let value = c0[i] * (x - u[i - s0]) + c0[i + s0] * (x - u[i + s0])
      y[i] = value
      product = Relaxed.multiplyAdd(x, value, product)
    }
  }
  return product
}
