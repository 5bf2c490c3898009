// The finite-volume discretization of −∇·(a∇u) on a box.

import RealModule
import Tensors

/// A coefficient on a grid.
public enum DarcyMedium: Sendable {
  /// At every point: of the cell around it, or of the node's dual cell.
  case points(Tensor<Double>)
  /// In every box between neighbouring nodes: `[n_z − 1, n_y − 1, n_x − 1]`.
  case elements(Tensor<Double>)

  public var values: Tensor<Double> {
    switch self {
    case .points(let values), .elements(let values): values
    }
  }
}

/// `(A u)_i = Σ faces w (u_i − u_j)`: the flow out of the volume of every unknown, divided by the product of the spacings.
/// A is symmetric; `A u = V f` with the volumes V of ``EllipticLayout/volumes()``.
///
/// The weight of a face is the coefficient over the squared spacing, times the part of the face that is in the box; from
/// points the harmonic mean of its two neighbours (Patankar, "Numerical heat transfer and fluid flow", 1980, 4.2-3),
/// at the Dirichlet ends of cells the coefficient itself at half the distance; from elements the mean of those that the
/// face cuts.
final class DarcyOperator: Sendable {
  let layout: EllipticLayout
  /// For every axis the weights of the faces before the unknowns; the last one's other face is in the padding.
  let faces: [PaddedArray]

  init(_ layout: EllipticLayout, _ medium: DarcyMedium) {
    self.layout = layout
    faces = layout.padded.shape.map { _ in PaddedArray(layout.padded) }
    switch medium {
    case .points(let values):
      precondition(values.shape == layout.grid.shape, "a coefficient on the grid's points")
      for axis in faces.indices { setFaces(axis, points: values) }
    case .elements(let values):
      precondition(
        layout.isNodes && values.shape == layout.grid.shape.map { $0 - 1 }, "a coefficient between nodes")
      for axis in faces.indices { setFaces(axis, elements: values) }
    }
  }

  /// `q = A p`; returns `p·q`. Padding of q is left as it is.
  @discardableResult
  func apply(_ p: UnsafePointer<Double>, into q: UnsafeMutablePointer<Double>) -> Double {
    let padded = layout.padded
    let (stride, plane, columns) = (padded.stride, padded.planeStride, padded.columns)
    let faces = faces.map(\.pointer)
    var sum = 0.0
    if padded.rank == 2 {
      let (north, west) = (faces[0], faces[1])
      padded.forEachRow { _, _, offset in
        sum += DarcyKernels.apply(
          q + offset, p + offset, west: west + offset, north: north + offset, stride: stride,
          columns: columns)
      }
    } else {
      let (top, north, west) = (faces[0], faces[1], faces[2])
      padded.forEachRow { _, _, offset in
        sum += DarcyKernels.apply(
          q + offset, p + offset, west: west + offset, north: north + offset, top: top + offset,
          stride: stride, plane: plane, columns: columns)
      }
    }
    return sum
  }

  /// The part of A along one axis: `q = A_k p`.
  func apply(axis: Int, _ p: UnsafePointer<Double>, into q: UnsafeMutablePointer<Double>) {
    let padded = layout.padded
    let (step, face, columns) = (padded.strides[axis], faces[axis].pointer, padded.columns)
    padded.forEachRow { _, _, offset in
      DarcyKernels.applyAxis(q + offset, p + offset, face + offset, step: step, columns: columns)
    }
  }

  // MARK: - Faces

  private func setFaces(_ axis: Int, points: Tensor<Double>) {
    let (padded, grid) = (layout.padded, layout.grid)
    let step = Tensor<Double>.strides(of: grid.shape)[axis]
    let scale = 1 / (grid.axes[axis].spacing * grid.axes[axis].spacing)
    let face = faces[axis].pointer
    let (n, last) = (padded.shape[axis], grid.axes[axis].count - 1)
    points.withUnsafeBuffer { buffer in
      guard let a = buffer.baseAddress else { return }
      forEachFaceRow(axis) { index, source, target, columns in
        // The grid's index before the face.
        let before = index + layout.first[axis] - 1
        let weights = face + target
        if before < 0 || before >= last {
          let isOpen = !layout.isNodes && layout.ends[axis][before < 0 ? 0 : 1] == .dirichlet
          let inside = before < 0 ? a + source : a + source - step
          for i in 0..<columns { weights[i] = isOpen ? 2 * scale * inside[i] : 0 }
        } else {
          DarcyKernels.harmonicMeans(
            a + source - step, a + source, scale: 2 * scale, into: weights, count: columns)
        }
      }
      scaleByExtents(axis, n)
    }
  }

  /// Calls `body(index along the axis, first point of the grid after the face, place of the face, columns)` for pieces of
  /// rows of faces across an axis; across the last axis pieces are single faces at the ends, and whole rows between.
  private func forEachFaceRow(_ axis: Int, _ body: (Int, Int, Int, Int) -> Void) {
    let padded = layout.padded
    let rank = padded.rank
    let n = padded.shape[axis]
    if axis == rank - 1 {
      padded.forEachRow { plane, row, offset in
        let point = layout.point(plane, row)
        body(0, point, offset, 1)
        if n > 1 { body(1, point + 1, offset + 1, n - 1) }
        body(n, point + n, offset + n, 1)
      }
    } else {
      let gridStep = Tensor<Double>.strides(of: layout.grid.shape)[axis]
      padded.forEachRow { plane, row, offset in
        let (index, point) = (axis == rank - 2 ? row : plane, layout.point(plane, row))
        body(index, point, offset, padded.columns)
        if index == n - 1 { body(n, point + gridStep, offset + padded.strides[axis], padded.columns) }
      }
    }
  }

  /// Multiplies the faces across an axis by the extents of the volumes along the others.
  private func scaleByExtents(_ axis: Int, _ n: Int) {
    guard !layout.hasEqualVolumes else { return }
    let (padded, rank) = (layout.padded, layout.padded.rank)
    let face = faces[axis].pointer
    let extents = padded.shape.indices.map { other in
      (0...padded.shape[other]).map {
        other == axis ? 1 : layout.extent(other, min($0, padded.shape[other] - 1))
      }
    }
    func scale(_ plane: Int, _ row: Int) {
      let factor = (rank == 3 ? extents[0][plane] : 1) * extents[rank - 2][row]
      let weights = face + padded.row(plane, row)
      for column in 0...padded.columns { weights[column] *= factor * extents[rank - 1][column] }
    }
    for plane in 0..<padded.depth + (rank == 3 && axis == 0 ? 1 : 0) {
      for row in 0..<padded.rows + (axis == rank - 2 ? 1 : 0) { scale(plane, row) }
    }
  }

  private func setFaces(_ axis: Int, elements: Tensor<Double>) {
    let (padded, rank) = (layout.padded, layout.padded.rank)
    let (counts, strides, spacing) = (elements.shape, elements.strides, layout.grid.axes[axis].spacing)
    let weight = 1 / (spacing * spacing * Double(1 << (rank - 1)))
    let face = faces[axis].pointer
    // Along the face's own axis the one element that it cuts, along others those on both sides of the point.
    func places(_ other: Int, _ index: Int) -> [Int] {
      let after = index + layout.first[other]
      return (other == axis ? [after - 1] : [after - 1, after]).filter { (0..<counts[other]).contains($0) }
    }
    let ends = counts.indices.map { padded.shape[$0] + ($0 == axis ? 1 : 0) }
    let columns = (0..<ends[rank - 1]).map { places(rank - 1, $0) }
    elements.withUnsafeBuffer { a in
      for plane in 0..<(rank == 3 ? ends[0] : 1) {
        for row in 0..<ends[rank - 2] {
          var bases = places(rank - 2, row).map { $0 * strides[rank - 2] }
          if rank == 3 {
            let planes = places(0, plane).map { $0 * strides[0] }
            bases = planes.flatMap { plane in bases.map { plane + $0 } }
          }
          let target = face + padded.row(plane, row)
          for column in columns.indices {
            var sum = 0.0
            for base in bases { for element in columns[column] { sum += a[base + element] } }
            target[column] = sum * weight
          }
        }
      }
    }
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

  /// The same with a third axis.
  static func apply(
    _ q: UnsafeMutablePointer<Double>, _ p: UnsafePointer<Double>, west: UnsafePointer<Double>,
    north: UnsafePointer<Double>, top: UnsafePointer<Double>, stride: Int, plane: Int, columns: Int
  ) -> Double {
    let (above, below, south) = (p - stride, p + stride, north + stride)
    let (left, right, east) = (p - 1, p + 1, west + 1)
    let (over, under, bottom) = (p - plane, p + plane, top + plane)
    var sum = 0.0
    for i in 0..<columns {
      let horizontal = Relaxed.multiplyAdd(west[i], p[i] - left[i], east[i] * (p[i] - right[i]))
      let vertical = Relaxed.multiplyAdd(north[i], p[i] - above[i], south[i] * (p[i] - below[i]))
      let value =
        Relaxed.multiplyAdd(top[i], p[i] - over[i], bottom[i] * (p[i] - under[i])) + (horizontal + vertical)
      q[i] = value
      sum = Relaxed.multiplyAdd(value, p[i], sum)
    }
    return sum
  }

  /// One row of `q = A_k p`.
  static func applyAxis(
    _ q: UnsafeMutablePointer<Double>, _ p: UnsafePointer<Double>, _ face: UnsafePointer<Double>, step: Int,
    columns: Int
  ) {
    let (before, after, next) = (p - step, p + step, face + step)
    for i in 0..<columns {
      q[i] = Relaxed.multiplyAdd(face[i], p[i] - before[i], next[i] * (p[i] - after[i]))
    }
  }

  /// `w = scale·ab/(a + b)`.
  static func harmonicMeans(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, scale: Double,
    into w: UnsafeMutablePointer<Double>, count: Int
  ) {
    for i in 0..<count { w[i] = scale * a[i] * b[i] / (a[i] + b[i]) }
  }
}
