// Burgers' convection by finite differences.

import RealModule
import Tensors

/// N(u) of `u_t = ν Δu + N(u)` on periodic axes or on nodes at whose ends u is given: −(u²/2)_x of one dimension, conservative;
/// −u u_x − v u_y and −u v_x − v v_y of two, by central differences.
public struct BurgersDifferences<Element: Scalar>: ExplicitTerm {
  public let grid: Grid
  public let flux: ConvectiveFlux
  private let isPeriodic: [Bool]

  /// - Parameter flux: of one dimension; of two it is `.central`.
  public init(grid: Grid, flux: ConvectiveFlux) {
    precondition((1...2).contains(grid.axes.count), "one or two dimensions")
    precondition(grid.axes.count == 1 || flux == .central, "central differences in two dimensions")
    precondition(
      grid.axes.allSatisfy { $0.placement != .cells && $0.count > ConvectiveFlux.reach },
      "periodic axes or nodes, four points at least")
    self.grid = grid
    self.flux = flux
    isPeriodic = grid.axes.map(\.isPeriodic)
  }

  public var componentCount: Int { grid.axes.count }

  public func rates(
    _ state: UnsafeMutablePointer<Element>, time: Double, into rates: UnsafeMutablePointer<Element>
  ) {
    if grid.axes.count == 1 { lineRates(state, into: rates) } else { planeRates(state, into: rates) }
  }

  public func courantRate(_ state: UnsafePointer<Element>) -> Double {
    largestRate(
      state, stride: grid.pointCount, factors: grid.axes.reversed().map { 1 / $0.spacing },
      count: grid.pointCount)
  }

  // MARK: - One dimension

  private func lineRates(_ state: UnsafePointer<Element>, into rates: UnsafeMutablePointer<Element>) {
    let (n, reach) = (grid.pointCount, ConvectiveFlux.reach)
    let scratch = AlignedMemory<Element>(count: n + 2 * reach + 16 + n + 1)
    let (line, fluxes) = (scratch.pointer, scratch.pointer + (n + 2 * reach + 15) / 16 * 16)
    Pointwise.scale(state, by: 1, into: line + reach, count: n)
    for j in 1...reach {
      if isPeriodic[0] {
        line[reach - j] = state[n - j]
        line[reach + n - 1 + j] = state[j - 1]
      } else {
        // Odd about the given value: exact where that is zero.
        line[reach - j] = 2 * state[0] - state[j]
        line[reach + n - 1 + j] = 2 * state[n - 1] - state[n - 1 - j]
      }
    }
    flux.rates(
      line, count: n, inverseSpacing: Element(1 / grid.axes[0].spacing), fluxes: fluxes, into: rates)
    if !isPeriodic[0] { (rates[0], rates[n - 1]) = (0, 0) }
  }

  // MARK: - Two dimensions

  private func planeRates(_ state: UnsafePointer<Element>, into rates: UnsafeMutablePointer<Element>) {
    let (rows, columns, points) = (grid.shape[0], grid.shape[1], grid.pointCount)
    let (alongY, alongX) = (
      Element(1 / (2 * grid.axes[0].spacing)), Element(1 / (2 * grid.axes[1].spacing))
    )
    for component in 0..<2 {
      let (w, target) = (state + component * points, rates + component * points)
      for row in 0..<rows {
        let here = row * columns
        guard isPeriodic[0] || (row > 0 && row < rows - 1) else {
          Pointwise.fill(target + here, with: 0, count: columns)
          continue
        }
        let (south, north) = ((row + rows - 1) % rows * columns, (row + 1) % rows * columns)
        convectRow(
          w + here, w + south, w + north, state + here, state + points + here, alongX, alongY,
          into: target + here, columns)
        for column in [0, columns - 1] {
          guard isPeriodic[1] else {
            target[here + column] = 0
            continue
          }
          let (west, east) = ((column + columns - 1) % columns, (column + 1) % columns)
          let point = here + column
          target[point] =
            -state[point] * alongX * (w[here + east] - w[here + west])
            - state[points + point] * alongY * (w[north + column] - w[south + column])
        }
      }
    }
  }
}

/// −u w_x − v w_y of a row but for its ends.
@specialized(where E == Float)
@specialized(where E == Double)
private func convectRow<E: Scalar>(
  _ w: UnsafePointer<E>, _ south: UnsafePointer<E>, _ north: UnsafePointer<E>, _ u: UnsafePointer<E>,
  _ v: UnsafePointer<E>, _ alongX: E, _ alongY: E, into rates: UnsafeMutablePointer<E>, _ count: Int
) {
  for i in 1..<count - 1 {
    let x = alongX * (w[i + 1] - w[i - 1])
    let y = alongY * (north[i] - south[i])
    rates[i] = -Relaxed.multiplyAdd(u[i], x, v[i] * y)
  }
}
