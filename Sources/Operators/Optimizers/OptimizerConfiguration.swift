// Optimizers as configurations name them.

/// Which optimizer, with its constants.
public struct OptimizerConfiguration: Codable, Sendable, Hashable {
  public enum Rule: String, Codable, Sendable, CaseIterable {
    /// The decay of weights is added to the gradient, as in the published trainings of Fourier neural operators.
    case adam
    /// The decay of weights is apart from the gradient.
    case adamw
    case sgd
  }

  public var rule: Rule
  public var learningRate: Double
  public var weightDecay: Double
  /// Of Adam and AdamW.
  public var beta1: Double
  /// Of Adam and AdamW.
  public var beta2: Double
  /// Of Adam and AdamW.
  public var epsilon: Double
  /// Of gradient descent.
  public var momentum: Double
  /// Of gradient descent.
  public var nesterov: Bool

  public init(
    rule: Rule = .adam, learningRate: Double = 1e-3, weightDecay: Double = 1e-4, beta1: Double = 0.9,
    beta2: Double = 0.999, epsilon: Double = 1e-8, momentum: Double = 0.9, nesterov: Bool = false
  ) {
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.momentum = momentum
    self.nesterov = nesterov
  }

  public var updateRule: any UpdateRule {
    switch rule {
    case .adam, .adamw:
      Adam(
        beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay,
        decouplesDecay: rule == .adamw)
    case .sgd:
      GradientDescent(momentum: momentum, weightDecay: weightDecay, isNesterov: nesterov)
    }
  }
}
