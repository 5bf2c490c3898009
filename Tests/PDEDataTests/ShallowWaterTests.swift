import Foundation
import PDEData
import Spectral
import Tensors
import Testing

@Suite struct ShallowWaterTests {
  private typealias FD = FiniteDifference

  /// `[field, …grid]` of functions of a point.
  private static func state(_ grid: Grid, _ fields: [([Double]) -> Double]) -> Tensor<Double> {
    Tensor(fields.flatMap { FD.field(grid, $0).values }, shape: [fields.count] + grid.shape)
  }

  private static func spectral(
    _ initial: Tensor<Double>, lengths: [Double], gravity: Double, coriolis: Double, final: Double,
    control: StepControl = .tolerance(1e-11)
  ) throws -> [Double] {
    let shape = Array(initial.shape.dropFirst())
    let transport = ShallowWaterTransport<Double>(
      shape: shape, lengths: lengths, gravity: gravity, coriolis: coriolis)
    let eigenvalues = [Double](repeating: 0, count: transport.stateCounts[0])
    let integrator = SemilinearIntegrator(.etdrk4, eigenvalues: eigenvalues, nonlinearity: transport)
    let result = SpectralEvolution(
      integrator: integrator, basis: transport.basis, interval: final, savedCount: 1, control: control
    ).solve(initial)
    return try #require(result.states).values
  }

  // MARK: - Pseudo-spectral

  @Test(arguments: [[24, 20], [17, 31]])
  func wavesHaveTheirDispersion(shape: [Int]) throws {
    // A hill of height a in water at rest, H = 1: h = H + a cos(k·x) (f² + gH|k|² cos ωt)/ω², ω² = f² + gH|k|², up to a².
    let (g, f, a, t) = (9.81, 0.7, 1e-6, 1.3)
    let lengths = [2.0, 3.0]
    let grid = FD.grid(shape, [.periodic, .periodic])
    func phase(_ point: [Double]) -> Double { 2 * .pi * (point[1] - 2 * point[0]) }
    let square = pow(2 * .pi / lengths[1], 2) + pow(4 * .pi / lengths[0], 2)
    let omega = (f * f + g * square).squareRoot()
    let initial = Self.state(grid, [{ 1 + a * cos(phase($0)) }, { _ in 0 }, { _ in 0 }])
    let values = try Self.spectral(initial, lengths: lengths, gravity: g, coriolis: f, final: t)
    let factor = (f * f + g * square * cos(omega * t)) / (omega * omega)
    let expected = FD.field(grid) { 1 + a * factor * cos(phase($0)) }.values
    #expect(zip(values, expected).allSatisfy { abs($0 - $1) < 1e-4 * a })
  }

  @Test func geostrophicBalanceIsSteady() throws {
    // f v = g h_x, u = 0 with h and v functions of x alone, of any amplitude.
    let (g, f) = (2.0, 3.0)
    let grid = FD.grid([9, 40], [.periodic, .periodic])
    let initial = Self.state(
      grid,
      [
        { 1 + 0.3 * sin(2 * .pi * $0[1]) }, { _ in 0 },
        { g / f * 0.3 * 2 * .pi * cos(2 * .pi * $0[1]) },
      ])
    let values = try Self.spectral(
      initial, lengths: [1, 1], gravity: g, coriolis: f, final: 1, control: .fixed(2e-3))
    #expect(zip(values, initial.values).allSatisfy { abs($0 - $1) < 1e-11 })
  }

  @Test(arguments: [[45], [21, 32]])
  func waterIsConservedBySpectralMethods(shape: [Int]) throws {
    let grid = FD.grid(shape, shape.map { _ in .periodic })
    let fields: [([Double]) -> Double] = [
      { 1 + 0.1 * sin(2 * .pi * $0.reduce(0, +)) }, { 0.1 * cos(2 * .pi * $0[0]) }, { _ in 0.2 },
    ]
    let initial = Self.state(grid, Array(fields.prefix(shape.count + 1)))
    let values = try Self.spectral(
      initial, lengths: shape.map { _ in 1 }, gravity: 1, coriolis: 0, final: 0.3, control: .fixed(1e-3))
    let points = grid.pointCount
    let change = values.prefix(points).reduce(0, +) - initial.values.prefix(points).reduce(0, +)
    #expect(abs(change) < 1e-12 * Double(points))
  }

  @Test func spectralMethodsHaveTheirOrderInTime() throws {
    let grid = FD.grid([16, 18], [.periodic, .periodic])
    let initial = Self.state(
      grid,
      [
        { 1 + 0.2 * cos(2 * .pi * $0[1]) }, { 0.1 * sin(2 * .pi * $0[0]) }, { 0.1 * cos(2 * .pi * $0[1]) },
      ])
    let states = try [20, 40, 80].map {
      try Self.spectral(
        initial, lengths: [1, 1], gravity: 1, coriolis: 1, final: 0.5, control: .fixed(0.5 / Double($0)))
    }
    let differences = zip(states, states.dropFirst()).map { zip($0, $1).map { abs($0 - $1) }.max() ?? 0 }
    #expect(abs(log2(differences[0] / differences[1]) - 4) < 0.1, "\(differences)")
  }

  // MARK: - Finite volumes

  @Test(arguments: [[37], [13, 18]], [Grid.Placement.periodic, .cells])
  func waterAtRestStaysAtRest(shape: [Int], placement: Grid.Placement) {
    let grid = FD.grid(shape, shape.map { _ in placement })
    let scheme = ShallowWaterVolumes<Double>(grid: grid, gravity: 9.81)
    let initial = Self.state(grid, [{ _ in 1.3 }] + shape.map { _ in { _ in 0 } })
    var state = initial
    let isSound = scheme.advance(&state, steps: 50, step: 2e-3)
    #expect(isSound && state.values == initial.values)
  }

  @Test(arguments: [[53], [19, 24]], [Grid.Placement.periodic, .cells])
  func waterIsConserved(shape: [Int], placement: Grid.Placement) {
    let grid = FD.grid(shape, shape.map { _ in placement })
    let scheme = ShallowWaterVolumes<Double>(
      grid: grid, gravity: 1, coriolis: shape.count == 2 ? 0.5 : 0)
    var state = Self.state(
      grid,
      [{ $0[0] < 0.4 ? 2 : 1 }, { 0.3 * sin(2 * .pi * $0[0]) }] + shape.dropFirst().map { _ in { _ in 0.1 } }
    )
    let before = state.values.prefix(grid.pointCount).reduce(0, +)
    #expect(scheme.advance(&state, steps: 100, step: 3e-3))
    let after = state.values.prefix(grid.pointCount).reduce(0, +)
    // Roundoff of a hundred steps.
    #expect(abs(after - before) < 1e-14 * Double(grid.pointCount) * 10)
  }

  /// Stoker's solution of a dam between h_l and h_r > 0, water at rest, after a time (Water Waves, 1957, section 10.8).
  private static func stoker(_ hl: Double, _ hr: Double, g: Double) -> (_ x: Double, _ t: Double) -> Double {
    var (low, high) = (hr, hl)
    for _ in 0..<100 {
      let h = (low + high) / 2
      let wave = 2 * ((g * hl).squareRoot() - (g * h).squareRoot())
      let bore = (h - hr) * (g / 2 * (1 / h + 1 / hr)).squareRoot()
      if wave > bore { low = h } else { high = h }
    }
    let h = (low + high) / 2
    let u = 2 * ((g * hl).squareRoot() - (g * h).squareRoot())
    let front = h * u / (h - hr)
    return { x, t in
      let (cl, c) = ((g * hl).squareRoot(), (g * h).squareRoot())
      if x <= -cl * t { return hl }
      if x <= (u - c) * t { return pow(2 * cl - x / t, 2) / (9 * g) }
      return x <= front * t ? h : hr
    }
  }

  @Test func aDamBreaksAsStokerFound() {
    let exact = Self.stoker(1, 0.4, g: 9.81)
    let t = 0.1
    let errors = [100, 200, 400].map { n -> Double in
      let grid = FD.grid([n], [.cells])
      let scheme = ShallowWaterVolumes<Double>(grid: grid, gravity: 9.81)
      var state = Self.state(grid, [{ $0[0] < 0.5 ? 1 : 0.4 }, { _ in 0 }])
      scheme.advance(&state, steps: n, step: t / Double(n))
      let found = state.values.prefix(n)
      let expected = FD.field(grid) { exact($0[0] - 0.5, t) }.values
      // No new extrema.
      #expect(found.allSatisfy { $0 < 1 + 1e-12 && $0 > 0.4 - 1e-12 })
      return zip(found, expected).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(n)
    }
    // A bore and kinks: first order in the mean.
    for (coarse, fine) in zip(errors, errors.dropFirst()) {
      #expect(log2(coarse / fine) > 0.8 && log2(coarse / fine) < 1.4, "\(errors)")
    }
    #expect(errors[2] < 1e-3, "\(errors)")
  }

  @Test func aDamOntoDryGround() {
    // Ritter's solution: the front runs at 2√(gh), h = (2c − x/t)²/(9g) behind it.
    let (n, t) = (400, 0.05)
    let grid = FD.grid([n], [.cells])
    let scheme = ShallowWaterVolumes<Double>(grid: grid, gravity: 9.81)
    var state = Self.state(grid, [{ $0[0] < 0.5 ? 1 : 0 }, { _ in 0 }])
    let isSound = scheme.advance(&state, steps: 400, step: t / 400)
    let found = state.values.prefix(n)
    #expect(isSound && found.allSatisfy { $0 >= 0 })
    let c = 9.81.squareRoot()
    let error = zip(found, grid.axes[0].coordinates).reduce(0.0) { sum, item in
      let speed = (item.1 - 0.5) / t
      let exact = speed <= -c ? 1 : speed >= 2 * c ? 0 : pow(2 * c - speed, 2) / (9 * 9.81)
      return sum + abs(item.0 - exact) / Double(n)
    }
    #expect(error < 1e-3, "\(error)")
  }

  @Test(arguments: [0, 1])
  func secondOrderWhereSmooth(axis: Int) throws {
    // A long wave along either axis before it breaks, against the spectral solution of many modes.
    let wave: @Sendable ([Double]) -> Double = { 1 + 0.1 * exp(cos(2 * .pi * $0[0])) / 2.7 }
    let (t, fine) = (0.15, 486)
    let line = FD.grid([fine], [.periodic])
    let reference = try Self.spectral(
      Self.state(line, [wave, { _ in 0 }]), lengths: [1], gravity: 1, coriolis: 0, final: t)
    let errors = [27, 54, 162].map { n -> Double in
      let shape = axis == 0 ? [n, 4] : [4, n]
      let grid = FD.grid(shape, [.periodic, .periodic])
      let scheme = ShallowWaterVolumes<Double>(grid: grid, gravity: 1)
      var state = Self.state(grid, [{ wave([$0[axis]]) }, { _ in 0 }, { _ in 0 }])
      scheme.advance(&state, steps: 2 * n, step: t / Double(2 * n))
      let strides = Tensor<Double>.strides(of: shape)
      return (0..<grid.pointCount).reduce(0) { sum, point in
        let place = point / strides[axis] % n
        return sum + abs(state.values[point] - reference[place * (fine / n)]) / Double(grid.pointCount)
      }
    }
    // A limiter flattens the extrema: the mean error is a little below second order.
    let order = FD.order((1.0 / 54, errors[1]), (1.0 / 162, errors[2]))
    #expect(abs(order - 2) < 0.2, "\(order), \(errors)")
  }

  @Test func thirdOrderInTime() {
    // A uniform current turns: u + iv = (u + iv)_0 e^{−ift}. (Limiters, whose switches are kinks in time, have no part in it.)
    let grid = FD.grid([5, 7], [.periodic, .periodic])
    let scheme = ShallowWaterVolumes<Double>(grid: grid, gravity: 1, coriolis: 2)
    let errors = [20, 40].map { steps -> Double in
      var state = Self.state(grid, [{ _ in 1 }, { _ in 0.3 }, { _ in 0.4 }])
      scheme.advance(&state, steps: steps, step: 1 / Double(steps))
      let (u, v) = (0.3 * cos(2.0) + 0.4 * sin(2.0), 0.4 * cos(2.0) - 0.3 * sin(2.0))
      return max(abs(state.values[35] - u), abs(state.values[70] - v))
    }
    #expect(abs(log2(errors[0] / errors[1]) - 3) < 0.1, "\(errors)")
  }

  @Test func wallsReflect() {
    // Half of a symmetric flow is the flow against a wall.
    let (whole, half) = (FD.grid([80], [.cells]), FD.grid([40], [.cells], lower: 0, upper: 0.5))
    func run(_ grid: Grid) -> [Double] {
      var state = Self.state(grid, [{ abs($0[0] - 0.5) < 0.2 ? 1.5 : 1 }, { _ in 0 }])
      ShallowWaterVolumes<Double>(grid: grid, gravity: 1).advance(&state, steps: 120, step: 4e-3)
      return Array(state.values.prefix(40))
    }
    #expect(zip(run(whole), run(half)).allSatisfy { abs($0 - $1) < 1e-13 })
  }

  // MARK: - Datasets

  @Test(arguments: [
    ("finite-volumes", "periodic"), ("finite-volumes", "walls"), ("spectral-etdrk4", "periodic"),
  ])
  func datasets(method: String, boundary: String) throws {
    let folder = try TemporaryFolder()
    for (shape, precision) in [([24, 20], "float64"), ([36], "float32")] {
      let path = folder.path("\(shape.count).nc")
      var options = [
        "method": method, "boundary": boundary, "final-time": "0.5", "save-every": "0.25",
        "precision": precision,
      ]
      if shape.count == 1 { options["dimension"] = "1" }
      let summary = try DatasetGenerator(
        equation: ShallowWaterEquation(), options: options, input: .random(seed: 1, resolution: shape),
        samples: 0..<2, store: .float64, checkEvery: 1
      ).run(to: path)
      #expect(summary.failed.isEmpty)
      let reader = try DatasetReader(path: path)
      let h: Tensor<Double> = try reader.read(reader.variable("h"))
      #expect(h.shape == [2, 2] + shape && h.values.allSatisfy { $0 > 0 })
      let errors = try InitialStates.values(reader, "discretization_error")
      #expect(errors.allSatisfy { $0 > 0 && $0 < 0.5 }, "\(errors)")
      // Its own initial states solved again.
      options["dimension"] = nil
      _ = try DatasetGenerator(
        equation: ShallowWaterEquation(), options: options, input: .dataset(reader), samples: 0..<2,
        store: .float64
      ).run(to: folder.path("\(shape.count)again.nc"))
      let again = try InitialStates.values(DatasetReader(path: folder.path("\(shape.count)again.nc")), "h")
      #expect(again == h.values)
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let folder = try TemporaryFolder()
    for (options, words) in [
      (["gravity": "0"], "--gravity"), (["viscosity": "1e-3"], "--viscosity"),
      (["method": "spectral-etdrk4", "viscosity": "-1"], "--viscosity"),
      (["method": "spectral-etdrk4", "boundary": "walls"], "periodic"),
      (["dimension": "1", "coriolis": "1"], "--coriolis"), (["dimension": "3"], "--dimension"),
      (["random-field": "1 (-Δ + 9)^-2"], "--random-field"), (["depth": "-1"], "--depth"),
    ] {
      let error = #expect(throws: ParameterError.self) {
        try DatasetGenerator(
          equation: ShallowWaterEquation(), options: options, input: .random(seed: 1, resolution: [16]),
          samples: 0..<1
        ).run(to: folder.path("F.nc"))
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
    // Steps far beyond the Courant limit: a warning with the limit, and a failed sample.
    var warning: String?
    let summary = try DatasetGenerator(
      equation: ShallowWaterEquation(), options: ["dt": "0.5", "final-time": "10"],
      input: .random(seed: 1, resolution: [32]), samples: 0..<1
    ).run(to: folder.path("G.nc"), progress: { warning = $0.warning?.text ?? warning })
    #expect(summary.failed == [0] && warning?.contains("--dt 0.5") == true)
  }
}
