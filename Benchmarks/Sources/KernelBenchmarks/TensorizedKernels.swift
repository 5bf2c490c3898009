// Contractions with factorized weights, as the comparisons' models of width 64 have them at rank 0.05.

import Autodiff
import Measurement
import Tensors

private let (modes, batch, channels) = (64 * 33, 8, 64)

/// Real products of a complex one, two operations each.
private func complexProducts(_ count: Int) -> Double { 6 * Double(count) }

/// A CP form of so many terms.
private struct CanonicalSizes {
  let rank = 1922

  var spectrum: Tensor<Float> { randomTensor([modes, 2, batch, channels]) }
  var factor: Tensor<Float> { randomTensor([2, channels, rank]) }
  var scales: Tensor<Float> { randomTensor([2, modes, rank]) }
  /// The spectrum times one factor.
  var product: Double { complexProducts(modes * batch * channels * rank) }
  var spectrumBytes: Double { 8 * Double(modes * batch * channels) }
  var weightBytes: Double { 8 * Double((2 * channels + modes) * rank) }
}

/// The matrices of all modes from the cores of a tensor train.
private struct TrainSizes {
  let terms = 62
  let columns = 62 * channels

  var tensor: Tensor<Float> { randomTensor([2, terms, columns]) }
  var matrix: Tensor<Float> { randomTensor([2, modes, terms]) }
  var product: Double { complexProducts(modes * terms * columns) }
  var resultCount: Int { modes * 2 * columns }
  var operandBytes: Double { 8 * Double(terms * (columns + modes)) }
}

var tensorizedKernels: [KernelMaker] {
  let (canonical, expansion) = (CanonicalSizes(), TrainSizes())
  return [
    (
      "CP contraction, \(batch)×\(channels), \(modes) modes, rank \(canonical.rank)",
      {
        let (x, a) = (canonical.spectrum, Variable(constant: canonical.factor))
        let scales = Variable(constant: canonical.scales)
        return Kernel(
          bytes: 2 * canonical.spectrumBytes + canonical.weightBytes, operations: 2 * canonical.product
        ) {
          _ = Tape(recording: false).canonicalContraction(
            Variable(constant: x), first: a, scales: scales, second: a)
        }
      }
    ),
    (
      "CP contraction, backward, \(batch)×\(channels), \(modes) modes, rank \(canonical.rank)",
      {
        let (x, a, b, scales) = (canonical.spectrum, canonical.factor, canonical.factor, canonical.scales)
        return Kernel(
          bytes: 3 * canonical.spectrumBytes + 2 * canonical.weightBytes, operations: 5 * canonical.product
        ) { repeats in
          backwardMilliseconds(repeats, gradient: x) { tape in
            tape.canonicalContraction(
              tape.variable(x), first: tape.variable(a), scales: tape.variable(scales),
              second: tape.variable(b))
          }
        }
      }
    ),
    (
      "modes' matrices, \(modes)×\(expansion.terms) by \(expansion.terms)×\(expansion.columns)",
      {
        let (tensor, matrix) = (Variable(constant: expansion.tensor), Variable(constant: expansion.matrix))
        return Kernel(
          bytes: 4 * Double(expansion.resultCount) + expansion.operandBytes, operations: expansion.product
        ) {
          _ = Tape(recording: false).modeExpansion(tensor, by: matrix, columns: expansion.columns)
        }
      }
    ),
    (
      "modes' matrices, backward, \(modes)×\(expansion.terms) by \(expansion.terms)×\(expansion.columns)",
      {
        let (tensor, matrix) = (expansion.tensor, expansion.matrix)
        let gradient = randomTensor([modes, 2, expansion.columns])
        return Kernel(
          bytes: 4 * Double(expansion.resultCount) + 2 * expansion.operandBytes,
          operations: 2 * expansion.product
        ) { repeats in
          backwardMilliseconds(repeats, gradient: gradient) { tape in
            tape.modeExpansion(tape.variable(tensor), by: tape.variable(matrix), columns: expansion.columns)
          }
        }
      }
    ),
  ]
}
