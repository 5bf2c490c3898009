import Spectral
import Tensors
import Testing

private typealias Axis = FastPoissonSolver<Double>.Axis

struct PoissonCase: Sendable, CustomTestStringConvertible {
  var axes: [FastPoissonSolver<Double>.Axis]
  var shift = 0.0
  var testDescription: String {
    axes.map { "\($0.count) \($0.boundary)" }.joined(separator: " × ") + ", shift \(shift)"
  }
}

private let cases: [PoissonCase] =
  Axis.Boundary.allCases.flatMap { boundary in
    [2, 7, 16].map { PoissonCase(axes: [Axis(boundary, count: $0, spacing: 0.3)]) }
  } + [
    PoissonCase(axes: [
      Axis(.dirichletNodes, count: 9, spacing: 0.1), Axis(.dirichletNodes, count: 12, spacing: 0.2),
    ]),
    PoissonCase(axes: [
      Axis(.neumannCells, count: 8, spacing: 0.1), Axis(.neumannNodes, count: 5, spacing: 0.2),
    ]),
    PoissonCase(
      axes: [Axis(.periodic, count: 8, spacing: 0.1), Axis(.periodic, count: 9, spacing: 0.2)], shift: 3),
    PoissonCase(axes: [Axis(.periodic, count: 6, spacing: 1), Axis(.dirichletCells, count: 6, spacing: 0.5)]),
    PoissonCase(
      axes: [
        Axis(.dirichletNodes, count: 4, spacing: 0.2), Axis(.periodic, count: 5, spacing: 0.3),
        Axis(.neumannCells, count: 6, spacing: 0.25),
      ]),
    // Large enough to go axis by axis.
    PoissonCase(
      axes: [
        Axis(.dirichletNodes, count: 199, spacing: 0.005), Axis(.dirichletNodes, count: 210, spacing: 0.005),
      ]),
  ]

/// −Δ + shift by differences, ghosts as the boundaries have them.
private func applied(_ test: PoissonCase, to u: Tensor<Double>) -> Tensor<Double> {
  let strides = u.strides
  let values = u.values
  let result = values.indices.map { index in
    var sum = test.shift * values[index]
    for (axis, stride) in zip(test.axes, strides) {
      let (n, j) = (axis.count, index / stride % axis.count)
      func neighbour(_ i: Int) -> Double {
        func at(_ i: Int) -> Double { values[index + (i - j) * stride] }
        if (0..<n).contains(i) { return at(i) }
        switch axis.boundary {
        case .dirichletNodes: return 0
        case .dirichletCells: return -at(j)
        case .neumannNodes: return at(i < 0 ? 1 : n - 2)
        case .neumannCells: return at(j)
        case .periodic: return at((i + n) % n)
        }
      }
      sum += (2 * values[index] - neighbour(j - 1) - neighbour(j + 1)) / (axis.spacing * axis.spacing)
    }
    return sum
  }
  return Tensor(result, shape: u.shape)
}

@Suite struct FastPoissonSolverTests {
  /// The solver inverts the difference operator: it gives back u from (−Δ + shift) u, two problems at once.
  @Test(arguments: cases)
  func differencesAreInverted(test: PoissonCase) {
    let solver = FastPoissonSolver<Double>(axes: test.axes, shift: test.shift)
    let shape = test.axes.map(\.count)
    let u: Tensor<Double> = arbitrary(shape)
    let f = applied(test, to: u)
    var both = Tensor<Double>(f.values + f.values.map { 2 * $0 }, shape: [2] + shape)
    solver.solve(&both, scale: 0.5)
    let found = Tensor<Double>(both.values.prefix(u.count).map { 2 * $0 }, shape: shape)
    // Roundoff times the condition number of the operator, at most (2n/π)² dimensions times.
    let condition = Double(shape.max() ?? 1) * Double(shape.max() ?? 1)
    let isSingular =
      test.shift == 0
      && test.axes.allSatisfy { ![.dirichletNodes, .dirichletCells].contains($0.boundary) }
    if isSingular {
      // Up to a constant: the operator gives f back.
      #expect(relativeDistance(applied(test, to: found), f) < 1e-15 * condition + 1e-13)
    } else {
      #expect(relativeDistance(found, u) < 1e-15 * condition + 1e-13)
    }
    let second = both.values.suffix(u.count).map { $0 }
    #expect(relativeDistance(Tensor(second, shape: shape), found) < 1e-14)
  }

  /// u = sin or cos of one wave along each axis is divided by κ² exactly.
  @Test(arguments: [Axis.Boundary.dirichletNodes, .dirichletCells, .neumannNodes, .neumannCells, .periodic])
  func spectralEigenvaluesAreThoseOfTheDerivative(boundary: FastPoissonSolver<Double>.Axis.Boundary) {
    let (n, length) = (12, 1.5)
    let intervals = boundary == .dirichletNodes ? n + 1 : boundary == .neumannNodes ? n - 1 : n
    let h = length / Double(intervals)
    let first =
      boundary == .dirichletNodes ? h : boundary == .neumannNodes || boundary == .periodic ? 0 : h / 2
    let kappa = (boundary == .periodic ? 2 : 1) * Double.pi * 3 / length
    let isSine = boundary == .dirichletNodes || boundary == .dirichletCells
    let wave = (0..<n).map { j in
      let x = kappa * (first + Double(j) * h)
      return isSine ? Double.sin(x) : .cos(x)
    }
    let solver = FastPoissonSolver<Double>(
      axes: [Axis(boundary, count: n, spacing: h)], eigenvalues: .spectral)
    var values = Tensor(wave, shape: [n])
    solver.solve(&values, scale: kappa * kappa)
    #expect(relativeDistance(values, Tensor(wave, shape: [n])) < 1e-14)
  }

  /// −Δu = 1 on the unit square, u = 0 on its boundary: the centre (Fourier series, 16 digits) by extrapolation of
  /// second-order solutions; what is left is of fourth order.
  @Test func centreOfTheUnitSquare() {
    let exact = 0.07367135328151382
    let centres = [32, 64, 128].map { n in
      let axis = Axis(.dirichletNodes, count: n - 1, spacing: 1 / Double(n))
      var u = Tensor<Double>(repeating: 1, shape: [n - 1, n - 1])
      FastPoissonSolver<Double>(axes: [axis, axis]).solve(&u)
      return u[n / 2 - 1, n / 2 - 1]
    }
    let errors = centres.map { $0 - exact }
    #expect(abs(errors[0] / errors[1] - 4) < 0.05 && abs(errors[1] / errors[2] - 4) < 0.05)
    #expect(abs((4 * centres[2] - centres[1]) / 3 - exact) < 2e-9)
  }

  /// A product of sines on N nodes is multiplied by π²/λ_h: relative errors of the literature's table.
  @Test(arguments: [(16, 2.8508e-3), (64, 1.9469e-4), (128, 4.9426e-5), (256, 1.2452e-5)])
  func sineModeHasTheErrorOfTheDifferences(nodes: Int, expected: Double) {
    let h = 1 / Double(nodes + 1)
    let axis = Axis(.dirichletNodes, count: nodes, spacing: h)
    let sine = (1...nodes).map { Double.sin(.pi * Double($0) * h) }
    let u = sine.flatMap { y in sine.map { x in x * y } }
    var f = Tensor<Double>(u.map { 2 * .pi * .pi * $0 }, shape: [nodes, nodes])
    FastPoissonSolver<Double>(axes: [axis, axis]).solve(&f)
    let lambda = 2 / (h * h) * (1 - Double.cos(.pi * h))
    let factor = .pi * .pi / lambda
    #expect(abs(factor - 1 - expected) < 1e-4 * expected)
    #expect(relativeDistance(f, Tensor(u.map { factor * $0 }, shape: f.shape)) < 1e-12)
  }

  @Test func singlePrecisionAgrees() {
    let axis = FastPoissonSolver<Float>.Axis(.dirichletNodes, count: 31, spacing: 1 / 32)
    let double = Axis(.dirichletNodes, count: 31, spacing: 1 / 32)
    var single: Tensor<Float> = arbitrary([31, 31])
    var reference = converted(single, to: Double.self)
    FastPoissonSolver<Float>(axes: [axis, axis]).solve(&single)
    FastPoissonSolver<Double>(axes: [double, double]).solve(&reference)
    #expect(relativeDistance(converted(single, to: Double.self), reference) < 1e-6)
  }
}
