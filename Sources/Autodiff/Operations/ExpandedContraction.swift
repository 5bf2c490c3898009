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
        spectrum.value, ModeExpansion.Sizes(tensor.value, matrix.value, columns: columns), tensor.value,
        matrix.value, outChannels: outChannels))
  }
}

/// The product in chunks of neighbouring modes: rows of the matrix, of one place of the tensor's first axes.
@specialized(where E == Float)
@specialized(where E == Double)
private func contracted<E: Scalar>(
  _ spectrum: Tensor<E>, _ sizes: ModeExpansion<E>.Sizes, _ tensor: Tensor<E>, _ matrix: Tensor<E>,
  outChannels: Int
) -> Tensor<E> {
  let (batch, inChannels) = (spectrum.shape[2], spectrum.shape[3])
  precondition(sizes.batch * sizes.rows == spectrum.shape[0], "a matrix for every mode")
  let blocks = ModeExpansion<E>.realBlocks(matrix, sizes)
  var output = Tensor<E>(uninitialized: [spectrum.shape[0], 2, batch, outChannels])
  let (x, y) = (spectrum.unsafePointer, output.unsafeMutablePointer())
  let (n, m) = (tensor.unsafePointer, blocks.unsafePointer)
  let (terms, columns) = (sizes.terms, sizes.columns)
  let chunk = min(sizes.rows, 128)
  let chunks = (sizes.rows + chunk - 1) / chunk
  WorkerPool.shared.run(tasks: sizes.batch * chunks) { task in
    let (b, first) = (task / chunks, task % chunks * chunk)
    let count = min(chunk, sizes.rows - first)
    let matrices = AlignedMemory<E>(count: count * 2 * columns)
    gemm(
      m: 2 * count, n: columns, k: 2 * terms, a: m + first * 4 * terms, lda: 2 * terms,
      b: n + b * sizes.inputCount, ldb: columns, c: matrices.pointer, ldc: columns)
    let products = PartProducts<E>(batch: batch, channels: outChannels)
    for mode in 0..<count {
      let place = b * sizes.rows + first + mode
      products.multiply(
        x + place * 2 * batch * inChannels, inner: inChannels, matrices.pointer + mode * 2 * columns,
        adjoint: false)
      products.combine(into: y + place * 2 * batch * outChannels, sign: 1, accumulate: false)
    }
  }
  withExtendedLifetime((spectrum, tensor, blocks)) {}
  return output
}
