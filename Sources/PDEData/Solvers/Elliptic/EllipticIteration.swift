// Iterations for A u = b that know how far they are from the solution.

import Tensors

/// One solve of `A u = b` with a ``DarcyOperator``: the iterate, and a bound of its error that any method can be held to.
///
/// Since A ≥ −a_min Δ_h, the error's energy norm ‖u − x‖_A = √(rᵀA⁻¹r), r = b − A x, is at most √(rᵀ(−Δ_h)⁻¹r / a_min),
/// which one fast Poisson solve gives. It is compared with ‖x‖_A, which is ‖u‖_A up to the same.
final class EllipticIteration {
  let darcy: DarcyOperator
  let x: PaddedArray
  private let laplacian: FastDiagonalization
  private let smallest: Double
  private let layout: PaddedLayout
  private let b: PaddedArray
  private let r: PaddedArray
  private let z: PaddedArray
  private let q: PaddedArray
  /// The direction of conjugate gradients, and what a certificate overwrites.
  private lazy var p = PaddedArray(layout)
  private lazy var scratch = PaddedArray(layout)
  /// A p, where corrections are recombined.
  private lazy var image = PaddedArray(layout)
  private(set) var iterations = 0
  /// Of the error in the energy norm, relative to the solution's; NaN where there was a breakdown.
  private(set) var bound = Double.infinity

  /// - Parameters:
  ///   - smallest: a_min.
  ///   - rightSide: b; where the problem is singular it has no sum.
  init(_ darcy: DarcyOperator, laplacian: FastDiagonalization, smallest: Double, rightSide: PaddedArray) {
    self.darcy = darcy
    self.laplacian = laplacian
    self.smallest = smallest
    layout = darcy.layout.padded
    b = rightSide
    x = PaddedArray(layout)
    r = PaddedArray(layout)
    z = PaddedArray(layout)
    q = PaddedArray(layout)
  }

  private var count: Int { layout.count }

  /// Conjugate gradients from x = 0, until the bound is at most `tolerance`.
  func conjugateGradients(
    _ preconditioner: any EllipticPreconditioner, tolerance: Double, mostIterations: Int
  ) {
    r.pointer.update(from: b.pointer, count: count)
    var product = preconditioner.apply(r.pointer, into: z.pointer)
    p.pointer.update(from: z.pointer, count: count)
    bound = product == 0 ? 0 : .infinity
    var squaredEnergy = 0.0
    var target = tolerance
    var certificates = 0
    // The residual of the recurrence is not the true one any more below this.
    let isTrusted = preconditioner.laplacianBound != nil && tolerance >= 1e-12
    while bound > tolerance, iterations < mostIterations {
      let curvature = darcy.apply(p.pointer, into: q.pointer)
      guard curvature > 0, curvature.isFinite else {
        bound = .nan
        return
      }
      let alpha = product / curvature
      squaredEnergy += alpha * product
      VectorKernels.advance(x.pointer, r.pointer, p.pointer, q.pointer, alpha: alpha, count: count)
      let next = preconditioner.apply(r.pointer, into: z.pointer)
      iterations += 1
      let factor =
        (preconditioner.laplacianBound ?? 1) / (preconditioner.laplacianBound == nil ? 1 : smallest)
      let estimate = (max(next, 0) * factor / squaredEnergy).squareRoot()
      if isTrusted || !estimate.isFinite {
        bound = estimate
      } else if estimate <= target {
        let certified = certificate()
        certificates += 1
        if certified <= tolerance || certificates > 8 { bound = certified }
        if certificates > 8 { return }
        target = min(0.5 * target, 0.7 * estimate * tolerance / certified)
      }
      guard bound.isFinite || bound == .infinity && next.isFinite else { return }
      VectorKernels.direct(p.pointer, z.pointer, beta: next / product, count: count)
      product = next
    }
  }

  /// Corrections `z = B(b − A x)` from x = 0, each recombined with the one before so that the error's energy is least
  /// (Brandt & Mikulinsky, SIAM J. Sci. Comput. 16 (1995) 20), until the bound is at most `tolerance`. For a symmetric B
  /// that is, rounding aside, what conjugate gradients do; residuals are the true ones here.
  func recombination(
    _ preconditioner: any EllipticPreconditioner, tolerance: Double, mostIterations: Int
  ) {
    r.pointer.update(from: b.pointer, count: count)
    var target = tolerance
    var certificates = 0
    var first = 0.0
    var curvature = 0.0
    while bound > tolerance, iterations < mostIterations {
      let product = preconditioner.apply(r.pointer, into: z.pointer)
      if iterations == 0 {
        first = product
        if product == 0 { bound = 0 }
      }
      let energy = darcy.apply(z.pointer, into: q.pointer)
      // An iteration that grows is beyond help.
      guard product.isFinite, product <= 1e8 * first, energy.isFinite else {
        bound = .nan
        return
      }
      if energy > 0 { curvature = direct(energy: energy, curvature) }
      if energy > 0, curvature > 0 {
        let length = VectorKernels.dot(p.pointer, r.pointer, count: count) / curvature
        VectorKernels.addMultiple(length, of: p.pointer, to: x.pointer, count: count)
      }
      iterations += 1
      let squaredEnergy = updateResidual()
      let estimate = (max(product, 0) / squaredEnergy).squareRoot()
      guard estimate <= target, bound > 0 else { continue }
      let certified = certificate()
      certificates += 1
      if certified <= tolerance || certificates > 8 { bound = certified }
      if certificates > 8 { return }
      target = min(0.5 * target, 0.7 * estimate * tolerance / certified)
    }
  }

  /// Makes the direction p from the correction z (its image is in q, its energy given), A-orthogonal to the direction
  /// before, whose energy is `previous`; gives p's energy.
  private func direct(energy: Double, _ previous: Double) -> Double {
    let product = previous > 0 ? VectorKernels.dot(z.pointer, image.pointer, count: count) : 0
    let remainder = previous > 0 ? energy - product * product / previous : energy
    // Where the two are parallel, all that is left is rounding.
    let isNew = remainder > 1e-10 * energy
    let beta = isNew && previous > 0 ? -product / previous : 0
    VectorKernels.direct(p.pointer, z.pointer, beta: beta, count: count)
    VectorKernels.direct(image.pointer, q.pointer, beta: beta, count: count)
    return isNew ? remainder : energy
  }

  /// A direct solver, and a correction by it where the first solution is not within the tolerance.
  func direct(
    _ solve: (UnsafePointer<Double>, UnsafeMutablePointer<Double>) -> Void, iterationsEach: Int = 1,
    tolerance: Double
  ) {
    r.pointer.update(from: b.pointer, count: count)
    for _ in 0..<3 {
      solve(r.pointer, z.pointer)
      Pointwise.add(z.pointer, to: x.pointer, count: count)
      iterations += iterationsEach
      if updateResidual() == 0 {
        bound = 0
        return
      }
      bound = certificate()
      if !(bound > tolerance) { return }
    }
  }

  /// r = b − A x; gives ‖x‖_A².
  private func updateResidual() -> Double {
    let energy = darcy.apply(x.pointer, into: q.pointer)
    Pointwise.subtract(b.pointer, q.pointer, into: r.pointer, count: count)
    return energy
  }

  /// The bound of the error of x; overwrites q.
  private func certificate() -> Double {
    let (residual, count) = (q.pointer, count)
    let energy = darcy.apply(x.pointer, into: residual)
    let right = b.pointer
    for i in 0..<count { residual[i] = right[i] - residual[i] }
    let product = laplacian.apply(residual, into: scratch.pointer)
    return (max(product, 0) / smallest / energy).squareRoot()
  }
}
