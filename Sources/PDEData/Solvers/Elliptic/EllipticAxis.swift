// The constant-coefficient operator along one axis: its eigenvalues, and the transform to its eigenvectors.

import RealModule
import Spectral
import Tensors

/// `(2 − 2cos θ_k)/h²`, the eigenvalues of the three-point difference with an axis's ends, and the trigonometric
/// transform that belongs to them. Of nodes with a Neumann end the difference is that of a symmetric matrix divided by
/// the volumes, which the transform's own weights of the end points do.
struct EllipticAxis: Sendable {
  let transform: TrigonometricTransform
  let eigenvalues: [Double]

  init(_ layout: EllipticLayout, axis: Int) {
    let n = layout.padded.shape[axis]
    let spacing = layout.grid.axes[axis].spacing
    let (intervals, first): (Double, Double)
    switch (layout.ends[axis][0], layout.ends[axis][1]) {
    case (.dirichlet, .dirichlet):
      transform = layout.isNodes ? .sineI : .sineII
      (intervals, first) = (Double(layout.isNodes ? n + 1 : n), 1)
    case (.neumann, .neumann):
      transform = layout.isNodes ? .cosineI : .cosineII
      (intervals, first) = (Double(layout.isNodes ? n - 1 : n), 0)
    case (.dirichlet, .neumann):
      transform = layout.isNodes ? .sineIII : .sineIV
      (intervals, first) = (Double(n), 0.5)
    case (.neumann, .dirichlet):
      transform = layout.isNodes ? .cosineIII : .cosineIV
      (intervals, first) = (Double(n), 0.5)
    }
    eigenvalues = (0..<n).map { index in
      // Without the cancellation of 2 − 2cos θ.
      let sine = Double.sin(.pi * (Double(index) + first) / (2 * intervals))
      return 4 * sine * sine / (spacing * spacing)
    }
  }

  /// From the smallest eigenvalue that is not zero to the largest.
  var range: ClosedRange<Double>? {
    let positive = eigenvalues.filter { $0 > 0 }
    guard let lower = positive.first, let upper = positive.last else { return nil }
    return lower...upper
  }
}
