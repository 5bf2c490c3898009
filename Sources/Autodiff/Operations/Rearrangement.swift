// Values in another order or place: concatenation, transposition, repetition on a finer grid.

import Tensors

/// The channels of all inputs one after the other: `[batch, channel, …grid]`.
struct Concatenate<Element: Scalar>: DifferentiableOperation {
  private var shapes: [[Int]] = []

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    shapes = inputs.map(\.shape)
    let first = shapes[0]
    precondition(
      shapes.allSatisfy { $0[0] == first[0] && $0[2...] == first[2...] }, "one batch and one grid")
    var output = Tensor<Element>(
      uninitialized: [first[0], shapes.reduce(0) { $0 + $1[1] }] + first[2...])
    let total = output.count / max(first[0], 1)
    let y = output.unsafeMutablePointer()
    var offset = 0
    for input in inputs {
      let (x, size, start) = (input.unsafePointer, input.count / max(first[0], 1), offset)
      WorkerPool.shared.run(tasks: first[0]) { sample in
        (y + (sample * total + start)).update(from: x + sample * size, count: size)
      }
      withExtendedLifetime(input) {}
      offset += size
    }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    let batch = gradient.shape[0]
    let total = gradient.count / max(batch, 1)
    var offset = 0
    for (index, shape) in shapes.enumerated() {
      let size = shape[1...].reduce(1, *)
      if slots.isNeeded(index) {
        var part = Tensor<Element>(uninitialized: shape)
        let (dx, dy, start) = (part.unsafeMutablePointer(), gradient.unsafePointer, offset)
        WorkerPool.shared.run(tasks: batch) { sample in
          (dx + sample * size).update(from: dy + (sample * total + start), count: size)
        }
        slots.add(index, part)
      }
      offset += size
    }
    withExtendedLifetime(gradient) {}
  }
}

/// Some of the channels of `[batch, channel, …grid]`, in a given order; a channel may be taken more than once.
struct SelectChannels<Element: Scalar>: DifferentiableOperation {
  let sources: [Int]
  private var inputShape: [Int] = []

  init(sources: [Int]) { self.sources = sources }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let input = inputs[0]
    inputShape = input.shape
    let (channels, points) = (input.shape[1], input.shape[2...].reduce(1, *))
    precondition(sources.allSatisfy { $0 >= 0 && $0 < channels }, "channels that there are")
    var output = Tensor<Element>(uninitialized: [input.shape[0], sources.count] + input.shape[2...])
    let (x, y, sources) = (input.unsafePointer, output.unsafeMutablePointer(), sources)
    WorkerPool.shared.run(tasks: input.shape[0]) { sample in
      for (channel, source) in sources.enumerated() {
        (y + (sample * sources.count + channel) * points).update(
          from: x + (sample * channels + source) * points, count: points)
      }
    }
    withExtendedLifetime(input) {}
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard slots.isNeeded(0) else { return }
    var result = Tensor<Element>.zeros(inputShape)
    let (channels, points) = (inputShape[1], inputShape[2...].reduce(1, *))
    let (dy, dx, sources) = (gradient.unsafePointer, result.unsafeMutablePointer(), sources)
    WorkerPool.shared.run(tasks: inputShape[0]) { sample in
      for (channel, source) in sources.enumerated() {
        Pointwise.add(
          dy + (sample * sources.count + channel) * points,
          to: dx + (sample * channels + source) * points, count: points)
      }
    }
    withExtendedLifetime(gradient) {}
    slots.add(0, result)
  }
}

/// `y[…, i_a, …]` with the axes in another order.
struct Permute<Element: Scalar>: DifferentiableOperation {
  let order: [Int]

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    inputs[0].permuted(order)
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    var inverse = order
    for (place, axis) in order.enumerated() { inverse[axis] = place }
    slots.add(0, gradient.permuted(inverse))
  }
}

extension Tensor {
  /// The axes in another order: axis i of the result is axis `order[i]`.
  func permuted(_ order: [Int]) -> Tensor {
    precondition(order.sorted() == Array(shape.indices), "an order of all axes")
    guard order != Array(shape.indices), let last = order.last else { return self }
    var result = Tensor(uninitialized: order.map { shape[$0] })
    let (strides, extents) = (strides, result.shape)
    let targetStrides = Tensor.strides(of: extents)
    let inner = extents.count - 1
    // The axis of the result that is contiguous in the source; with the last one it spans planes that are transposed,
    // tile by tile. Where it is the last one itself, a plane is a row.
    let contiguous = order.firstIndex(of: inner) ?? inner
    let outer = extents.indices.filter { $0 != inner && $0 != contiguous }
    let rows = contiguous == inner ? 1 : extents[contiguous]
    let (columns, step, targetStep) = (extents[inner], strides[last], targetStrides[contiguous])
    let (source, target) = (unsafePointer, result.unsafeMutablePointer())
    let planes = outer.reduce(1) { $0 * extents[$1] }
    WorkerPool.shared.forEachRange(count: planes, grain: max(1, 8192 / max(rows * columns, 1))) { range in
      for plane in range {
        var (remainder, from, to) = (plane, 0, 0)
        for axis in outer.reversed() {
          let index = remainder % extents[axis]
          from += index * strides[order[axis]]
          to += index * targetStrides[axis]
          remainder /= extents[axis]
        }
        if rows == 1, step == 1 {
          (target + to).update(from: source + from, count: columns)
        } else {
          transpose(
            source + from, step: step, into: target + to, step: targetStep, rows: rows, columns: columns)
        }
      }
    }
    withExtendedLifetime(self) {}
    return result
  }
}

/// `y[r·targetStep + c] = x[r + c·step]`.
@specialized(where E == Float)
@specialized(where E == Double)
private func transpose<E: Scalar>(
  _ x: UnsafePointer<E>, step: Int, into y: UnsafeMutablePointer<E>, step targetStep: Int, rows: Int,
  columns: Int
) {
  let tile = 16
  for firstRow in stride(from: 0, to: rows, by: tile) {
    for firstColumn in stride(from: 0, to: columns, by: tile) {
      for row in firstRow..<min(firstRow + tile, rows) {
        let target = y + row * targetStep
        for column in firstColumn..<min(firstColumn + tile, columns) {
          target[column] = x[row + column * step]
        }
      }
    }
  }
}

/// Every point repeated on a finer grid: `y[j] = x[j/2]` along each axis of `[batch, channel, …grid]`.
struct RepeatPoints<Element: Scalar>: DifferentiableOperation {
  /// At most twice the input's points along each axis.
  let grid: [Int]
  private var inputShape: [Int] = []

  init(grid: [Int]) { self.grid = grid }

  private static func sources(_ input: [Int], _ output: [Int]) -> [Int32] {
    let strides = Tensor<Element>.strides(of: output)
    let inputStrides = Tensor<Element>.strides(of: input)
    return (0..<output.reduce(1, *)).map { point in
      var (remainder, source) = (point, 0)
      for axis in output.indices {
        source += remainder / strides[axis] / 2 * inputStrides[axis]
        remainder %= strides[axis]
      }
      return Int32(source)
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let input = inputs[0]
    inputShape = input.shape
    let coarse = Array(input.shape[2...])
    precondition(
      grid.count == coarse.count && zip(grid, coarse).allSatisfy { ($0 + 1) / 2 == $1 },
      "a grid of twice the points, or one less")
    var output = Tensor<Element>(uninitialized: Array(input.shape[..<2]) + grid)
    let sources = Self.sources(coarse, grid)
    let (x, y) = (input.unsafePointer, output.unsafeMutablePointer())
    let (small, large) = (coarse.reduce(1, *), grid.reduce(1, *))
    WorkerPool.shared.forEachRange(
      count: input.shape[0] * input.shape[1], grain: max(1, 8192 / max(large, 1))
    ) {
      for row in $0 { pick(x + row * small, sources, into: y + row * large) }
    }
    withExtendedLifetime(input) {}
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard slots.isNeeded(0) else { return }
    var result = Tensor<Element>.zeros(inputShape)
    let coarse = Array(inputShape[2...])
    let sources = Self.sources(coarse, grid)
    let (dy, dx) = (gradient.unsafePointer, result.unsafeMutablePointer())
    let (small, large) = (coarse.reduce(1, *), grid.reduce(1, *))
    WorkerPool.shared.forEachRange(count: inputShape[0] * inputShape[1], grain: max(1, 8192 / max(large, 1)))
    {
      for row in $0 { addBack(dy + row * large, sources, onto: dx + row * small) }
    }
    withExtendedLifetime(gradient) {}
    slots.add(0, result)
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func pick<E: Scalar>(_ x: UnsafePointer<E>, _ sources: [Int32], into y: UnsafeMutablePointer<E>) {
  sources.withUnsafeBufferPointer { s in
    for i in 0..<s.count { y[i] = x[Int(s[i])] }
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func addBack<E: Scalar>(_ y: UnsafePointer<E>, _ sources: [Int32], onto x: UnsafeMutablePointer<E>) {
  sources.withUnsafeBufferPointer { s in
    for i in 0..<s.count { x[Int(s[i])] += y[i] }
  }
}

extension Tape {
  /// The channels of all inputs `[batch, channel, …grid]` one after the other.
  public func concatenateChannels(_ inputs: [Variable<Element>]) -> Variable<Element> {
    inputs.count == 1 ? inputs[0] : apply(Concatenate<Element>(), inputs)
  }

  /// The channels `sources` of `[batch, channel, …grid]`, in this order.
  public func selectedChannels(_ input: Variable<Element>, _ sources: [Int]) -> Variable<Element> {
    sources == Array(0..<input.shape[1]) ? input : apply(SelectChannels<Element>(sources: sources), [input])
  }

  /// The axes in another order: axis i of the result is axis `order[i]` of the input.
  public func permuted(_ input: Variable<Element>, _ order: [Int]) -> Variable<Element> {
    apply(Permute<Element>(order: order), [input])
  }

  /// `input` `[batch, channel, …grid]` on a grid of twice the points (or one less) along each axis, every value
  /// repeated.
  public func repeatedPoints(_ input: Variable<Element>, grid: [Int]) -> Variable<Element> {
    apply(RepeatPoints<Element>(grid: grid), [input])
  }
}
