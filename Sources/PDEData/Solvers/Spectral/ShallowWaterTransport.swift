// The shallow-water equations on a periodic grid.

import RealModule
import Spectral
import Tensors

/// N of (h, u, v), in vector-invariant form with ζ = v_x − u_y and B = gh + (u² + v²)/2:
///
///     h_t = −(hu)_x − (hv)_y,   u_t = (ζ + f)v − B_x,   v_t = −(ζ + f)u − B_y,
///
/// on a grid `[y, x]`; on `[x]` of (h, u), without f. Products are exact for the modes kept (the 2/3 rule); the mean of h
/// is conserved to roundoff. The bed is flat.
public struct ShallowWaterTransport<Element: SpectralScalar>: SpectralNonlinearity {
  private let products: GridProducts<Element>
  private let gravity: Double
  private let coriolis: Double

  /// - Parameters:
  ///   - lengths: of the domain along each axis.
  ///   - gravity: g.
  ///   - coriolis: f, of two dimensions.
  public init(shape: [Int], lengths: [Double], gravity: Double, coriolis: Double = 0) {
    precondition(shape.count == lengths.count && (1...2).contains(shape.count), "one or two axes")
    precondition(shape.count == 2 || coriolis == 0, "rotation in two dimensions")
    products = GridProducts(shape: shape, lengths: lengths)
    self.gravity = gravity
    self.coriolis = coriolis
  }

  public var basis: ComponentBasis<PeriodicBox<Element>> {
    ComponentBasis(products.box, count: rank + 1)
  }
  public var box: PeriodicBox<Element> { products.box }
  public var stateCounts: [Int] { [(rank + 1) * products.box.coefficientCount] }
  public var scratchCount: Int { products.scratchCount(fields: fields) }

  private var rank: Int { products.box.shape.count }
  /// h, u, v, ζ + f, and a product.
  private var fields: Int { rank + 3 }

  public func evaluate(
    level: Int, time: Double, _ state: UnsafePointer<Element>, into result: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutablePointer<Element>
  ) {
    let (size, points) = (products.box.coefficientCount, products.points)
    synthesize(state, scratch)
    func values(_ index: Int) -> UnsafeMutablePointer<Element> { products.field(index, scratch) }
    let (vorticity, product) = (rank + 1, rank + 2)
    CoefficientKernels.clear(result, count: stateCounts[0])
    if rank == 2 {
      // ζ + f = −(−v_x) + (−u_y) + f.
      products.synthesizeNegativeDerivative(state + size, along: 0, to: vorticity, of: fields, scratch)
      products.synthesizeNegativeDerivative(state + 2 * size, along: 1, to: product, of: fields, scratch)
      Pointwise.subtract(values(product), from: values(vorticity), count: points)
      Pointwise.add(Element(coriolis), to: values(vorticity), count: points)
      Pointwise.multiply(values(vorticity), values(2), into: values(product), count: points)
      products.analyze(product, of: fields, into: result + size, scratch)
      Pointwise.multiply(values(vorticity), values(1), into: values(product), count: points)
      Pointwise.scale(values(product), by: -1, count: points)
      products.analyze(product, of: fields, into: result + 2 * size, scratch)
    }
    // The velocity along axis i, of rank axes, is component rank − i.
    Pointwise.scale(values(0), by: Element(gravity), into: values(product), count: points)
    for component in 1...rank {
      addHalfSquare(values(component), to: values(product), count: points)
    }
    for axis in 0..<rank {
      products.subtractDerivative(
        of: product, along: axis, of: fields, from: result + (rank - axis) * size, scratch)
    }
    for axis in 0..<rank {
      Pointwise.multiply(values(0), values(rank - axis), into: values(product), count: points)
      products.subtractDerivative(of: product, along: axis, of: fields, from: result, scratch)
    }
  }

  /// The largest Σ_i (|u_i| + √(gh))/Δx_i, or f where that is faster.
  public func courantRate(
    _ state: UnsafePointer<Element>, scratch: UnsafeMutablePointer<Element>
  ) -> Double {
    synthesize(state, scratch)
    var largest = abs(coriolis)
    for point in 0..<products.points {
      let wave = (gravity * Double(products.field(0, scratch)[point])).squareRoot()
      var sum = 0.0
      for axis in 0..<rank {
        sum +=
          (abs(Double(products.field(rank - axis, scratch)[point])) + wave) / products.spacings[axis]
      }
      if !(sum <= largest) { largest = sum }
    }
    return largest
  }

  private func synthesize(_ state: UnsafePointer<Element>, _ scratch: UnsafeMutablePointer<Element>) {
    for component in 0...rank {
      products.synthesize(
        state + component * products.box.coefficientCount, to: component, of: fields, scratch)
    }
  }
}

/// `y += x²/2`.
@specialized(where E == Float)
@specialized(where E == Double)
private func addHalfSquare<E: Scalar>(
  _ x: UnsafePointer<E>, to y: UnsafeMutablePointer<E>, count: Int
) {
  for i in 0..<count { y[i] = Relaxed.multiplyAdd(x[i] * 0.5, x[i], y[i]) }
}
