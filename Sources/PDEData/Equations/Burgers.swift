// Burgers' equation.

import RealModule
import Spectral
import Tensors

/// u_t + (u²/2)_x = ν u_xx; in two dimensions u_t + u u_x + v u_y = νΔu, v_t + u v_x + v v_y = νΔv. Periodic, or zero at the ends.
public struct BurgersEquation: Equation {
  public let name = "burgers"
  public let summary =
    "u_t + (u^2/2)_x = nu u_xx (2-D: u_t + (u.grad) u = nu lap u), periodic or zero at the ends"
  public let dimensions = [1, 2]

  public init() {}

  private static let surroundings = [InitialState.Surroundings.periodic, .zero]
  private static let stepper = EvolutionSettings.Stepper(
    name: "SSPRK3-CN", order: BurgersSolver<Double>.order)

  private static func methodName(_ flux: ConvectiveFlux) -> String { "differences-\(flux.rawValue)" }

  public var parameters: [ParameterDescription] {
    let methods =
      SemilinearMethod.all.map(EvolutionSettings.methodName) + ConvectiveFlux.allCases.map(Self.methodName)
    return [CommonParameters.viscosity("0.1"), CommonParameters.dimension(dimensions)]
      + EvolutionSettings.parameters(methods: methods)
      + InitialState.parameters(Self.surroundings)
  }

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let surroundings: InitialState.Surroundings =
      parameters.text("boundary") == InitialState.Surroundings.zero.name ? .zero : .periodic
    let rank = try InitialState.rank("u0", input)
    guard rank <= 2 else { throw ParameterError("inputs", "\(name) has one or two dimensions, not \(rank)") }
    var flux = ConvectiveFlux.allCases.first { Self.methodName($0) == parameters.text("method") }
    // Where the spectral default does not apply.
    if rank == 2, surroundings.isZero, !parameters.given.contains("method") { flux = .central }
    let settings = try EvolutionSettings(parameters, stepper: flux.map { _ in Self.stepper })
    let presets = InitialState.Presets(paper: .burgersPaper, script: .burgersScript)
    let initial =
      rank == 1
      ? try InitialState(
        "u0", rank: 1, equation: name, parameters: parameters, input: input, presets: presets,
        surroundings: surroundings)
      : try InitialState(
        "u0", "v0", rank: 2, equation: name, parameters: parameters, input: input, presets: presets,
        surroundings: surroundings)
    let viscosity = try SampleParameter("viscosity", parameters, input)
    if let flux {
      return settings.isSinglePrecision
        ? try differences(initial, viscosity, settings, flux, Float.self)
        : try differences(initial, viscosity, settings, flux, Double.self)
    }
    return settings.isSinglePrecision
      ? try spectral(initial, viscosity, settings, surroundings, Float.self)
      : try spectral(initial, viscosity, settings, surroundings, Double.self)
  }

  private func fields(_ rank: Int) -> [(name: String, longName: String)] {
    rank == 1 ? [("u", "velocity")] : [("u", "velocity along x"), ("v", "velocity along y")]
  }

  // MARK: - Finite differences

  private func differences<Element: Scalar>(
    _ initial: InitialState, _ viscosity: SampleParameter, _ settings: EvolutionSettings,
    _ flux: ConvectiveFlux, _ element: Element.Type
  ) throws -> any DatasetProblem {
    guard initial.names.count == 1 || flux == .central else {
      throw ParameterError("method", "\(Self.methodName(flux)) is for one dimension")
    }
    return try EvolutionProblem(initial, [viscosity], settings, equation: self) { grid in
      let points = grid.shape.map(String.init).joined(separator: "x")
      let diffusion = flux == .weno ? "compact fourth-order diffusion" : "second-order diffusion"
      let directions = grid.axes.count == 1 ? "" : " by alternating directions"
      return SchemeSystem(
        discretization:
          "finite differences on \(points) points, \(flux.rawValue) convection, \(diffusion)\(directions)",
        fields: fields(grid.axes.count),
        remark: { scheme, initial in flux == .central ? Self.remark(scheme, initial) : nil },
        scheme: { BurgersSolver<Element>(grid: grid, flux: flux, viscosity: $0[0]) })
    }
  }

  /// Central differences oscillate where the cell's Péclet number |u|h/ν exceeds 2 and the solution is steep.
  private static func remark<Element: Scalar>(
    _ scheme: BurgersSolver<Element>, _ initial: Tensor<Double>
  ) -> String? {
    let spacing = scheme.term.grid.axes.map(\.spacing).max() ?? 0
    let number = initial.maximumMagnitude() * spacing / scheme.viscosity
    guard number > 2 else { return nil }
    return
      "the cell Péclet number |u|h/ν is \(Float((number * 10).rounded() / 10)): above 2 central differences oscillate "
      + "at steep fronts; a finer --solve-resolution, or in one dimension --method differences-weno, does not"
  }

  // MARK: - Pseudo-spectral

  private func spectral<Element: SpectralScalar>(
    _ initial: InitialState, _ viscosity: SampleParameter, _ settings: EvolutionSettings,
    _ surroundings: InitialState.Surroundings, _ element: Element.Type
  ) throws -> any DatasetProblem {
    guard initial.names.count == 1 else {
      guard !surroundings.isZero else {
        throw ParameterError(
          "method",
          "spectral methods in two dimensions are for --boundary periodic; differences-central is not")
      }
      return try EvolutionProblem(initial, [viscosity], settings, equation: self) { grid in
        let lengths = grid.axes.map(\.length)
        let convection = VectorConvection<Element>(shape: grid.shape, lengths: lengths)
        let box = convection.basis.base
        return PeriodicSystem(
          nonlinearity: convection, basis: convection.basis,
          eigenvalues: { viscosity in
            let field = box.laplacian(lengths: lengths, times: viscosity)
            return field + field
          },
          fields: fields(2))
      }
    }
    /// The eigenvalues −νω² of an axis of this period, for each number of a state.
    @Sendable func eigenvalues(_ count: Int, _ period: Double, _ viscosity: Double) -> [Double] {
      (0..<count).map { index in
        let frequency = 2 * Double.pi * Double(index / 2) / period
        return -viscosity * frequency * frequency
      }
    }
    if surroundings.isZero {
      return try EvolutionProblem(initial, [viscosity], settings, equation: self) { grid in
        let axis = grid.axes[0]
        let convection = SineConvection<Element>(nodes: axis.count, length: axis.length)
        return PeriodicSystem(
          nonlinearity: convection, basis: convection.axis,
          eigenvalues: { eigenvalues(convection.stateCounts[0], 2 * axis.length, $0) },
          fields: fields(1), courantGuess: Double(axis.count) / 10,
          expansion: "pseudo-spectral by sine series of the odd continuation")
      }
    }
    return try EvolutionProblem(initial, [viscosity], settings, equation: self) { grid in
      let axis = grid.axes[0]
      let convection = ConservativeConvection<Element>(count: axis.count, length: axis.length)
      return PeriodicSystem(
        nonlinearity: convection, basis: convection.axis,
        eigenvalues: { eigenvalues(convection.stateCounts[0], axis.length, $0) },
        fields: fields(1),
        // In a step, the fastest point travels a tenth of the domain.
        courantGuess: Double(axis.count) / 10)
    }
  }
}
