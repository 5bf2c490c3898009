// The eigenvalues of a separable operator from those along its axes.

import Spectral
import Tensors

/// `Σ_k d_k Π_{j≠k} m_j` and `Π_k m_k` for every combination of modes, in the layout of the coefficients.
struct SeparableSpectrum<Element: SpectralScalar> {
  private let modes: [AxisModes<Element>?]
  /// Of the coefficients, without the axis of real and imaginary part.
  private let shape: [Int]
  /// Coefficients are complex: every number stands twice.
  private let isPaired: Bool

  init(modes: [AxisModes<Element>?], shape: [Int], isPaired: Bool) {
    self.modes = modes
    self.shape = shape
    self.isPaired = isPaired
  }

  /// What the transforms forward and back multiply by.
  var normalization: Double { modes.reduce(1) { $0 * ($1?.normalization ?? 1) } }

  /// `−1/((Σ d_k Π m_j − σ Π m_k) · normalization)`, and whether one of the denominators vanishes: there, zero.
  func inverses(minus shift: Double) -> (Tensor<Element>, isSingular: Bool) {
    let scale = modes.reduce(abs(shift)) { sum, mode in
      sum + (mode?.stiffness.reduce(0) { max($0, abs($1)) } ?? 0)
    }
    var isSingular = false
    let values = table(axes: Array(shape.indices)) { stiffness, mass in
      let eigenvalue = stiffness - shift * mass
      guard abs(eigenvalue) > 1e-13 * scale else {
        isSingular = true
        return 0
      }
      return -1 / (eigenvalue * normalization)
    }
    return (values, isSingular)
  }

  /// For every line along the first axis `Σ_{k≥1} d_k/m_k − σ`.
  func lineShifts(minus shift: Double) -> Tensor<Element> {
    table(axes: Array(shape.indices.dropFirst())) { $0 / $1 - shift }
  }

  /// For every line along the first axis `1/Π_{k≥1} m_k`.
  func lineFactors() -> Tensor<Element> {
    table(axes: Array(shape.indices.dropFirst())) { 1 / $1 }
  }

  private func table(axes: [Int], _ entry: (_ stiffness: Double, _ mass: Double) -> Double) -> Tensor<Element>
  {
    let counts = axes.map { shape[$0] }
    let strides = Tensor<Element>.strides(of: counts)
    let copies = isPaired ? 2 : 1
    var result = Tensor<Element>(uninitialized: counts + (isPaired ? [2] : []))
    result.withUnsafeMutableBuffer { values in
      for index in 0..<values.count / copies {
        var (stiffness, mass) = (0.0, 1.0)
        for (position, axis) in axes.enumerated() {
          guard let mode = modes[axis] else { continue }
          let k = index / strides[position] % counts[position]
          stiffness = stiffness * mode.mass[k] + mode.stiffness[k] * mass
          mass *= mode.mass[k]
        }
        let value = Element(entry(stiffness, mass))
        for copy in 0..<copies { values[index * copies + copy] = value }
      }
    }
    return result
  }
}

/// The unknowns among the points of a grid: all but the nodes whose values are given.
struct UnknownBox: Sendable {
  let gridShape: [Int]
  let shape: [Int]
  private let firstIndex: [Int]

  init(_ axes: [SecondDifference]) {
    gridShape = axes.map(\.count)
    shape = axes.map(\.unknowns.count)
    firstIndex = axes.map(\.unknowns.lowerBound)
  }

  /// The unknowns of an array on the grid, without gaps.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func pack<Element: Scalar>(_ grid: UnsafePointer<Element>, into packed: UnsafeMutablePointer<Element>) {
    forEachRow { point, start, count in (packed + start).update(from: grid + point, count: count) }
  }

  /// The other way; what is not unknown is left as it is.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func unpack<Element: Scalar>(_ packed: UnsafePointer<Element>, into grid: UnsafeMutablePointer<Element>) {
    forEachRow { point, start, count in (grid + point).update(from: packed + start, count: count) }
  }

  /// Calls `body(offset in the grid, offset in the packed array, count)` for rows along the last axis, on the pool.
  private func forEachRow(_ body: (Int, Int, Int) -> Void) {
    let gridStrides = Tensor<Double>.strides(of: gridShape)
    let rows = shape.dropLast().reduce(1, *)
    let length = shape[shape.count - 1]
    WorkerPool.shared.forEachRange(count: rows, grain: max(1, (1 << 14) / length)) { range in
      for row in range {
        var (remainder, point) = (row, firstIndex[firstIndex.count - 1])
        for axis in shape.indices.dropLast().reversed() {
          point += (remainder % shape[axis] + firstIndex[axis]) * gridStrides[axis]
          remainder /= shape[axis]
        }
        body(point, row * length, length)
      }
    }
  }
}
