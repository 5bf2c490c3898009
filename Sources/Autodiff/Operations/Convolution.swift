// Convolutions with small kernels on one- and two-dimensional grids, as matrix products with gathered neighbours.

import Tensors

/// What a convolution finds beyond the ends of a grid.
public enum ConvolutionPadding: String, Sendable, Codable, CaseIterable {
  /// Nothing is added: the grid shrinks by the kernel.
  case valid
  case zeros
  /// The other end.
  case periodic
  /// The mirror image, the end point itself once.
  case reflect
}

/// The places that every output point of a convolution takes its neighbours from.
struct ConvolutionStencil: Sendable, Equatable {
  let input: [Int]
  let output: [Int]
  /// For each axis, output point and tap the input's index, or −1 for a zero: `[axis][point·kernel + tap]`.
  let sources: [[Int32]]
  let kernel: Int

  /// - Parameter grid: `[height, width]`, of a one-dimensional grid `[1, width]` with no taps along the height.
  init(grid: [Int], kernel: Int, stride: Int, padding: ConvolutionPadding) {
    self.kernel = kernel
    input = grid
    var output: [Int] = []
    var sources: [[Int32]] = []
    for count in grid {
      let before = padding == .valid ? 0 : (kernel - 1) / 2
      let reach = padding == .valid ? count - kernel : count - 1
      precondition(reach >= 0, "a grid of \(count) points is smaller than the kernel")
      let points = reach / stride + 1
      var table: [Int32] = []
      table.reserveCapacity(points * kernel)
      for point in 0..<points {
        for tap in 0..<kernel {
          table.append(Int32(Self.source(point * stride + tap - before, count: count, padding)))
        }
      }
      output.append(points)
      sources.append(table)
    }
    self.output = output
    self.sources = sources
  }

  private static func source(_ index: Int, count: Int, _ padding: ConvolutionPadding) -> Int {
    if index >= 0, index < count { return index }
    switch padding {
    case .valid, .zeros: return -1
    case .periodic: return ((index % count) + count) % count
    case .reflect:
      guard count > 1 else { return 0 }
      let period = 2 * (count - 1)
      let place = ((index % period) + period) % period
      return place < count ? place : period - place
    }
  }
}

/// `y[o] = b[o] + Σ_{i, taps} W[o, i, taps] x[i, shifted]`: x `[batch, in, …grid]`, W `[out, in, …kernel]`, b `[out]`.
///
/// For every sample the neighbours are gathered as columns `[in·taps, points]`, a block of output rows at a time that
/// stays in cache; the products with the weight are matrix products.
struct Convolution<Element: Scalar>: DifferentiableOperation {
  let stride: Int
  let padding: ConvolutionPadding
  private var saved: (input: Tensor<Element>, weight: Tensor<Element>)?

  init(stride: Int, padding: ConvolutionPadding) {
    self.stride = stride
    self.padding = padding
  }

  private func geometry(_ input: [Int], _ weight: [Int]) -> ConvolutionGeometry {
    ConvolutionGeometry(input: input, weight: weight, stride: stride, padding: padding)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (input, weight, bias) = (inputs[0], inputs[1], inputs[2])
    let g = geometry(input.shape, weight.shape)
    var output = Tensor<Element>(uninitialized: [g.batch, g.out] + g.outputGrid)
    let (x, w, b, y) = (
      input.unsafePointer, weight.unsafePointer, bias.unsafePointer, output.unsafeMutablePointer()
    )
    g.forEachBlock { _, range in
      let columns = AlignedMemory<Element>(count: g.rows * g.blockPoints)
      for block in range {
        let (sample, lines) = g.block(block)
        let count = lines.count * g.width
        let first = sample * g.out * g.points + lines.lowerBound * g.width
        gather(x + sample * g.inputSize, into: columns.pointer, g, lines)
        for channel in 0..<g.out {
          Pointwise.fill(y + (first + channel * g.points), with: b[channel], count: count)
        }
        gemm(
          m: g.out, n: count, k: g.rows, a: w, lda: g.rows, b: columns.pointer, ldb: count, beta: 1,
          c: y + first, ldc: g.points)
      }
    }
    withExtendedLifetime((input, weight, bias)) {}
    if recording { saved = (input, weight) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (input, weight) = saved else { return }
    let g = geometry(input.shape, weight.shape)
    let (x, w, dy) = (input.unsafePointer, weight.unsafePointer, gradient.unsafePointer)
    var weightGradient = slots.begin(1, shape: weight.shape)
    var biasGradient = slots.begin(2, shape: [g.out])
    let count = g.out * (g.rows + 1)
    var partials = Tensor<Element>.zeros([g.groupCount, count])
    let partial = partials.unsafeMutablePointer()
    let needsWeight = weightGradient != nil
    g.forEachBlock { group, range in
      let columns = AlignedMemory<Element>(count: g.rows * g.blockPoints)
      let sums = partial + group * count
      for block in range {
        let (sample, lines) = g.block(block)
        let points = lines.count * g.width
        let first = sample * g.out * g.points + lines.lowerBound * g.width
        if needsWeight {
          gather(x + sample * g.inputSize, into: columns.pointer, g, lines)
          gemm(
            false, true, m: g.out, n: g.rows, k: points, a: dy + first, lda: g.points, b: columns.pointer,
            ldb: points, beta: 1, c: sums, ldc: g.rows)
        }
        for channel in 0..<g.out {
          sums[g.out * g.rows + channel] += Element(
            Reductions.sum(dy + (first + channel * g.points), count: points))
        }
      }
    }
    sumGroups(partials, offset: 0, into: &weightGradient)
    sumGroups(partials, offset: g.out * g.rows, into: &biasGradient)
    slots.end(1, weightGradient)
    slots.end(2, biasGradient)
    if var result = slots.begin(0, shape: input.shape) {
      let dx = result.tensor.unsafeMutablePointer()
      let accumulates = result.accumulates
      // Blocks of one sample write to overlapping places: a sample is one task.
      WorkerPool.shared.run(tasks: g.batch) { sample in
        let columns = AlignedMemory<Element>(count: g.rows * g.blockPoints)
        let target = dx + sample * g.inputSize
        if !accumulates { target.update(repeating: 0, count: g.inputSize) }
        for block in sample * g.blocksPerSample..<(sample + 1) * g.blocksPerSample {
          let lines = g.block(block).lines
          let points = lines.count * g.width
          gemm(
            true, false, m: g.rows, n: points, k: g.out, a: w, lda: g.rows,
            b: dy + (sample * g.out * g.points + lines.lowerBound * g.width), ldb: g.points,
            c: columns.pointer, ldc: points)
          scatter(columns.pointer, onto: target, g, lines)
        }
      }
      slots.end(0, result)
    }
    withExtendedLifetime((input, weight, gradient)) {}
  }
}

/// The sizes of a convolution and its cut into blocks of output rows, by the sizes alone.
struct ConvolutionGeometry: Sendable {
  let batch: Int
  let out: Int
  /// Rows of the gathered columns: input channels times taps.
  let rows: Int
  let inChannels: Int
  let taps: (vertical: Int, horizontal: Int)
  let horizontal: ConvolutionStencil
  let vertical: ConvolutionStencil
  let stride: Int
  /// Neighbours before a point along the width.
  let before: Int
  let outputGrid: [Int]
  let linesPerBlock: Int
  let blocksPerSample: Int

  init(input: [Int], weight: [Int], stride: Int, padding: ConvolutionPadding) {
    let dimensions = input.count - 2
    precondition(
      (1...2).contains(dimensions) && weight.count == dimensions + 2 && weight[1] == input[1],
      "a convolution of one or two axes with a weight [out, in, …kernel]")
    let kernel = weight[2]
    batch = input[0]
    inChannels = input[1]
    out = weight[0]
    let lines = dimensions == 2 ? input[2] : 1
    horizontal = ConvolutionStencil(
      grid: [input[dimensions + 1]], kernel: kernel, stride: stride, padding: padding)
    vertical = ConvolutionStencil(
      grid: [lines], kernel: dimensions == 2 ? kernel : 1, stride: dimensions == 2 ? stride : 1,
      padding: dimensions == 2 ? padding : .zeros)
    taps = (dimensions == 2 ? kernel : 1, kernel)
    self.stride = stride
    before = padding == .valid ? 0 : (kernel - 1) / 2
    rows = inChannels * taps.vertical * taps.horizontal
    outputGrid = (dimensions == 2 ? vertical.output : []) + horizontal.output
    let cached = (1 << 16) / max(rows * horizontal.output[0], 1)
    linesPerBlock = min(max(cached, 1), vertical.output[0])
    blocksPerSample = (vertical.output[0] + linesPerBlock - 1) / linesPerBlock
  }

  var width: Int { horizontal.output[0] }
  var height: Int { vertical.output[0] }
  var points: Int { width * height }
  var inputWidth: Int { horizontal.input[0] }
  var inputHeight: Int { vertical.input[0] }
  var inputSize: Int { inChannels * inputWidth * inputHeight }
  var blockPoints: Int { linesPerBlock * width }
  var groupCount: Int { min(max(1, batch * blocksPerSample), 16) }

  /// The output points of a line whose neighbours under a tap lie side by side in the input; empty unless the stride
  /// is 1.
  func contiguousPoints(tap: Int) -> Range<Int> {
    guard stride == 1 else { return 0..<0 }
    let shift = tap - before
    let first = min(max(0, -shift), width)
    return first..<max(first, min(width, inputWidth - shift))
  }

  func block(_ index: Int) -> (sample: Int, lines: Range<Int>) {
    let first = index % blocksPerSample * linesPerBlock
    return (index / blocksPerSample, first..<min(first + linesPerBlock, height))
  }

  func forEachBlock(_ body: (_ group: Int, Range<Int>) -> Void) {
    WorkerPool.shared.forEachGroup(groupCount, of: batch * blocksPerSample, body)
  }
}

/// The neighbours of the points of some output lines: `[in·taps, lines·width]`.
@specialized(where E == Float)
@specialized(where E == Double)
private func gather<E: Scalar>(
  _ x: UnsafePointer<E>, into columns: UnsafeMutablePointer<E>, _ g: ConvolutionGeometry, _ lines: Range<Int>
) {
  let (width, inputWidth, kernel) = (g.width, g.inputWidth, g.taps.horizontal)
  g.horizontal.sources[0].withUnsafeBufferPointer { across in
    g.vertical.sources[0].withUnsafeBufferPointer { down in
      var target = columns
      for channel in 0..<g.inChannels {
        let plane = x + channel * inputWidth * g.inputHeight
        for rowTap in 0..<g.taps.vertical {
          for tap in 0..<kernel {
            for line in lines {
              let row = Int(down[line * g.taps.vertical + rowTap])
              if row < 0 {
                target.update(repeating: 0, count: width)
              } else {
                let source = plane + row * inputWidth
                let inner = g.contiguousPoints(tap: tap)
                for point in 0..<inner.lowerBound {
                  let index = Int(across[point * kernel + tap])
                  target[point] = index < 0 ? 0 : source[index]
                }
                (target + inner.lowerBound).update(
                  from: source + (inner.lowerBound + tap - g.before), count: inner.count)
                for point in inner.upperBound..<width {
                  let index = Int(across[point * kernel + tap])
                  target[point] = index < 0 ? 0 : source[index]
                }
              }
              target += width
            }
          }
        }
      }
    }
  }
}

/// The adjoint of ``gather``: adds every column's values to the places they came from.
@specialized(where E == Float)
@specialized(where E == Double)
private func scatter<E: Scalar>(
  _ columns: UnsafePointer<E>, onto x: UnsafeMutablePointer<E>, _ g: ConvolutionGeometry, _ lines: Range<Int>
) {
  let (width, inputWidth, kernel) = (g.width, g.inputWidth, g.taps.horizontal)
  g.horizontal.sources[0].withUnsafeBufferPointer { across in
    g.vertical.sources[0].withUnsafeBufferPointer { down in
      var source = columns
      for channel in 0..<g.inChannels {
        let plane = x + channel * inputWidth * g.inputHeight
        for rowTap in 0..<g.taps.vertical {
          for tap in 0..<kernel {
            for line in lines {
              let row = Int(down[line * g.taps.vertical + rowTap])
              if row >= 0 {
                let target = plane + row * inputWidth
                let inner = g.contiguousPoints(tap: tap)
                for point in 0..<inner.lowerBound {
                  let index = Int(across[point * kernel + tap])
                  if index >= 0 { target[index] += source[point] }
                }
                Pointwise.add(
                  source + inner.lowerBound, to: target + (inner.lowerBound + tap - g.before),
                  count: inner.count)
                for point in inner.upperBound..<width {
                  let index = Int(across[point * kernel + tap])
                  if index >= 0 { target[index] += source[point] }
                }
              }
              source += width
            }
          }
        }
      }
    }
  }
}

extension Tape {
  /// A convolution on one or two axes: `[batch, in, …grid]`, a weight `[out, in, kernel]` or `[out, in, kernel, kernel]`
  /// and a bias `[out]` give `[batch, out, …grid]`, every `stride`-th point of the grid.
  ///
  /// As in PyTorch the kernel is not mirrored; with a padding other than ``ConvolutionPadding/valid`` an output point
  /// has (kernel − 1)/2 neighbours before it.
  public func convolution(
    _ input: Variable<Element>, weight: Variable<Element>, bias: Variable<Element>, stride: Int = 1,
    padding: ConvolutionPadding
  ) -> Variable<Element> {
    apply(Convolution<Element>(stride: stride, padding: padding), [input, weight, bias])
  }
}
