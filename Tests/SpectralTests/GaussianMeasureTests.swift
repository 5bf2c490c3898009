import Spectral
import Tensors
import Testing

private func grid(
  _ shape: [Int], _ placement: Grid.Placement, lengths: [Double]? = nil, origin: Double = 0
) -> Grid {
  Grid(
    axes: shape.enumerated().map { index, count in
      Grid.Axis(
        name: "xyz".map(String.init)[shape.count - 1 - index], lowerBound: origin,
        upperBound: origin + (lengths?[index] ?? 1), count: count, placement: placement)
    })
}

/// Σ_k √λ_k ξ_k e_k(x) term by term, from the measure's definition and the random numbers' addresses.
private func directSum(
  _ measure: GaussianMeasure, _ grid: Grid, seed: UInt64, sample: UInt64
) -> Tensor<Double> {
  let stream = GaussianMeasure.stream(seed: seed, sample: sample)
  let lengths = grid.axes.map(\.length)
  let isPeriodic = measure.boundary == .periodic
  let cutoff = measure.maximumWavenumber
  let span = isPeriodic ? Array(-cutoff...cutoff) : Array((measure.boundary == .neumann ? 0 : 1)...cutoff)
  var wavevectors: [[Int]] = [[]]
  for _ in grid.axes { wavevectors = wavevectors.flatMap { vector in span.map { vector + [$0] } } }
  var points: [[Double]] = [[]]
  for axis in grid.axes {
    points = points.flatMap { p in axis.coordinates.map { p + [$0 - axis.lowerBound] } }
  }
  var values = [Double](repeating: 0, count: points.count)
  for k in wavevectors {
    let leading = k.last { $0 != 0 } ?? 0
    if leading == 0 && !measure.includesZeroMode { continue }
    if isPeriodic && leading < 0 { continue }  // counted with its opposite
    let amplitude = (measure.eigenvalue(of: k, lengths: lengths) / lengths.reduce(1, *)).squareRoot()
    // The random numbers' index wants the last component positive.
    let index = GaussianMeasure.randomIndex(of: k)
    for (place, x) in points.enumerated() {
      if isPeriodic {
        let phase = zip(k, zip(x, lengths)).reduce(0) { $0 + 2 * Double.pi * Double($1.0) * $1.1.0 / $1.1.1 }
        let (real, imaginary) = (stream.normal(at: 2 * index), stream.normal(at: 2 * index + 1))
        values[place] +=
          leading == 0
          ? amplitude * real
          : amplitude * 2.0.squareRoot() * (real * Double.cos(phase) - imaginary * Double.sin(phase))
      } else {
        let basis = zip(k, zip(x, lengths)).reduce(1.0) { product, axis in
          let phase = Double.pi * Double(axis.0) * axis.1.0 / axis.1.1
          let norm = axis.0 == 0 ? 1 : 2.0.squareRoot()
          return product * norm * (measure.boundary == .neumann ? Double.cos(phase) : Double.sin(phase))
        }
        values[place] += amplitude * stream.normal(at: index) * basis
      }
    }
  }
  return Tensor(values, shape: grid.shape)
}

private func measure(_ boundary: GaussianMeasure.Boundary, cutoff: Int, zeroMode: Bool = false)
  -> GaussianMeasure
{
  GaussianMeasure(
    constant: 30, shift: 4, power: 1.5, boundary: boundary, maximumWavenumber: cutoff,
    includesZeroMode: zeroMode)
}

private func placements(_ boundary: GaussianMeasure.Boundary) -> [Grid.Placement] {
  boundary == .periodic ? [.periodic] : [.nodes, .cells]
}

@Suite struct GaussianMeasureTests {
  /// Standard deviations of the published measures (FIELD notes of the project; the literature's scripts), summed to
  /// the cutoff; the tails beyond change no printed digit but the last.
  @Test func presetsHaveTheirPublishedDeviations() {
    let line = [1.0]
    let square = [1.0, 1.0]
    #expect(abs(GaussianMeasure.burgersPaper.standardDeviation(lengths: line) - 0.593574) < 5e-7)
    #expect(abs(GaussianMeasure.burgersScript.standardDeviation(lengths: line) - 0.274097) < 5e-7)
    #expect(abs(GaussianMeasure.darcyPaper.standardDeviation(lengths: square) - 0.292083) < 5e-7)
    #expect(abs(GaussianMeasure.navierStokesPaper.standardDeviation(lengths: square) - 0.043042) < 5e-7)
    #expect(abs(GaussianMeasure.navierStokesScript.standardDeviation(lengths: square) - 0.185233) < 6e-7)
    var withMean = GaussianMeasure.burgersPaper
    withMean.includesZeroMode = true
    #expect(abs(withMean.standardDeviation(lengths: line) - 1.163) < 5e-4)
    withMean = .burgersScript
    withMean.includesZeroMode = true
    #expect(abs(withMean.standardDeviation(lengths: line) - 0.467) < 5e-4)
  }

  /// Σ_k (4π²k² + s)⁻¹ over all integers = coth(√s/2) / (2√s).
  @Test func varianceIsTheSeriesOfEigenvalues() {
    let measure = GaussianMeasure(
      constant: 1, shift: 9, power: 1, boundary: .periodic, maximumWavenumber: 200_000, includesZeroMode: true
    )
    let exponential = Double.exp(3)
    let exact = (exponential + 1) / (exponential - 1) / 6
    let deviation = measure.standardDeviation(lengths: [1])
    // The tail beyond the cutoff K is 2/(4π²K).
    #expect(abs(deviation * deviation + 2 / (4 * Double.pi * Double.pi * 200_000.5) - exact) < 1e-12)
  }

  @Test(arguments: GaussianMeasure.Boundary.allCases, [[1.0, 1, 1], [2.0, 0.5, 1.5]])
  func samplesAreTheirSeries(boundary: GaussianMeasure.Boundary, lengths: [Double]) throws {
    for (shape, cutoff) in [([23], 10), ([24], 11), ([13, 12], 5), ([9, 11, 10], 4)] {
      for placement in placements(boundary) {
        for zeroMode in [false, true] {
          let measure = measure(boundary, cutoff: cutoff, zeroMode: zeroMode)
          let grid = grid(shape, placement, lengths: lengths, origin: -0.25)
          let sample = try measure.sample(on: grid, seed: 3, sample: 8)
          let reference = directSum(measure, grid, seed: 3, sample: 8)
          #expect(relativeDistance(sample, reference) < 1e-13)
        }
      }
    }
  }

  /// The finest grid's field, at every second and third point, is the coarser grids'.
  @Test func periodicFieldsAreTheSameAtEveryResolution() throws {
    let measure = measure(.periodic, cutoff: 10)
    let fine = try measure.sample(on: grid([126, 132], .periodic), seed: 1, sample: 2)
    for stride in [2, 3, 6] {
      let shape = [126 / stride, 132 / stride]
      let coarse = try measure.sample(on: grid(shape, .periodic), seed: 1, sample: 2)
      #expect(relativeDistance(coarse, every(stride, of: fine, shape: shape)) < 1e-14)
    }
  }

  @Test(arguments: [GaussianMeasure.Boundary.neumann, .dirichlet])
  func fieldsAreTheSameOnNodesAndCells(boundary: GaussianMeasure.Boundary) throws {
    let measure = measure(boundary, cutoff: 19)
    let fine = try measure.sample(on: grid([121, 121], .nodes), seed: 1, sample: 2)
    for stride in [2, 3, 6] {
      let shape = [120 / stride + 1, 120 / stride + 1]
      let coarse = try measure.sample(on: grid(shape, .nodes), seed: 1, sample: 2)
      #expect(relativeDistance(coarse, every(stride, of: fine, shape: shape)) < 1e-13)
    }
    // Centres of 20 or 60 cells are nodes of 120 intervals.
    for cells in [20, 60] {
      let step = 120 / cells
      let coarse = try measure.sample(on: grid([cells, cells], .cells), seed: 1, sample: 2)
      let reference = every(step, of: fine, shape: [cells, cells], first: step / 2)
      #expect(relativeDistance(coarse, reference) < 1e-13)
    }
  }

  private func every(_ stride: Int, of fine: Tensor<Double>, shape: [Int], first: Int = 0) -> Tensor<Double> {
    Tensor(
      (0..<shape[0]).flatMap { i in
        (0..<shape[1]).map { j in fine[first + i * stride, first + j * stride] }
      }, shape: shape)
  }

  /// What a grid does not resolve is left out: the field is that of the lower cutoff.
  @Test func unresolvedModesAreLeftOut() throws {
    for (boundary, placement, resolved) in [
      (GaussianMeasure.Boundary.periodic, Grid.Placement.periodic, 7), (.neumann, .nodes, 15),
      (.neumann, .cells, 15), (.dirichlet, .nodes, 14), (.dirichlet, .cells, 16),
    ] {
      let grid = grid([16, 16], placement)
      let all = try measure(boundary, cutoff: 40).sample(on: grid, seed: 4, sample: 0)
      let low = try measure(boundary, cutoff: resolved).sample(on: grid, seed: 4, sample: 0)
      let lower = try measure(boundary, cutoff: resolved - 1).sample(on: grid, seed: 4, sample: 0)
      #expect(all.values == low.values)
      #expect(all.values != lower.values)
    }
  }

  @Test func boundariesAreKept() throws {
    let dirichlet = try measure(.dirichlet, cutoff: 12).sample(
      on: grid([33, 17], .nodes), seed: 2, sample: 1)
    for i in 0..<33 { #expect(dirichlet[i, 0] == 0 && dirichlet[i, 16] == 0) }
    for j in 0..<17 { #expect(dirichlet[0, j] == 0 && dirichlet[32, j] == 0) }
    // Zero mean: the periodic mean and the cells' mean are the integrals of a band-limited field.
    let periodic = try measure(.periodic, cutoff: 12).sample(
      on: grid([32, 31], .periodic), seed: 2, sample: 1)
    #expect(abs(periodic.mean()) < 1e-14)
    let neumann = try measure(.neumann, cutoff: 12).sample(on: grid([32, 31], .cells), seed: 2, sample: 1)
    #expect(abs(neumann.mean()) < 1e-14)
  }

  /// The mean over the box of u² is Σ λ_k ξ_k², of variance 2 Σ λ_k²: five standard errors.
  @Test(arguments: [
    (GaussianMeasure.burgersPaper, [64], 0.593574, 400), (.burgersScript, [64], 0.274097, 400),
    (.darcyPaper, [32, 32], 0.292083, 400), (.navierStokesPaper, [32, 32], 0.043042, 400),
    (.navierStokesScript, [32, 32], 0.185233, 400),
  ])
  func samplesHaveTheVariance(_ item: (GaussianMeasure, [Int], Double, Int)) throws {
    let (measure, shape, deviation, samples) = item
    let isPeriodic = measure.boundary == .periodic
    let sampler = try GaussianSampler(measure, grid: grid(shape, isPeriodic ? .periodic : .cells))
    var sum = 0.0
    for sample in 0..<samples {
      let field = sampler.sample(seed: 99, sample: UInt64(sample))
      sum += field.sumOfSquares() / Double(field.count)
    }
    var squares = measure
    squares.constant *= measure.constant
    squares.power *= 2
    squares.maximumWavenumber = 40
    let sumOfSquaredEigenvalues = squares.standardDeviation(lengths: shape.map { _ in 1.0 })
    let standardError = (2 / Double(samples)).squareRoot() * sumOfSquaredEigenvalues
    let found = sum / Double(samples)
    // Modes that these grids do not resolve hold less than 1e-3 of the variance.
    #expect(abs(found - deviation * deviation) < 5 * standardError + 1e-3 * deviation * deviation)
  }

  /// E u(x)u(y) = Σ λ_k e_k(x) e_k(y), at points in the interior and on the boundary.
  @Test(arguments: GaussianMeasure.Boundary.allCases)
  func samplesHaveTheCovariance(boundary: GaussianMeasure.Boundary) throws {
    let measure = measure(boundary, cutoff: 6, zeroMode: true)
    let axis = grid([17], boundary == .periodic ? .periodic : .nodes)
    let sampler = try GaussianSampler(measure, grid: axis)
    let n = 4000
    let fields = (0..<n).map { sampler.sample(seed: 12, sample: UInt64($0)).values }
    let x = axis.axes[0].coordinates
    func covariance(_ i: Int, _ j: Int) -> Double {
      (0...6).reduce(0) { sum, k in
        let eigenvalue = measure.eigenvalue(of: [k], lengths: [1])
        let norm = k == 0 ? 1.0 : 2.0
        let wave = Double.pi * Double(k)
        switch boundary {
        case .periodic: return sum + norm * eigenvalue * Double.cos(2 * wave * (x[i] - x[j]))
        case .neumann: return sum + norm * eigenvalue * Double.cos(wave * x[i]) * Double.cos(wave * x[j])
        case .dirichlet: return sum + norm * eigenvalue * Double.sin(wave * x[i]) * Double.sin(wave * x[j])
        }
      }
    }
    for (i, j) in [(0, 0), (0, 5), (3, 3), (3, 9), (8, 8), (8, 16)] {
      let found = fields.reduce(0) { $0 + $1[i] * $1[j] } / Double(n)
      let exact = covariance(i, j)
      let error = ((covariance(i, i) * covariance(j, j) + exact * exact) / Double(n)).squareRoot()
      #expect(abs(found - exact) <= 5 * error + 1e-15)  // sin kπ is zero to roundoff only
    }
  }

  /// The mean over the box of u·v for two independent fields is Σ λ_k ξ_k η_k, of variance Σ λ_k².
  @Test func samplesAndSeedsAreIndependent() throws {
    let measure = measure(.neumann, cutoff: 20)
    let sampler = try GaussianSampler(measure, grid: grid([21, 21], .cells))
    var squares = measure
    squares.constant *= measure.constant
    squares.power *= 2
    let n = 500
    let standardError = squares.standardDeviation(lengths: [1, 1]) / Double(n).squareRoot()
    var (samples, seeds) = (0.0, 0.0)
    for sample in 0..<UInt64(n) {
      let field = sampler.sample(seed: 1, sample: sample)
      samples += field.dot(sampler.sample(seed: 1, sample: sample + UInt64(n))) / 441
      seeds += field.dot(sampler.sample(seed: 2, sample: sample)) / 441
    }
    #expect(abs(samples / Double(n)) < 5 * standardError)
    #expect(abs(seeds / Double(n)) < 5 * standardError)
  }

  @Test func formulasAreReadAsWritten() throws {
    #expect(GaussianMeasure.burgersPaper.formula == "625 (-Δ + 25)^-2")
    #expect(GaussianMeasure.navierStokesScript.formula == "343 (-Δ + 49)^-2.5")
    #expect(
      GaussianMeasure.darcyPaper.description
        == "N(0, 9 (-Δ + 9)^-2), neumann, |k| <= 420 along every axis, without the zero mode")
    for preset in [
      GaussianMeasure.burgersPaper, .burgersScript, .darcyPaper, .navierStokesPaper, .navierStokesScript,
    ] {
      let read = try GaussianMeasure(
        formula: preset.formula, boundary: preset.boundary, maximumWavenumber: preset.maximumWavenumber)
      #expect(read == preset)
    }
    for text in ["7^1.5 (-Δ + 49)^-2.5", "7^1.5*(−Δ+49)^−2.5", "7^1.5 (-Laplacian + 49)^-2.5"] {
      let read = try GaussianMeasure(formula: text, boundary: .periodic, maximumWavenumber: 127)
      #expect(read == .navierStokesPaper)
    }
    for text in [
      "", "625", "625 (Δ + 25)^-2", "x (-Δ + 25)^-2", "-1 (-Δ + 25)^-2", "1 (-Δ + 25)^2", "2 (-Δ - 1)^-2",
    ] {
      #expect(throws: GaussianMeasureError.self) {
        try GaussianMeasure(formula: text, boundary: .periodic, maximumWavenumber: 8)
      }
    }
  }

  @Test func unfitGridsAreRefused() {
    let refused: [(GaussianMeasure, Grid)] = [
      (measure(.periodic, cutoff: 3), grid([8], .nodes)),
      (measure(.neumann, cutoff: 3), grid([8], .periodic)),
      (measure(.dirichlet, cutoff: 3), grid([1], .nodes)),
      (measure(.periodic, cutoff: 3), grid([4, 4], .periodic).appendingAxes(2)),
      (measure(.periodic, cutoff: 0), grid([8], .periodic)),
    ]
    for (measure, grid) in refused {
      #expect(throws: GaussianMeasureError.self) { try measure.sample(on: grid, seed: 0, sample: 0) }
    }
  }

  @Test func gridsWithHardlyAnyPointsWork() throws {
    #expect(
      try measure(.periodic, cutoff: 3).sample(on: grid([1], .periodic), seed: 0, sample: 0).values == [0])
    #expect(
      try measure(.dirichlet, cutoff: 3).sample(on: grid([2], .nodes), seed: 0, sample: 0).values == [0, 0])
    let one = measure(.neumann, cutoff: 3, zeroMode: true)
    for shape in [[1], [1, 1], [2, 1]] {
      let grid = grid(shape, .cells)
      let resolved = measure(.neumann, cutoff: max(1, shape[0] - 1), zeroMode: true)
      let sample = try one.sample(on: grid, seed: 0, sample: 0)
      if shape == [1] {
        #expect(sample.values[0] != 0)
      } else {
        #expect(relativeDistance(sample, try resolved.sample(on: grid, seed: 0, sample: 0)) < 1e-15)
      }
    }
  }
}

extension ProcessSettingsTests {
  @Test(arguments: GaussianMeasure.Boundary.allCases)
  func samplesDoNotDependOnTheNumberOfThreads(boundary: GaussianMeasure.Boundary) throws {
    let threads = WorkerPool.shared.threadCount
    defer { WorkerPool.shared.threadCount = threads }
    let sampler = try GaussianSampler(
      measure(boundary, cutoff: 60), grid: grid([200, 180], boundary == .periodic ? .periodic : .nodes))
    WorkerPool.shared.threadCount = 1
    let one = sampler.sample(seed: 1, sample: 1).values
    WorkerPool.shared.threadCount = 3
    #expect(sampler.sample(seed: 1, sample: 1).values == one)
  }
}

extension Grid {
  fileprivate func appendingAxes(_ count: Int) -> Grid {
    Grid(axes: axes + (0..<count).map { Axis(name: "a\($0)", count: 4, placement: .periodic) })
  }
}

@Suite struct WavenumberTests {
  @Test func wavenumbersAreInTransformOrder() {
    #expect(Wavenumbers.full(6) == [0, 1, 2, -3, -2, -1])
    #expect(Wavenumbers.full(5) == [0, 1, 2, -2, -1])
    #expect(Wavenumbers.full(1) == [0])
    #expect(Wavenumbers.halved(6) == [0, 1, 2, 3])
    #expect(Wavenumbers.halved(5) == [0, 1, 2])
    let angular = Wavenumbers.angular(6, length: 4 * .pi)
    #expect(zip(angular, [0, 0.5, 1, -1.5, -1, -0.5]).allSatisfy { abs($0 - $1) < 1e-15 })
    #expect(
      zip(Wavenumbers.angularHalved(5, length: 2 * .pi), [0, 1, 2]).allSatisfy { abs($0 - $1) < 1e-15 })
  }

  /// With the modes of a coarser grid alone, fields on a finer one are the same functions.
  @Test(arguments: [GaussianMeasure.Boundary.periodic, .neumann, .dirichlet])
  func finerGridsHaveTheSameFunctions(boundary: GaussianMeasure.Boundary) throws {
    let measure = GaussianMeasure(
      constant: 1, shift: 1, power: 1, boundary: boundary, maximumWavenumber: 100)
    func grid(_ counts: [Int]) -> Grid {
      Grid(
        axes: zip(["y", "x"], counts).map {
          Grid.Axis(name: $0, count: $1, placement: boundary == .periodic ? .periodic : .nodes)
        })
    }
    let (coarse, fine) = boundary == .periodic ? ([12, 9], [24, 18]) : ([12, 9], [23, 17])
    let few = try GaussianSampler(measure, grid: grid(coarse)).sample(seed: 4, sample: 2)
    let many = try GaussianSampler(measure, grid: grid(fine), resolvedBy: grid(coarse)).sample(
      seed: 4, sample: 2)
    for y in 0..<coarse[0] {
      for x in 0..<coarse[1] { #expect(abs(few[y, x] - many[2 * y, 2 * x]) <= 1e-13) }
    }
    let other = try GaussianSampler(measure, grid: grid(coarse)).sample(seed: 4, sample: 2, purpose: "other")
    #expect(abs(few.dot(other)) <= 0.8 * few.sumOfSquares())
  }
}
