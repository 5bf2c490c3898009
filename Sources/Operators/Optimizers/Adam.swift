// Adam and AdamW: one rule, two places for the decay of weights.

import RealModule
import Tensors

/// Adam, the decay of weights as an L2 term of the loss or apart from it (AdamW).
///
/// With g the gradient, p the parameter, η the learning rate, λ the decay, in step t:
///
///     g ← g + λp                    (Adam)        p ← (1 − ηλ)p                 (AdamW)
///     m ← β₁m + (1 − β₁)g           v ← β₂v + (1 − β₂)g²
///     p ← p − η/(1 − β₁ᵗ) · m / (√(v/(1 − β₂ᵗ)) + ε)
///
/// as `torch.optim.Adam` and `AdamW` have it. Kingma and Ba 2015 (arXiv:1412.6980), Loshchilov and Hutter 2019
/// (arXiv:1711.05101).
public struct Adam: UpdateRule {
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var weightDecay: Double
  /// AdamW where true.
  public var decouplesDecay: Bool

  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0,
    decouplesDecay: Bool
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.decouplesDecay = decouplesDecay
  }

  public var stateNames: [String] { ["first_moment", "second_moment"] }

  public func update<Element: Scalar>(_ stretch: ParameterStretch<Element>, _ step: OptimizationStep) {
    let correction1 = 1 - Double.pow(beta1, step.count)
    let correction2 = 1 - Double.pow(beta2, step.count)
    adamUpdate(
      stretch.value, stretch.gradient, stretch.state, stretch.state + stretch.stateStride,
      count: stretch.count,
      AdamConstants(
        gradientFactor: Element(step.gradientFactor), addedDecay: decouplesDecay ? 0 : Element(weightDecay),
        kept: decouplesDecay ? Element(1 - step.learningRate * weightDecay) : 1, beta1: Element(beta1),
        newPart1: Element(1 - beta1), beta2: Element(beta2), newPart2: Element(1 - beta2),
        rate: Element(step.learningRate / correction1), rootFactor: Element(1 / correction2.squareRoot()),
        epsilon: Element(epsilon)))
  }
}

private struct AdamConstants<E: Scalar> {
  let gradientFactor: E
  let addedDecay: E
  let kept: E
  let beta1: E
  let newPart1: E
  let beta2: E
  let newPart2: E
  let rate: E
  let rootFactor: E
  let epsilon: E
}

@specialized(where E == Float)
@specialized(where E == Double)
private func adamUpdate<E: Scalar>(
  _ p: UnsafeMutablePointer<E>, _ gradient: UnsafePointer<E>, _ m: UnsafeMutablePointer<E>,
  _ v: UnsafeMutablePointer<E>, count: Int, _ c: AdamConstants<E>
) {
  // Local copies: constants in memory could be changed by what the loop writes, for all the compiler knows.
  let (factor, addedDecay, kept, rate) = (c.gradientFactor, c.addedDecay, c.kept, c.rate)
  let (beta1, newPart1, beta2, newPart2) = (c.beta1, c.newPart1, c.beta2, c.newPart2)
  let (rootFactor, epsilon) = (c.rootFactor, c.epsilon)
  for i in 0..<count {
    let g = Relaxed.multiplyAdd(addedDecay, p[i], factor * gradient[i])
    let first = Relaxed.multiplyAdd(beta1, m[i], newPart1 * g)
    let second = Relaxed.multiplyAdd(beta2, v[i], newPart2 * g * g)
    m[i] = first
    v[i] = second
    // Of a number that could be negative the root is the C library's, which is no vector code.
    let root = Relaxed.multiplyAdd(rootFactor, max(second, 0).squareRoot(), epsilon)
    p[i] = Relaxed.multiplyAdd(kept, p[i], -(rate * first / root))
  }
}
