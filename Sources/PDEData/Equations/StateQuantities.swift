// What can be recorded of every saved state, along the time axis.

import Spectral
import Tensors

/// Numbers and spectra that follow from a state of an equation. A name means the same thing for all of them, as far as the
/// equation has it.
struct StateQuantities: Sendable {
  struct Quantity: Sendable {
    var name: String
    var longName: String
    /// A number for every wavenumber instead of one.
    var isSpectrum = false

    static func mass(of what: String) -> Quantity {
      Quantity(name: "mass", longName: "integral of \(what) over the domain")
    }
    static func energy(_ what: String) -> Quantity { Quantity(name: "energy", longName: "mean of \(what)") }
    /// Of periodic fields.
    static let spectrum = Quantity(
      name: "spectrum", longName: "energy of the modes with k <= |wavevector| < k + 1", isSpectrum: true)
    static let enstrophy = Quantity(name: "enstrophy", longName: "mean of w^2/2")
    static let palinstrophy = Quantity(name: "palinstrophy", longName: "mean of |grad w|^2/2")
  }

  var all: [Quantity]
  /// By name, of a state `[…field, …grid]`: one number, or those of the wavenumbers 0, 1, ….
  var measure: @Sendable (_ state: Tensor<Double>, _ grid: Grid) -> [String: [Double]]
  /// How many wavenumbers a spectrum on a grid has.
  var wavenumberCount: @Sendable (Grid) -> Int = { RadialSpectrum.binCount(grid: $0.shape) }

  /// Of one or several fields u.
  static let scalar = StateQuantities(
    all: [
      .mass(of: "the field (of several, of their sum)"), .energy("u^2/2 (of several, their sum)"), .spectrum,
    ],
    measure: { state, grid in
      let mean = BoxMean(grid)
      return [
        "mass": [mean(state) * volume(grid)], "energy": [mean(state) { $0 * $0 / 2 }],
        "spectrum": spectrum(state, grid),
      ]
    })

  static func volume(_ grid: Grid) -> Double { grid.axes.reduce(1) { $0 * $1.length } }

  /// Of one or several fields, half the squares of the coefficients by wavenumber, which add up to half the mean square;
  /// empty where an axis is not periodic.
  static func spectrum(_ state: Tensor<Double>, _ grid: Grid) -> [Double] {
    guard grid.axes.allSatisfy(\.isPeriodic) else { return [] }
    let spectra = RadialSpectrum.energy(of: state, dimensions: grid.axes.count)
    let count = RadialSpectrum.binCount(grid: grid.shape)
    return (0..<count).map { bin in
      stride(from: bin, to: spectra.count, by: count).reduce(0.0) { $0 + spectra.values[$1] / 2 }
    }
  }

  /// The parameter `--record`.
  var parameter: ParameterDescription {
    ParameterDescription(
      "record", .text, default: nil,
      help: "also, of every saved state: \(all.map(\.name).joined(separator: ", ")) (several: with commas)"
        + (all.contains(where: \.isSpectrum) ? "; a spectrum is of periodic fields" : ""))
  }
}
