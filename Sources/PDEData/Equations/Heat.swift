// The heat equation, by alternating directions.

import Spectral
import Tensors

/// u_t = ν Δu in a box.
public struct HeatFlowEquation: Equation {
  public let name = "heat"
  public let summary = "u_t = nu lap u"
  public let dimensions = [2, 1, 3]

  public init() {}

  public var parameters: [ParameterDescription] {
    [
      CommonParameters.sampled("diffusivity", "0.01", "diffusivity ν"), BoxDomain.orderParameter,
      BoxField.parameter("random initial states"),
    ]
      + EvolutionSettings.parameters(
        methods: Self.methods.map(\.name), methodHelp: "splitting into directions",
        defaultMethod: "adi-peaceman-rachford in two dimensions, else adi-douglas-gunn", followsFlow: false,
        precisions: ["float64"])
      + BoxDomain.parameters(dimensions: dimensions, boundary: "dirichlet")
  }

  private static let methods: [(name: String, splitting: DirectionalSplitting)] = [
    ("adi-peaceman-rachford", .peacemanRachford), ("adi-dyakonov", .dyakonov),
    ("adi-douglas-gunn", .douglasGunn),
  ]

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let domain = try BoxDomain(["u0"], equation: self, parameters: parameters, input: input)
    let diffusivity = try SampleParameter("diffusivity", parameters, input)
    let rank = domain.stored.axes.count
    let asked = Self.methods.first { $0.name == parameters.text("method") }
    let splitting = asked?.splitting ?? (rank == 2 ? .peacemanRachford : .douglasGunn)
    guard splitting != .peacemanRachford || rank == 2 else {
      throw ParameterError("method", "adi-peaceman-rachford is for two dimensions, not \(rank)")
    }
    let order = BoxDomain.order(parameters)
    let name = Self.methods.first { $0.splitting == splitting }?.name ?? ""
    let settings = try EvolutionSettings(parameters, stepper: .init(name: name, order: 2))
    return try EvolutionProblem(
      BoxState(["u0"], on: domain, parameters: parameters, input: input), [diffusivity], settings,
      equation: self, attributes: [Attribute("order", .integer(order.rawValue))]
    ) { domain in
      _ = try domain.differences(order)
      let (grid, boundary) = (domain.solved, domain.boundary)
      return DifferenceSystem(
        fields: [("u", "temperature")],
        discretization: "finite differences of order \(order.rawValue), alternating directions",
        advance: { step, numbers in
          let solver = HeatSolver<Double>(
            HeatEquation(diffusivity: numbers[0], boundary: boundary), grid: grid, step: step,
            order: order,
            splitting: splitting)
          return { state, time, steps in
            var values = state.reshaped(grid.shape)
            // The state's memory is to be the values' alone, lest it is copied.
            state = Tensor(scalar: 0)
            solver.advance(&values, from: time, steps: steps)
            state = values.reshaped([1] + grid.shape)
            return true
          }
        },
        fastestRate: { $0[0] * order.fastestRate(grid) })
    }
  }
}

extension SecondDifference.Order {
  /// The largest eigenvalue of −Δ on a grid, or a little more.
  func fastestRate(_ grid: Grid) -> Double {
    grid.axes.reduce(0) { $0 + (self == .second ? 4 : 6) / ($1.spacing * $1.spacing) }
  }
}
