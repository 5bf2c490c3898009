// Samples of the flow in a cavity.

import RealModule
import Spectral
import Tensors

/// The lids of samples, on the nodes that are solved on.
struct CavityLid: Sendable {
  enum Source: Sendable {
    case uniform(SampleParameter)
    /// 16 U s²(1 − s)² (1 + g), g of the field (else 0) with its description.
    case smooth(SampleParameter, InputField?, String?)
    case given(InputField)
  }

  private let source: Source
  /// How many the source has.
  private let points: Int
  private let axis: Grid.Axis
  private let interpolation: GridInterpolation

  /// - Parameters:
  ///   - points: of the source.
  ///   - grid: the lid's nodes that are solved on; every k-th is a point of the source.
  init(_ source: Source, points: Int, on grid: Grid) {
    self.source = source
    self.points = points
    axis = grid.axes[0]
    var own = grid
    own.axes[0].count = points
    interpolation = GridInterpolation(from: own, to: grid)
  }

  /// The same lids on half the spacing.
  func refined() -> CavityLid {
    var axis = axis
    axis.count = 2 * axis.count - 1
    return CavityLid(source, points: points, on: Grid(axes: [axis]))
  }

  func values(sample: Int) throws(DatasetError) -> [Double] {
    switch source {
    case .uniform(let speed): return [Double](repeating: speed.value(sample: sample), count: axis.count)
    case .smooth(let speed, let field, _):
      let number = speed.value(sample: sample)
      let random = try field.map { field throws(DatasetError) in
        interpolation(try field.values(sample: sample)).values
      }
      return (0..<axis.count).map { index in
        let s = Double(index) / Double(axis.count - 1)
        return 16 * number * s * s * (1 - s) * (1 - s) * (1 + (random?[index] ?? 0))
      }
    case .given(let field):
      return interpolation(try field.values(sample: sample)).values
    }
  }

  /// What files tell of it.
  var attributes: [Attribute] {
    switch source {
    case .uniform(let speed): [Attribute("lid", "uniform, from rest at once"), speed.attribute]
    case .smooth(let speed, let field, let text):
      [
        Attribute("lid", .text("16 U s^2 (1-s)^2\(field == nil ? "" : " (1 + g)"), from rest at once")),
        speed.attribute,
      ] + (text.map { [Attribute("random_field", .text("g ~ \($0)"))] } ?? [])
    case .given: [Attribute("lid", "of every sample, from the input file")]
    }
  }

  /// Of the speed, where it differs from sample to sample: its name and value.
  func speed(sample: Int) -> (name: String, value: Double)? {
    switch source {
    case .uniform(let speed), .smooth(let speed, _, _):
      speed.constant == nil ? ("lid_speed", speed.value(sample: sample)) : nil
    case .given: nil
    }
  }
}

/// Lids and the flows under them, from rest.
struct CavityProblem<Element: SpectralScalar>: DatasetProblem {
  private let lid: CavityLid
  private let viscosity: SampleParameter
  private let settings: EvolutionSettings
  private let recording: Recording
  private let thinning: Thinning
  private let lidThinning: Thinning
  private let equation: any Equation
  private let term: VorticityDifferences<Element>
  let attributes: [Attribute]

  init(
    _ lid: CavityLid, _ viscosity: SampleParameter, _ settings: EvolutionSettings, _ recording: Recording,
    _ thinning: Thinning, equation: any Equation
  ) throws(ParameterError) {
    self.lid = lid
    self.viscosity = viscosity
    self.settings = settings
    self.recording = recording
    self.thinning = thinning
    self.equation = equation
    lidThinning = try Thinning(
      stored: Grid(axes: [thinning.stored.axes[1]]), resolution: [thinning.solved.axes[1].count])
    term = VorticityDifferences(grid: thinning.solved, surroundings: .walls(.init()))
    let points = thinning.solved.shape.map(String.init).joined(separator: "x")
    attributes = settings.attributes(
      of: equation,
      [
        Attribute(
          "boundary_conditions", "no slip: walls at rest, the lid at the upper end of y moves along x"),
        viscosity.attribute,
      ] + lid.attributes,
      solver: "finite differences, \(points) nodes: \(FlowMethod.solverText), Thom's formula on the walls",
      grid: thinning.solved, inputs: ["lid"] + (viscosity.constant == nil ? [viscosity.name] : []),
      outputs: ["w", "psi"])
  }

  var grid: Grid { thinning.stored }
  var times: [Double]? { settings.times }

  var fields: [FieldDescription] {
    let x = thinning.stored.axes[1]
    return [
      FieldDescription(
        "lid", along: [CoordinateAxis(x.name, longName: "x coordinate", values: x.coordinates)],
        longName: "velocity of the lid along x"),
      FieldDescription("w", hasTime: true, longName: "vorticity"),
      FieldDescription("psi", hasTime: true, longName: "streamfunction"),
    ] + recording.fields(on: thinning.solved)
  }

  var scalars: [ScalarDescription] {
    (viscosity.constant == nil ? [ScalarDescription(viscosity.name, longName: viscosity.name)] : [])
      + (lid.speed(sample: 0) == nil ? [] : [ScalarDescription("lid_speed", longName: "speed U of the lid")])
      + settings.scalars
  }

  func refined() throws -> any DatasetProblem {
    try CavityProblem(
      lid.refined(), viscosity, settings.refined(), recording,
      Thinning(stored: thinning.stored, resolution: thinning.solved.shape.map { 2 * $0 - 1 }),
      equation: equation)
  }

  func solve(sample: Int) throws(DatasetError) -> SampleSolution {
    let profile = try lid.values(sample: sample)
    let number = viscosity.value(sample: sample)
    var term = term
    term.surroundings = .walls(.lid(profile))
    let result = VorticityEvolution(
      term, viscosity: number, stepper: .rungeKuttaCrankNicolson, interval: settings.times[0],
      savedCount: settings.times.count, control: settings.control
    ).solve(.zeros(thinning.solved.shape))
    let stored = lidThinning(Tensor(profile, shape: [profile.count]))
    var solution = settings.solution(
      result, fields: ["lid": stored], names: ["w"], on: thinning.solved, store: { thinning($0) })
    if viscosity.constant == nil { solution.scalars[viscosity.name] = number }
    if let (name, value) = lid.speed(sample: sample) { solution.scalars[name] = value }
    if let states = result.states {
      solution.fields["psi"] = thinning(streamfunctions(states))
      recording.record(states, on: thinning.solved, in: &solution)
    }
    return solution
  }

  private func streamfunctions(_ states: Tensor<Double>) -> Tensor<Double> {
    let points = thinning.solved.pointCount
    let values = states.withUnsafeBuffer { buffer in
      (0..<settings.times.count).flatMap { saved -> [Double] in
        let state = Tensor(
          buffer[saved * points..<(saved + 1) * points].map { Element($0) }, shape: thinning.solved.shape)
        return term.streamfunction(state).values.map { Double($0) }
      }
    }
    return Tensor(values, shape: states.shape)
  }
}
