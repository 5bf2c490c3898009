// Direct sums to hold the fast transforms against, and numbers to feed them.

import Spectral
import Tensors

/// Reproducible numbers in [−1, 1): a linear congruential generator is random enough for linear algebra.
func arbitrary<E: Scalar>(_ shape: [Int], seed: UInt64 = 1) -> Tensor<E> {
  var state = seed &* 0x9E37_79B9_7F4A_7C15
  return Tensor(
    (0..<shape.reduce(1, *)).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return E(Double(state >> 11) * 0x1p-52 - 1)
    }, shape: shape)
}

/// `√Σ(x−y)² / √Σy²` in Double.
func relativeDistance<E: Scalar>(_ x: Tensor<E>, _ y: Tensor<E>) -> Double {
  guard x.shape == y.shape else { return .infinity }
  var (difference, norm) = (0.0, 0.0)
  for (a, b) in zip(x.values, y.values) {
    difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
    norm += Double(b) * Double(b)
  }
  return norm == 0 ? difference.squareRoot() : (difference / norm).squareRoot()
}

/// `Σ x y` in Double, by halves: its error grows with the logarithm of the number of terms.
func innerProduct<E: Scalar>(_ x: Tensor<E>, _ y: Tensor<E>) -> Double {
  func sum(_ terms: ArraySlice<Double>) -> Double {
    guard terms.count > 64 else { return terms.reduce(0, +) }
    let middle = terms.startIndex + terms.count / 2
    return sum(terms[..<middle]) + sum(terms[middle...])
  }
  return sum(zip(x.values, y.values).map { Double($0) * Double($1) }[...])
}

/// `cos 2πm/n` and `sin 2πm/n`, the integer reduced first so that large m lose no digits.
func unitRoot(_ m: Int, _ n: Int) -> (cosine: Double, sine: Double) {
  let angle = 2 * Double.pi * Double(((m % n) + n) % n) / Double(n)
  return (Double.cos(angle), Double.sin(angle))
}

/// Applies the n_out×n_in complex matrix `entry(k, j)` along one axis of a complex tensor (trailing axis 2).
func applied(
  along axis: Int, of x: Tensor<Double>, outputCount: Int, _ entry: (Int, Int) -> (Double, Double)
) -> Tensor<Double> {
  let shape = x.shape
  let inputCount = shape[axis]
  let inner = shape[(axis + 1)...].dropLast().reduce(1, *)
  let outer = shape[..<axis].reduce(1, *)
  var outputShape = shape
  outputShape[axis] = outputCount
  let values = x.values
  var result = [Double](repeating: 0, count: outputShape.reduce(1, *))
  for k in 0..<outputCount {
    for j in 0..<inputCount {
      let (c, s) = entry(k, j)
      for o in 0..<outer {
        for i in 0..<inner {
          let source = 2 * ((o * inputCount + j) * inner + i)
          let target = 2 * ((o * outputCount + k) * inner + i)
          result[target] += c * values[source] - s * values[source + 1]
          result[target + 1] += c * values[source + 1] + s * values[source]
        }
      }
    }
  }
  return Tensor(result, shape: outputShape)
}

/// The unnormalized discrete Fourier transform of a complex tensor by its definition; `sign` −1 is forward.
func directTransform(_ x: Tensor<Double>, axes: [Int], sign: Int) -> Tensor<Double> {
  axes.reduce(x) { x, axis in
    let n = x.shape[axis]
    return applied(along: axis, of: x, outputCount: n) { k, j in
      let root = unitRoot(k * j, n)
      return (root.cosine, Double(sign) * root.sine)
    }
  }
}

/// A real tensor as a complex one.
func complexified<E: Scalar>(_ x: Tensor<E>) -> Tensor<Double> {
  Tensor(x.values.flatMap { [Double($0), 0] }, shape: x.shape + [2])
}

/// The first `count` entries along an axis of a complex tensor.
func prefix(_ x: Tensor<Double>, axis: Int, count: Int) -> Tensor<Double> {
  applied(along: axis, of: x, outputCount: count) { ($0 == $1 ? 1 : 0, 0) }
}

func converted<A: Scalar, B: Scalar>(_ x: Tensor<A>, to: B.Type) -> Tensor<B> {
  Tensor(x.values.map { B($0) }, shape: x.shape)
}
