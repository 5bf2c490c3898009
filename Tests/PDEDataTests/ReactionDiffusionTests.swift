import PDEData
import Tensors
import Testing

private typealias FD = FiniteDifference

/// Two components that turn into each other at the rate ω.
private struct Rotation: ReactionTerm {
  let rate: Double
  var components: [String] { ["u", "v"] }

  func rates<E: Scalar>(
    _ values: UnsafePointer<E>, into rates: UnsafeMutablePointer<E>, count: Int, stride: Int
  ) {
    for i in 0..<count {
      rates[i] = -E(rate) * values[stride + i]
      rates[stride + i] = E(rate) * values[i]
    }
  }
}

@Suite struct ReactionDiffusionTests {
  /// One mode of two components that rotate and decay: u + iv = e^{(iω − νλ)t} cos πx cos πy, λ the discrete eigenvalue.
  @Test(arguments: ReactionCoupling.allCases)
  func linearReactionIsSecondOrderInTime(coupling: ReactionCoupling) {
    let grid = FD.grid([24, 17], [.cells, .nodes])
    let (rate, viscosity) = (2.0, 0.2)
    let mode = FD.field(grid) { Double.cos(.pi * $0[0]) * Double.cos(.pi * $0[1]) }
    let eigenvalue = grid.axes.reduce(0.0) {
      $0 + (2 - 2 * Double.cos(.pi * $1.spacing)) / ($1.spacing * $1.spacing)
    }
    let equation = ReactionDiffusionEquation(
      Rotation(rate: rate), diffusivities: [viscosity, viscosity], boundary: [.neumann, .neumann])
    let errors = [25, 50].map { steps -> (Double, Double) in
      let solver = ReactionDiffusionSolver<Rotation, Double>(
        equation, grid: grid, step: 1 / Double(steps), coupling: coupling)
      var state = Tensor(mode.values + [Double](repeating: 0, count: mode.count), shape: [2, 24, 17])
      solver.advance(&state, steps: steps)
      let decay = Double.exp(-viscosity * eigenvalue)
      let exact = (decay * Double.cos(rate)) * mode
      let other = (decay * Double.sin(rate)) * mode
      return (
        1 / Double(steps), FD.maximumError(state, Tensor(exact.values + other.values, shape: [2, 24, 17]))
      )
    }
    #expect(abs(FD.order(errors[0], errors[1]) - 2) <= 0.1, "\(errors)")
  }

  /// The same between ends of any kind, in time against the discrete eigenvalue and in space against the true one.
  @Test(arguments: BoxAxis.allCases, ReactionCoupling.allCases)
  func ordersForEveryCondition(axis: BoxAxis, coupling: ReactionCoupling) {
    let (rate, viscosity) = (2.0, 0.1)
    func error(_ counts: [Int], steps: Int, _ eigenvalue: Double, _ order: SecondDifference.Order) -> Double {
      let grid = FD.grid(counts, [axis.placement, .periodic])
      let mode = FD.field(grid) { axis.mode($0[0]) * BoxAxis.periodic.mode($0[1]) }
      let solver = ReactionDiffusionSolver<Rotation, Double>(
        ReactionDiffusionEquation(
          Rotation(rate: rate), diffusivities: [viscosity, viscosity], boundary: [axis.boundary, .periodic]),
        grid: grid, step: 0.5 / Double(steps), order: order, coupling: coupling)
      var state = Tensor(mode.values + [Double](repeating: 0, count: mode.count), shape: [2] + counts)
      solver.advance(&state, steps: steps)
      let decay = Double.exp(-0.5 * viscosity * eigenvalue)
      let (exact, other) = ((decay * Double.cos(0.5 * rate)) * mode, (decay * Double.sin(0.5 * rate)) * mode)
      return FD.maximumError(state, Tensor(exact.values + other.values, shape: [2] + counts))
    }
    for order in axis.placement == .cells ? [.second] : SecondDifference.Order.allCases {
      let discrete = [axis, .periodic].enumerated().reduce(0.0) {
        $0 + $1.element.eigenvalue([19, 13][$1.offset], isCompact: order == .compactFourth)
      }
      let inTime = [20, 40].map { (0.5 / Double($0), error([19, 13], steps: $0, discrete, order)) }
      #expect(abs(FD.order(inTime[0], inTime[1]) - 2) <= 0.1, "\(order) \(inTime)")
      let continuous = axis.wavenumber * axis.wavenumber + 4 * Double.pi * .pi
      let inSpace = [11, 23].map { n in
        let points = axis.placement == .nodes ? n + 1 : n
        return (1 / Double(n), error([points, n], steps: order == .second ? 200 : 1000, continuous, order))
      }
      #expect(abs(FD.order(inSpace[0], inSpace[1]) - Double(order.rawValue)) <= 0.1, "\(order) \(inSpace)")
    }
  }

  private func excitation(
    _ grid: Grid, _ boundary: AxisBoundary, steps: Int, _ coupling: ReactionCoupling,
    _ order: SecondDifference.Order = .second
  ) -> Tensor<Double> {
    let equation = ReactionDiffusionEquation(
      FitzHughNagumo(), diffusivities: [1e-3, 5e-3], boundary: grid.axes.map { _ in boundary })
    let solver = ReactionDiffusionSolver<FitzHughNagumo, Double>(
      equation, grid: grid, step: 2 / Double(steps), order: order, coupling: coupling)
    let u = FD.field(grid) { $0.reduce(0.4) { $0 * Double.cos(2 * .pi * $1) } }
    let v = FD.field(grid) { $0.reduce(0.3) { $0 + 0.1 * Double.cos(2 * .pi * $1) } }
    var state = Tensor(u.values + v.values, shape: [2] + grid.shape)
    solver.advance(&state, steps: steps)
    return state
  }

  /// The differences between a step, its half and its quarter fall by four.
  @Test(arguments: ReactionCoupling.allCases)
  func fitzHughNagumoIsSecondOrderInTime(coupling: ReactionCoupling) {
    for (placement, boundary) in [(Grid.Placement.cells, AxisBoundary.neumann), (.periodic, .periodic)] {
      let grid = FD.grid([31, 26], [placement, placement])
      let states = [20, 40, 80].map { excitation(grid, boundary, steps: $0, coupling) }
      let order = FD.order(
        (2, FD.maximumError(states[0], states[1])), (1, FD.maximumError(states[1], states[2])))
      #expect(abs(order - 2) <= 0.1, "\(placement) \(order)")
    }
  }

  /// The same for the distance of nodes: order 2, or 4 of the compact formula.
  @Test(arguments: SecondDifference.Order.allCases)
  func fitzHughNagumoOrderInSpace(order: SecondDifference.Order) {
    for (placement, boundary) in [(Grid.Placement.nodes, AxisBoundary.neumann), (.periodic, .periodic)] {
      let intervals = order == .second ? [32, 64, 128] : [40, 80, 160]
      let states = intervals.map { n -> Tensor<Double> in
        let count = placement == .nodes ? n + 1 : n
        let state = excitation(
          FD.grid([count, count], [placement, placement]), boundary, steps: 20, .strang, order)
        // The points that all grids have.
        let stride = n / intervals[0]
        let coarse = placement == .nodes ? intervals[0] + 1 : intervals[0]
        let values = state.values
        return Tensor(
          (0..<2 * coarse * coarse).map { index in
            let (c, i, j) = (index / (coarse * coarse), index / coarse % coarse, index % coarse)
            return values[(c * count + i * stride) * count + j * stride]
          }, shape: [2, coarse, coarse])
      }
      let observed = FD.order(
        (2, FD.maximumError(states[0], states[1])), (1, FD.maximumError(states[1], states[2])))
      #expect(abs(observed - Double(order.rawValue)) <= 0.1, "\(placement) \(observed)")
    }
  }

  /// Without diffusion and differences in space, the medium goes to its rest state u = v, u³ = −k.
  @Test func restState() {
    let grid = FD.grid([5], [.cells])
    let equation = ReactionDiffusionEquation(
      FitzHughNagumo(threshold: 0.008, recovery: 2, decay: 1), diffusivities: [0, 0], boundary: [.neumann])
    let solver = ReactionDiffusionSolver<FitzHughNagumo, Double>(equation, grid: grid, step: 0.1)
    var state = Tensor<Double>(repeating: 0.1, shape: [2, 5])
    solver.advance(&state, steps: 2000)
    #expect(state.values.allSatisfy { abs($0 + 0.2) <= 1e-12 }, "\(state)")
  }
}
