// Multigrid for one coefficient: a hierarchy of Galerkin operators, and the cycles through it.

import Tensors

/// One cycle as an approximate inverse: red-black relaxation before and its adjoint after the coarse correction, so that it
/// is symmetric; coarse operators are Galerkin's with interpolation led by the operator (``StencilCoarsening``), on the
/// coarsest grid solved by Cholesky.
///
/// Jumps of 100 on the scale of single points leave a few parts of an error that relaxation damps slowly and that coarse
/// grids know only roughly. W-cycles, which visit every coarse grid twice and so solve there better, leave fewer of them than
/// V-cycles; conjugate gradients and recombined corrections take away what is left.
///
/// The axes whose spacing is the smallest are coarsened first, until spacings are alike: points then couple about as much
/// along every axis, as relaxation point by point wants it.
final class Multigrid: EllipticPreconditioner {
  private final class Level {
    let layout: PaddedLayout
    let stencil: StencilOperator
    /// Nil on the coarsest grid.
    let coarsening: StencilCoarsening?
    /// How often a cycle visits the next grid.
    let visits: Int
    let x: PaddedArray
    let f: PaddedArray
    let r: PaddedArray

    init(_ stencil: StencilOperator, _ coarsening: StencilCoarsening?, visits: Int) {
      layout = stencil.layout
      self.stencil = stencil
      self.coarsening = coarsening
      self.visits = visits
      x = PaddedArray(layout)
      f = PaddedArray(layout)
      r = PaddedArray(layout)
    }
  }

  private let levels: [Level]
  private let coarsest: BandedFactorization

  private static let mostDirect = 256
  /// Before and after: with jumps of 100, two take a third of the iterations of one away, and the time is alike.
  private static let sweeps = 2

  enum Cycle {
    case v
    case w
  }

  /// Nil where the coefficient makes no positive definite operator (it is not finite, or its contrast is beyond the
  /// arithmetic).
  init?(_ darcy: DarcyOperator, cycle: Cycle) {
    let elliptic = darcy.layout
    var stencil = StencilOperator(darcy)
    var spacings = elliptic.grid.axes.map(\.spacing)
    var levels: [Level] = []
    while stencil.layout.unknownCount > Self.mostDirect {
      let shape = stencil.layout.shape
      let smallest = zip(spacings, shape).filter { $0.1 > 2 }.map(\.0).min() ?? 0
      let axes = shape.indices.filter { shape[$0] > 2 && spacings[$0] < 1.5 * smallest }
      guard !axes.isEmpty else { break }
      let coarsening = StencilCoarsening(
        stencil, axes: axes, isFixed: elliptic.ends.map { $0.map { $0 == .dirichlet } })
      let coarse = coarsening.coarsened(stencil)
      // The coarsest is solved at once, and grids of half as many points are not worth two visits.
      let isWorthTwo = axes.count > 1 && coarse.layout.unknownCount > Self.mostDirect
      levels.append(Level(stencil, coarsening, visits: cycle == .w && isWorthTwo ? 2 : 1))
      stencil = coarse
      for axis in axes { spacings[axis] *= 2 }
    }
    guard let coarsest = BandedFactorization(stencil, isSingular: elliptic.isSingular) else { return nil }
    levels.append(Level(stencil, nil, visits: 0))
    self.levels = levels
    self.coarsest = coarsest
  }

  var laplacianBound: Double? { nil }

  func apply(_ r: UnsafePointer<Double>, into z: UnsafeMutablePointer<Double>) -> Double {
    let finest = levels[0]
    let count = finest.layout.count
    finest.f.pointer.update(from: r, count: count)
    cycle(0, isFirst: true)
    z.update(from: finest.x.pointer, count: count)
    return VectorKernels.dot(r, z, count: count)
  }

  /// Improves x, from zero at the first visit, towards A⁻¹f.
  private func cycle(_ index: Int, isFirst: Bool) {
    let level = levels[index]
    let (x, f, stencil) = (level.x.pointer, level.f.pointer, level.stencil)
    guard let coarsening = level.coarsening else {
      coarsest.solve(f, into: x)
      return
    }
    let next = levels[index + 1]
    if isFirst { CoefficientKernels.clear(x, count: level.layout.count) }
    for _ in 0..<Self.sweeps { stencil.relax(x, f, isForward: true) }
    stencil.residual(f, x, into: level.r.pointer)
    coarsening.restrict(level.r.pointer, into: next.f.pointer)
    for visit in 0..<level.visits { cycle(index + 1, isFirst: visit == 0) }
    coarsening.prolong(next.x.pointer, addingTo: x)
    for _ in 0..<Self.sweeps { stencil.relax(x, f, isForward: false) }
  }
}
