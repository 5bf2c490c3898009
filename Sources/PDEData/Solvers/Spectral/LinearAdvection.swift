// The part −c·∇u of linear equations on periodic grids.

import RealModule
import Spectral
import Tensors

/// N(u) = −c·∇u by Fourier coefficients, −i(c·k)û: no transforms.
public struct LinearAdvection<Element: SpectralScalar>: SpectralNonlinearity {
  public let box: PeriodicBox<Element>
  private let frequencies: [Element]
  private let courantRate: Double

  /// - Parameters:
  ///   - lengths: of the domain along each axis.
  ///   - velocity: c.
  public init(shape: [Int], lengths: [Double], velocity: [Double]) {
    precondition(
      shape.count == lengths.count && shape.count == velocity.count, "a length and a velocity for every axis")
    box = PeriodicBox(dealiased: shape)
    frequencies = box.forEachNumber { k in
      k.indices.reduce(0.0) { $0 + 2 * Double.pi * velocity[$1] * Double(k[$1]) / lengths[$1] }
    }.map { Element($0) }
    courantRate = shape.indices.reduce(0.0) { $0 + abs(velocity[$1]) * Double(shape[$1]) / lengths[$1] }
  }

  public var stateCounts: [Int] { [box.coefficientCount] }
  public var scratchCount: Int { 0 }

  public func evaluate(
    level: Int, time: Double, _ state: UnsafePointer<Element>, into result: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    frequencies.withUnsafeBufferPointer { frequencies in
      guard let frequencies = frequencies.baseAddress else { return }
      CoefficientKernels.rotate(state, by: frequencies, to: result, count: box.coefficientCount)
    }
  }

  public func courantRate(
    _ state: UnsafePointer<Element>, scratch: UnsafeMutablePointer<Element>
  ) -> Double { courantRate }

  public func normBound(at time: Double, from norm: Double) -> Double { norm }
}
