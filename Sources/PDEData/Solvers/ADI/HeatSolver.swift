// The heat equation in a box.

import Tensors

/// `u_t = ν Δu + f(x, t)` with a condition on every face.
public struct HeatEquation: Sendable {
  /// ν ≥ 0, length² / time.
  public var diffusivity: Double
  /// f; nil: zero.
  public var source: PointFunction?
  /// Axis by axis, in the grid's order.
  public var boundary: [AxisBoundary]

  public init(diffusivity: Double, boundary: [AxisBoundary], source: PointFunction? = nil) {
    self.diffusivity = diffusivity
    self.boundary = boundary
    self.source = source
  }
}

/// Solves the heat equation in one to three dimensions with steps of alternating directions: second order in time, second
/// or compact fourth order in space, stable at any step. Steps that are large compared with h²/ν damp the shortest
/// waves little, as those of Crank–Nicolson do.
///
/// ```swift
/// let solver = HeatSolver<Double>(
///   HeatEquation(diffusivity: 0.1, boundary: [.dirichlet, .periodic]), grid: grid, step: 1e-3)
/// solver.advance(&u, from: 0, steps: 100)
/// ```
public final class HeatSolver<Element: Scalar>: Sendable {
  public let equation: HeatEquation
  public let step: Double
  private let directions: AlternatingDirections<Element>
  private let data: BoundaryData

  /// - Parameters:
  ///   - grid: Its periodic axes are those of the equation's boundary.
  ///   - splitting: Douglas–Gunn serves any dimension.
  public init(
    _ equation: HeatEquation, grid: Grid, step: Double, order: SecondDifference.Order = .second,
    splitting: DirectionalSplitting = .douglasGunn
  ) {
    precondition(
      step > 0 && equation.diffusivity >= 0, "a positive step and a diffusivity that is not negative")
    self.equation = equation
    self.step = step
    let laplacian = DifferenceLaplacian<Element>(grid: grid, boundary: equation.boundary, order: order)
    directions = AlternatingDirections(
      laplacian, theta: equation.diffusivity * step / 2, splitting: splitting)
    data = laplacian.boundaryData(equation.boundary)
  }

  /// Takes steps from `time` on. Where a node's value is given on the boundary, u takes it from the data.
  public func advance(_ u: inout Tensor<Element>, from time: Double, steps: Int) {
    let laplacian = directions.laplacian
    precondition(u.shape == laplacian.shape, "\(u.shape) is not the grid's shape \(laplacian.shape)")
    let state = u.unsafeMutablePointer()
    func faces(_ time: Double) -> BoundaryFaces<Element>? {
      data.isHomogeneous ? nil : data.faces(time: time)
    }
    var before = faces(time)
    for axis in laplacian.axes.indices { laplacian.setFixedEnds(axis, before, of: state) }
    var work = equation.source.map { _ in Tensor<Element>(uninitialized: u.shape) }
    let forcing = work?.unsafeMutablePointer()
    for index in 0..<steps {
      let start = time + Double(index) * step
      if let source = equation.source, let forcing {
        fill(forcing, source, time: start + step / 2)
      }
      let after = faces(start + step)
      directions.advance(state, forcing: forcing, before: before, after: after)
      before = after
    }
    withExtendedLifetime(work) {}
  }

  /// Δt·f at every point.
  private func fill(_ target: UnsafeMutablePointer<Element>, _ source: PointFunction, time: Double) {
    let (axes, shape) = (directions.laplacian.axes, directions.laplacian.shape)
    let strides = Tensor<Element>.strides(of: shape)
    nonisolated(unsafe) let target = target
    WorkerPool.shared.forEachRange(count: directions.laplacian.count, grain: 1024) { range in
      var point = [Double](repeating: 0, count: axes.count)
      for index in range {
        for axis in axes.indices { point[axis] = axes[axis].coordinates[index / strides[axis] % shape[axis]] }
        target[index] = Element(self.step * source(point, time))
      }
    }
  }
}
