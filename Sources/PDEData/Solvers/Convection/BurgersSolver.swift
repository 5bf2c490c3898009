// Burgers' equation by finite differences in space.

import Tensors

/// Solves `u_t + (u²/2)_x = ν u_xx`, or with two components `u_t + (u·∇)u = ν Δu`, on periodic axes or nodes at whose ends u is
/// given: second order in time. In space second order; with ``ConvectiveFlux/weno`` fourth, diffusion by the compact
/// formula.
public struct BurgersSolver<Element: Scalar>: DifferenceScheme {
  public let term: BurgersDifferences<Element>
  public let viscosity: Double
  private let stepper: StrongStabilityCrankNicolson<BurgersDifferences<Element>>

  public typealias Plan = BurgersPlan<Element>

  /// - Parameters:
  ///   - viscosity: ν ≥ 0.
  ///   - values: at the ends of every axis, of each component: functions of point and time; nil: zero.
  public init(
    grid: Grid, flux: ConvectiveFlux, viscosity: Double, values: [PointFunction]? = nil
  ) {
    precondition(viscosity >= 0, "a viscosity that is not negative")
    term = BurgersDifferences(grid: grid, flux: flux)
    self.viscosity = viscosity
    func boundary(_ value: PointFunction?) -> [AxisBoundary] {
      grid.axes.map { $0.isPeriodic ? .periodic : .both(EndCondition(.dirichlet, value)) }
    }
    let laplacian = DifferenceLaplacian<Element>(
      grid: grid, boundary: boundary(nil), order: flux == .weno ? .compactFourth : .second)
    precondition(values.map { $0.count == grid.axes.count } ?? true, "values for every component")
    stepper = StrongStabilityCrankNicolson(
      term: term, laplacian: laplacian, diffusivity: viscosity,
      boundary: values.map { .given($0.map { laplacian.boundaryData(boundary($0)) }) } ?? .zero)
  }

  public var stateShape: [Int] { (term.componentCount == 1 ? [] : [term.componentCount]) + term.grid.shape }
  public var scratchCount: Int { stepper.scratchCount }
  public var courantLimit: Double { term.flux.courantLimit }
  public static var order: Int { 2 }

  public func plan(step: Double) -> Plan { Plan(stages: stepper.stages(step: step)) }

  public func advance(
    _ state: UnsafeMutablePointer<Element>, from time: Double, steps: Int, _ plan: Plan,
    scratch: UnsafeMutablePointer<Element>
  ) {
    stepper.advance(state, from: time, steps: steps, plan.stages, scratch: scratch)
  }

  public func courantRate(_ state: UnsafePointer<Element>) -> Double { term.courantRate(state) }

  /// Velocities do not grow; central differences may overshoot.
  public func isSound(_ state: UnsafePointer<Element>, initialMaximum: Double) -> Bool {
    let largest = Double(Reductions.maximumMagnitude(state, count: stateShape.reduce(1, *)))
    return largest <= 4 * initialMaximum
  }
}

/// The matrices of one step size.
public struct BurgersPlan<Element: Scalar>: Sendable {
  let stages: StrongStabilityCrankNicolson<BurgersDifferences<Element>>.Stages
}
