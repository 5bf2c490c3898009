// The product of a spectrum with one complex matrix for all modes.

import RealModule
import Tensors

/// `ŷ_k = x̂_k U` with the same complex matrix U for every mode k: x̂ `[K, 2, batch, in]`, U planar `[2, in, out]`, ŷ
/// `[K, 2, batch, out]`. With `isTransposed` U is stored `[2, out, in]`.
///
/// The rows of many modes are multiplied at once; a complex product is three real ones (see ``FactorSums``).
struct SharedContraction<Element: Scalar>: DifferentiableOperation {
  let isTransposed: Bool
  private var saved: (input: Tensor<Element>, weight: Tensor<Element>)?

  init(isTransposed: Bool) { self.isTransposed = isTransposed }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (input, weight) = (inputs[0], inputs[1])
    let outChannels = weight.shape[isTransposed ? 1 : 2]
    var output = Tensor<Element>(uninitialized: Array(input.shape[..<3]) + [outChannels])
    multiply(
      input, weight, transposed: isTransposed, conjugate: false, into: output.unsafeMutablePointer(),
      outChannels: outChannels, accumulate: false)
    if recording { saved = (input, weight) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (input, weight) = saved else { return }
    if var result = slots.begin(0, shape: input.shape) {
      // ∂x̂ = ∂ŷ U^H
      let accumulates = result.accumulates
      multiply(
        gradient, weight, transposed: !isTransposed, conjugate: true,
        into: result.tensor.unsafeMutablePointer(), outChannels: input.shape[3], accumulate: accumulates)
      slots.end(0, result)
    }
    guard slots.isNeeded(1) else { return }
    // ∂U = x̂ᴴ ∂ŷ; its transpose is the conjugate of ∂ŷᴴ x̂.
    let (terms, rows) = isTransposed ? (gradient, input) : (input, gradient)
    let (modes, batch, rank, channels) = (input.shape[0], input.shape[2], terms.shape[3], rows.shape[3])
    let groups = min(modes, 8)
    let sums = FactorSums<Element>(groups: groups, channels: [channels], rank: rank)
    let (t, c) = (terms.unsafePointer, rows.unsafePointer)
    WorkerPool.shared.forEachGroup(groups, of: modes) { group, range in
      let tile = RowTile<Element>(batch: batch, channels: rank)
      let factors = FactorRows<Element>(channels: channels, points: tile.rows)
      sums.begin(group: group)
      tile.forEach(range) { modes in
        tile.load(t, modes)
        for (index, mode) in modes.enumerated() {
          for sample in 0..<batch {
            let real = c + (mode * 2 * batch + sample) * channels
            factors.set(index * batch + sample, real: real, imaginary: real + batch * channels)
          }
        }
        sums.add(
          group: group, factor: 0, factors, tile.planes, transposed: true, range: 0..<rank,
          points: modes.count * batch)
      }
    }
    withExtendedLifetime((terms, rows)) {}
    slots.add(1, sums.total(factor: 0, conjugate: isTransposed).reshaped(weight.shape))
  }
}

/// The rows of as many modes as a product takes at once: enough to make up for its beginning and end, few enough to stay
/// in cache.
private struct RowTile<Element: Scalar>: ~Copyable {
  let rows: Int
  /// A row for every mode and sample.
  let planes: ComplexPlanes<Element>
  private let modes: Int
  private let batch: Int
  private let channels: Int
  private let memory: AlignedMemory<Element>

  init(batch: Int, channels: Int) {
    self.batch = batch
    self.channels = channels
    modes = max(1, 48 / max(batch, 1))
    rows = modes * batch
    memory = AlignedMemory(count: 3 * rows * channels)
    planes = ComplexPlanes(memory.pointer, distance: rows * channels, stride: channels)
  }

  /// Calls `body` with the modes of one tile after the other.
  func forEach(_ range: Range<Int>, _ body: (Range<Int>) -> Void) {
    for first in stride(from: range.lowerBound, to: range.upperBound, by: modes) {
      body(first..<min(first + modes, range.upperBound))
    }
  }

  /// Takes the rows of some modes of a spectrum: those of one mode's real parts lie next to each other.
  func load(_ spectrum: UnsafePointer<Element>, _ modes: Range<Int>) {
    let count = batch * channels
    for (index, mode) in modes.enumerated() {
      let real = spectrum + mode * 2 * count
      ComplexPlanes(planes.pointer + index * count, distance: planes.distance, stride: count).load(
        real: real, imaginary: real + count, rowStride: count, rows: 1, count: count)
    }
  }
}

/// `Y = X U`, U `[2, rows, columns]` read as its transpose and as its conjugate on request.
private func multiply<E: Scalar>(
  _ input: Tensor<E>, _ matrix: Tensor<E>, transposed: Bool, conjugate: Bool,
  into y: UnsafeMutablePointer<E>, outChannels: Int, accumulate: Bool
) {
  let (modes, batch, inChannels) = (input.shape[0], input.shape[2], input.shape[3])
  precondition(matrix.count == 2 * inChannels * outChannels, "a matrix with a row for every channel")
  // Y is the conjugate of X* U*.
  let count = inChannels * outChannels
  let imaginary = AlignedMemory<E>(count: count)
  Pointwise.scale(matrix.unsafePointer + count, by: conjugate ? 1 : -1, into: imaginary.pointer, count: count)
  let factors = FactorRows<E>(channels: outChannels, points: inChannels)
  if transposed {
    factors.setTransposed(
      real: matrix.unsafePointer, imaginary: imaginary.pointer, rowStride: inChannels, count: inChannels)
  } else {
    for row in 0..<inChannels {
      let place = row * outChannels
      factors.set(row, real: matrix.unsafePointer + place, imaginary: imaginary.pointer + place)
    }
  }
  let x = input.unsafePointer
  WorkerPool.shared.forEachRange(count: modes, grain: max(1, 512 / max(batch, 1))) { range in
    let tile = RowTile<E>(batch: batch, channels: inChannels)
    let width = factors.stride
    let memory = AlignedMemory<E>(count: 3 * tile.rows * width)
    let products = ComplexPlanes(memory.pointer, distance: tile.rows * width, stride: width)
    tile.forEach(range) { modes in
      tile.load(x, modes)
      for plane in 0..<3 {
        multiplyRows(
          tile.planes[plane], stride: inChannels, rows: modes.count * batch, inner: inChannels,
          factors[plane], stride: width, columns: width, into: products[plane], stride: width,
          accumulate: false)
      }
      combine(
        products, into: y + modes.lowerBound * 2 * batch * outChannels, modes: modes.count, batch: batch,
        channels: outChannels, accumulate: accumulate)
    }
  }
  withExtendedLifetime((input, matrix)) {}
}

/// The conjugates that three products stand for: real parts q₂ + q₁ and imaginary ones q₂ − q₀.
@specialized(where E == Float)
@specialized(where E == Double)
private func combine<E: Scalar>(
  _ q: ComplexPlanes<E>, into y: UnsafeMutablePointer<E>, modes: Int, batch: Int, channels: Int,
  accumulate: Bool
) {
  for row in 0..<modes * batch {
    let real = y + (row / batch * 2 * batch + row % batch) * channels
    let imaginary = real + batch * channels
    let (q0, q1, q2) = (q[0] + row * q.stride, q[1] + row * q.stride, q[2] + row * q.stride)
    if accumulate {
      for c in 0..<channels { real[c] += q2[c] + q1[c] }
      for c in 0..<channels { imaginary[c] += q2[c] - q0[c] }
    } else {
      for c in 0..<channels { real[c] = q2[c] + q1[c] }
      for c in 0..<channels { imaginary[c] = q2[c] - q0[c] }
    }
  }
}

extension Tape {
  /// The spectrum `[K, 2, batch, in]` times one complex matrix for all modes, planar `[2, in, out]` (`[2, out, in]`
  /// where `transposed`): `[K, 2, batch, out]`.
  public func sharedContraction(
    _ spectrum: Variable<Element>, weight: Variable<Element>, transposed: Bool = false
  ) -> Variable<Element> {
    apply(SharedContraction<Element>(isTransposed: transposed), [spectrum, weight])
  }
}
