// Multigrid for one coefficient: a hierarchy of Galerkin operators, and the V-cycle through it.

import Tensors

/// One V-cycle as an approximate inverse: a sweep of red-black relaxation before and its adjoint after the coarse
/// correction, so that it is symmetric; coarse operators are Galerkin's with interpolation led by the operator
/// (``StencilCoarsening``), on the coarsest grid solved by Cholesky. Contraction depends neither on the resolution
/// nor, in practice, on jumps of the coefficient.
///
/// The axes whose spacing is the smallest are coarsened first, until spacings are alike: points then couple about as much
/// along every axis, as relaxation point by point wants it.
final class Multigrid: EllipticPreconditioner {
  private final class Level {
    let layout: PaddedLayout
    /// Nil between the grids of one coarsening: no relaxation there.
    let stencil: StencilOperator?
    /// Nil on the coarsest grid.
    let coarsening: StencilCoarsening?
    let x: PaddedArray
    let f: PaddedArray
    let r: PaddedArray

    init(_ layout: PaddedLayout, _ stencil: StencilOperator?, _ coarsening: StencilCoarsening?) {
      self.layout = layout
      self.stencil = stencil
      self.coarsening = coarsening
      x = PaddedArray(layout)
      f = PaddedArray(layout)
      r = PaddedArray(layout)
    }
  }

  private let levels: [Level]
  private let coarsest: BandedFactorization

  private static let mostDirect = 256

  /// Nil where the coefficient makes no positive definite operator (it is not finite, or its contrast is beyond the
  /// arithmetic).
  init?(_ darcy: DarcyOperator) {
    let elliptic = darcy.layout
    var stencil = StencilOperator(darcy)
    var spacings = elliptic.grid.axes.map(\.spacing)
    var levels: [Level] = []
    while stencil.layout.unknownCount > Self.mostDirect {
      let shape = stencil.layout.shape
      let smallest = zip(spacings, shape).filter { $0.1 > 2 }.map(\.0).min() ?? 0
      let axes = shape.indices.filter { shape[$0] > 2 && spacings[$0] < 1.5 * smallest }
      guard !axes.isEmpty else { break }
      for (index, axis) in axes.enumerated() {
        let coarsening = StencilCoarsening(
          stencil, axis: axis, isFixed: elliptic.ends[axis].map { $0 == .dirichlet })
        levels.append(Level(stencil.layout, index == 0 ? stencil : nil, coarsening))
        stencil = coarsening.coarsened(stencil)
        spacings[axis] *= 2
      }
    }
    guard let coarsest = BandedFactorization(stencil, isSingular: elliptic.isSingular) else { return nil }
    levels.append(Level(stencil.layout, stencil, nil))
    self.levels = levels
    self.coarsest = coarsest
  }

  var laplacianBound: Double? { nil }

  func apply(_ r: UnsafePointer<Double>, into z: UnsafeMutablePointer<Double>) -> Double {
    let finest = levels[0]
    let count = finest.layout.count
    finest.f.pointer.update(from: r, count: count)
    cycle(0)
    z.update(from: finest.x.pointer, count: count)
    return VectorKernels.dot(r, z, count: count)
  }

  /// x from f.
  private func cycle(_ index: Int) {
    let level = levels[index]
    let (x, f) = (level.x.pointer, level.f.pointer)
    guard let coarsening = level.coarsening else {
      coarsest.solve(f, into: x)
      return
    }
    let next = levels[index + 1]
    guard let stencil = level.stencil else {
      coarsening.restrict(f, into: next.f.pointer)
      cycle(index + 1)
      coarsening.prolong(next.x.pointer, into: x, isAdded: false)
      return
    }
    CoefficientKernels.clear(x, count: level.layout.count)
    stencil.relax(x, f, isForward: true)
    stencil.residual(f, x, into: level.r.pointer)
    coarsening.restrict(level.r.pointer, into: next.f.pointer)
    cycle(index + 1)
    coarsening.prolong(next.x.pointer, into: x, isAdded: true)
    stencil.relax(x, f, isForward: false)
  }
}
