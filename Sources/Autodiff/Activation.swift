// The nonlinearities that fused operations end with.

import RealModule
import Tensors

/// What is applied to every value at the end of an operation.
public enum Activation: String, Sendable, Codable, CaseIterable {
  case identity
  /// x·Φ(x) with Φ the normal distribution function, by the error function: `F.gelu` of PyTorch.
  case gelu
  case tanh
}

/// Applies `activation` in place to `count` values; where `derivative` is given, leaves the derivative there.
@specialized(where E == Float)
@specialized(where E == Double)
func activate<E: Scalar>(
  _ activation: Activation, _ values: UnsafeMutablePointer<E>, derivative: UnsafeMutablePointer<E>?,
  count: Int
) {
  switch activation {
  case .identity:
    break
  case .gelu:
    if let derivative {
      for i in 0..<count { (values[i], derivative[i]) = VectorMath.geluWithDerivative(values[i]) }
    } else {
      for i in 0..<count { values[i] = VectorMath.gelu(values[i]) }
    }
  case .tanh:
    for i in 0..<count { values[i] = VectorMath.tanh(values[i]) }
    if let derivative {
      for i in 0..<count { derivative[i] = Relaxed.multiplyAdd(-values[i], values[i], 1) }
    }
  }
}

/// Applies `activation` to `count` values and writes the results elsewhere.
@specialized(where E == Float)
@specialized(where E == Double)
func activate<E: Scalar>(
  _ activation: Activation, _ values: UnsafePointer<E>, into results: UnsafeMutablePointer<E>,
  derivative: UnsafeMutablePointer<E>?, count: Int
) {
  switch activation {
  case .identity:
    results.update(from: values, count: count)
  case .gelu:
    if let derivative {
      for i in 0..<count { (results[i], derivative[i]) = VectorMath.geluWithDerivative(values[i]) }
    } else {
      for i in 0..<count { results[i] = VectorMath.gelu(values[i]) }
    }
  case .tanh:
    results.update(from: values, count: count)
    activate(.tanh, results, derivative: derivative, count: count)
  }
}
