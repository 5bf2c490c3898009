// A loss on the grid of its fields, ready to be computed.

import Autodiff
import Spectral
import Tensors

/// A ``Loss`` with the norms that it takes on one grid.
public struct LossFunction<Element: SpectralScalar> {
  private let terms: [(weight: Double, kind: Kind)]

  private enum Kind {
    case relativeL2
    case meanSquaredError
    case relative(any FieldNorm<Element>)
  }

  public init(_ loss: Loss, on grid: Grid) {
    terms = loss.terms.filter { $0.weight > 0 }.map { term in
      let kind: Kind =
        switch term.kind {
        case .relativeL2: .relativeL2
        case .meanSquaredError: .meanSquaredError
        case .relativeH1: .relative(DifferenceNorm<Element>(grid))
        case .relativeH1Spectral: .relative(SobolevNorm<Element>(grid, order: 1))
        case .relativeSobolev: .relative(SobolevNorm<Element>(grid, order: term.order ?? -1))
        }
      return (term.weight, kind)
    }
  }

  /// The loss of a batch as a scalar on the tape.
  public func callAsFunction(
    _ prediction: consuming Variable<Element>, _ target: Tensor<Element>, on tape: Tape<Element>
  ) -> Variable<Element> {
    let prediction = prediction
    let parts = terms.map { term in
      switch term.kind {
      case .relativeL2: tape.relativeL2(prediction, target)
      case .meanSquaredError: tape.meanSquaredError(prediction, target)
      case .relative(let norm): tape.relativeDistance(prediction, target, in: norm)
      }
    }
    if let only = parts.first, parts.count == 1, terms[0].weight == 1 { return only }
    return tape.weightedSum(parts, weights: terms.map { Element($0.weight) })
  }

  /// The loss of every sample, summed in double precision; its mean is what ``callAsFunction(_:_:on:)`` gives up to
  /// rounding.
  public func perSample(_ prediction: Tensor<Element>, _ target: Tensor<Element>) -> [Double] {
    precondition(prediction.shape == target.shape, "a prediction has its target's shape")
    var sums = [Double](repeating: 0, count: target.shape[0])
    for term in terms {
      let losses =
        switch term.kind {
        case .relativeL2: Self.squares(prediction, target).map { ($0.error / $0.target).squareRoot() }
        case .meanSquaredError:
          Self.squares(prediction, target).map { $0.error / Double(target.count / max(sums.count, 1)) }
        case .relative(let norm):
          zip(norm.squares(prediction - target), norm.squares(target)).map { ($0 / $1).squareRoot() }
        }
      for (sample, loss) in losses.enumerated() { sums[sample] += term.weight * loss }
    }
    return sums
  }

  /// For every sample `Σ (p − t)²` and `Σ t²`.
  private static func squares(
    _ prediction: Tensor<Element>, _ target: Tensor<Element>
  ) -> [(error: Double, target: Double)] {
    let samples = target.shape[0]
    let count = target.count / max(samples, 1)
    let sums = AlignedMemory<Double>(count: 2 * samples)
    let (p, t, results) = (prediction.unsafePointer, target.unsafePointer, sums.pointer)
    WorkerPool.shared.run(tasks: samples) { sample in
      let (first, second) = (p + sample * count, t + sample * count)
      results[2 * sample] = Reductions.sumOfSquaredDifferences(first, second, count: count)
      results[2 * sample + 1] = Reductions.sumOfSquares(second, count: count)
    }
    withExtendedLifetime((prediction, target)) {}
    return (0..<samples).map { (sums.pointer[2 * $0], sums.pointer[2 * $0 + 1]) }
  }
}
