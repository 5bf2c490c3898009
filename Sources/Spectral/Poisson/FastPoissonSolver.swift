// The constant-coefficient problem (−Δ + c) u = f on a box, solved exactly by trigonometric transforms.

import RealModule
import Tensors

/// Solves `(−Δ + shift) u = f` on a tensor-product grid in any number of dimensions, planned once and applied many
/// times in place: a transform along every axis, a division by the operator's eigenvalues, the transform back
/// (Buzbee, Golub & Nielson 1970; Swarztrauber 1977).
///
/// Where all boundaries are periodic or Neumann and `shift` is 0, constants are invisible to −Δ: the part of f along
/// them is ignored, and u has none.
public final class FastPoissonSolver<Element: SpectralScalar>: Sendable {
  /// Which inverse −Δ.
  public enum Eigenvalues: Sendable, Hashable {
    /// Of the second-order difference operator (3, 5, 7 points): `(2 − 2cos κh)/h²` along each axis.
    case differences
    /// Of the derivative itself: κ² along each axis.
    case spectral
  }

  /// The unknowns along one axis.
  public struct Axis: Sendable, Hashable {
    /// What holds at the ends of the axis, and where its unknowns are.
    public enum Boundary: Sendable, Hashable, CaseIterable {
      /// u = 0 at the ends; n inner nodes, h = L/(n + 1).
      case dirichletNodes
      /// u = 0 at the ends; n cell centres, h = L/n. The difference operator mirrors u to −u behind the ends.
      case dirichletCells
      /// ∂u = 0 at the ends; n ≥ 2 nodes, both ends among them, h = L/(n − 1). The difference operator mirrors u at
      /// the ends.
      case neumannNodes
      /// ∂u = 0 at the ends; n cell centres, h = L/n.
      case neumannCells
      /// n points, h = L/n.
      case periodic
    }

    public var boundary: Boundary
    /// Unknowns.
    public var count: Int
    /// The distance of neighbouring unknowns.
    public var spacing: Double

    public init(_ boundary: Boundary, count: Int, spacing: Double) {
      precondition(count >= (boundary == .neumannNodes ? 2 : 1) && spacing > 0, "an axis without unknowns")
      self.boundary = boundary
      self.count = count
      self.spacing = spacing
    }

    var transform: TrigonometricTransform {
      switch boundary {
      case .dirichletNodes: .sineI
      case .dirichletCells: .sineII
      case .neumannNodes: .cosineI
      case .neumannCells: .cosineII
      case .periodic: .halfComplex
      }
    }

    /// κh for the wave that each coefficient of the transform belongs to.
    var angles: [Double] {
      (0..<count).map { k in
        switch boundary {
        case .dirichletNodes: .pi * Double(k + 1) / Double(count + 1)
        case .dirichletCells: .pi * Double(k + 1) / Double(count)
        case .neumannNodes: .pi * Double(k) / Double(count - 1)
        case .neumannCells: .pi * Double(k) / Double(count)
        case .periodic: 2 * .pi * Double(min(k, count - k)) / Double(count)
        }
      }
    }

    func eigenvalues(_ kind: Eigenvalues) -> [Double] {
      angles.map { angle in
        switch kind {
        // 2 − 2cos x without its loss of digits at small x.
        case .differences:
          4 * Double.sin(angle / 2) * Double.sin(angle / 2) / (spacing * spacing)
        case .spectral: angle * angle / (spacing * spacing)
        }
      }
    }
  }

  public let axes: [Axis]
  public let shift: Double
  private let forward: BatchedTransform<Element>
  private let backward: BatchedTransform<Element>
  /// Eigenvalues of the last axis, and for every row of it the sum of the others' and the shift.
  private let lastEigenvalues: Tensor<Element>
  private let rowEigenvalues: Tensor<Element>
  /// 1/Π of the transforms' logical sizes.
  private let normalization: Double

  public init(axes: [Axis], eigenvalues: Eigenvalues = .differences, shift: Double = 0) {
    guard let last = axes.last else { preconditionFailure("a problem has at least one axis") }
    precondition(shift >= 0, "a negative shift can make the problem singular")
    self.axes = axes
    self.shift = shift
    let shape = axes.map(\.count)
    let kinds = axes.map(\.transform)
    // Problems of a batch begin anywhere; FFTW's real-to-real transforms have no vector code that minds.
    forward = BatchedTransform(
      .realToReal(kinds), shape: shape, axes: Array(shape.indices), isInPlace: true, isAligned: false)
    backward = BatchedTransform(
      .realToReal(kinds.map(\.inverse)), shape: shape, axes: Array(shape.indices), isInPlace: true,
      isAligned: false)
    normalization = axes.reduce(1) { $0 / Double($1.transform.logicalSize($1.count)) }
    let values = axes.map { $0.eigenvalues(eigenvalues) }
    let rows = values.dropLast().reduce([shift]) { sums, axis in
      sums.flatMap { sum in axis.map { sum + $0 } }
    }
    rowEigenvalues = Tensor(rows.map { Element($0) }, shape: [rows.count])
    lastEigenvalues = Tensor((values.last ?? []).map { Element($0) }, shape: [last.count])
  }

  public var pointCount: Int { axes.reduce(1) { $0 * $1.count } }

  /// Replaces f by `scale · u`, for every problem of a batch: `[…, …axes]`.
  public func solve(_ values: inout Tensor<Element>, scale: Element = 1) {
    let shape = axes.map(\.count)
    precondition(values.shape.suffix(shape.count) == shape[...], "\(values.shape) does not end with \(shape)")
    let problems = values.count / pointCount
    values.withUnsafeMutableBuffer { buffer in
      guard let start = buffer.baseAddress else { return }
      nonisolated(unsafe) let first = start
      WorkerPool.shared.run(tasks: problems) { problem in
        solve(first + problem * pointCount, scale: scale)
      }
    }
  }

  /// Replaces one problem's f by `scale · u`, the unknowns contiguous from `values` on.
  public func solve(_ values: UnsafeMutablePointer<Element>, scale: Element = 1) {
    forward.execute(values, values)
    let rows = rowEigenvalues.count
    let columns = lastEigenvalues.count
    let factor = scale * Element(normalization)
    nonisolated(unsafe) let target = values
    rowEigenvalues.withUnsafeBuffer { rowValues in
      lastEigenvalues.withUnsafeBuffer { lastValues in
        guard let rowStart = rowValues.baseAddress, let lastStart = lastValues.baseAddress else { return }
        nonisolated(unsafe) let (rowSums, divisors) = (rowStart, lastStart)
        let grain = max(1, (1 << 13) / columns)
        let tasks = min(64, (rows + grain - 1) / grain)
        WorkerPool.shared.run(tasks: tasks) { task in
          for row in rows * task / tasks..<rows * (task + 1) / tasks {
            divide(
              target + row * columns, by: divisors, plus: rowSums[row], times: factor, count: columns)
          }
        }
      }
    }
    backward.execute(values, values)
  }
}

/// `x_j ← factor · x_j / (λ_j + μ)`, and 0 where the eigenvalue is.
@specialized(where Element == Float)
@specialized(where Element == Double)
private func divide<Element: SpectralScalar>(
  _ values: UnsafeMutablePointer<Element>, by eigenvalues: UnsafePointer<Element>, plus sum: Element,
  times factor: Element, count: Int
) {
  // Eigenvalues ascend from the first, which alone can be 0.
  let first = eigenvalues[0] + sum
  values[0] = first == 0 ? 0 : values[0] * factor / first
  for j in 1..<max(count, 1) { values[j] *= factor / (eigenvalues[j] + sum) }
}
