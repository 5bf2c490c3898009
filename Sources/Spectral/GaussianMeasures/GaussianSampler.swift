// Samples of a Gaussian measure on a grid: random coefficients, then one transform.

import Tensors

/// Draws samples of a ``GaussianMeasure`` on one grid. What does not change from sample to sample is computed once;
/// a sample costs its random numbers and one transform.
///
/// Periodic measures want periodic axes. Neumann and Dirichlet fields are evaluated at the points of axes of nodes or
/// cells: by a complex-to-real, cosine or sine transform.
public struct GaussianSampler: Sendable {
  public let measure: GaussianMeasure
  public let grid: Grid
  /// Of every axis, the wavenumbers that are drawn: up to the measure's cutoff as far as the grid resolves them.
  private let axes: [AxisModes]
  /// The amplitudes of the coefficients, in the coefficients' layout: zero for modes that are not drawn.
  private let amplitudes: Tensor<Double>
  private let transform: BatchedTransform<Double>?

  /// One axis of the array of coefficients.
  private struct AxisModes: Sendable {
    /// The wavenumber of every coefficient; nil where the coefficient is not drawn.
    var wavenumbers: [Int?]
    /// What makes the transform's basis function one of unit norm, for every coefficient.
    var normalizations: [Double]
    /// The trigonometric transform from coefficients to values.
    var transform: TrigonometricTransform?
    /// Points at each end that are left out of the transform: the ends of a Dirichlet axis of nodes.
    var border = 0

    var count: Int { wavenumbers.count }
  }

  /// - Parameter coarser: Modes that this grid of the same placement does not resolve are left out too: fields on a
  ///   finer grid are then the same functions as on the coarser one.
  public init(
    _ measure: GaussianMeasure, grid: Grid, resolvedBy coarser: Grid? = nil
  ) throws(GaussianMeasureError) {
    try measure.validate()
    guard (1...3).contains(grid.axes.count) else {
      throw GaussianMeasureError(description: "a random field has 1 to 3 dimensions, not \(grid.axes.count)")
    }
    self.measure = measure
    self.grid = grid
    var axes: [AxisModes] = []
    for (index, axis) in grid.axes.enumerated() {
      var drawn = measure
      if let other = coarser?.axes[index] {
        drawn.maximumWavenumber = min(measure.maximumWavenumber, Self.finestWavenumber(measure, other))
      }
      axes.append(try Self.modes(drawn, axis, isLast: index == grid.axes.count - 1))
    }
    self.axes = axes
    amplitudes = Self.amplitudes(measure, grid, axes)
    let kinds = axes.compactMap(\.transform)
    let shape = measure.boundary == .periodic ? grid.shape : axes.map(\.count)
    let kind: TransformKind = measure.boundary == .periodic ? .complexToReal : .realToReal(kinds)
    transform =
      shape.allSatisfy { $0 > 0 } ? BatchedTransform(kind, shape: shape, axes: Array(shape.indices)) : nil
  }

  /// The field of a sample number, a function of (measure, seed, sample) evaluated at the grid's points.
  /// - Parameter purpose: Fields of different purposes are independent of each other.
  public func sample(
    seed: UInt64, sample: UInt64, purpose: RandomPurpose = GaussianMeasure.purpose
  ) -> Tensor<Double> {
    guard let transform else { return .zeros(grid.shape) }
    let coefficients = coefficients(RandomStream(seed: seed, purpose: purpose, sample: sample))
    let shape = measure.boundary == .periodic ? grid.shape : axes.map(\.count)
    var values = Tensor<Double>(uninitialized: shape)
    values.withUnsafeMutableBuffer { values in
      coefficients.withUnsafeBuffer { coefficients in
        guard let source = coefficients.baseAddress, let target = values.baseAddress else { return }
        transform.execute(source, target)
      }
    }
    return axes.contains { $0.border > 0 } ? bordered(values) : values
  }
}

// MARK: - Modes

extension GaussianSampler {
  /// The highest wavenumber that an axis resolves.
  private static func finestWavenumber(_ measure: GaussianMeasure, _ axis: Grid.Axis) -> Int {
    switch (measure.boundary, axis.placement) {
    case (.periodic, _): (axis.count - 1) / 2
    case (.neumann, _): axis.count - 1
    case (.dirichlet, .nodes): axis.count - 2
    case (.dirichlet, _): axis.count
    }
  }

  private static func modes(
    _ measure: GaussianMeasure, _ axis: Grid.Axis, isLast: Bool
  ) throws(GaussianMeasureError) -> AxisModes {
    let cutoff = measure.maximumWavenumber
    let n = axis.count
    let sine = (2 / axis.length).squareRoot()
    let constant = (1 / axis.length).squareRoot()
    func trigonometric(_ range: Range<Int>, last: Int, _ transform: TrigonometricTransform) -> AxisModes {
      // FFTW doubles every term but those at the ends of the spectrum.
      AxisModes(
        wavenumbers: range.map { $0 <= cutoff ? $0 : nil },
        normalizations: range.map { $0 == 0 ? constant : $0 == last ? sine : sine / 2 },
        transform: transform)
    }
    switch (measure.boundary, axis.placement) {
    case (.periodic, .periodic):
      let wavenumbers = isLast ? Wavenumbers.halved(n) : Wavenumbers.full(n)
      return AxisModes(
        // Of the Nyquist mode a grid sees only one phase: it is not resolved.
        wavenumbers: wavenumbers.map { $0.magnitude <= cutoff && 2 * $0.magnitude < n ? $0 : nil },
        normalizations: wavenumbers.map { _ in constant }, transform: nil)
    case (.neumann, .nodes) where n >= 2: return trigonometric(0..<n, last: n - 1, .cosineI)
    case (.neumann, .cells): return trigonometric(0..<n, last: n, .cosineIII)
    case (.dirichlet, .nodes) where n >= 2:
      var modes = trigonometric(1..<n - 1, last: n - 1, .sineI)
      modes.border = 1
      return modes
    case (.dirichlet, .cells): return trigonometric(1..<n + 1, last: n, .sineIII)
    case (_, .nodes) where n < 2:
      throw GaussianMeasureError(description: "axis \(axis.name): nodes at both ends are at least 2 points")
    default:
      let wanted = measure.boundary == .periodic ? "periodic axes" : "axes of nodes or cells"
      throw GaussianMeasureError(
        description: "axis \(axis.name) is \(axis.placement.rawValue): a random field with "
          + "\(measure.boundary.rawValue) boundaries wants \(wanted)")
    }
  }

  /// The root of λ_k with the basis functions' normalization.
  private static func amplitudes(
    _ measure: GaussianMeasure, _ grid: Grid, _ axes: [AxisModes]
  ) -> Tensor<Double> {
    let shape = axes.map(\.count)
    var result = Tensor<Double>.zeros(shape)
    guard let last = axes.last, last.count > 0 else { return result }
    let unit = measure.boundary == .periodic ? 2 * Double.pi : Double.pi
    let squares = zip(axes, grid.axes).map { modes, axis in
      modes.wavenumbers.map { wavenumber -> Double in
        let frequency = unit * Double(wavenumber ?? 0) / axis.length
        return frequency * frequency
      }
    }
    result.withUnsafeMutableBuffer { buffer in
      guard let target = buffer.baseAddress else { return }
      WorkerPool.shared.forEachRange(count: buffer.count / last.count, grain: 8) { rows in
        for row in rows {
          guard let slow = Self.row(row, axes) else { continue }
          let square = zip(slow, squares).reduce(0) { $0 + $1.1[$1.0.position] }
          let factor = zip(slow, axes).reduce(1) { $0 * $1.1.normalizations[$1.0.position] }
          let isZero = slow.allSatisfy { $0.wavenumber == 0 }
          for column in 0..<last.count {
            guard let wavenumber = last.wavenumbers[column] else { continue }
            if isZero, wavenumber == 0, !measure.includesZeroMode { continue }
            let eigenvalue = measure.eigenvalue(squaredFrequency: square + squares[axes.count - 1][column])
            target[row * last.count + column] = factor * last.normalizations[column] * eigenvalue.squareRoot()
          }
        }
      }
    }
    return result
  }

  /// Position and wavenumber along every axis but the last, of a row of coefficients; nil where one is not drawn.
  private static func row(_ row: Int, _ axes: [AxisModes]) -> [(position: Int, wavenumber: Int)]? {
    var rest = row
    var result: [(position: Int, wavenumber: Int)] = []
    for axis in axes.dropLast().reversed() {
      let (quotient, position) = rest.quotientAndRemainder(dividingBy: axis.count)
      guard let wavenumber = axis.wavenumbers[position] else { return nil }
      result.append((position, wavenumber))
      rest = quotient
    }
    return result.reversed()
  }
}

// MARK: - Coefficients

extension GaussianSampler {
  /// Random numbers times amplitudes, as the transform wants them.
  private func coefficients(_ stream: RandomStream) -> Tensor<Double> {
    let isPeriodic = measure.boundary == .periodic
    let parts = isPeriodic ? 2 : 1
    var result = Tensor<Double>.zeros(amplitudes.shape + (isPeriodic ? [2] : []))
    guard let last = axes.last, let first = last.wavenumbers.first ?? nil else { return result }
    // Along the last axis the drawn modes come first, and their random numbers are consecutive.
    let drawn = last.wavenumbers.prefix { $0 != nil }.count
    result.withUnsafeMutableBuffer { buffer in
      amplitudes.withUnsafeBuffer { amplitudes in
        guard let target = buffer.baseAddress, let amplitude = amplitudes.baseAddress else { return }
        WorkerPool.shared.forEachRange(count: amplitudes.count / last.count, grain: 8) { rows in
          for row in rows {
            guard let slow = Self.row(row, axes) else { continue }
            let index = GaussianMeasure.randomIndex(of: slow.map(\.wavenumber) + [first])
            let values = target + row * last.count * parts
            stream.fillNormal(values, count: drawn * parts, offset: index * UInt64(parts))
            let factors = amplitude + row * last.count
            if isPeriodic {
              for i in 0..<drawn {
                values[2 * i] *= factors[i] * 0.5.squareRoot()
                values[2 * i + 1] *= factors[i] * 0.5.squareRoot()
              }
            } else {
              Pointwise.multiply(values, by: factors, count: drawn)
            }
          }
        }
        if isPeriodic { makeHermitian(target, rowLength: 2 * last.count) }
      }
    }
    return result
  }

  /// In the plane k_last = 0, coefficients come in pairs: the one that has no random number of its own is the
  /// other's conjugate.
  private func makeHermitian(_ values: UnsafeMutablePointer<Double>, rowLength: Int) {
    let slow = axes.dropLast()
    for row in 0..<slow.reduce(1, { $0 * $1.count }) {
      guard let place = Self.row(row, axes) else { continue }
      let opposite = zip(place, slow).reduce(0) { index, item in
        index * item.1.count + (item.1.count - item.0.position) % item.1.count
      }
      switch place.last(where: { $0.wavenumber != 0 })?.wavenumber {
      case nil:
        values[0] *= 2.0.squareRoot()
        values[1] = 0
      case .some(let leading) where leading < 0:
        values[row * rowLength] = values[opposite * rowLength]
        values[row * rowLength + 1] = -values[opposite * rowLength + 1]
      default: break
      }
    }
  }

  /// The values within a border of zeros.
  private func bordered(_ values: Tensor<Double>) -> Tensor<Double> {
    var result = Tensor<Double>.zeros(grid.shape)
    let strides = result.strides
    guard let last = axes.last else { return result }
    result.withUnsafeMutableBuffer { target in
      values.withUnsafeBuffer { source in
        guard let target = target.baseAddress, let source = source.baseAddress else { return }
        for row in 0..<values.count / last.count {
          var rest = row
          var offset = last.border
          for axis in axes.indices.dropLast().reversed() {
            let (quotient, position) = rest.quotientAndRemainder(dividingBy: axes[axis].count)
            offset += (position + axes[axis].border) * strides[axis]
            rest = quotient
          }
          (target + offset).update(from: source + row * last.count, count: last.count)
        }
      }
    }
    return result
  }
}
