// What an optimizer is: a rule that turns a gradient into a change of the parameter.

import Tensors

/// The rule of an optimizer, applied to every real number of every parameter alike; a complex parameter is its
/// real and its imaginary parts.
///
/// The walk over parameters, what is remembered of them and the clipping of gradients are in ``Optimizer``.
public protocol UpdateRule: Sendable {
  /// What is remembered of every number, as checkpoints name it; zero in the beginning.
  var stateNames: [String] { get }

  /// Takes one step for a stretch of a parameter, in one pass over the memory. A kernel: called on many threads.
  func update<Element: Scalar>(_ stretch: ParameterStretch<Element>, _ step: OptimizationStep)
}

/// What all numbers of a parameter have in common in one step.
public struct OptimizationStep: Sendable {
  public var learningRate: Double
  /// Steps this parameter has taken, this one included.
  public var count: Int
  /// What the gradient is multiplied by first: less than one where it is clipped.
  public var gradientFactor: Double
}

/// A stretch of a parameter's memory.
public struct ParameterStretch<Element: Scalar> {
  public let value: UnsafeMutablePointer<Element>
  public let gradient: UnsafePointer<Element>
  /// What is remembered under the first of the rule's names; the others follow ``stateStride`` elements apart.
  public let state: UnsafeMutablePointer<Element>
  public let stateStride: Int
  public let count: Int
}
