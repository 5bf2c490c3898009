// The Laplacian on a box as a sum of second differences, one along each axis.

import Tensors

/// `Δu = Σ_k (M_k⁻¹ D_k u + boundary data)` on a tensor-product grid.
///
/// M_k and D_k act along axis k alone and commute with those of other axes: everything that is computed is
/// multiplied by `Π_k M_k` (the identity at second order), so that no M is ever inverted but by a solver of lines.
public struct DifferenceLaplacian<Element: Scalar>: Sendable {
  public let axes: [SecondDifference]
  public let shape: [Int]
  private let masses: [LineProduct<Element>]
  private let stiffnesses: [LineProduct<Element>]

  public init(axes: [SecondDifference]) {
    precondition(!axes.isEmpty, "an axis at least")
    self.axes = axes
    shape = axes.map(\.count)
    masses = axes.map { LineProduct($0.mass) }
    stiffnesses = axes.map { LineProduct($0.stiffness) }
  }

  /// On a grid, the same order along every axis.
  public init(grid: Grid, boundary: [AxisBoundary], order: SecondDifference.Order = .second) {
    precondition(boundary.count == grid.axes.count, "a boundary condition for every axis")
    self.init(axes: zip(grid.axes, boundary).map { SecondDifference($0, $1, order: order) })
  }

  public var count: Int { shape.reduce(1, *) }

  /// `Π_k M_k` is the identity.
  var isLumped: Bool { axes.allSatisfy(\.isLumped) }

  /// `q = (Π_j M_j) Δu = Σ_k D_k (Π_{j≠k} M_j) u + boundary data`.
  ///
  /// At given nodes q is of no meaning, but finite; there u holds the given values.
  func apply(
    _ u: UnsafePointer<Element>, faces: BoundaryFaces<Element>?, into q: UnsafeMutablePointer<Element>
  ) {
    guard !isLumped else {
      for axis in axes.indices {
        stiffnesses[axis].apply(u, into: q, shape: shape, axis: axis, accumulate: axis > 0)
      }
      for axis in axes.indices { addBoundaryData(axis, faces, to: q) { _, face in face } }
      return
    }
    // p = M_1…M_k u and q = (M_1…M_k) (A_1 + … + A_k) u, axis by axis.
    let scratch = AlignedMemory<Element>(count: 3 * count)
    var (p, nextP) = (u, scratch.pointer)
    var (current, next) = (scratch.pointer + 2 * count, q)
    // The last of the axes is to leave its result in q.
    if axes.count.isMultiple(of: 2) { swap(&current, &next) }
    for axis in axes.indices {
      stiffnesses[axis].apply(p, into: next, shape: shape, axis: axis)
      addBoundaryData(axis, faces, to: next) { end, face in
        (0..<axis).reduce(face) { alongFace($1, of: axis, $0, masses[$1], closure: 0) }
      }
      if axis > 0 { masses[axis].apply(current, into: next, shape: shape, axis: axis, accumulate: true) }
      if axis < axes.count - 1 {
        masses[axis].apply(p, into: nextP, shape: shape, axis: axis)
        p = UnsafePointer(nextP)
        nextP = nextP == scratch.pointer ? scratch.pointer + count : scratch.pointer
      }
      swap(&current, &next)
    }
  }

  /// `f ← (Π_k M_k) f`.
  func applyMass(_ f: UnsafeMutablePointer<Element>) {
    guard !isLumped else { return }
    let scratch = AlignedMemory<Element>(count: count)
    for axis in axes.indices {
      scratch.pointer.update(from: f, count: count)
      masses[axis].apply(scratch.pointer, into: f, shape: shape, axis: axis)
    }
  }
}

// MARK: - Faces

extension DifferenceLaplacian {
  /// Adds `scale` times what given data contribute to the rows at an axis's ends, Neumann ends and Dirichlet ends of
  /// cells, after `transform` of the data (end, values).
  func addBoundaryData(
    _ axis: Int, _ faces: BoundaryFaces<Element>?, scale: Double = 1, to q: UnsafeMutablePointer<Element>,
    transform: (Int, Tensor<Element>) -> Tensor<Element>
  ) {
    guard let faces else { return }
    for (index, end) in axes[axis].ends.enumerated() where !end.isFixed {
      guard let given = faces.values[axis][index] else { continue }
      let face = transform(index, given)
      let (values, factor) = (face.unsafePointer, Element(scale * end.coupling))
      forEachFaceRow(axis, index) { point, start, width in
        Pointwise.addScaled(values + start, by: factor, to: q + point, count: width)
      }
      withExtendedLifetime(face) {}
    }
  }

  /// Sets the given nodes at an axis's ends to the given values, after `transform` of them; zero where none are given.
  func setFixedEnds(
    _ axis: Int, _ faces: BoundaryFaces<Element>?, of u: UnsafeMutablePointer<Element>,
    transform: (Int, Tensor<Element>) -> Tensor<Element> = { $1 }
  ) {
    for (index, end) in axes[axis].ends.enumerated() where end.isFixed {
      let face = faces?.values[axis][index].map { transform(index, $0) }
      forEachFaceRow(axis, index) { point, start, width in
        if let face {
          (u + point).update(from: face.unsafePointer + start, count: width)
        } else {
          Pointwise.fill(u + point, with: 0, count: width)
        }
      }
      withExtendedLifetime(face) {}
    }
  }

  /// The values that an array has at the given nodes of all axes.
  func fixedEnds(of u: UnsafePointer<Element>) -> BoundaryFaces<Element> {
    BoundaryFaces(
      values: axes.indices.map { axis in
        axes[axis].ends.enumerated().map { index, end in
          guard end.isFixed else { return nil }
          var face = Tensor<Element>(
            uninitialized: shape.enumerated().filter { $0.offset != axis }.map(\.element))
          let values = face.unsafeMutablePointer()
          forEachFaceRow(axis, index) { point, start, width in
            (values + start).update(from: u + point, count: width)
          }
          return face
        }
      })
  }

  /// Applies a line operator of axis `along` to the data of a face of axis `axis`. Where the operator wants data at
  /// its own ends, they are those of the face's data themselves, times `closure`.
  func alongFace(
    _ along: Int, of axis: Int, _ face: Tensor<Element>, _ product: LineProduct<Element>, closure: Double
  ) -> Tensor<Element> {
    let axisOfFace = along < axis ? along : along - 1
    let geometry = LineGeometry(shape: face.shape, axis: axisOfFace)
    var result = Tensor<Element>(uninitialized: face.shape)
    let (source, target) = (face.unsafePointer, result.unsafeMutablePointer())
    product.apply(source, into: target, shape: face.shape, axis: axisOfFace)
    guard closure != 0 else { return result }
    for (index, end) in axes[along].ends.enumerated() where !end.isFixed {
      for line in 0..<geometry.lines {
        let start = geometry.start(line: line)
        func point(_ j: Int) -> Int {
          start + (index == 0 ? j : geometry.count - 1 - j) * geometry.inner
        }
        let datum = end.extrapolation.indices.reduce(0.0) {
          $0 + end.extrapolation[$1] * Double(source[point($1)])
        }
        target[point(0)] += Element(closure * end.coupling * datum)
      }
    }
    withExtendedLifetime(face) {}
    return result
  }

  /// Calls `body(offset in the array, offset in the face, count)` for the contiguous pieces of a face.
  private func forEachFaceRow(_ axis: Int, _ end: Int, _ body: (Int, Int, Int) -> Void) {
    let geometry = LineGeometry(shape: shape, axis: axis)
    let position = end == 0 ? 0 : geometry.count - 1
    for slab in 0..<geometry.outer {
      body((slab * geometry.count + position) * geometry.inner, slab * geometry.inner, geometry.inner)
    }
  }

  /// The given values of all faces, as functions of time.
  func boundaryData(_ boundary: [AxisBoundary]) -> BoundaryData {
    BoundaryData(boundary, coordinates: axes.map(\.coordinates), bounds: axes.map(\.bounds))
  }
}
