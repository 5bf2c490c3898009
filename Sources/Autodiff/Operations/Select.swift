// One place of an axis.

import Tensors

/// `Y[a, 0, b] = X[a, index, b]`.
struct Select<Element: Scalar>: DifferentiableOperation {
  let axis: Int
  let index: Int
  private var inputShape: [Int] = []

  init(axis: Int, index: Int) {
    self.axis = axis
    self.index = index
  }

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let input = inputs[0]
    inputShape = input.shape
    var shape = inputShape
    shape[axis] = 1
    var output = Tensor<Element>(uninitialized: shape)
    let (source, target) = (input.unsafePointer, output.unsafeMutablePointer())
    forEachRow { from, to, count in (target + to).update(from: source + from, count: count) }
    withExtendedLifetime(input) {}
    return output
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard var result = slots.begin(0, shape: inputShape) else { return }
    let (source, target) = (gradient.unsafePointer, result.tensor.unsafeMutablePointer())
    if !result.accumulates { target.update(repeating: 0, count: result.tensor.count) }
    forEachRow { from, to, count in Pointwise.add(source + to, to: target + from, count: count) }
    slots.end(0, result)
  }

  /// Calls `body(offset in X, offset in Y, count)` for every contiguous piece.
  private func forEachRow(_ body: (Int, Int, Int) -> Void) {
    let inner = inputShape[(axis + 1)...].reduce(1, *)
    let outer = inputShape[..<axis].reduce(1, *)
    for row in 0..<outer { body((row * inputShape[axis] + index) * inner, row * inner, inner) }
  }
}

extension Tape {
  /// What is at `index` of an axis, which is left with the extent 1.
  public func select(_ input: Variable<Element>, axis: Int, index: Int) -> Variable<Element> {
    precondition(index >= 0 && index < input.shape[axis], "place \(index) of \(input.shape[axis])")
    return apply(Select<Element>(axis: axis, index: index), [input])
  }
}
