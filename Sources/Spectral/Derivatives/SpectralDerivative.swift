// Derivatives of periodic functions by their Fourier coefficients.

import Tensors

/// Derivatives along periodic axes, exact for what the grid resolves.
///
/// Where n is even, the Nyquist wave cos(πj) has no sine beside it on the grid: it drops out of derivatives of odd
/// order (Trefethen, Spectral Methods in MATLAB, ch. 3).
public enum SpectralDerivative {
  /// `∂^order u/∂x^order` along one axis of a tensor, whose points are `x_j = j·length/n`.
  public static func derivative<Element: SpectralScalar>(
    of values: Tensor<Element>, axis: Int, order: Int = 1, length: Double
  ) -> Tensor<Element> {
    precondition(order >= 0 && length > 0, "a derivative of order \(order) on a length of \(length)")
    let n = values.shape[axis]
    let turns = order % 4
    let factors = Wavenumbers.halved(n).map { k -> (real: Double, imaginary: Double) in
      guard 2 * k != n || order.isMultiple(of: 2) else { return (0, 0) }
      // (iκ)^order, κ being 2πk/L.
      let size = power(2 * Double.pi * Double(k) / length, order)
      return turns == 0 ? (size, 0) : turns == 1 ? (0, size) : turns == 2 ? (-size, 0) : (0, -size)
    }
    var spectrum = FFT.realToComplex(values, axes: [axis])
    let inner = spectrum.shape[(axis + 1)...].dropLast().reduce(1, *)
    let modes = factors.count
    spectrum.withUnsafeMutableBuffer { buffer in
      guard let coefficients = buffer.baseAddress else { return }
      nonisolated(unsafe) let first = coefficients
      WorkerPool.shared.forEachRange(count: buffer.count / (2 * inner), grain: max(1, (1 << 13) / inner)) {
        range in
        for line in range {
          let factor = factors[line % modes]
          multiply(
            first + 2 * line * inner, by: Element(factor.real), Element(factor.imaginary), count: inner)
        }
      }
    }
    return FFT.complexToReal(spectrum, axes: [axis], count: n)
  }

  /// `Σ ∂²u/∂x_i²` over some axes with their lengths.
  public static func laplacian<Element: SpectralScalar>(
    of values: Tensor<Element>, axes: [Int], lengths: [Double]
  ) -> Tensor<Element> {
    precondition(axes.count == lengths.count, "one length for every axis")
    var sum = Tensor<Element>.zeros(values.shape)
    for (axis, length) in zip(axes, lengths) {
      let part = derivative(of: values, axis: axis, order: 2, length: length)
      sum.withUnsafeMutableBuffer { sum in
        part.withUnsafeBuffer { part in
          guard let target = sum.baseAddress, let source = part.baseAddress else { return }
          add(source, to: target, count: sum.count)
        }
      }
    }
    return sum
  }

  private static func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }
}

/// `z ← (a + ib) z` for pairs z.
@specialized(where Element == Float)
@specialized(where Element == Double)
private func multiply<Element: SpectralScalar>(
  _ values: UnsafeMutablePointer<Element>, by a: Element, _ b: Element, count: Int
) {
  for index in 0..<count {
    let (x, y) = (values[2 &* index], values[2 &* index &+ 1])
    values[2 &* index] = a * x - b * y
    values[2 &* index &+ 1] = a * y + b * x
  }
}

@specialized(where Element == Float)
@specialized(where Element == Double)
private func add<Element: SpectralScalar>(
  _ source: UnsafePointer<Element>, to target: UnsafeMutablePointer<Element>, count: Int
) {
  for index in 0..<count { target[index] += source[index] }
}
