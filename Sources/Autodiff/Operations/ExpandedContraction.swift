// A spectrum times matrices that come from factors.

import Tensors

extension Tape {
  /// `ŷ_k = x̂_k C_k` with the matrices `C_k` that ``modeExpansion(_:by:columns:)`` makes of `tensor` and `matrix`: x̂
  /// `[K, 2, batch, p]`, C `[M, 2, p, q]`, mode k meets `modeIndices[k]` (k where nil).
  ///
  /// Where no way back is recorded the matrices exist for a few modes at a time, in cache.
  public func expandedContraction(
    _ spectrum: Variable<Element>, tensor: Variable<Element>, by matrix: Variable<Element>, outChannels: Int,
    modeIndices: [Int]? = nil
  ) -> Variable<Element> {
    let inChannels = spectrum.shape[3]
    let columns = inChannels * outChannels
    guard !isRecording, modeIndices == nil else {
      let matrices = modeExpansion(tensor, by: matrix, columns: columns)
      let shape = [matrices.shape[0], 2, inChannels, outChannels]
      return spectralContraction(spectrum, weight: reshaped(matrices, shape), modeIndices: modeIndices)
    }
    return Variable(
      constant: contracted(
        spectrum.value, ExpansionSizes(tensor.value, matrix.value, columns: columns), tensor.value,
        matrix.value,
        outChannels: outChannels))
  }
}

/// The product in blocks of neighbouring modes: rows of the matrix, of one place of the tensor's first axes.
@specialized(where E == Float)
@specialized(where E == Double)
private func contracted<E: Scalar>(
  _ spectrum: Tensor<E>, _ sizes: ExpansionSizes, _ tensor: Tensor<E>, _ matrix: Tensor<E>, outChannels: Int
) -> Tensor<E> {
  let (batch, inChannels) = (spectrum.shape[2], spectrum.shape[3])
  precondition(sizes.batch * sizes.rows == spectrum.shape[0], "a matrix for every mode")
  let expander = ModeExpander(tensor, matrix, sizes)
  var output = Tensor<E>(uninitialized: [spectrum.shape[0], 2, batch, outChannels])
  let (x, y) = (spectrum.unsafePointer, output.unsafeMutablePointer())
  let (columns, blocks) = (sizes.columns, expander.blockCount)
  WorkerPool.shared.run(tasks: sizes.batch * blocks) { task in
    let (b, rows) = (task / blocks, expander.rows(task % blocks))
    let matrices = AlignedMemory<E>(count: rows.count * 2 * columns)
    let scratch = AlignedMemory<E>(count: expander.scratchCount)
    for panel in 0..<sizes.panels {
      expander.expand(
        b, block: task % blocks, panel: panel, scratch: scratch.pointer, into: matrices.pointer)
    }
    let products = PartProducts<E>(batch: batch, channels: outChannels)
    for (index, row) in rows.enumerated() {
      let mode = b * sizes.rows + row
      products.multiply(
        x + mode * 2 * batch * inChannels, inner: inChannels, matrices.pointer + index * 2 * columns,
        adjoint: false)
      products.combine(into: y + mode * 2 * batch * outChannels, sign: 1, accumulate: false)
    }
  }
  withExtendedLifetime(spectrum) {}
  return output
}
