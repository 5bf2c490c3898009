// What drives the vorticity equation.

import RealModule
import Tensors

/// A force on the vorticity, f(x, y, t) = Σ a_m(t) f_m(x, y).
public struct VorticityForcing: Sendable {
  public struct Term: Sendable {
    /// a_m; nil: 1 at all times.
    public var amplitude: (@Sendable (_ time: Double) -> Double)?
    /// f_m on the grid `[y, x]`.
    public var field: Tensor<Double>

    public init(_ field: Tensor<Double>, amplitude: (@Sendable (_ time: Double) -> Double)? = nil) {
      self.field = field
      self.amplitude = amplitude
    }
  }

  public var terms: [Term]

  public init(terms: [Term]) { self.terms = terms }

  public static let none = VorticityForcing(terms: [])

  /// The part that does not change in time; nil where there is none.
  var steadyField: Tensor<Double>? {
    let steady = terms.filter { $0.amplitude == nil }.map(\.field)
    return steady.dropFirst().reduce(steady.first) { sum, field in sum.map { $0 + field } }
  }

  /// f of the grid's points.
  public init(on grid: Grid, _ function: (_ x: Double, _ y: Double) -> Double) {
    let (ys, xs) = (grid.axes[0].coordinates, grid.axes[1].coordinates)
    self.init(terms: [Term(Tensor(ys.flatMap { y in xs.map { x in function(x, y) } }, shape: grid.shape))])
  }
}

extension VorticityForcing {
  /// `scale`·(sin θ + cos θ), θ = 2π((x − a)/L_x + (y − b)/L_y): on the unit square, with 0.1, that of Li et al. (2021).
  public static func diagonal(on grid: Grid, scale: Double) -> VorticityForcing {
    let (y, x) = (grid.axes[0], grid.axes[1])
    return VorticityForcing(on: grid) { positionX, positionY in
      let angle =
        2 * Double.pi * ((positionX - x.lowerBound) / x.length + (positionY - y.lowerBound) / y.length)
      return scale * (Double.sin(angle) + Double.cos(angle))
    }
  }

  /// The curl −κ `scale` cos κ(y − b) of Kolmogorov's force `scale`·sin κ(y − b) along x, κ = 2πk/L_y.
  public static func kolmogorov(on grid: Grid, scale: Double, wavenumber: Int) -> VorticityForcing {
    let y = grid.axes[0]
    let frequency = 2 * Double.pi * Double(wavenumber) / y.length
    return VorticityForcing(on: grid) { _, position in
      -frequency * scale * Double.cos(frequency * (position - y.lowerBound))
    }
  }
}
