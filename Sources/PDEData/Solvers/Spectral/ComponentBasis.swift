// Several functions on one periodic grid.

import Spectral
import Tensors

/// States of several fields: the coefficients of one after those of the other, values `[field, …grid]`. Mean squares are
/// the sums over the fields.
public struct ComponentBasis<Base: PeriodicBasis>: PeriodicBasis {
  public typealias Element = Base.Element

  public let base: Base
  public let count: Int

  public init(_ base: Base, count: Int) {
    precondition(count >= 1, "a field at least")
    self.base = base
    self.count = count
  }

  public var shape: [Int] { [count] + base.shape }
  public var cutoffs: [Int] { base.cutoffs }
  public var coefficientCount: Int { count * base.coefficientCount }
  public var scratchCount: Int { paddedPoints + base.scratchCount }

  private var points: Int { base.shape.reduce(1, *) }
  /// Transforms want aligned arrays: fields go through one.
  private var paddedPoints: Int { (points + 15) / 16 * 16 }

  public func synthesize(
    _ coefficients: UnsafePointer<Element>, into values: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    for field in 0..<count {
      base.synthesize(
        coefficients + field * base.coefficientCount, into: scratch, scratch: scratch + paddedPoints)
      CoefficientKernels.copy(scratch, to: values + field * points, count: points, paddedTo: points)
    }
  }

  public func analyze(
    _ values: UnsafePointer<Element>, into coefficients: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    for field in 0..<count {
      CoefficientKernels.copy(values + field * points, to: scratch, count: points, paddedTo: points)
      base.analyze(
        scratch, into: coefficients + field * base.coefficientCount, scratch: scratch + paddedPoints)
    }
  }

  public func meanSquare(_ coefficients: UnsafePointer<Element>) -> Double {
    (0..<count).reduce(0) { $0 + base.meanSquare(coefficients + $1 * base.coefficientCount) }
  }

  public func meanSquare(_ coefficients: UnsafePointer<Element>, minus other: UnsafePointer<Element>)
    -> Double
  {
    (0..<count).reduce(0) { sum, field in
      let offset = field * base.coefficientCount
      return sum + base.meanSquare(coefficients + offset, minus: other + offset)
    }
  }

  public func highestMeanSquare(_ coefficients: UnsafePointer<Element>) -> Double {
    (0..<count).reduce(0) { $0 + base.highestMeanSquare(coefficients + $1 * base.coefficientCount) }
  }
}
