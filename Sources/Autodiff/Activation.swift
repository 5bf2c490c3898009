// The nonlinearities that fused operations end with.

import RealModule
import Tensors

/// What is applied to every value at the end of an operation.
public enum Activation: String, Sendable, Codable, CaseIterable {
  case identity
  /// x·Φ(x) with Φ the normal distribution function, by the error function: `F.gelu` of PyTorch.
  case gelu
  case tanh
  /// max(x, 0); its derivative at 0 is 0.
  case relu
  /// x/(1 + e^−x), also called swish.
  case silu
  case sine
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
  case .relu:
    if let derivative {
      for i in 0..<count { derivative[i] = values[i] > 0 ? 1 : 0 }
    }
    for i in 0..<count { values[i] = values[i] > 0 ? values[i] : 0 }
  case .silu:
    // 1/(1 + e^−x) = (1 + tanh(x/2))/2, which never overflows.
    for i in 0..<count {
      let x = values[i]
      let logistic = Relaxed.multiplyAdd(0.5, VectorMath.tanh(0.5 * x), 0.5)
      values[i] = x * logistic
      derivative?[i] = Relaxed.multiplyAdd(x * logistic, 1 - logistic, logistic)
    }
  case .sine:
    for i in 0..<count {
      derivative?[i] = E.cos(values[i])
      values[i] = E.sin(values[i])
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
  case .tanh, .relu, .silu, .sine:
    results.update(from: values, count: count)
    activate(activation, results, derivative: derivative, count: count)
  }
}
