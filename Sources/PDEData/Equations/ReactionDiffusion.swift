// Reaction and diffusion: FitzHugh and Nagumo's excitable medium.

import Spectral
import Tensors

/// u_t = D_u Δu + u − u³ − v − k, v_t = D_v Δv + ε(u − γv) in a box; by default as in PDEBench (Takamoto et al. 2022).
public struct FitzHughNagumoEquation: Equation {
  public let name = "reaction-diffusion"
  public let summary = "u_t = Du lap u + u - u^3 - v - k, v_t = Dv lap v + epsilon (u - gamma v)"
  public let dimensions = [2, 1, 3]

  public init() {}

  public var parameters: [ParameterDescription] {
    [
      CommonParameters.sampled("diffusivity-u", "1e-3", "diffusivity of the activator"),
      CommonParameters.sampled("diffusivity-v", "5e-3", "diffusivity of the inhibitor"),
      ParameterDescription("threshold", .real, default: "5e-3", help: "constant k of the activator"),
      CommonParameters.sampled("recovery", "1", "rate ε of the inhibitor"),
      CommonParameters.sampled("decay", "1", "decay γ of the inhibitor"),
      BoxDomain.orderParameter, BoxField.parameter("random initial states"),
    ]
      + EvolutionSettings.parameters(
        methods: Self.methods.map(\.name),
        methodHelp: "alternating directions, with the reaction split off (strang) or extrapolated (imex)",
        finalTime: "5", followsFlow: false, precisions: ["float64"])
      + BoxDomain.parameters(
        dimensions: dimensions, boundary: "neumann", grid: "cells", domain: "-1:1")
  }

  private static let methods: [(name: String, coupling: ReactionCoupling, limit: Double)] = [
    // Half steps of the classical Runge–Kutta method, stable to 2.785; Adams and Bashforth's to 1.
    ("adi-strang", .strang, 5.57), ("adi-imex", .implicitExplicit, 1),
  ]

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let domain = try BoxDomain(["u0", "v0"], equation: self, parameters: parameters, input: input)
    let varying = try ["diffusivity-u", "diffusivity-v", "threshold", "recovery", "decay"].map {
      try SampleParameter($0, parameters, input)
    }
    let method = Self.methods.first { $0.name == parameters.text("method") } ?? Self.methods[0]
    let settings = try EvolutionSettings(parameters, stepper: .init(name: method.name, order: 2))
    let order = BoxDomain.order(parameters)
    return try EvolutionProblem(
      BoxState(["u0", "v0"], on: domain, parameters: parameters, input: input), varying, settings,
      equation: self,
      attributes: [Attribute("order", .integer(order.rawValue))]
    ) { domain in
      _ = try domain.differences(order)
      let (grid, boundary) = (domain.solved, domain.boundary)
      return DifferenceSystem(
        fields: [("u", "activator"), ("v", "inhibitor")],
        discretization: "finite differences of order \(order.rawValue), alternating directions",
        advance: { step, numbers in
          let equation = ReactionDiffusionEquation(
            FitzHughNagumo(threshold: numbers[2], recovery: numbers[3], decay: numbers[4]),
            diffusivities: [numbers[0], numbers[1]], boundary: boundary)
          let solver = ReactionDiffusionSolver<FitzHughNagumo, Double>(
            equation, grid: grid, step: step, order: order, coupling: method.coupling)
          return { state, _, steps in
            solver.advance(&state, steps: steps)
            return true
          }
        },
        fastestRate: { max($0[0], $0[1]) * order.fastestRate(grid) },
        firstStep: { 0.5 / Self.rate($0, $1) },
        stepLimit: { method.limit / Self.rate($0, $1) })
    }
  }

  /// A bound of the reaction's rates: the rows of its Jacobian at the largest values.
  private static func rate(_ state: Tensor<Double>, _ numbers: [Double]) -> Double {
    let largest = max(1, state.maximumMagnitude())
    return max(3 * largest * largest, numbers[3] * (1 + numbers[4]))
  }
}
