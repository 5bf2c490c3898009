// A few modes of a spectrum, turned so that the rows of many modes and samples are the points of products.

import Tensors

/// How the rows `[mode, {re, im}, batch, channel]` of a tile of modes become planes `[channel, batch · mode]`: a row of
/// a plane holds the modes of the first sample, then those of the second, each padded to whole vectors.
struct SpectrumTile {
  let batch: Int
  /// Modes of a tile with those that pad it: a multiple of 16, so that batches of more than sixteen have wider rows.
  let modes: Int

  /// - Parameter modes: Of the spectrum.
  init(batch: Int, modes: Int) {
    self.batch = batch
    self.modes = min((modes + 15) / 16, max(1, 16 / batch)) * 16
  }

  /// Of a row of the planes.
  var points: Int { batch * modes }

  /// The distance of the rows of planes: an odd number of vectors, since rows that are a power of two apart would
  /// displace each other from the cache.
  var stride: Int { (points / 16 | 1) * 16 }

  /// Memory of planes with this many rows.
  func planes<E>(_ pointer: UnsafeMutablePointer<E>, rows: Int) -> ComplexPlanes<E> {
    ComplexPlanes(pointer, distance: rows * stride, stride: stride)
  }

  /// Real and imaginary parts and their sums.
  @specialized(where E == Float)
  @specialized(where E == Double)
  func gather<E: Scalar>(
    _ x: UnsafePointer<E>, channels: Int, modes count: Int, into planes: ComplexPlanes<E>
  ) {
    let padding = modes - count
    for channel in 0..<channels {
      for sample in 0..<batch {
        let place = channel * planes.stride + sample * modes
        let (real, imaginary, sum) = (planes[0] + place, planes[1] + place, planes[2] + place)
        for mode in 0..<count {
          let row = (mode * 2 * batch + sample) * channels + channel
          let (re, im) = (x[row], x[row + batch * channels])
          (real[mode], imaginary[mode], sum[mode]) = (re, im, re + im)
        }
        for plane in [real, imaginary, sum] where padding > 0 {
          Pointwise.fill(plane + count, with: 0, count: padding)
        }
      }
    }
  }

  /// The same, point by point.
  func gather<E: Scalar>(
    _ x: UnsafePointer<E>, channels: Int, modes count: Int, into rows: borrowing FactorRows<E>
  ) {
    for sample in 0..<batch {
      for mode in 0..<modes {
        let point = sample * modes + mode
        guard mode < count else {
          rows.clear(point)
          continue
        }
        let real = x + (mode * 2 * batch + sample) * channels
        rows.set(point, real: real, imaginary: real + batch * channels)
      }
    }
  }

  /// The rows that three real products stand for, stored or added.
  @specialized(where E == Float)
  @specialized(where E == Double)
  func scatter<E: Scalar>(
    _ products: ComplexPlanes<E>, channels: Int, modes count: Int, into y: UnsafeMutablePointer<E>,
    accumulate: Bool
  ) {
    for channel in 0..<channels {
      for sample in 0..<batch {
        let place = channel * products.stride + sample * modes
        let (q0, q1, q2) = (products[0] + place, products[1] + place, products[2] + place)
        for mode in 0..<count {
          let row = (mode * 2 * batch + sample) * channels + channel
          let (real, imaginary) = (q2[mode] - q1[mode], q2[mode] + q0[mode])
          y[row] = accumulate ? y[row] + real : real
          y[row + batch * channels] = accumulate ? y[row + batch * channels] + imaginary : imaginary
        }
      }
    }
  }
}
