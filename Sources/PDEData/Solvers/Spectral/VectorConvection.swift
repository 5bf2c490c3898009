// The nonlinear part of Burgers' equation of a velocity with several components, on a periodic grid.

import Spectral
import Tensors

/// N(u) = −(u·∇)u of a velocity with a component along every axis, the last axis's first: (u, v) on a grid `[y, x]`.
/// Products are taken on the grid and are exact for the modes kept (the 2/3 rule).
public struct VectorConvection<Element: SpectralScalar>: SpectralNonlinearity {
  private let products: GridProducts<Element>

  /// - Parameter lengths: of the domain along each axis.
  public init(shape: [Int], lengths: [Double]) {
    precondition(shape.count == lengths.count, "a length for every axis")
    products = GridProducts(shape: shape, lengths: lengths)
  }

  public var basis: ComponentBasis<PeriodicBox<Element>> {
    ComponentBasis(products.box, count: products.box.shape.count)
  }
  public var stateCounts: [Int] { [products.box.shape.count * products.box.coefficientCount] }
  public var scratchCount: Int { products.scratchCount(fields: fields) }

  /// The components, a derivative, a sum.
  private var fields: Int { products.box.shape.count + 2 }

  public func evaluate(
    level: Int, time: Double, _ state: UnsafePointer<Element>, into result: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    let rank = products.box.shape.count
    let (derivative, sum) = (rank, rank + 1)
    synthesize(state, scratch)
    for component in 0..<rank {
      let coefficients = state + component * products.box.coefficientCount
      let target = products.field(sum, scratch)
      Pointwise.fill(target, with: 0, count: products.points)
      for axis in 0..<rank {
        products.synthesizeNegativeDerivative(
          coefficients, along: axis, to: derivative, of: fields, scratch)
        Pointwise.addProduct(
          products.field(rank - 1 - axis, scratch), products.field(derivative, scratch), to: target,
          count: products.points)
      }
      products.analyze(
        sum, of: fields, into: result + component * products.box.coefficientCount, scratch)
    }
  }

  public func courantRate(
    _ state: UnsafePointer<Element>, scratch: UnsafeMutablePointer<Element>
  ) -> Double {
    synthesize(state, scratch)
    return largestRate(
      products.field(0, scratch), stride: products.field(1, scratch) - products.field(0, scratch),
      factors: products.spacings.reversed().map { 1 / $0 }, count: products.points)
  }

  private func synthesize(_ state: UnsafePointer<Element>, _ scratch: UnsafeMutablePointer<Element>) {
    for component in products.box.shape.indices {
      products.synthesize(
        state + component * products.box.coefficientCount, to: component, of: fields, scratch)
    }
  }
}
