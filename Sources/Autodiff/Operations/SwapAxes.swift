// Two neighbouring axes of a tensor in the other order.

import Tensors

/// `[…outer, a, b, …inner]` to `[…outer, b, a, …inner]`.
struct SwapAxes<Element: Scalar>: DifferentiableOperation {
  let outer: Int
  let a: Int
  let b: Int
  let inner: Int
  let inputShape: [Int]
  let outputShape: [Int]

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    Self.swapped(inputs[0], outer, a, b, inner).reshaped(outputShape)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    slots.add(0, Self.swapped(gradient, outer, b, a, inner).reshaped(inputShape))
  }

  private static func swapped(_ x: Tensor<Element>, _ outer: Int, _ a: Int, _ b: Int, _ inner: Int) -> Tensor<
    Element
  > {
    var y = Tensor<Element>(uninitialized: x.shape)
    let (source, target) = (x.unsafePointer, y.unsafeMutablePointer())
    let block = 32
    let blocks = (b + block - 1) / block
    WorkerPool.shared.forEachRange(count: outer * blocks, grain: max(1, 16384 / max(1, a * block * inner))) {
      tasks in
      for task in tasks {
        let first = task % blocks * block
        let offset = task / blocks * a * b * inner
        let columns = first..<min(b, first + block)
        if inner == 1 {
          transposedCopy(
            source + (offset + first), rows: a, columns: columns.count, stride: b,
            into: target + (offset + first * a), stride: a)
        } else {
          swapBlock(source + offset, target + offset, a: a, b: b, columns: columns, inner: inner)
        }
      }
    }
    withExtendedLifetime(x) {}
    return y
  }
}

private func swapBlock<E: Scalar>(
  _ x: UnsafePointer<E>, _ y: UnsafeMutablePointer<E>, a: Int, b: Int, columns: Range<Int>, inner: Int
) {
  for row in 0..<a {
    for column in columns {
      (y + (column * a + row) * inner).update(from: x + (row * b + column) * inner, count: inner)
    }
  }
}

extension Tape {
  /// The tensor with axes `[…outer, a, b, …inner]`, a product of extents each, in the order `[…outer, b, a, …inner]`
  /// and the shape `shape`.
  public func swapAxes(
    _ tensor: Variable<Element>, outer: Int = 1, _ a: Int, _ b: Int, inner: Int = 1, shape: [Int]
  ) -> Variable<Element> {
    precondition(outer * a * b * inner == tensor.value.count, "axes that make up the tensor")
    return apply(
      SwapAxes<Element>(
        outer: outer, a: a, b: b, inner: inner, inputShape: tensor.shape, outputShape: shape), [tensor])
  }
}
