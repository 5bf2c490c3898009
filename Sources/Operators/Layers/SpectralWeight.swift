// The weights of a spectral convolution: dense, or factorized so that few numbers stand for many.

import Autodiff
import Spectral
import Tensors

/// How a spectral weight `W[in, out, k₁, …, k_d]` is stored.
public enum Factorization: String, Sendable, Codable, CaseIterable {
  /// Every number by itself.
  case dense
  /// A core and a matrix for every axis (Tucker 1966).
  case tucker
  /// A sum of outer products (Hitchcock 1927).
  case cp
  /// A chain of three-way cores (Oseledets 2011).
  case tt
}

/// The complex weights of a spectral convolution, and how a spectrum is multiplied with them.
protocol SpectralWeight<Element> {
  associatedtype Element: SpectralScalar

  /// `[K, 2, batch, in]` to `[K, 2, batch, out]`; mode k of the spectrum meets mode `modeIndices[k]` of the weight (k
  /// where nil).
  func contract(
    _ spectrum: Variable<Element>, modeIndices: [Int]?, on tape: Tape<Element>
  ) -> Variable<Element>

  /// The full weight, `[mode, 2, in, out]` or `[mode, 2, channel]`.
  func modeMajor(on tape: Tape<Element>) -> Variable<Element>

  /// Sets to zero all that belongs to coefficients along a grid axis that are not `active`.
  func clearModes(axis: Int, except active: [Bool])

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows
}

/// What the weights of a convolution have in common: their full shape, and which axes are channels.
struct SpectralWeightShape: Sendable {
  /// `[in, out]`, or `[channel]` of a separable convolution.
  let channels: [Int]
  /// Kept coefficients along each axis.
  let modes: [Int]

  var isSeparable: Bool { channels.count == 1 }
  var full: [Int] { channels + modes }
  var modeCount: Int { modes.reduce(1, *) }
}

/// A number for every pair of channels and every mode.
struct DenseSpectralWeight<Element: SpectralScalar>: SpectralWeight {
  private let weight: Parameter<Element>
  private let isSeparable: Bool
  private let modes: [Int]

  init(_ shape: SpectralWeightShape, standardDeviation: Element, _ initializer: inout Initializer) {
    isSeparable = shape.isSeparable
    modes = shape.modes
    weight = initializer.normal(
      shape: shape.full, layout: .modeMajorComplex(leading: shape.channels.count),
      standardDeviation: standardDeviation)
  }

  func contract(
    _ spectrum: Variable<Element>, modeIndices: [Int]?, on tape: Tape<Element>
  ) -> Variable<Element> {
    isSeparable
      ? tape.separableContraction(spectrum, weight: tape.variable(weight), modeIndices: modeIndices)
      : tape.spectralContraction(spectrum, weight: tape.variable(weight), modeIndices: modeIndices)
  }

  func modeMajor(on tape: Tape<Element>) -> Variable<Element> { tape.variable(weight) }

  func clearModes(axis: Int, except active: [Bool]) {
    let stride = modes[(axis + 1)...].reduce(1, *)
    let size = weight.count / modes.reduce(1, *)
    var value = weight.value
    let values = value.unsafeMutablePointer()
    for mode in 0..<modes.reduce(1, *) where !active[mode / stride % modes[axis]] {
      (values + mode * size).update(repeating: 0, count: size)
    }
    weight.value = value
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    try body(join(path, "tensor"), weight)
  }
}
