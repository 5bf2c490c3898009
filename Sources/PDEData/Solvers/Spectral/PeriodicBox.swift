// Periodic grids of two and more dimensions.

import Spectral
import Tensors

/// A periodic grid of any dimension and the box of modes |k_i| ≤ K_i.
///
/// Coefficients are pairs, `[k_0, k_1, …]` with k_0 = 0…K_0 of the first axis (the other half is their conjugates) and
/// 0…K_i, −K_i…−1 of the others. The modes with k_0 = 0 hold each other's conjugates, exactly so after
/// ``analyze(_:into:scratch:)``: what treats k and −k alike keeps them so, and round-off does not grow an imaginary part.
public struct PeriodicBox<Element: SpectralScalar>: PeriodicBasis {
  public let shape: [Int]
  /// K_i.
  public let cutoffs: [Int]
  /// Wavenumbers along each axis in the order of the coefficients.
  public let wavenumbers: [[Int]]
  private let runs: [Run]
  private let conjugates: [Int32]
  private let isHigh: [Bool]
  private let forward: FFTPlan<Element>
  private let inverse: FFTPlan<Element>

  /// Coefficients that are neighbours in the transform's spectrum and in the kept ones.
  private struct Run {
    var spectrum: Int
    var kept: Int
    var count: Int
  }

  public init(shape: [Int], cutoffs: [Int]) {
    precondition(!shape.isEmpty && shape.count == cutoffs.count, "a cutoff for every axis")
    for (count, cutoff) in zip(shape, cutoffs) {
      precondition(cutoff >= 0 && 2 * cutoff < count, "\(count) points do not resolve wavenumber \(cutoff)")
    }
    self.shape = shape
    self.cutoffs = cutoffs
    let wavenumbers = cutoffs.enumerated().map { axis, cutoff in
      Array(0...cutoff) + (axis == 0 ? [] : Array(-cutoff..<0))
    }
    self.wavenumbers = wavenumbers
    let spectrumShape = [shape[0] / 2 + 1] + shape.dropFirst()
    let values = Tensor<Element>.strides(of: shape)
    let spectrum = Tensor<Element>.strides(of: spectrumShape)
    // The halved axis comes last in a plan.
    let order = Array(shape.indices.dropFirst()) + [0]
    forward = FFTPlan.shared(
      .realToComplex,
      TransformGeometry(
        axes: order.map { .init(count: shape[$0], inputStride: values[$0], outputStride: spectrum[$0]) }))
    inverse = FFTPlan.shared(
      .complexToReal,
      TransformGeometry(
        axes: order.map { .init(count: shape[$0], inputStride: spectrum[$0], outputStride: values[$0]) }))

    let counts = wavenumbers.map(\.count)
    let kept = Tensor<Element>.strides(of: counts)
    let total = counts.reduce(1, *)
    var runs: [Run] = []
    var isHigh = [Bool](repeating: false, count: total)
    for mode in 0..<total {
      let position = counts.indices.map { mode / kept[$0] % counts[$0] }
      let k = counts.indices.map { wavenumbers[$0][position[$0]] }
      isHigh[mode] = zip(k, cutoffs).contains { 4 * $0.magnitude >= 3 * ($1 + 1) }
      let place = k.indices.reduce(0) { $0 + (k[$1] >= 0 ? k[$1] : k[$1] + shape[$1]) * spectrum[$1] }
      if let last = runs.last, place == last.spectrum + last.count {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(Run(spectrum: place, kept: mode, count: 1))
      }
    }
    self.runs = runs
    self.isHigh = isHigh
    conjugates = (0..<kept[0]).map { mode in
      Int32(
        counts.indices.dropFirst().reduce(0) { sum, axis in
          let position = mode / kept[axis] % counts[axis]
          return sum + (position == 0 ? 0 : counts[axis] - position) * kept[axis]
        })
    }
  }

  /// The grid with the modes that the 2/3 rule keeps: the products of two kept modes that the grid cannot tell from
  /// lower ones fall on modes that are dropped.
  public init(dealiased shape: [Int]) {
    self.init(shape: shape, cutoffs: shape.map { ($0 - 1) / 3 })
  }

  public var coefficientCount: Int { 2 * wavenumbers.reduce(1) { $0 * $1.count } }

  public var scratchCount: Int { 2 * (shape[0] / 2 + 1) * shape.dropFirst().reduce(1, *) }

  public func synthesize(
    _ coefficients: UnsafePointer<Element>, into values: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    scratch.update(repeating: 0, count: scratchCount)
    for run in runs {
      let source = coefficients + 2 * run.kept
      CoefficientKernels.copy(
        source, to: scratch + 2 * run.spectrum, count: 2 * run.count, paddedTo: 2 * run.count)
    }
    inverse.execute(scratch, values)
  }

  public func analyze(
    _ values: UnsafePointer<Element>, into coefficients: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    forward.execute(values, scratch)
    let scale = 1 / Element(shape.reduce(1, *))
    for run in runs {
      CoefficientKernels.scale(
        scratch + 2 * run.spectrum, by: scale, to: coefficients + 2 * run.kept, count: 2 * run.count)
    }
    for (mode, conjugate) in conjugates.enumerated() where mode <= conjugate {
      let (a, b) = (coefficients + 2 * mode, coefficients + 2 * Int(conjugate))
      let (real, imaginary) = ((a[0] + b[0]) / 2, (a[1] - b[1]) / 2)
      (a[0], a[1]) = (real, imaginary)
      (b[0], b[1]) = (real, -imaginary)
      if mode == conjugate { a[1] = 0 }
    }
  }

  public func meanSquare(_ coefficients: UnsafePointer<Element>) -> Double {
    CoefficientKernels.energy(coefficients, count: coefficientCount, single: conjugates.count)
  }

  public func meanSquare(_ coefficients: UnsafePointer<Element>, minus other: UnsafePointer<Element>)
    -> Double
  {
    CoefficientKernels.energyOfDifference(
      coefficients, other, count: coefficientCount, single: conjugates.count)
  }

  public func highestMeanSquare(_ coefficients: UnsafePointer<Element>) -> Double {
    var sum = 0.0
    for (mode, isHigh) in isHigh.enumerated() where isHigh {
      let (real, imaginary) = (Double(coefficients[2 * mode]), Double(coefficients[2 * mode + 1]))
      sum += (mode < conjugates.count ? 1 : 2) * (real * real + imaginary * imaginary)
    }
    return sum
  }

  /// `value(k)` for the wavevector of every kept coefficient, once for each of its two real numbers.
  public func forEachNumber(_ value: ([Int]) -> Double) -> [Double] {
    let counts = wavenumbers.map(\.count)
    let strides = Tensor<Element>.strides(of: counts)
    return (0..<coefficientCount / 2).flatMap { mode -> [Double] in
      let number = value(counts.indices.map { wavenumbers[$0][mode / strides[$0] % counts[$0]] })
      return [number, number]
    }
  }
}
