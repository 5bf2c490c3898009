// Zeros around the grid, and their removal: each is the other's adjoint.

import Tensors

/// Puts `widths[axis]` zeros before and after each grid axis of `[batch, channel, …grid]`.
struct Pad<Element: Scalar>: DifferentiableOperation {
  let widths: [Int]

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    inputs[0].padded(by: widths)
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    slots.add(0, gradient.cropped(by: widths))
  }
}

/// Removes `widths[axis]` points from both ends of each grid axis.
struct Crop<Element: Scalar>: DifferentiableOperation {
  let widths: [Int]

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    inputs[0].cropped(by: widths)
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    slots.add(0, gradient.padded(by: widths))
  }
}

extension Tensor {
  fileprivate func padded(by widths: [Int]) -> Tensor {
    let grid = zip(shape[2...], widths).map { $0 + 2 * $1 }
    var result = Tensor.zeros(Array(shape[..<2]) + grid)
    let (source, target) = (unsafePointer, result.unsafeMutablePointer())
    forEachInnerRow(inner: Array(shape[2...]), outer: grid, widths) { inner, outer, count in
      (target + outer).update(from: source + inner, count: count)
    }
    withExtendedLifetime(self) {}
    return result
  }

  fileprivate func cropped(by widths: [Int]) -> Tensor {
    let grid = zip(shape[2...], widths).map { $0 - 2 * $1 }
    precondition(grid.allSatisfy { $0 > 0 }, "more is cropped than there is")
    var result = Tensor(uninitialized: Array(shape[..<2]) + grid)
    let (source, target) = (unsafePointer, result.unsafeMutablePointer())
    forEachInnerRow(inner: grid, outer: Array(shape[2...]), widths) { inner, outer, count in
      (target + inner).update(from: source + outer, count: count)
    }
    withExtendedLifetime(self) {}
    return result
  }

  /// Calls `body(offset in the inner array, offset in the outer one, count)` for every contiguous row.
  private func forEachInnerRow(
    inner: [Int], outer: [Int], _ widths: [Int], _ body: (Int, Int, Int) -> Void
  ) {
    let (innerStrides, outerStrides) = (Tensor.strides(of: inner), Tensor.strides(of: outer))
    let rowsPerPlane = inner.dropLast().reduce(1, *)
    let (innerSize, outerSize) = (inner.reduce(1, *), outer.reduce(1, *))
    let count = inner.last ?? 1
    WorkerPool.shared.forEachRange(
      count: shape[0] * shape[1], grain: max(1, 16384 / max(outerSize, 1))
    ) { planes in
      for plane in planes {
        for row in 0..<rowsPerPlane {
          var (remainder, outerOffset) = (row * count, widths.last ?? 0)
          for axis in inner.indices.dropLast() {
            outerOffset += (remainder / innerStrides[axis] + widths[axis]) * outerStrides[axis]
            remainder %= innerStrides[axis]
          }
          body(plane * innerSize + row * count, plane * outerSize + outerOffset, count)
        }
      }
    }
  }
}

extension Tape {
  /// `input` `[batch, channel, …grid]` with `widths[axis]` zeros at both ends of each grid axis.
  public func pad(_ input: Variable<Element>, by widths: [Int]) -> Variable<Element> {
    apply(Pad<Element>(widths: widths), [input])
  }

  /// `input` without `widths[axis]` points at both ends of each grid axis.
  public func crop(_ input: Variable<Element>, by widths: [Int]) -> Variable<Element> {
    apply(Crop<Element>(widths: widths), [input])
  }
}
