import PDEData
import Tensors
import Testing

private typealias FD = FiniteDifference

@Suite struct HeatSolverTests {
  /// What an axis is in these tests, with an eigenmode of its discrete second derivative.
  enum Kind: CaseIterable, Sendable {
    case periodic, dirichletNodes, neumannNodes, dirichletCells, neumannCells, mixedNodes

    var placement: Grid.Placement {
      switch self {
      case .periodic: .periodic
      case .dirichletNodes, .neumannNodes, .mixedNodes: .nodes
      case .dirichletCells, .neumannCells: .cells
      }
    }

    var lower: EndCondition.Kind {
      switch self {
      case .neumannNodes, .neumannCells: .neumann
      default: .dirichlet
      }
    }

    var upper: EndCondition.Kind { self == .mixedNodes ? .neumann : lower }

    func boundary(_ lower: PointFunction?, _ upper: PointFunction?) -> AxisBoundary {
      self == .periodic
        ? .periodic
        : .ends(lower: EndCondition(self.lower, lower), upper: EndCondition(self.upper, upper))
    }

    /// The wavenumber k of the third mode on the unit interval, and whether the mode is a sine.
    var mode: (wavenumber: Double, isSine: Bool) {
      switch self {
      case .periodic: (6 * .pi, true)
      case .dirichletNodes, .dirichletCells: (3 * .pi, true)
      case .neumannNodes, .neumannCells: (3 * .pi, false)
      case .mixedNodes: (2.5 * .pi, true)
      }
    }

    func value(_ x: Double) -> Double {
      mode.isSine ? Double.sin(mode.wavenumber * x) : Double.cos(mode.wavenumber * x)
    }
  }

  /// `(4/h²) sin²(kh/2)` times r = νΔt/2; compact: sin² over 1 − sin²/3.
  private func symbol(_ kind: Kind, _ axis: Grid.Axis, _ order: SecondDifference.Order, _ r: Double) -> Double
  {
    let sine = Double.sin(kind.mode.wavenumber * axis.spacing / 2)
    let square = sine * sine
    return r * 4 / (axis.spacing * axis.spacing) * (order == .second ? square : square / (1 - square / 3))
  }

  private func amplification(_ splitting: DirectionalSplitting, _ symbols: [Double]) -> Double {
    let denominator = symbols.reduce(1) { $0 * (1 + $1) }
    switch splitting {
    case .douglasGunn: return 1 - 2 * symbols.reduce(0, +) / denominator
    case .dyakonov, .peacemanRachford: return symbols.reduce(1) { $0 * (1 - $1) } / denominator
    }
  }

  private func checkMode(
    _ kinds: [Kind], _ counts: [Int], _ order: SecondDifference.Order, _ splitting: DirectionalSplitting
  ) {
    let grid = FD.grid(counts, kinds.map(\.placement))
    let (viscosity, step) = (0.3, 0.01)
    let solver = HeatSolver<Double>(
      HeatEquation(diffusivity: viscosity, boundary: kinds.map { $0.boundary(nil, nil) }), grid: grid,
      step: step, order: order, splitting: splitting)
    let initial = FD.field(grid) { zip(kinds, $0).reduce(1) { $0 * $1.0.value($1.1) } }
    var u = initial
    solver.advance(&u, from: 0, steps: 1)
    let symbols = zip(kinds, grid.axes).map { symbol($0, $1, order, viscosity * step / 2) }
    let expected = amplification(splitting, symbols) * initial
    #expect(FD.maximumError(u, expected) <= 2e-14, "\(kinds) \(counts) \(order) \(splitting)")
  }

  /// One eigenmode is multiplied by the splitting's factor, to roundoff.
  @Test(arguments: DirectionalSplitting.allCases)
  func amplificationInTwoDimensions(splitting: DirectionalSplitting) {
    for first in Kind.allCases {
      for second in Kind.allCases { checkMode([first, second], [23, 16], .second, splitting) }
    }
    for first in [Kind.periodic, .dirichletNodes] {
      for second in [Kind.periodic, .dirichletNodes] {
        checkMode([first, second], [17, 30], .compactFourth, splitting)
      }
    }
  }

  @Test func amplificationInOneAndThreeDimensions() {
    for kind in Kind.allCases {
      checkMode([kind], [13], .second, .douglasGunn)
      checkMode([.dirichletNodes, kind, .periodic], [11, 13, 12], .second, .douglasGunn)
      checkMode([kind, .neumannNodes, .dirichletCells], [7, 9, 10], .second, .douglasGunn)
      checkMode([kind, .neumannNodes, .periodic], [7, 9, 11], .second, .dyakonov)
    }
    checkMode([.dirichletNodes, .periodic, .dirichletNodes], [11, 13, 12], .compactFourth, .douglasGunn)
  }

  /// Data for every end from a solution and its derivatives along the axes.
  private func boundary(
    _ kinds: [Kind], _ u: @escaping PointFunction,
    _ derivative: @escaping @Sendable (_ axis: Int, _ point: [Double], _ time: Double) -> Double
  ) -> [AxisBoundary] {
    func data(_ axis: Int, _ end: EndCondition.Kind, outward: Double) -> PointFunction {
      guard end == .neumann else { return u }
      return { point, time in outward * derivative(axis, point, time) }
    }
    return kinds.indices.map { axis in
      kinds[axis].boundary(
        data(axis, kinds[axis].lower, outward: -1), data(axis, kinds[axis].upper, outward: 1))
    }
  }

  /// A solution quadratic along every axis with ends and constant along periodic ones: differences are exact but on
  /// cells, so that what is left is the error in time. Its data depend on time, on every face.
  private func errorInTime(
    _ kinds: [Kind], steps: Int, _ order: SecondDifference.Order, _ splitting: DirectionalSplitting
  ) -> Double {
    let (state, exact) = forced(kinds, steps: steps, order, splitting)
    return FD.maximumError(state, exact)
  }

  /// The state at time 1, and the solution.
  private func forced(
    _ kinds: [Kind], steps: Int, _ order: SecondDifference.Order, _ splitting: DirectionalSplitting
  ) -> (state: Tensor<Double>, exact: Tensor<Double>) {
    let counts = Array([33, 24, 14].suffix(kinds.count))
    let grid = FD.grid(counts, kinds.map(\.placement))
    let isCurved = kinds.map { $0 == .periodic ? 0.0 : 1 }
    @Sendable func factor(_ axis: Int, _ x: Double) -> Double { 1 + isCurved[axis] * (x * x - 0.3 * x) }
    @Sendable func slope(_ axis: Int, _ x: Double) -> Double { isCurved[axis] * (2 * x - 0.3) }
    @Sendable func product(_ point: [Double], except axis: Int? = nil) -> Double {
      point.indices.reduce(1) { $0 * ($1 == axis ? 1 : factor($1, point[$1])) }
    }
    @Sendable func s(_ t: Double) -> Double { Double.cos(3 * t) }
    @Sendable func laplacian(_ point: [Double]) -> Double {
      point.indices.reduce(0.0) { $0 + 2 * isCurved[$1] * product(point, except: $1) }
    }
    let viscosity = 0.4
    let u: PointFunction = { s($1) * product($0) }
    let equation = HeatEquation(
      diffusivity: viscosity,
      boundary: boundary(kinds, u) { axis, point, t in
        s(t) * slope(axis, point[axis]) * product(point, except: axis)
      },
      source: { point, t in
        -3 * Double.sin(3 * t) * product(point) - viscosity * s(t) * laplacian(point)
      })
    let solver = HeatSolver<Double>(
      equation, grid: grid, step: 1 / Double(steps), order: order, splitting: splitting)
    var state = FD.field(grid) { u($0, 0) }
    solver.advance(&state, from: 0, steps: steps)
    return (state, FD.field(grid) { u($0, 1) })
  }

  /// On cells, where differences are not exact, the same by the differences between a step, its half and its quarter.
  @Test(
    arguments: [
      [Kind.dirichletCells, .dirichletCells], [.neumannCells, .neumannCells],
      [.dirichletCells, .neumannCells],
      [.neumannCells, .periodic], [.dirichletCells, .dirichletNodes], [.periodic, .dirichletCells],
    ], DirectionalSplitting.allCases)
  func secondOrderInTimeOnCells(kinds: [Kind], splitting: DirectionalSplitting) {
    let states = [20, 40, 80].map { forced(kinds, steps: $0, .second, splitting).state }
    let observed = FD.order(
      (2, FD.maximumError(states[0], states[1])), (1, FD.maximumError(states[1], states[2])))
    #expect(abs(observed - 2) <= 0.1, "\(observed)")
  }

  /// Second order in time with boundary data that depend on time, whatever the conditions and the splitting: the
  /// step is many times h²/ν, where uncorrected intermediate values would cost an order.
  @Test(
    arguments: [
      [Kind.dirichletNodes, .dirichletNodes], [.neumannNodes, .neumannNodes],
      [.dirichletNodes, .neumannNodes],
      [.mixedNodes, .mixedNodes], [.mixedNodes, .periodic], [.periodic, .dirichletNodes],
    ], DirectionalSplitting.allCases)
  func secondOrderInTime(kinds: [Kind], splitting: DirectionalSplitting) {
    for order in SecondDifference.Order.allCases {
      let errors = [20, 40].map { (1 / Double($0), errorInTime(kinds, steps: $0, order, splitting)) }
      let observed = FD.order(errors[0], errors[1])
      #expect(abs(observed - 2) <= 0.1, "\(order) \(errors)")
    }
  }

  @Test(arguments: [
    [Kind.dirichletNodes, .dirichletNodes, .dirichletNodes], [.neumannNodes, .dirichletNodes, .mixedNodes],
    [.mixedNodes, .neumannNodes, .periodic], [.mixedNodes],
  ])
  func secondOrderInTimeInThreeDimensions(kinds: [Kind]) {
    for order in SecondDifference.Order.allCases {
      let errors = [20, 40].map { (1 / Double($0), errorInTime(kinds, steps: $0, order, .douglasGunn)) }
      let observed = FD.order(errors[0], errors[1])
      #expect(abs(observed - 2) <= 0.1, "\(order) \(errors)")
    }
  }

  /// A wave out of phase with the box that grows linearly in time, which Crank–Nicolson integrates exactly, and slowly,
  /// so that the splitting's error is small.
  private func errorInSpace(_ kinds: [Kind], intervals: Int, _ order: SecondDifference.Order) -> Double {
    let grid = FD.grid(
      kinds.map { $0.placement == .nodes ? intervals + 1 : intervals }, kinds.map(\.placement))
    let waves = kinds.map { $0 == .periodic ? 2 * Double.pi : 2.3 }
    @Sendable func product(_ point: [Double]) -> Double {
      point.indices.reduce(1) { $0 * Double.sin(waves[$1] * point[$1] + 0.4) }
    }
    let viscosity = 0.7
    let square = waves.reduce(0) { $0 + $1 * $1 }
    let growth = 0.05
    let u: PointFunction = { (1 + growth * $1) * product($0) }
    let equation = HeatEquation(
      diffusivity: viscosity,
      boundary: boundary(kinds, u) { axis, point, t in
        (1 + growth * t) * product(point) * waves[axis] / Double.tan(waves[axis] * point[axis] + 0.4)
      },
      source: { (growth + viscosity * square * (1 + growth * $1)) * product($0) })
    let steps = order == .second ? 40 : 500
    let solver = HeatSolver<Double>(equation, grid: grid, step: 0.1 / Double(steps), order: order)
    var state = FD.field(grid) { u($0, 0) }
    solver.advance(&state, from: 0, steps: steps)
    return FD.maximumError(state, FD.field(grid) { u($0, 0.1) })
  }

  private func orderInSpace(
    _ kinds: [Kind], _ intervals: [Int], _ order: SecondDifference.Order
  ) -> Double {
    let errors = intervals.map { (1 / Double($0), errorInSpace(kinds, intervals: $0, order)) }
    return FD.order(errors[0], errors[1])
  }

  /// Second order in space for every condition, at odd and prime sizes.
  @Test(arguments: Kind.allCases, Kind.allCases)
  func secondOrderInSpace(first: Kind, second: Kind) {
    #expect(abs(orderInSpace([first, second], [29, 59], .second) - 2) <= 0.1)
  }

  /// Fourth order in space for every condition on nodes and periodic axes.
  @Test(
    arguments: [Kind.periodic, .dirichletNodes, .neumannNodes, .mixedNodes],
    [Kind.periodic, .dirichletNodes, .neumannNodes, .mixedNodes])
  func fourthOrderInSpace(first: Kind, second: Kind) {
    #expect(abs(orderInSpace([first, second], [17, 31], .compactFourth) - 4) <= 0.1)
  }

  /// Without flow through the boundary the content stays: Σ of cells, the trapezoidal sum of nodes.
  @Test func contentIsConserved() {
    for placement in [Grid.Placement.cells, .nodes, .periodic] {
      let grid = FD.grid([19, 22], [placement, placement])
      let boundary = AxisBoundary.neumann
      let solver = HeatSolver<Double>(
        HeatEquation(
          diffusivity: 1, boundary: placement == .periodic ? [.periodic, .periodic] : [boundary, boundary]),
        grid: grid, step: 0.01)
      let weights = FD.field(grid) {
        placement == .nodes ? $0.reduce(1) { $1 == 0 || $1 == 1 ? $0 / 2 : $0 } : 1
      }
      var u = FD.field(grid) { Double.exp(-20 * ($0[0] * $0[0] + $0[1] * $0[1])) }
      let before = u.dot(weights)
      solver.advance(&u, from: 0, steps: 50)
      #expect(abs(u.dot(weights) - before) <= 1e-12 * before)
    }
  }

  @Test func smallestGrids() {
    for kind in Kind.allCases {
      for n in [2, 3] {
        let grid = FD.grid([n, 5], [kind.placement, .periodic])
        let solver = HeatSolver<Double>(
          HeatEquation(diffusivity: 1, boundary: [kind.boundary(nil, nil), .periodic]), grid: grid, step: 0.1)
        var u = FD.field(grid) { 1 + $0[1] }
        solver.advance(&u, from: 0, steps: 3)
        #expect(u.nonFinite() == nil && u.maximumMagnitude() <= 2)
      }
    }
  }

  @Test func singlePrecisionAgrees() {
    let grid = FD.grid([20, 31], [.nodes, .periodic])
    let equation = HeatEquation(diffusivity: 0.1, boundary: [.both(.dirichlet { $1 + $0[1] }), .periodic])
    var wide = FD.field(grid) { $0[0] }
    var narrow = wide.converted(to: Float.self)
    HeatSolver<Double>(equation, grid: grid, step: 0.01).advance(&wide, from: 0, steps: 20)
    HeatSolver<Float>(equation, grid: grid, step: 0.01).advance(&narrow, from: 0, steps: 20)
    #expect(FD.maximumError(wide, narrow.converted()) <= 1e-5)
  }
}
