// Several tensors put together: patches side by side.

import Tensors

/// Patches `[batch, channel, …(size + 2 margin)]`, as many an axis as `counts` says, numbered row-major, side by side
/// without their margins: `[batch, channel, …counts·size]`.
struct Stitch<Element: Scalar>: DifferentiableOperation {
  let counts: [Int]
  let sizes: [Int]
  let margins: [Int]

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    precondition(inputs.count == counts.reduce(1, *), "a patch for every place")
    let leading = Array(inputs[0].shape[..<2])
    var output = Tensor<Element>(uninitialized: leading + zip(counts, sizes).map { $0 * $1 })
    let target = output.unsafeMutablePointer()
    for (patch, input) in inputs.enumerated() {
      let source = input.unsafePointer
      forEachRow(planes: leading[0] * leading[1], patch: patch) { inner, outer, count in
        (target + outer).update(from: source + inner, count: count)
      }
      withExtendedLifetime(input) {}
    }
    return output
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    let leading = Array(gradient.shape[..<2])
    let source = gradient.unsafePointer
    for patch in 0..<counts.reduce(1, *) where slots.isNeeded(patch) {
      var part = Tensor<Element>.zeros(leading + zip(sizes, margins).map { $0 + 2 * $1 })
      let target = part.unsafeMutablePointer()
      forEachRow(planes: leading[0] * leading[1], patch: patch) { inner, outer, count in
        (target + inner).update(from: source + outer, count: count)
      }
      slots.add(patch, part)
    }
    withExtendedLifetime(gradient) {}
  }

  /// Calls `body(offset in the patch, offset in the whole, count)` for every row of a patch's inside.
  private func forEachRow(planes: Int, patch: Int, _ body: (Int, Int, Int) -> Void) {
    let patchShape = zip(sizes, margins).map { $0 + 2 * $1 }
    let wholeShape = zip(counts, sizes).map { $0 * $1 }
    let strides = (
      place: Tensor<Element>.strides(of: counts), row: Tensor<Element>.strides(of: sizes),
      patch: Tensor<Element>.strides(of: patchShape), whole: Tensor<Element>.strides(of: wholeShape)
    )
    let count = sizes[sizes.count - 1]
    let (patchPoints, wholePoints) = (patchShape.reduce(1, *), wholeShape.reduce(1, *))
    for plane in 0..<planes {
      for row in 0..<sizes.dropLast().reduce(1, *) {
        var (inner, outer) = (plane * patchPoints, plane * wholePoints)
        for axis in sizes.indices {
          let index = row * count / strides.row[axis] % sizes[axis]
          inner += (index + margins[axis]) * strides.patch[axis]
          outer += (index + patch / strides.place[axis] % counts[axis] * sizes[axis]) * strides.whole[axis]
        }
        body(inner, outer, count)
      }
    }
  }
}

extension Tape {
  /// Patches `[batch, channel, …(size + 2 margin)]`, numbered row-major over `counts` places, side by side without
  /// their margins.
  public func stitch(
    _ patches: [Variable<Element>], counts: [Int], sizes: [Int], margins: [Int]
  ) -> Variable<Element> {
    apply(Stitch<Element>(counts: counts, sizes: sizes, margins: margins), patches)
  }
}
