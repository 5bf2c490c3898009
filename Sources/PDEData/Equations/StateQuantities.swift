// What can be recorded of every saved state, along the time axis.

import Spectral
import Tensors

/// Numbers and spectra that follow from a state of an equation.
struct StateQuantities: Sendable {
  struct Quantity: Sendable {
    var name: String
    var longName: String
    /// A number for every wavenumber instead of one.
    var isSpectrum = false
  }

  var all: [Quantity]
  /// By name, of a state `[…field, …grid]`: one number, or those of the wavenumbers 0, 1, ….
  var measure: @Sendable (_ state: Tensor<Double>, _ grid: Grid) -> [String: [Double]]
  /// How many wavenumbers a spectrum on a grid has.
  var wavenumberCount: @Sendable (Grid) -> Int = { _ in 0 }

  /// Of one or several fields; spectra are those of periodic ones.
  static let scalar = StateQuantities(
    all: [
      Quantity(name: "mass", longName: "integral of the field over the domain (of several, of their sum)"),
      Quantity(name: "energy", longName: "mean of half the square"),
      Quantity(
        name: "spectrum", longName: "energy of the modes with k <= |wavevector| < k + 1", isSpectrum: true),
    ],
    measure: { state, grid in
      // Nodes have zeros at their ends: the trapezoidal rule.
      let cell = grid.axes.reduce(1) { $0 * $1.spacing }
      let volume = grid.axes.reduce(1) { $0 * $1.length }
      var found = [
        "mass": [state.sum() * cell], "energy": [state.sumOfSquares() * cell / (2 * volume)],
      ]
      if grid.axes.allSatisfy(\.isPeriodic) {
        let spectra = RadialSpectrum.energy(of: state, dimensions: grid.axes.count)
        let count = RadialSpectrum.binCount(grid: grid.shape)
        found["spectrum"] = (0..<count).map { bin in
          stride(from: bin, to: spectra.count, by: count).reduce(0.0) { $0 + spectra.values[$1] / 2 }
        }
      }
      return found
    },
    wavenumberCount: { RadialSpectrum.binCount(grid: $0.shape) })

  /// Of a plane flow on a periodic grid by its vorticity w.
  static let vorticity = StateQuantities(
    all: [
      Quantity(name: "energy", longName: "mean of |u|^2/2"),
      Quantity(name: "enstrophy", longName: "mean of w^2/2"),
      Quantity(name: "palinstrophy", longName: "mean of |grad w|^2/2"),
      Quantity(name: "mass", longName: "integral of w over the domain"),
      Quantity(
        name: "spectrum", longName: "energy of the modes with k <= |wavevector| < k + 1", isSpectrum: true),
    ],
    measure: { state, grid in
      let lengths = grid.axes.map(\.length)
      let found = VorticityQuantities(of: state.reshaped(grid.shape), lengths: lengths)
      return [
        "energy": [found.energy], "enstrophy": [found.enstrophy], "palinstrophy": [found.palinstrophy],
        "mass": [state.mean() * lengths.reduce(1, *)], "spectrum": found.spectrum,
      ]
    },
    wavenumberCount: { VorticityQuantities.wavenumberCount(shape: $0.shape) })

  /// The parameter `--record`.
  var parameter: ParameterDescription {
    ParameterDescription(
      "record", .text, default: nil,
      help:
        "also, of every saved state: \(all.map(\.name).joined(separator: ", ")) (several: with commas)")
  }
}

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
