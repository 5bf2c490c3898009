// What the machine can do at most, measured in the same run as the kernels.

import Measurement
import Tensors

/// The limits that kernels are held against, on some threads, in single precision.
struct MachineLimits {
  let threads: Int
  /// Multiplications and additions in registers, 10⁹ a second; a fused pair counts as two.
  let gigaflops: Double
  /// `c = a`, `c = a + s·b` and `b = b + s·a` over arrays far larger than the caches, 10⁹ bytes a second. As in
  /// McCalpin's STREAM what a processor reads only to overwrite it is not counted; the last form has none of that.
  let copy: Double
  let triad: Double
  let update: Double

  /// The fastest of them.
  var bandwidth: Double { max(copy, triad, update) }

  /// The least time of some work, in milliseconds.
  func leastMilliseconds(bytes: Double, operations: Double) -> Double {
    max(bytes / bandwidth, operations / gigaflops) / 1e6
  }

  /// Measures with as many threads as the pool has.
  init(repeats: Int) {
    let threads = WorkerPool.shared.threadCount
    self.threads = threads
    gigaflops = Self.measuredGigaflops(threads: threads, repeats: repeats)
    let count = 1 << 25
    let a = AlignedMemory<Float>(count: count)
    let b = AlignedMemory<Float>(count: count)
    let c = AlignedMemory<Float>(count: count)
    for memory in [a.pointer, b.pointer, c.pointer] { Pointwise.fill(memory, with: 1, count: count) }
    let (x, y, z) = (a.pointer, b.pointer, c.pointer)
    let piece = (count + threads - 1) / threads
    func gigabytes(streams: Double, _ work: (_ offset: Int, _ count: Int) -> Void) -> Double {
      let time = medianMilliseconds(repeats: repeats) {
        WorkerPool.shared.run(tasks: threads) { task in
          work(task * piece, min(piece, count - task * piece))
        }
      }
      return streams * 4 * Double(count) / time / 1e6
    }
    copy = gigabytes(streams: 2) { (z + $0).update(from: x + $0, count: $1) }
    triad = gigabytes(streams: 3) { addMultiple(x + $0, y + $0, times: 0.5, into: z + $0, count: $1) }
    update = gigabytes(streams: 3) { Pointwise.addScaled(x + $0, by: 0.5, to: y + $0, count: $1) }
  }

  private static func measuredGigaflops(threads: Int, repeats: Int) -> Double {
    let rounds = 1 << 20
    let results = AlignedMemory<Float>(count: threads)
    let target = results.pointer
    func time(_ work: (Int, Float) -> Float) -> Double {
      medianMilliseconds(repeats: repeats) {
        WorkerPool.shared.run(tasks: threads) { target[$0] = work(rounds, Float($0)) }
      }
    }
    // Whichever vectors this program was built for.
    let wide = 16 * Double(threads * rounds) * 24 / time(sumOfProducts16)
    let narrow = 8 * Double(threads * rounds) * 24 / time(sumOfProducts8)
    return max(wide, narrow) / 1e6
  }
}

/// `z = x + s·y`.
@inline(never)
private func addMultiple(
  _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, times s: Float, into z: UnsafeMutablePointer<Float>,
  count: Int
) {
  for i in 0..<count { z[i] = x[i] + s * y[i] }
}

@inline(never)
private func sumOfProducts16(_ rounds: Int, _ seed: Float) -> Float {
  sumOfProducts(rounds, seed, as: SIMD16<Float>.self)
}

@inline(never)
private func sumOfProducts8(_ rounds: Int, _ seed: Float) -> Float {
  sumOfProducts(rounds, seed, as: SIMD8<Float>.self)
}

/// Twelve chains of fused products, so many that none waits for another, in registers.
@inline(__always)
private func sumOfProducts<V: SIMD>(_ rounds: Int, _ seed: Float, as: V.Type) -> Float
where V.Scalar == Float {
  let (a, b) = (V(repeating: 0.99 - seed / 1e6), V(repeating: 0.01 + seed / 1e6))
  var (c0, c1, c2, c3) = (b, b, b, b)
  var (c4, c5, c6, c7) = (a, a, a, a)
  var (c8, c9, c10, c11) = (a + b, a + b, a + b, a + b)
  for _ in 0..<rounds {
    c0 = multiplyAdd(c0, a, b)
    c1 = multiplyAdd(c1, a, b)
    c2 = multiplyAdd(c2, a, b)
    c3 = multiplyAdd(c3, a, b)
    c4 = multiplyAdd(c4, a, b)
    c5 = multiplyAdd(c5, a, b)
    c6 = multiplyAdd(c6, a, b)
    c7 = multiplyAdd(c7, a, b)
    c8 = multiplyAdd(c8, a, b)
    c9 = multiplyAdd(c9, a, b)
    c10 = multiplyAdd(c10, a, b)
    c11 = multiplyAdd(c11, a, b)
  }
  let sum = c0 + c1 + c2 + c3 + (c4 + c5 + c6 + c7) + (c8 + c9 + c10 + c11)
  return (0..<V.scalarCount).reduce(0) { $0 + sum[$1] }
}
