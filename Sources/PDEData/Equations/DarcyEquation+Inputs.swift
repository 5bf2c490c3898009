// What the command line says of Darcy's coefficients, sources and grids.

import RealModule
import Spectral
import Tensors

extension DarcyEquation {
  /// Everything that differs from sample to sample, and where it lies.
  struct Inputs {
    var thinning: Thinning
    var coefficient: DarcyCoefficient
    var source: DarcySource
    var attributes: [Attribute]
  }

  func inputs(_ parameters: ParameterValues, _ input: InputSource) throws -> Inputs {
    switch input {
    case .random(let seed, let resolution):
      let thinning = try thinning(parameters, resolution)
      let measure = try CommonParameters.measure(parameters, paper: .darcyPaper, script: .darcyPaper)
      let sampler = try GaussianSampler(measure, grid: thinning.solved)
      let (coefficient, attributes) = try coefficient(
        parameters, .random(sampler, seed: seed), measure: "\(measure)")
      let (source, sourceAttribute) = try source(parameters, sampler, seed: seed)
      return Inputs(
        thinning: thinning, coefficient: coefficient, source: source, attributes: attributes + sourceAttribute
      )
    case .dataset(let reader):
      for name in ["random-field", "coefficient", "log-scale", "domain", "grid", "solve-resolution"]
      where parameters.given.contains(name) {
        throw ParameterError(
          name, "is for generated data; the coefficient and its points come from \(reader.path)")
      }
      let rank = try min(3, max(2, reader.variable("a").gridDimensions.count))
      let (variable, grid) = try InputField.find("a", in: reader, rank: rank)
      try check(variable, grid, reader)
      let (source, attributes) = try source(parameters, reader, grid)
      return Inputs(
        thinning: try Thinning(stored: grid, resolution: grid.shape),
        coefficient: .given(.dataset(reader, variable)), source: source, attributes: attributes)
    }
  }

  private func coefficient(
    _ parameters: ParameterValues, _ field: InputField, measure: String
  ) throws(ParameterError) -> (DarcyCoefficient, [Attribute]) {
    let text =
      parameters.given.contains("coefficient")
      ? parameters.text("coefficient") : parameters.text("random-field") == "script" ? "12:4" : "12:3"
    guard text == "log-normal" || !parameters.given.contains("log-scale") else {
      throw ParameterError("log-scale", "is for --coefficient log-normal")
    }
    if text == "log-normal" {
      let scale = parameters.real("log-scale") ?? 1
      return (
        .logNormal(field, scale: scale),
        [
          Attribute("random_field", .text("a = exp(\(scale) g); g ~ \(measure)")),
          Attribute("coefficient", "log-normal"), Attribute("log_scale", .real(scale)),
        ]
      )
    }
    let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
    guard (1...2).contains(numbers.count), numbers.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw ParameterError(
        "coefficient", "\"\(text)\" is not two positive numbers above:below, one, or log-normal")
    }
    guard numbers.count == 2 else {
      return (.constant(numbers[0]), [Attribute("coefficient", .real(numbers[0]))])
    }
    return (
      .threshold(field, above: numbers[0], below: numbers[1]),
      [
        Attribute(
          "random_field", .text("a = \(numbers[0]) where g >= 0, \(numbers[1]) elsewhere; g ~ \(measure)")),
        Attribute("coefficient", .reals(numbers, .float64)),
      ]
    )
  }

  private func constantSource(_ parameters: ParameterValues) throws(ParameterError) -> (
    DarcySource, [Attribute]
  ) {
    let text = parameters.text("forcing")
    guard let value = Double(text), value.isFinite else {
      throw ParameterError("forcing", "\"\(text)\" is not a number, nor random with random coefficients")
    }
    return (.constant(value), [Attribute("forcing", .real(value))])
  }

  private func source(
    _ parameters: ParameterValues, _ sampler: GaussianSampler, seed: UInt64
  ) throws(ParameterError) -> (DarcySource, [Attribute]) {
    guard parameters.text("forcing") == "random" else { return try constantSource(parameters) }
    return (
      .random(sampler, seed: seed), [Attribute("forcing", .text("f(sample, ...) ~ \(sampler.measure)"))]
    )
  }

  /// The file's own source, unless another is asked for.
  private func source(
    _ parameters: ParameterValues, _ reader: DatasetReader, _ grid: Grid
  ) throws -> (DarcySource, [Attribute]) {
    guard !parameters.given.contains("forcing"), reader.variables.contains(where: { $0.name == "f" }) else {
      return try constantSource(parameters)
    }
    let (variable, own) = try InputField.find("f", in: reader, rank: grid.axes.count)
    guard own.shape == grid.shape else {
      throw DatasetError(
        .invalidData, path: reader.path, variable: "f",
        "lies on \(own.shape) points, but a on \(grid.shape)")
    }
    return (
      .given(.dataset(reader, variable)), [Attribute("forcing", "f(sample, ...) of the input file")]
    )
  }

  private func fewest(_ placement: Grid.Placement) -> Int { placement == .nodes ? 3 : 2 }

  private func thinning(_ parameters: ParameterValues, _ resolution: [Int]) throws(ParameterError) -> Thinning
  {
    let placement: Grid.Placement = parameters.text("grid") == "cells" ? .cells : .nodes
    let (lower, upper) = parameters.interval("domain") ?? (0, 1)
    guard let smallest = resolution.min(), smallest >= fewest(placement) else {
      throw ParameterError(
        "resolution",
        "\(resolution.min() ?? 0) \(placement.rawValue) are too few; \(name) wants at least \(fewest(placement))"
      )
    }
    let axes = zip(["z", "y", "x"].suffix(resolution.count), resolution).map { name, count in
      Grid.Axis(name: name, lowerBound: lower, upperBound: upper, count: count, placement: placement)
    }
    let stored = Grid(axes: axes)
    guard case .text(let text)? = parameters["solve-resolution"] else {
      return try Thinning(stored: stored, resolution: resolution)
    }
    return try Thinning(
      stored: stored,
      resolution: CommonParameters.resolution(text, rank: resolution.count, parameter: "solve-resolution"))
  }

  private func check(_ variable: DatasetVariable, _ grid: Grid, _ reader: DatasetReader) throws(DatasetError)
  {
    func failure(_ message: String) -> DatasetError {
      DatasetError(.invalidData, path: reader.path, variable: variable.name, message)
    }
    let placement = grid.axes[0].placement
    guard !grid.axes.contains(where: \.isPeriodic), grid.axes.allSatisfy({ $0.placement == placement }) else {
      throw failure("lies on \(grid); nodes or cells along all axes were expected")
    }
    guard grid.shape.allSatisfy({ $0 >= fewest(placement) }) else {
      throw failure(
        "has \(grid.shape) points; at least \(fewest(placement)) \(placement.rawValue) along each axis are wanted"
      )
    }
  }
}
