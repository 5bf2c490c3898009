// Coefficients, sources and the pressures that belong to them.

import Tensors

struct DarcyProblem: DatasetProblem {
  private let thinning: Thinning
  private let coefficient: DarcyCoefficient
  private let source: DarcySource
  private let settings: Settings
  private let refinement: DarcyRefinement?
  private let solver: DarcySolver
  let attributes: [Attribute]

  /// What a solver is told.
  struct Settings: Sendable {
    var boundary: [AxisBoundary]
    var method: DarcyMethod
    var tolerance: Double
    var mostIterations: Int
  }

  init(
    thinning: Thinning, coefficient: DarcyCoefficient, source: DarcySource, settings: Settings,
    attributes: [Attribute], isRefined: Bool = false
  ) {
    self.thinning = thinning
    self.coefficient = coefficient
    self.source = source
    self.settings = settings
    self.attributes = attributes
    let refinement = isRefined ? DarcyRefinement(thinning.solved) : nil
    self.refinement = refinement
    solver = DarcySolver(
      grid: refinement?.fine ?? thinning.solved, boundary: settings.boundary, method: settings.method)
  }

  var grid: Grid { thinning.stored }
  var times: [Double]? { nil }
  var fields: [FieldDescription] {
    [FieldDescription("a", longName: "coefficient")]
      + (source.isField ? [FieldDescription("f", longName: "source")] : [])
      + [FieldDescription("u", longName: "pressure")]
  }

  var scalars: [ScalarDescription] {
    [
      ScalarDescription(
        "residual",
        longName: "upper bound of the relative error of the algebraic solve in the energy norm"),
      ScalarDescription("iterations", longName: "iterations of the algebraic solver"),
    ]
  }

  func refined() throws -> any DatasetProblem {
    DarcyProblem(
      thinning: thinning, coefficient: coefficient, source: source, settings: settings,
      attributes: attributes, isRefined: true)
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    let shape = thinning.solved.shape
    let a = try coefficient.values(sample: sample, shape: shape)
    let f = try source.values(sample: sample, shape: shape)
    if solver.isSingular { try requireBalance(f, sample) }
    let result: DarcySolver.Result
    let solution: Tensor<Double>
    if let refinement {
      let isSmooth = coefficient.isSmooth
      let medium = refinement.medium(a, isSmooth: isSmooth)
      let isSourceSmooth = if case .random = source { true } else { false }
      result = solver.solve(
        medium, source: refinement.source(f, isSmooth: isSourceSmooth), tolerance: settings.tolerance,
        mostIterations: settings.mostIterations)
      solution = refinement.restricted(result.solution, coefficient: a, isSmooth: isSmooth) {
        solver.flows(medium, of: result.solution)
      }
    } else {
      result = solver.solve(
        coefficient: a, source: f, tolerance: settings.tolerance, mostIterations: settings.mostIterations)
      solution = result.solution
    }
    var fields = ["a": thinning(a)]
    if source.isField { fields["f"] = thinning(f) }
    if result.isConverged { fields["u"] = thinning(solution) }
    var sampleSolution = SampleSolution(
      fields: fields,
      scalars: ["residual": result.residual, "iterations": Double(result.iterations)],
      isSolved: result.isConverged)
    if !result.isConverged {
      sampleSolution.warning =
        "no convergence to \(settings.tolerance) in \(result.iterations) iterations: the error may be "
        + "\(Float(result.residual))"
    }
    return sampleSolution
  }

  /// Without an outlet what flows in must be zero in sum, up to the error of a sum over points for an integral.
  private func requireBalance(_ f: Tensor<Double>, _ sample: Int) throws(DatasetError) {
    guard refinement == nil, case .given(.dataset(let reader, let variable)) = source else { return }
    let imbalance = solver.imbalance(of: f)
    let most = thinning.solved.axes.reduce(0) {
      max($0, ($1.spacing / $1.length) * ($1.spacing / $1.length))
    }
    guard imbalance > most else { return }
    throw DatasetError(
      .invalidData, path: reader.path, variable: variable.name,
      "sample \(sample) has a mean of \(imbalance) of its mean magnitude; with no flow through any boundary the mean is zero"
    )
  }
}
