import PDEData
import Tensors

/// Files of initial states for the solvers to start from.
enum InitialStates {
  static func write(
    _ path: String, points: Int, lower: Double = 0, upper: Double = 1, states: [(Double) -> Double],
    viscosities: [Double]? = nil, placement: Grid.Placement = .periodic
  ) throws {
    let axis = Grid.Axis(
      name: "x", lowerBound: lower, upperBound: upper, count: points, placement: placement)
    var schema = DatasetSchema(sampleCount: states.count, grid: Grid(axes: [axis]))
    schema.addField("u0", type: .float64, hasTime: false, axes: ["x"], longName: "initial state")
    if viscosities != nil { schema.addScalar("viscosity", longName: "viscosity") }
    let writer = try DatasetWriter(path: path, schema: schema)
    let all = 0..<states.count
    try writer.write("u0", samples: all, values: states.flatMap { axis.coordinates.map($0) })
    if let viscosities { try writer.write("viscosity", samples: all, numbers: viscosities) }
    try writer.finish()
  }

  static func values(_ reader: DatasetReader, _ name: String) throws -> [Double] {
    let tensor: Tensor<Double> = try reader.read(reader.variable(name))
    return tensor.values
  }
}
