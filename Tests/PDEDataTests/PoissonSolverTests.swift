import PDEData
import Tensors
import Testing

private typealias FD = FiniteDifference

@Suite struct PoissonSolverTests {
  enum Kind: CaseIterable, Sendable {
    case periodic, dirichletNodes, neumannNodes, dirichletCells, neumannCells, mixedNodes, stretched

    func boundary(_ value: PointFunction? = nil, slope: @escaping PointFunction = { _, _ in 0 })
      -> AxisBoundary
    {
      let hasData = value != nil
      let fixed = EndCondition(.dirichlet, value)
      let below: PointFunction = { -slope($0, $1) }
      let (lower, upper) = (
        EndCondition(.neumann, hasData ? below : nil), EndCondition(.neumann, hasData ? slope : nil)
      )
      switch self {
      case .periodic: return .periodic
      case .dirichletNodes, .dirichletCells: return .both(fixed)
      case .neumannNodes, .neumannCells: return .ends(lower: lower, upper: upper)
      case .mixedNodes, .stretched: return .ends(lower: lower, upper: fixed)
      }
    }

    func difference(_ n: Int, _ order: SecondDifference.Order = .second) -> SecondDifference {
      let placement: Grid.Placement =
        switch self {
        case .periodic: .periodic
        case .dirichletCells, .neumannCells: .cells
        default: .nodes
        }
      guard self != .stretched else {
        // Points that crowd at both ends, more at the lower.
        return SecondDifference(
          nodes: (0..<n).map {
            let s = Double($0) / Double(n - 1)
            return s + 0.1 * Double.sin(2 * .pi * s) * (s - 1) + 0.2 * s * (s - 1)
          }, lower: .neumann, upper: .dirichlet)
      }
      return SecondDifference(
        Grid.Axis(name: "x", lowerBound: 0, upperBound: 1, count: n, placement: placement), boundary(),
        order: order)
    }
  }

  private func field(_ axes: [SecondDifference], _ function: ([Double]) -> Double) -> Tensor<Double> {
    let shape = axes.map(\.count)
    let strides = Tensor<Double>.strides(of: shape)
    return Tensor(
      (0..<shape.reduce(1, *)).map { point in
        function(axes.indices.map { axes[$0].coordinates[point / strides[$0] % shape[$0]] })
      }, shape: shape)
  }

  private func random(_ shape: [Int]) -> Tensor<Double> {
    Tensor.uniform(
      shape, from: RandomStream(seed: 3, purpose: RandomPurpose("source"), sample: 0), lower: -1, upper: 1)
  }

  /// A matrix along one axis of an array.
  private func apply(_ matrix: TridiagonalMatrix, _ x: [Double], _ shape: [Int], _ axis: Int) -> [Double] {
    let stride = Tensor<Double>.strides(of: shape)[axis]
    var result = x
    for start in x.indices where start / stride % shape[axis] == 0 {
      let line = (0..<shape[axis]).map { start + $0 * stride }
      for (point, value) in zip(line, matrix.multiplied(by: line.map { x[$0] })) { result[point] = value }
    }
    return result
  }

  /// The largest residual of `Σ D_k Π_{j≠k} M_j u = Π M_k (σu − f)` at the unknowns.
  private func residual(
    _ axes: [SecondDifference], _ u: Tensor<Double>, _ f: Tensor<Double>, shift: Double
  ) -> Double {
    let shape = axes.map(\.count)
    var right = zip(u.values, f.values).map { shift * $0 - $1 }
    for axis in axes.indices { right = apply(axes[axis].mass, right, shape, axis) }
    for axis in axes.indices {
      var term = apply(axes[axis].stiffness, u.values, shape, axis)
      for other in axes.indices where other != axis { term = apply(axes[other].mass, term, shape, other) }
      for i in right.indices { right[i] -= term[i] }
    }
    // At a given node the row of D is zero.
    let strides = Tensor<Double>.strides(of: shape)
    return right.indices.filter { point in
      axes.indices.allSatisfy { axes[$0].stiffness.diagonal[point / strides[$0] % shape[$0]] != 0 }
    }.reduce(0) { max($0, abs(right[$1])) }
  }

  private func checkResidual(_ kinds: [Kind], _ counts: [Int], _ order: SecondDifference.Order, shift: Double)
  {
    let axes = zip(kinds, counts).map { $0.difference($1, order) }
    let solver = PoissonSolver<Double>(axes: axes, boundary: kinds.map { $0.boundary() }, shift: shift)
    var f = random(counts)
    if solver.isSingular {
      // What has no part along the zero mode: a difference of the operator itself.
      var sum = [Double](repeating: 0, count: f.count)
      for axis in axes.indices {
        let term = apply(axes[axis].stiffness, f.values, counts, axis)
        for i in sum.indices { sum[i] += 1e-3 * term[i] }
      }
      f = Tensor(sum, shape: counts)
    }
    let u = solver.solve(f)
    #expect(
      residual(axes, u, f, shift: shift) <= 1e-11,
      "\(kinds) \(counts) \(order) \(shift)")
  }

  /// The discrete equations hold to roundoff, for any conditions, sizes and shifts of either sign.
  @Test(arguments: Kind.allCases)
  func discreteEquations(first: Kind) {
    for second in Kind.allCases {
      for shift in [0, 3.5, -41] { checkResidual([first, second], [17, 14], .second, shift: shift) }
      checkResidual([first, second, .mixedNodes], [6, 9, 11], .second, shift: 0)
      checkResidual([.periodic, first, second], [8, 7, 9], .second, shift: 0)
      checkResidual([.dirichletNodes, first, second], [9, 6, 7], .second, shift: 1)
    }
    checkResidual([first], [23], .second, shift: 0)
    checkResidual([first], [3], .second, shift: 2)
  }

  @Test func discreteCompactEquations() {
    let kinds = [Kind.periodic, .dirichletNodes]
    for first in kinds {
      for second in kinds {
        for shift in [0, 3.5, -41] {
          checkResidual([first, second], [17, 14], .compactFourth, shift: shift)
        }
        checkResidual([first, second, .dirichletNodes], [6, 9, 11], .compactFourth, shift: 0)
      }
    }
  }

  /// Lengths on both sides of the choice between matrix products and fast transforms, good and bad ones: 257 is prime.
  @Test(arguments: [Kind.dirichletNodes, .neumannNodes, .dirichletCells, .neumannCells, .periodic])
  func longAxes(kind: Kind) {
    for n in [241, 257, 258, 302, 639] {
      let axes = [Kind.neumannCells.difference(5), kind.difference(n)]
      let solver = PoissonSolver<Double>(
        axes: axes, boundary: [Kind.neumannCells.boundary(), kind.boundary()], shift: 2)
      let f = random([5, n])
      let transposed = PoissonSolver<Double>(
        axes: axes.reversed(), boundary: [kind.boundary(), Kind.neumannCells.boundary()], shift: 2)
      let u = solver.solve(f)
      // The other order of axes goes other ways.
      let columns = Tensor((0..<5 * n).map { f.values[$0 % 5 * n + $0 / 5] }, shape: [n, 5])
      let v = transposed.solve(columns).values
      #expect(residual(axes, u, f, shift: 2) <= 1e-10)
      #expect((0..<5 * n).allSatisfy { abs(v[$0] - u.values[$0 % 5 * n + $0 / 5]) <= 1e-13 })
    }
  }

  /// u = Π sin πx_i: the discrete solution is u·π²/λ_h, λ_h = (2/h²)(1 − cos πh); compact: λ_h over 1 − sin²/3.
  @Test(arguments: [(16, 2.8508e-3), (64, 1.9469e-4), (128, 4.9426e-5), (256, 1.2452e-5)])
  func sineMode(interior: Int, relativeError: Double) {
    for rank in interior <= 64 ? [1, 2, 3] : [1, 2] {
      let axes = (0..<rank).map { _ in Kind.dirichletNodes.difference(interior + 2) }
      let mode = field(axes) { $0.reduce(1) { $0 * Double.sin(.pi * $1) } }
      let solver = PoissonSolver<Double>(axes: axes, boundary: axes.map { _ in .dirichlet })
      let u = solver.solve((Double(rank) * .pi * .pi) * mode)
      let h = 1 / Double(interior + 1)
      let sine = Double.sin(.pi * h / 2)
      let expected = .pi * .pi * h * h / (4 * sine * sine)
      #expect(abs(expected - 1 - relativeError) <= 5e-5 * relativeError)
      // A part of ε times the matrix's condition.
      let roundoff = max(1e-14, 0.1 * Double.ulpOfOne / (sine * sine))
      #expect(FD.maximumError(u, expected * mode) <= roundoff)
    }
  }

  /// −Δu = 1 on the unit square: the centre and the integral by the series, second order.
  @Test func constantSource() {
    let errors = [33, 65].map { n -> [(Double, Double)] in
      let axes = [Kind.dirichletNodes.difference(n), Kind.dirichletNodes.difference(n)]
      let u = PoissonSolver<Double>(axes: axes, boundary: [.dirichlet, .dirichlet]).solve(
        Tensor(repeating: 1, shape: [n, n]))
      let h = 1 / Double(n - 1)
      return [
        (h, abs(u[n / 2, n / 2] - 0.07367135328151382)), (h, abs(u.sum() * h * h - 0.03514425373878843)),
      ]
    }
    for index in 0..<2 { #expect(abs(FD.order(errors[0][index], errors[1][index]) - 2) <= 0.05) }
  }

  /// A wave with data on every face: second and fourth order.
  @Test(arguments: Kind.allCases, Kind.allCases)
  func orderInSpace(first: Kind, second: Kind) {
    let kinds = [first, second]
    let isCompact = kinds.allSatisfy { [.periodic, .dirichletNodes].contains($0) }
    for order in isCompact ? SecondDifference.Order.allCases : [.second] {
      let errors = [24, 47].map { intervals -> (Double, Double) in
        let waves = kinds.map { $0 == .periodic ? 2 * Double.pi : 2.3 }
        @Sendable func product(_ point: [Double]) -> Double {
          point.indices.reduce(1) { $0 * Double.sin(waves[$1] * point[$1] + 0.4) }
        }
        let axes = kinds.map {
          let isNodal = ![.periodic, .dirichletCells, .neumannCells].contains($0)
          return $0.difference(isNodal ? intervals + 1 : intervals, order)
        }
        let boundary = kinds.indices.map { axis in
          kinds[axis].boundary({ point, _ in product(point) }) { point, _ in
            product(point) * waves[axis] / Double.tan(waves[axis] * point[axis] + 0.4)
          }
        }
        // σ away from zero, lest constants be undetermined.
        let f = field(axes) { (waves.reduce(1.5) { $0 + $1 * $1 }) * product($0) }
        let u = PoissonSolver<Double>(axes: axes, boundary: boundary, shift: 1.5).solve(f)
        return (1 / Double(intervals), FD.maximumError(u, field(axes, product)))
      }
      #expect(
        abs(FD.order(errors[0], errors[1]) - Double(order.rawValue)) <= 0.1, "\(order) \(errors)")
    }
  }

  /// Where constants are solutions, the solution has mean zero and a constant source is left out.
  @Test func constantsAreLeftOut() {
    let grid = FD.grid([12, 15], [.cells, .periodic])
    let solver = PoissonSolver<Double>(grid: grid, boundary: [.neumann, .periodic])
    let f = FD.field(grid) { Double.cos(.pi * $0[0]) * (1 + Double.sin(2 * .pi * $0[1])) }
    var shifted = f
    shifted += 5
    let u = solver.solve(f)
    #expect(solver.isSingular && abs(u.mean()) <= 1e-15)
    #expect(FD.maximumError(u, solver.solve(shifted)) <= 1e-14)
  }

  @Test func singlePrecisionAgrees() {
    let f = random([20, 33])
    let grid = FD.grid([20, 33], [.nodes, .periodic])
    let wide = PoissonSolver<Double>(grid: grid, boundary: [.dirichlet, .periodic]).solve(f)
    let narrow = PoissonSolver<Float>(grid: grid, boundary: [.dirichlet, .periodic]).solve(f.converted())
    #expect(FD.maximumError(wide, narrow.converted()) <= 1e-6 * wide.maximumMagnitude() * 4)
  }
}
