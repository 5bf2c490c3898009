// The truncated Fourier transform and its inverse on the tape: each is the other's adjoint but for weights.

import Spectral
import Tensors

/// The kept Fourier coefficients of every channel, forward-normalized: `x̂_k = (1/N) Σ_j x_j e^{−ik·x_j}`.
///
/// `[batch, channel, …grid]` becomes `[mode, {real, imaginary}, batch, channel]`.
struct TruncatedAnalysis<Element: SpectralScalar>: DifferentiableOperation {
  let transform: TruncatedTransform<Element>
  let pointCount: Int

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    transform.analyze(inputs[0], scale: 1 / Element(pointCount), doublesInterior: false)
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    let shape = Array(gradient.shape[2...]) + transform.gridShape
    guard var result = slots.begin(0, shape: shape) else { return }
    transform.synthesize(
      gradient, scale: 1 / Element(pointCount), doublesInterior: false, into: &result.tensor,
      accumulate: result.accumulates)
    slots.end(0, result)
  }
}

/// The real function with the given kept coefficients: `y_j = Σ_k w_k Re(ŷ_k e^{ik·x_j})`, w_k counting the
/// conjugate half that the last axis leaves out.
///
/// `[mode, {real, imaginary}, batch, channel]` becomes `[batch, channel, …grid]`.
struct TruncatedSynthesis<Element: SpectralScalar>: DifferentiableOperation {
  let transform: TruncatedTransform<Element>

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    transform.synthesize(inputs[0], scale: 1, doublesInterior: true)
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    slots.add(0, transform.analyze(gradient, scale: 1, doublesInterior: true))
  }
}

extension Tape where Element: SpectralScalar {
  /// Kept coefficients `[mode, {real, imaginary}, batch, channel]` of `input` `[batch, channel, …grid]`.
  public func truncatedAnalysis(
    _ input: Variable<Element>, _ transform: TruncatedTransform<Element>
  ) -> Variable<Element> {
    apply(
      TruncatedAnalysis(transform: transform, pointCount: transform.gridShape.reduce(1, *)), [input])
  }

  /// The real function `[batch, channel, …grid]` with the kept coefficients `spectrum`.
  public func truncatedSynthesis(
    _ spectrum: Variable<Element>, _ transform: TruncatedTransform<Element>
  ) -> Variable<Element> {
    apply(TruncatedSynthesis(transform: transform), [spectrum])
  }
}
