// The relative distance from a target in any norm of an inner product, as a scalar on the tape.

import Tensors

/// The mean over samples of `‖p − t‖ / ‖t‖`.
struct RelativeNorm<Element: Scalar>: DifferentiableOperation {
  let norm: any FieldNorm<Element>
  let target: Tensor<Element>
  private var saved: (image: Tensor<Element>, factors: [Element])?

  init(_ norm: any FieldNorm<Element>, target: Tensor<Element>) {
    self.norm = norm
    self.target = target
  }

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    precondition(inputs[0].shape == target.shape, "a prediction has its target's shape")
    let samples = target.shape[0]
    let (squares, image) = norm.measure(inputs[0] - target, imageWanted: recording)
    let sizes = norm.squares(target).map { $0.squareRoot() }
    let errors = squares.map { $0.squareRoot() }
    if let image {
      // The gradient of ‖e‖ is M e/‖e‖; a sample without error has none.
      let factors = zip(errors, sizes).map { $0 > 0 ? Element(1 / ($0 * $1 * Double(samples))) : 0 }
      saved = (image, factors)
    }
    return Tensor(scalar: Element(zip(errors, sizes).reduce(0) { $0 + $1.0 / $1.1 } / Double(samples)))
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let saved = saved.take() else { return }
    var image = saved.image
    let factors = saved.factors
    let seed = gradient.scalarValue
    let count = image.count / max(factors.count, 1)
    let values = image.unsafeMutablePointer()
    WorkerPool.shared.run(tasks: factors.count) { sample in
      Pointwise.scale(values + sample * count, by: seed * factors[sample], count: count)
    }
    slots.add(0, image)
  }
}

/// `Σ weights[i]·x[i]` of scalars.
struct WeightedSum<Element: Scalar>: DifferentiableOperation {
  let weights: [Element]

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    Tensor(scalar: zip(weights, inputs).reduce(0) { $0 + $1.0 * $1.1.scalarValue })
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    let seed = gradient.scalarValue
    for (index, weight) in weights.enumerated() { slots.add(index, Tensor(scalar: seed * weight)) }
  }
}

extension Tape {
  /// `Σ weights[i]·terms[i]` of scalars: a loss of several parts.
  public func weightedSum(_ terms: [Variable<Element>], weights: [Element]) -> Variable<Element> {
    precondition(terms.count == weights.count, "a weight for every term")
    return apply(WeightedSum(weights: weights), terms)
  }

  /// The mean over samples of `‖p − t‖ / ‖t‖`, each norm over all channels and points of a sample.
  public func relativeDistance(
    _ prediction: Variable<Element>, _ target: Tensor<Element>, in norm: any FieldNorm<Element>
  ) -> Variable<Element> {
    apply(RelativeNorm(norm, target: target), [prediction])
  }
}
