// The unknowns of an elliptic problem on a box.

import Tensors

/// Which points of a grid are unknowns, and their volumes. Nodes on a Dirichlet boundary are no unknowns; a node on a
/// Neumann boundary has half a volume.
struct EllipticLayout: Sendable {
  let grid: Grid
  let boundary: [AxisBoundary]
  /// What holds at the lower and upper end of every axis.
  let ends: [[EndCondition.Kind]]
  let isNodes: Bool
  /// Points of the grid before the first unknown, along every axis.
  let first: [Int]
  let padded: PaddedLayout

  init(grid: Grid, boundary: [AxisBoundary]) {
    precondition((2...3).contains(grid.axes.count), "two or three dimensions")
    precondition(boundary.count == grid.axes.count, "a boundary condition for every axis")
    let isNodes = grid.axes[0].placement == .nodes
    precondition(
      grid.axes.allSatisfy { ($0.placement == .nodes) == isNodes && !$0.isPeriodic }, "all nodes or all cells"
    )
    precondition(
      boundary.allSatisfy { $0.ends.count == 2 && $0.ends.allSatisfy { $0.value == nil } },
      "conditions at both ends, with zero data")
    self.grid = grid
    self.boundary = boundary
    self.isNodes = isNodes
    let ends = boundary.map { $0.ends.map(\.kind) }
    self.ends = ends
    first = ends.map { isNodes && $0[0] == .dirichlet ? 1 : 0 }
    padded = PaddedLayout(
      shape: zip(grid.axes, ends).map { axis, ends in
        axis.count - (isNodes ? ends.count { $0 == .dirichlet } : 0)
      })
  }

  /// Constants are solutions of the homogeneous problem.
  var isSingular: Bool { ends.allSatisfy { $0 == [.neumann, .neumann] } }

  /// The length of an unknown's volume along an axis, over the spacing.
  func extent(_ axis: Int, _ index: Int) -> Double {
    guard isNodes else { return 1 }
    let isEnd =
      index == 0 && ends[axis][0] == .neumann
      || index == padded.shape[axis] - 1 && ends[axis][1] == .neumann
    return isEnd ? 0.5 : 1
  }

  /// Whether all volumes are the same.
  var hasEqualVolumes: Bool { !isNodes || ends.allSatisfy { !$0.contains(.neumann) } }

  /// The unknowns' volumes, over the product of the spacings.
  func volumes() -> PaddedArray {
    let result = PaddedArray(padded)
    let rank = padded.rank
    padded.forEachRow { plane, row, offset in
      let factor = (rank == 3 ? extent(0, plane) : 1) * extent(rank - 2, row)
      for column in 0..<padded.columns {
        result.pointer[offset + column] = factor * extent(rank - 1, column)
      }
    }
    return result
  }

  /// The values of a field on the grid at the unknowns.
  func load(_ field: Tensor<Double>, into target: UnsafeMutablePointer<Double>) {
    let columns = padded.columns
    field.withUnsafeBuffer { field in
      guard let source = field.baseAddress else { return }
      padded.forEachRow { plane, row, offset in
        (target + offset).update(from: source + point(plane, row), count: columns)
      }
    }
  }

  /// The field on the grid with these values at the unknowns, zero elsewhere.
  func unload(_ values: UnsafePointer<Double>) -> Tensor<Double> {
    let columns = padded.columns
    var field = Tensor<Double>.zeros(grid.shape)
    field.withUnsafeMutableBuffer { field in
      guard let target = field.baseAddress else { return }
      padded.forEachRow { plane, row, offset in
        (target + point(plane, row)).update(from: values + offset, count: columns)
      }
    }
    return field
  }

  /// The index in the grid of the first unknown of a row.
  func point(_ plane: Int, _ row: Int) -> Int {
    let rank = padded.rank
    let (shape, outer) = (grid.shape, rank == 3 ? plane + first[0] : 0)
    return (outer * shape[rank - 2] + row + first[rank - 2]) * shape[rank - 1] + first[rank - 1]
  }
}
