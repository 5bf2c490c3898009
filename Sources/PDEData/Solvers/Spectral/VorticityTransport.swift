// The nonlinear part −u·∇ω + f of the vorticity equation on a periodic rectangle, dealiased.

import RealModule
import Spectral
import Tensors

/// N(ω) = −u·∇ω + f with u = (∂_y ψ, −∂_x ψ), −Δψ = ω, on a grid `[y, x]`.
///
/// With ∇·u = 0 the transport is −(∂_xx − ∂_yy)(uv) + ∂_xy(u² − v²) (Basdevant, J. Comput. Phys. 50 (1983)
/// 209): only u and v are transformed to the grid and only uv and u² − v² back. The four real fields are two complex
/// ones, z = u + iv and z² = (u² − v²) + 2iuv, so that an evaluation costs two complex transforms. Along x only the
/// rows of kept k_y are transformed; along y, a few columns at a time go to the grid, are squared and come back while
/// they are in the first-level cache.
///
/// Of n points the modes up to K = ⌊(n−1)/3⌋ are kept (the 2/3 rule), for which the products are exact: energy and
/// enstrophy are conserved where there is neither force nor diffusion. The mean velocity is zero.
public struct VorticityTransport<Element: SpectralScalar>: SpectralNonlinearity {
  public let box: PeriodicBox<Element>
  /// Along y and x.
  public let lengths: [Double]
  private let forcing: [ForcingTerm]
  /// The root mean square of the force where it does not change in time.
  private let steadyForce: Double?
  private let kernels: VorticityKernels<Element>
  private let rowForward: FFTPlan<Element>
  private let rowInverse: FFTPlan<Element>
  private let panelForward: FFTPlan<Element>
  private let panelInverse: FFTPlan<Element>

  private struct ForcingTerm: Sendable {
    var amplitude: (@Sendable (Double) -> Double)?
    var coefficients: [Element]
  }

  /// - Parameters:
  ///   - shape: points along y and x.
  ///   - lengths: of the domain along y and x.
  public init(shape: [Int], lengths: [Double], forcing: VorticityForcing = .none) {
    precondition(shape.count == 2 && lengths.count == 2, "the vorticity equation has two dimensions")
    box = PeriodicBox(dealiased: shape)
    self.lengths = lengths
    kernels = VorticityKernels(box, lengths: lengths)
    let row = TransformGeometry(axes: [.init(count: shape[1], inputStride: 1, outputStride: 1)])
    let lanes = VorticityKernels<Element>.panelWidth
    let panel = TransformGeometry(
      axes: [.init(count: shape[0], inputStride: lanes, outputStride: lanes)],
      batch: [.init(count: lanes, inputStride: 1, outputStride: 1)])
    rowForward = FFTPlan.shared(.complexForward, row, requirements: [.aligned, .inPlace])
    rowInverse = FFTPlan.shared(.complexBackward, row, requirements: [.aligned, .inPlace])
    panelForward = FFTPlan.shared(.complexForward, panel, requirements: [.aligned, .inPlace])
    panelInverse = FFTPlan.shared(.complexBackward, panel, requirements: [.aligned, .inPlace])
    let scratch = AlignedMemory<Element>(count: box.scratchCount)
    let box = box
    self.forcing = forcing.terms.map { term in
      precondition(term.field.shape == shape, "a force on \(term.field.shape) for a grid of \(shape)")
      let values = AlignedMemory<Element>(count: term.field.count)
      let coefficients = AlignedMemory<Element>(count: box.coefficientCount)
      term.field.withUnsafeBuffer { field in
        guard let source = field.baseAddress else { return }
        CoefficientKernels.convert(source, to: values.pointer, count: field.count)
      }
      box.analyze(values.pointer, into: coefficients.pointer, scratch: scratch.pointer)
      return ForcingTerm(amplitude: term.amplitude, coefficients: Array(coefficients.buffer))
    }
    if self.forcing.allSatisfy({ $0.amplitude == nil }) {
      steadyForce = self.forcing.reduce(0) { sum, term in
        sum
          + term.coefficients.withUnsafeBufferPointer { $0.baseAddress.map(box.meanSquare) ?? 0 }.squareRoot()
      }
    } else {
      steadyForce = nil
    }
  }

  public var stateCounts: [Int] { [box.coefficientCount] }
  public var scratchCount: Int { kernels.rowsCount + kernels.panelCount }

  /// The eigenvalues of νΔ − μ, one for each number of a state.
  public func eigenvalues(viscosity: Double, drag: Double = 0) -> [Double] {
    box.forEachNumber { k in
      let (y, x) = (2 * Double.pi * Double(k[0]) / lengths[0], 2 * Double.pi * Double(k[1]) / lengths[1])
      return -viscosity * (x * x + y * y) - drag
    }
  }

  public func evaluate(
    level: Int, time: Double, _ state: UnsafePointer<Element>, into result: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    let rows = scratch
    let panel = scratch + kernels.rowsCount
    synthesizeRows(state, rows)
    for start in stride(from: 0, to: box.shape[1], by: VorticityKernels<Element>.panelWidth) {
      kernels.load(rows, column: start, into: panel)
      panelInverse.execute(panel, panel)
      kernels.square(panel)
      panelForward.execute(panel, panel)
      kernels.store(panel, column: start, into: rows)
    }
    for ky in 0...box.cutoffs[0] {
      let (plus, minus) = (rows + kernels.plusRow(ky), rows + kernels.minusRow(ky))
      rowForward.execute(plus, plus)
      rowForward.execute(minus, minus)
      kernels.transport(plus, minus, ky: ky, into: result)
    }
    for term in forcing {
      let amplitude = Element(term.amplitude?(time) ?? 1)
      term.coefficients.withUnsafeBufferPointer { coefficients in
        guard let coefficients = coefficients.baseAddress else { return }
        CoefficientKernels.add(coefficients, times: amplitude, to: result, count: box.coefficientCount)
      }
    }
  }

  public func courantRate(
    _ state: UnsafePointer<Element>, scratch: UnsafeMutablePointer<Element>
  ) -> Double {
    let rows = scratch
    let panel = scratch + kernels.rowsCount
    synthesizeRows(state, rows)
    var largest = 0.0
    for start in stride(from: 0, to: box.shape[1], by: VorticityKernels<Element>.panelWidth) {
      kernels.load(rows, column: start, into: panel)
      panelInverse.execute(panel, panel)
      let rate = kernels.courantRate(panel)
      // Not `max`, which would lose what is no number.
      if !(rate <= largest) { largest = rate }
    }
    return largest
  }

  /// d‖ω‖/dt ≤ ‖f‖: transport conserves the norm, diffusion and drag let it fall.
  public func normBound(at time: Double, from norm: Double) -> Double {
    steadyForce.map { norm + time * $0 } ?? .infinity
  }

  /// The rows of kept k_y of the velocity, transformed along x.
  private func synthesizeRows(_ state: UnsafePointer<Element>, _ rows: UnsafeMutablePointer<Element>) {
    for ky in 0...box.cutoffs[0] {
      let (plus, minus) = (rows + kernels.plusRow(ky), rows + kernels.minusRow(ky))
      kernels.velocity(state, ky: ky, plus, minus)
      rowInverse.execute(plus, plus)
      if ky > 0 { rowInverse.execute(minus, minus) }
    }
  }
}
