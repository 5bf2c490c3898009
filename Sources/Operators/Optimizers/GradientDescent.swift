// Gradient descent with momentum.

import RealModule
import Tensors

/// Gradient descent with momentum μ and L2 decay λ: `g ← g + λp`, `b ← μb + g`, `p ← p − ηb`, or with Nesterov's
/// look ahead `p ← p − η(g + μb)`; as `torch.optim.SGD` without dampening.
public struct GradientDescent: UpdateRule {
  public var momentum: Double
  public var weightDecay: Double
  public var isNesterov: Bool

  public init(momentum: Double = 0, weightDecay: Double = 0, isNesterov: Bool = false) {
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.isNesterov = isNesterov
  }

  public var stateNames: [String] { momentum == 0 ? [] : ["momentum"] }

  public func update<Element: Scalar>(_ stretch: ParameterStretch<Element>, _ step: OptimizationStep) {
    let rate = Element(step.learningRate)
    let (factor, decay) = (Element(step.gradientFactor), Element(weightDecay))
    if momentum == 0 {
      descend(
        stretch.value, stretch.gradient, factor: factor, decay: decay, rate: rate, count: stretch.count)
    } else {
      descend(
        stretch.value, stretch.gradient, stretch.state, momentum: Element(momentum),
        ownGradient: isNesterov ? 1 : 0, velocityPart: isNesterov ? Element(momentum) : 1, factor: factor,
        decay: decay, rate: rate, count: stretch.count)
    }
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func descend<E: Scalar>(
  _ p: UnsafeMutablePointer<E>, _ gradient: UnsafePointer<E>, factor: E, decay: E, rate: E, count: Int
) {
  for i in 0..<count {
    let g = Relaxed.multiplyAdd(decay, p[i], factor * gradient[i])
    p[i] = Relaxed.multiplyAdd(-rate, g, p[i])
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func descend<E: Scalar>(
  _ p: UnsafeMutablePointer<E>, _ gradient: UnsafePointer<E>, _ b: UnsafeMutablePointer<E>, momentum: E,
  ownGradient: E, velocityPart: E, factor: E, decay: E, rate: E, count: Int
) {
  for i in 0..<count {
    let g = Relaxed.multiplyAdd(decay, p[i], factor * gradient[i])
    let velocity = Relaxed.multiplyAdd(momentum, b[i], g)
    b[i] = velocity
    p[i] = Relaxed.multiplyAdd(-rate, Relaxed.multiplyAdd(velocityPart, velocity, ownGradient * g), p[i])
  }
}
