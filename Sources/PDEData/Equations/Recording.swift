// What `--record` adds to files: numbers and spectra of every saved state.

import Tensors

/// The quantities that were asked for.
struct Recording: Sendable {
  private let quantities: StateQuantities
  private let chosen: [StateQuantities.Quantity]

  /// - Parameter names: as `--record` gives them.
  init(_ quantities: StateQuantities, _ names: [String], on grid: Grid) throws(ParameterError) {
    self.quantities = quantities
    var chosen: [StateQuantities.Quantity] = []
    for name in names {
      guard let quantity = quantities.all.first(where: { $0.name == name }) else {
        let names = quantities.all.map(\.name).joined(separator: ", ")
        throw ParameterError("record", "there is no \"\(name)\"; there are \(names)")
      }
      guard !quantity.isSpectrum || grid.axes.allSatisfy(\.isPeriodic) else {
        throw ParameterError("record", "a spectrum is of periodic fields")
      }
      if !chosen.contains(where: { $0.name == name }) { chosen.append(quantity) }
    }
    self.chosen = chosen
  }

  /// What files hold of states that are solved for on a grid.
  func fields(on grid: Grid) -> [FieldDescription] {
    chosen.map { quantity in
      guard quantity.isSpectrum else {
        return FieldDescription(
          quantity.name, hasTime: true, isOnGrid: false, longName: quantity.longName)
      }
      let wavenumbers = (0..<quantities.wavenumberCount(grid)).map(Double.init)
      return FieldDescription(
        quantity.name, hasTime: true,
        along: [CoordinateAxis("wavenumber", longName: "integer wavenumber k", values: wavenumbers)],
        longName: quantity.longName)
    }
  }

  /// Adds them for states `[time, …field, …grid]` to a sample.
  func record(_ states: Tensor<Double>, on grid: Grid, in solution: inout SampleSolution) {
    guard !chosen.isEmpty else { return }
    let shape = Array(states.shape.dropFirst())
    let count = shape.reduce(1, *)
    let measured = states.withUnsafeBuffer { buffer in
      (0..<states.shape[0]).map { saved in
        quantities.measure(Tensor(buffer[saved * count..<(saved + 1) * count], shape: shape), grid)
      }
    }
    for quantity in chosen {
      let values = measured.flatMap { $0[quantity.name] ?? [] }
      solution.fields[quantity.name] = Tensor(values, shape: [values.count])
    }
  }
}
