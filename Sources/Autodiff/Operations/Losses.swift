// What training makes small: the distance of a prediction from its target, as a scalar on the tape.

import Tensors

/// The mean over samples of `‖p − t‖₂ / ‖t‖₂`, norms over all channels and points of a sample.
struct RelativeL2<Element: Scalar>: DifferentiableOperation {
  let target: Tensor<Element>
  private var saved: (prediction: Tensor<Element>, factors: [Element])?

  init(target: Tensor<Element>) { self.target = target }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let prediction = inputs[0]
    precondition(prediction.shape == target.shape, "a prediction has its target's shape")
    let batch = prediction.shape[0]
    let norms = relativeL2Norms(prediction, target)
    let loss = norms.reduce(Element(0)) { $0 + $1.difference / $1.target } / Element(batch)
    if recording {
      let factors = norms.map {
        $0.difference > 0 ? 1 / ($0.difference * $0.target * Element(batch)) : 0
      }
      saved = (prediction, factors)
    }
    return Tensor(scalar: loss)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (prediction, factors) = saved else { return }
    let seed = gradient.scalarValue
    slots.add(0, scaledDifference(prediction, target, factors: factors.map { $0 * seed }))
  }
}

/// The mean of `(p − t)²` over everything.
struct MeanSquaredError<Element: Scalar>: DifferentiableOperation {
  let target: Tensor<Element>
  private var prediction: Tensor<Element>?

  init(target: Tensor<Element>) { self.target = target }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let input = inputs[0]
    precondition(input.shape == target.shape, "a prediction has its target's shape")
    let norms = relativeL2Norms(input, target)
    let total = norms.reduce(Element(0)) { $0 + $1.difference * $1.difference }
    if recording { prediction = input }
    return Tensor(scalar: total / Element(input.count))
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let prediction else { return }
    let factor = 2 * gradient.scalarValue / Element(prediction.count)
    let factors = [Element](repeating: factor, count: prediction.shape[0])
    slots.add(0, scaledDifference(prediction, target, factors: factors))
  }
}

/// For each sample `‖p − t‖₂` and `‖t‖₂` over all channels and points.
private func relativeL2Norms<E: Scalar>(
  _ prediction: Tensor<E>, _ target: Tensor<E>
) -> [(difference: E, target: E)] {
  let batch = prediction.shape[0]
  let count = prediction.count / max(batch, 1)
  var norms = Tensor<E>(uninitialized: [batch, 2])
  let (p, t, n) = (prediction.unsafePointer, target.unsafePointer, norms.unsafeMutablePointer())
  WorkerPool.shared.run(tasks: batch) { sample in
    n[2 * sample] =
      E(Reductions.sumOfSquaredDifferences(p + sample * count, t + sample * count, count: count).squareRoot())
    n[2 * sample + 1] = E(Reductions.sumOfSquares(t + sample * count, count: count).squareRoot())
  }
  withExtendedLifetime((prediction, target)) {}
  return (0..<batch).map { (norms[$0, 0], norms[$0, 1]) }
}

/// `factors[sample]·(p − t)`.
private func scaledDifference<E: Scalar>(
  _ prediction: Tensor<E>, _ target: Tensor<E>, factors: [E]
) -> Tensor<E> {
  let count = prediction.count / max(factors.count, 1)
  var result = Tensor<E>(uninitialized: prediction.shape)
  let (p, t, r) = (prediction.unsafePointer, target.unsafePointer, result.unsafeMutablePointer())
  WorkerPool.shared.run(tasks: factors.count) { sample in
    scaledDifference(
      p + sample * count, t + sample * count, factor: factors[sample], into: r + sample * count, count: count)
  }
  withExtendedLifetime((prediction, target)) {}
  return result
}

@specialized(where E == Float)
@specialized(where E == Double)
private func scaledDifference<E: Scalar>(
  _ p: UnsafePointer<E>, _ t: UnsafePointer<E>, factor: E, into r: UnsafeMutablePointer<E>, count: Int
) {
  for i in 0..<count { r[i] = factor * (p[i] - t[i]) }
}

extension Tape {
  /// The mean over samples of the relative L2 distance, norms over all channels and points of a sample.
  public func relativeL2(_ prediction: Variable<Element>, _ target: Tensor<Element>) -> Variable<Element> {
    apply(RelativeL2(target: target), [prediction])
  }

  /// The mean squared difference over all samples, channels and points.
  public func meanSquaredError(_ prediction: Variable<Element>, _ target: Tensor<Element>) -> Variable<
    Element
  > {
    apply(MeanSquaredError(target: target), [prediction])
  }
}
