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
      ParameterDescription(
        "diffusivity", .positive(allowsRange: true), default: "0.01",
        help: "diffusivity ν, or a range a:b drawn per sample (uniform in the logarithm)"),
      ParameterDescription(
        "method", .choice(Self.methods.map(\.name)), default: nil,
        help: "splitting into directions (2-D: adi-peaceman-rachford, else adi-douglas-gunn)"),
      BoxDomain.orderParameter, RecordedQuantities.parameter(Self.quantities.map(\.name)),
      BoxField.parameter("random initial states"),
    ] + DifferenceSettings.parameters() + BoxDomain.parameters(boundary: "dirichlet")
  }

  private static let methods: [(name: String, splitting: DirectionalSplitting)] = [
    ("adi-peaceman-rachford", .peacemanRachford), ("adi-dyakonov", .dyakonov),
    ("adi-douglas-gunn", .douglasGunn),
  ]
  private static let quantities = [
    (name: "mass", longName: "mean of u"), (name: "energy", longName: "mean of u^2/2"),
  ]

  public func problem(_ parameters: ParameterValues, input: InputSource) throws -> any DatasetProblem {
    let settings = try DifferenceSettings(parameters)
    let domain = try BoxDomain(["u0"], equation: self, parameters: parameters, input: input)
    let diffusivity = try SampleParameter("diffusivity", parameters, input)
    let rank = domain.stored.axes.count
    let asked = Self.methods.first { $0.name == parameters.text("method") }
    let splitting = asked?.splitting ?? (rank == 2 ? .peacemanRachford : .douglasGunn)
    guard splitting != .peacemanRachford || rank == 2 else {
      throw ParameterError("method", "adi-peaceman-rachford is for two dimensions, not \(rank)")
    }
    let order = BoxDomain.order(parameters)
    let recorded = try RecordedQuantities.chosen(parameters, of: Self.quantities)
    return try DifferenceProblem(
      domain, [BoxField("u0", on: domain, parameters: parameters, input: input)], [diffusivity], settings,
      equation: self, attributes: [Attribute("order", .integer(order.rawValue))]
    ) { domain in
      _ = try domain.differences(order)
      let (grid, boundary) = (domain.solved, domain.boundary)
      return DifferenceSystem(
        components: [("u", "temperature")],
        discretization: "finite differences of order \(order.rawValue), alternating directions",
        timeStepper: Self.methods.first { $0.splitting == splitting }?.name ?? "",
        solver: { step, parameters in
          let solver = HeatSolver<Double>(
            HeatEquation(diffusivity: parameters[0], boundary: boundary), grid: grid, step: step,
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
        fastestRate: { $0[0] * order.fastestRate(grid) },
        quantities: recorded,
        measure: { state in
          state.withUnsafeBuffer { ["mass": domain.mean($0), "energy": domain.mean($0) { $0 * $0 / 2 }] }
        })
    }
  }
}

extension SecondDifference.Order {
  /// The largest eigenvalue of −Δ on a grid, or a little more.
  func fastestRate(_ grid: Grid) -> Double {
    grid.axes.reduce(0) { $0 + (self == .second ? 4 : 6) / ($1.spacing * $1.spacing) }
  }
}
