// The inverse of the constant-coefficient operator: transforms along rows, tridiagonal solves across them.

import RealModule
import Spectral
import Tensors

/// `z = (−Δ_h)^−1 r` on an ``EllipticLayout``, with the layout's boundary conditions.
///
/// A sine (Dirichlet) or cosine (Neumann) transform along each row decouples the columns; what is left along the slow
/// axis is a tridiagonal system for every wavenumber, factored once and solved for all wavenumbers of a row at a time.
/// Half the transforms of a fast Poisson solver that transforms both axes, and no transform of a size that is bad along
/// the slow axis.
struct PoissonPreconditioner: Sendable {
  private let layout: EllipticLayout
  private let forward: FFTPlan<Double>
  private let inverse: FFTPlan<Double>
  /// Reciprocal pivots of every row and wavenumber.
  private let pivots: Tensor<Double>
  private let coupling: Double
  private let scale: Double

  init(_ layout: EllipticLayout) {
    self.layout = layout
    let columns = layout.columns
    let isNodes = layout.border == 1
    let kind: TrigonometricTransform =
      layout.boundaries[1] == .neumann ? .cosineII : isNodes ? .sineI : .sineII
    let geometry = TransformGeometry(axes: [.init(count: columns, inputStride: 1, outputStride: 1)])
    forward = FFTPlan.shared(.realToReal([kind]), geometry, requirements: [.aligned, .inPlace])
    inverse = FFTPlan.shared(.realToReal([kind.inverse]), geometry, requirements: [.aligned, .inPlace])
    scale = 1 / Double(kind.logicalSize(columns))
    let length = layout.grid.axes[1].spacing
    let intervals = Double(isNodes ? columns + 1 : columns)
    let first = layout.boundaries[1] == .neumann ? 0 : 1
    let eigenvalues = (0..<columns).map { index -> Double in
      // (2 − 2cos θ)/h² without its cancellation.
      let sine = Double.sin(Double.pi * Double(index + first) / (2 * intervals))
      return 4 * sine * sine / (length * length)
    }
    let height = layout.grid.axes[0].spacing
    let coupling = 1 / (height * height)
    self.coupling = coupling
    // At the ends of cells the neighbour is the boundary at half the distance, or nothing.
    let atEnd = isNodes ? coupling : layout.boundaries[0] == .dirichlet ? 2 * coupling : 0
    var pivots = Tensor<Double>.zeros([layout.rows, layout.stride])
    pivots.withUnsafeMutableBuffer { pivots in
      for row in 0..<layout.rows {
        let above = row == 0 ? atEnd : coupling
        let below = row == layout.rows - 1 ? atEnd : coupling
        for column in 0..<columns {
          let carried = row == 0 ? 0 : coupling * coupling * pivots[(row - 1) * layout.stride + column]
          pivots[row * layout.stride + column] = 1 / (above + below + eigenvalues[column] - carried)
        }
      }
    }
    self.pivots = pivots
  }

  /// Rows of `z` lie between rows of zeros, as the layout says. Returns `r·z`.
  func apply(_ r: UnsafePointer<Double>, into z: UnsafeMutablePointer<Double>) -> Double {
    let (stride, columns) = (layout.stride, layout.columns)
    return pivots.withUnsafeBuffer { pivots in
      guard let pivots = pivots.baseAddress else { return 0 }
      for row in 0..<layout.rows {
        let target = z + row * stride
        CoefficientKernels.copy(r + row * stride, to: target, count: columns, paddedTo: stride)
        forward.execute(target, target)
        // The row before the first is zeros.
        DarcyKernels.eliminate(
          target, target - stride, pivots + row * stride, coupling: coupling, count: columns)
      }
      var sum = 0.0
      for row in (0..<layout.rows).reversed() {
        let target = z + row * stride
        if row < layout.rows - 1 {
          DarcyKernels.substitute(
            target, target + stride, pivots + row * stride, coupling: coupling, count: columns)
          sum += finish(row + 1, r, z)
        }
      }
      return sum + finish(0, r, z)
    }
  }

  /// Back from wavenumbers to points in one row, which no other row needs any more.
  private func finish(
    _ row: Int, _ r: UnsafePointer<Double>, _ z: UnsafeMutablePointer<Double>
  ) -> Double {
    let target = z + row * layout.stride
    inverse.execute(target, target)
    DarcyKernels.scale(target, by: scale, count: layout.columns)
    return DarcyKernels.dot(r + row * layout.stride, target, count: layout.columns)
  }
}
