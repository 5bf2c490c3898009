// Poisson's and Helmholtz's equations in a box by fast diagonalization.

import Spectral
import Tensors

/// Solves `−Δu + σu = f` in one to three dimensions, second or compact fourth order, exactly up to roundoff: transforms to
/// the eigenvectors of the one-dimensional differences, axis by axis, a division, and back (Lynch, Rice & Thomas 1964).
/// No matrix of more than one dimension is ever formed.
///
/// Between two ends of one kind on uniform points the eigenvectors are sines or cosines, on periodic axes Fourier's; on
/// stretched nodes and between different ends they are computed once. Where the problem is definite along the first
/// axis (no zero mode, no negative σ beyond the other axes' first eigenvalues), that axis is not transformed at all:
/// tridiagonal systems are solved along it, one for every mode of the others.
///
/// Where constants (or, with a negative σ, a resonant mode) are solutions of the homogeneous problem, the part of f along
/// them is left out and u has none.
public final class PoissonSolver<Element: SpectralScalar>: Sendable {
  /// σ.
  public let shift: Double
  /// Whether a mode was left out: f must have nothing of it for u to be a solution.
  public let isSingular: Bool
  /// For a negative σ the distance of −σ from the nearest eigenvalue of −Δ; else infinity.
  public let resonanceGap: Double
  private let laplacian: DifferenceLaplacian<Element>
  private let data: BoundaryData
  private let unknowns: UnknownBox
  private let transform: SlabTransform<Element>
  private let fourier: Fourier?
  private let inversion: Inversion

  /// The Fourier transforms along the periodic axes and the shape of what they give, complex numbers as pairs.
  private struct Fourier: Sendable {
    var forward: BatchedTransform<Element>
    var backward: BatchedTransform<Element>
    var shape: [Int]
  }

  private enum Inversion: Sendable {
    /// Multiplication by one over the eigenvalues.
    case diagonal(Tensor<Element>)
    /// Tridiagonal systems along the first axis, after a multiplication of every line where the formula is compact.
    case lines(ShiftedKernel<Element>, shifts: Tensor<Element>, factors: Tensor<Element>?)
  }

  /// - Parameters:
  ///   - axes: The differences along every axis.
  ///   - boundary: What holds at the ends, as in `axes`, with the values given there.
  ///   - shift: σ.
  public init(axes: [SecondDifference], boundary: [AxisBoundary], shift: Double = 0) {
    precondition(axes.count == boundary.count, "a boundary condition for every axis")
    precondition(
      zip(axes, boundary).allSatisfy { $0.ends.map(\.kind) == $1.ends.map(\.kind) },
      "the axes' boundary conditions")
    precondition(axes.allSatisfy { !$0.unknowns.isEmpty }, "an unknown along every axis")
    self.shift = shift
    laplacian = DifferenceLaplacian(axes: axes)
    data = laplacian.boundaryData(boundary)
    unknowns = UnknownBox(axes)
    let others = axes.dropFirst().map { AxisModes<Element>($0) }
    let isDirect = Self.isDefiniteAlongFirst(axes[0], others, shift)
    let modes: [AxisModes<Element>?] = [isDirect ? nil : AxisModes(axes[0])] + others
    transform = SlabTransform(shape: unknowns.shape, modes: modes)
    resonanceGap =
      shift < 0
      ? Self.resonanceGap(-shift, [modes[0] ?? AxisModes(axes[0])] + others) : .infinity
    let fourierAxes = modes.indices.filter {
      if case .fourier = modes[$0]?.transform { true } else { false }
    }
    var coefficientShape = unknowns.shape
    if let halved = fourierAxes.last {
      coefficientShape[halved] = unknowns.shape[halved] / 2 + 1
      fourier = Fourier(
        forward: BatchedTransform(.realToComplex, shape: unknowns.shape, axes: fourierAxes),
        backward: BatchedTransform(.complexToReal, shape: unknowns.shape, axes: fourierAxes),
        shape: coefficientShape + [2])
    } else {
      fourier = nil
    }
    let spectrum = SeparableSpectrum(modes: modes, shape: coefficientShape, isPaired: !fourierAxes.isEmpty)
    if isDirect {
      let scale = -spectrum.normalization
      let zero = TridiagonalMatrix.identity(count: unknowns.shape[0]).adding(
        -1, times: .identity(count: unknowns.shape[0]))
      inversion = .lines(
        ShiftedKernel(
          zero.adding(scale, times: axes[0].interior(axes[0].stiffness)),
          zero.adding(scale, times: axes[0].interior(axes[0].mass))),
        shifts: spectrum.lineShifts(minus: shift),
        factors: laplacian.isLumped ? nil : spectrum.lineFactors())
      isSingular = false
    } else {
      let (factors, isSingular) = spectrum.inverses(minus: shift)
      inversion = .diagonal(factors)
      self.isSingular = isSingular
    }
  }

  /// On a grid.
  public convenience init(
    grid: Grid, boundary: [AxisBoundary], order: SecondDifference.Order = .second, shift: Double = 0
  ) {
    precondition(boundary.count == grid.axes.count, "a boundary condition for every axis")
    self.init(
      axes: zip(grid.axes, boundary).map { SecondDifference($0, $1, order: order) }, boundary: boundary,
      shift: shift)
  }

  /// The lines along the first axis are solved directly: their matrices are definite and stay so when they are eliminated.
  private static func isDefiniteAlongFirst(
    _ first: SecondDifference, _ others: [AxisModes<Element>], _ shift: Double
  ) -> Bool {
    guard !first.isPeriodic, first.isLumped || first.ends.allSatisfy(\.isFixed) else { return false }
    func largest(_ modes: AxisModes<Element>) -> Double {
      zip(modes.stiffness, modes.mass).map { $0 / $1 }.max() ?? 0
    }
    let length = first.bounds[1] - first.bounds[0]
    let largestShift = others.reduce(-shift) { $0 + largest($1) }
    let hasFixedEnd = first.ends.contains { $0.kind == .dirichlet }
    return largestShift * length * length < (hasFixedEnd ? 1e-12 : -1e-6)
  }

  /// The distance of a number from the nearest sum of one eigenvalue of every axis.
  private static func resonanceGap(_ number: Double, _ modes: [AxisModes<Element>]) -> Double {
    let eigenvalues = modes.map { zip($0.stiffness, $0.mass).map { -$0 / $1 } }
    let sums = eigenvalues.dropFirst().reduce([0.0]) { sums, axis in
      sums.flatMap { sum in axis.map { sum + $0 } }
    }.sorted()
    return eigenvalues[0].reduce(.infinity) { nearest, first in
      // The first sum that is not smaller than what is left, and the one before.
      var (low, high) = (0, sums.count)
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] < number - first { low = middle + 1 } else { high = middle }
      }
      return [low - 1, low].filter(sums.indices.contains).reduce(nearest) {
        min($0, abs(sums[$1] + first - number))
      }
    }
  }

  /// Solves for one right-hand side.
  ///
  /// - Parameters:
  ///   - source: f at every point of the grid; at given nodes it is used by the compact formula alone.
  ///   - time: What the boundary's data are to be taken at.
  /// - Returns: u at every point.
  public func solve(_ source: Tensor<Element>, time: Double = 0) -> Tensor<Element> {
    precondition(source.shape == laplacian.shape, "\(source.shape) is not \(laplacian.shape)")
    var result = Tensor<Element>(uninitialized: laplacian.shape)
    let u = result.unsafeMutablePointer()
    var right = source
    if !laplacian.isLumped { laplacian.applyMass(right.unsafeMutablePointer()) }
    if data.isHomogeneous {
      for axis in laplacian.axes.indices { laplacian.setFixedEnds(axis, nil, of: u) }
    } else {
      let faces: BoundaryFaces<Element> = data.faces(time: time)
      Pointwise.fill(u, with: 0, count: result.count)
      for axis in laplacian.axes.indices { laplacian.setFixedEnds(axis, faces, of: u) }
      var contribution = Tensor<Element>(uninitialized: laplacian.shape)
      laplacian.apply(result.unsafePointer, faces: faces, into: contribution.unsafeMutablePointer())
      right += contribution
      if shift != 0 {
        contribution.copyValues(from: result)
        laplacian.applyMass(contribution.unsafeMutablePointer())
        right.addScaled(contribution, by: Element(-shift))
      }
    }
    solveHomogeneous(right.unsafePointer, into: u)
    withExtendedLifetime(right) {}
    return result
  }

  /// `‖f + Δu − σu‖ / ‖f‖` of a solution with zero data, over the unknowns (of the compact formula both times `Π M_k`).
  public func relativeResidual(of u: Tensor<Element>, source f: Tensor<Element>) -> Double {
    let points = laplacian.count
    var right = f
    right.addScaled(u, by: Element(-shift))
    laplacian.applyMass(right.unsafeMutablePointer())
    var change = Tensor<Element>(uninitialized: laplacian.shape)
    laplacian.apply(u.unsafePointer, faces: nil, into: change.unsafeMutablePointer())
    right += change
    var source = f
    laplacian.applyMass(source.unsafeMutablePointer())
    let packed = AlignedMemory<Element>(count: points)
    func norm(_ values: Tensor<Element>) -> Double {
      unknowns.pack(values.unsafePointer, into: packed.pointer)
      return Reductions.sumOfSquares(packed.pointer, count: unknowns.shape.reduce(1, *)).squareRoot()
    }
    let (residual, size) = (norm(right), norm(source))
    withExtendedLifetime((u, right, source)) {}
    return residual > 0 ? residual / size : 0
  }

  /// Solves with zero data: `right` is f times `Π M_k`. Values of u at given nodes are left as they are; the two arrays
  /// may be the same.
  func solveHomogeneous(_ right: UnsafePointer<Element>, into u: UnsafeMutablePointer<Element>) {
    let count = unknowns.shape.reduce(1, *)
    let work = AlignedMemory<Element>(count: count)
    unknowns.pack(right, into: work.pointer)
    transform.apply(work.pointer, isInverse: false)
    if let fourier {
      let coefficients = AlignedMemory<Element>(count: fourier.shape.reduce(1, *))
      fourier.forward.execute(work.pointer, coefficients.pointer)
      invert(coefficients.pointer, fourier.shape)
      fourier.backward.execute(coefficients.pointer, work.pointer)
    } else {
      invert(work.pointer, unknowns.shape)
    }
    transform.apply(work.pointer, isInverse: true)
    unknowns.unpack(work.pointer, into: u)
  }

  private func invert(_ coefficients: UnsafeMutablePointer<Element>, _ shape: [Int]) {
    nonisolated(unsafe) let coefficients = coefficients
    switch inversion {
    case .diagonal(let factors):
      WorkerPool.shared.forEachPiece(count: factors.count) { offset, count in
        Pointwise.multiply(coefficients + offset, by: factors.unsafePointer + offset, count: count)
      }
      withExtendedLifetime(factors) {}
    case .lines(let kernel, let shifts, let factors):
      if let factors {
        WorkerPool.shared.run(tasks: shape[0]) { slab in
          Pointwise.multiply(
            coefficients + slab * factors.count, by: factors.unsafePointer, count: factors.count)
        }
        withExtendedLifetime(factors) {}
      }
      VariableLines.solve(coefficients, shape: shape, kernel, shifts: shifts, axis: 0)
    }
  }
}
