// Functions on nodes that vanish at both ends, and Burgers' convection of them.

import Spectral
import Tensors

/// Sine series on n nodes, both ends among them: the odd continuation to 2(n − 1) periodic points, whose Fourier
/// coefficients are imaginary.
public struct SineAxis<Element: SpectralScalar>: PeriodicBasis {
  /// Of the continuation.
  public let axis: PeriodicAxis<Element>
  private let nodes: Int

  /// - Parameter axis: of 2(n − 1) points.
  public init(_ axis: PeriodicAxis<Element>) {
    precondition(axis.count >= 4 && axis.count.isMultiple(of: 2), "the continuation of three nodes or more")
    self.axis = axis
    nodes = axis.count / 2 + 1
  }

  public var shape: [Int] { [nodes] }
  public var cutoffs: [Int] { [axis.cutoff] }
  public var coefficientCount: Int { axis.coefficientCount }
  public var scratchCount: Int { paddedCount + axis.spectrumCount }
  private var paddedCount: Int { (axis.count + 15) / 16 * 16 }

  public func synthesize(
    _ coefficients: UnsafePointer<Element>, into values: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    axis.synthesize(coefficients, into: scratch, scratch: scratch + paddedCount)
    CoefficientKernels.copy(scratch, to: values, count: nodes, paddedTo: nodes)
    (values[0], values[nodes - 1]) = (0, 0)
  }

  public func analyze(
    _ values: UnsafePointer<Element>, into coefficients: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    for j in 1..<nodes - 1 {
      scratch[j] = values[j]
      scratch[axis.count - j] = -values[j]
    }
    (scratch[0], scratch[nodes - 1]) = (0, 0)
    axis.analyze(scratch, into: coefficients, scratch: scratch + paddedCount)
    CoefficientKernels.clearRealParts(coefficients, count: coefficientCount)
  }

  public func meanSquare(_ coefficients: UnsafePointer<Element>) -> Double { axis.meanSquare(coefficients) }

  public func meanSquare(_ coefficients: UnsafePointer<Element>, minus other: UnsafePointer<Element>)
    -> Double
  { axis.meanSquare(coefficients, minus: other) }

  public func highestMeanSquare(_ coefficients: UnsafePointer<Element>) -> Double {
    axis.highestMeanSquare(coefficients)
  }
}

/// N(u) = −(u²/2)_x of a function that vanishes at both ends, by its odd continuation.
public struct SineConvection<Element: SpectralScalar>: SpectralNonlinearity {
  private let convection: ConservativeConvection<Element>

  /// `nodes` on an axis of length `length`.
  public init(nodes: Int, length: Double) {
    convection = ConservativeConvection(count: 2 * (nodes - 1), length: 2 * length)
  }

  public var axis: SineAxis<Element> { SineAxis(convection.axis) }
  public var stateCounts: [Int] { convection.stateCounts }
  public var scratchCount: Int { convection.scratchCount }

  public func evaluate(
    level: Int, time: Double, _ state: UnsafePointer<Element>, into result: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    convection.evaluate(level: level, time: time, state, into: result, scratch: scratch)
    // Round-off would grow an even part.
    CoefficientKernels.clearRealParts(result, count: stateCounts[level])
  }

  public func level(after level: Int, for state: UnsafePointer<Element>) -> Int {
    convection.level(after: level, for: state)
  }

  public func courantRate(
    _ state: UnsafePointer<Element>, scratch: UnsafeMutablePointer<Element>
  ) -> Double { convection.courantRate(state, scratch: scratch) }

  public func normBound(at time: Double, from norm: Double) -> Double { norm }
}
