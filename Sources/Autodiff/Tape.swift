// The reverse-mode tape: what was computed, in order, and the loop that walks it back.

import Tensors

/// One differentiable operation: its value and, in the same type, its gradient. A type without a gradient does
/// not conform, so that a missing one does not compile.
///
/// An operation is created with its constants, is run once by ``Tape/apply(_:_:)``, keeps what its gradient
/// needs only when `recording`, and is walked back at most once.
public protocol DifferentiableOperation<Element> {
  associatedtype Element: Scalar

  /// The value at `inputs`. An input that nobody else refers to may be overwritten.
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element>

  /// Adds to `slots` the gradient of the loss with respect to every input that needs one, given `gradient`, the
  /// loss's gradient with respect to the value.
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>)
}

/// A tensor on the tape: its value, and the node that made it where its gradient is wanted.
public struct Variable<Element: Scalar> {
  public let value: Tensor<Element>
  let node: Int?

  /// A value that nothing is differentiated with respect to.
  public init(constant value: Tensor<Element>) { self.init(value: value, node: nil) }

  init(value: Tensor<Element>, node: Int?) {
    self.value = value
    self.node = node
  }

  public var shape: [Int] { value.shape }
}

/// Records operations as they run and walks them back once.
///
/// ```swift
/// let tape = Tape<Double>()
/// let x = tape.variable(tensor)
/// let loss = tape.meanSquaredError(model(x, on: tape), target)
/// tape.backward(from: loss)          // parameters' gradients are in the parameters
/// let gradient = tape.gradient(of: x)
/// ```
public final class Tape<Element: Scalar> {
  private enum Source {
    case operation(any DifferentiableOperation<Element>, inputs: [Int?])
    case parameter(Parameter<Element>)
    case leaf
    case walkedBack
  }

  private var sources: [Source] = []
  private var gradients: [Tensor<Element>?] = []
  private var parameterNodes: [ObjectIdentifier: Int] = [:]

  /// Without recording (inference) nothing is kept and there is nothing to walk back.
  public let isRecording: Bool

  /// Whether more is computed anew on the way back, to save less.
  public let savesMemory: Bool

  /// What inference has computed without its input in the batches before; nil where nothing is kept.
  public let preparedValues: PreparedValues<Element>?

  let seed: UInt64
  let step: UInt64
  private var dropouts = 0

  /// - Parameters:
  ///   - savesMemory: Compute more anew on the way back.
  ///   - seed, step: What the masks of dropout follow from, beside their order on the tape.
  public init(recording: Bool = true, savesMemory: Bool = false, seed: UInt64 = 0, step: UInt64 = 0) {
    self.savesMemory = savesMemory
    isRecording = recording
    preparedValues = nil
    self.seed = seed
    self.step = step
  }

  /// A tape for inference, nothing recorded, in a pass over batches with the same parameters.
  public init(reusing preparedValues: PreparedValues<Element>?) {
    self.preparedValues = preparedValues
    (savesMemory, isRecording, seed, step) = (false, false, 0, 0)
  }

  /// A value whose gradient ``gradient(of:)`` gives after the walk back.
  public func variable(_ value: Tensor<Element>) -> Variable<Element> {
    Variable(value: value, node: isRecording ? add(.leaf) : nil)
  }

  /// A parameter's value; its gradient is added to ``Parameter/gradient``.
  public func variable(_ parameter: Parameter<Element>) -> Variable<Element> {
    guard isRecording, parameter.isTrainable else { return Variable(constant: parameter.value) }
    let identifier = ObjectIdentifier(parameter)
    let node = parameterNodes[identifier] ?? add(.parameter(parameter))
    parameterNodes[identifier] = node
    return Variable(value: parameter.value, node: node)
  }

  /// Runs `operation` on `inputs` and, where a gradient is wanted of one of them, records it.
  public func apply(
    _ operation: consuming some DifferentiableOperation<Element>, _ inputs: consuming [Variable<Element>]
  ) -> Variable<Element> {
    let nodes = inputs.map(\.node)
    let values = inputs.map(\.value)
    inputs = []
    let recording = isRecording && nodes.contains { $0 != nil }
    var operation = operation
    let value = operation.forward(consume values, recording: recording)
    guard recording else { return Variable(constant: value) }
    return Variable(value: value, node: add(.operation(operation, inputs: nodes)))
  }

  /// Walks back from `loss`, a scalar, whose gradient with respect to itself is `seed`.
  ///
  /// Afterwards parameters hold their gradients (added to what was there) and the tape is spent but for
  /// ``gradient(of:)``. A loop, not a recursion: depth is no limit.
  public func backward(from loss: Variable<Element>, seed: Element = 1) {
    backward(from: loss, gradient: Tensor(repeating: seed, shape: loss.shape))
  }

  /// Walks back from `output`, given the gradient of something with respect to it.
  public func backward(from output: Variable<Element>, gradient: Tensor<Element>) {
    precondition(gradient.shape == output.shape, "a gradient has the shape of its variable")
    guard let last = output.node else { return }
    gradients[last] = gradient
    for node in stride(from: last, through: 0, by: -1) {
      guard case .operation(let operation, let inputs) = sources[node] else { continue }
      sources[node] = .walkedBack  // what the operation saved is released as soon as it has been used
      guard let gradient = gradients[node].take() else { continue }
      operation.backward(gradient, into: GradientSlots(tape: self, inputs: inputs))
    }
  }

  /// The gradient of a leaf after the walk back; nil where nothing depended on it.
  public func gradient(of variable: Variable<Element>) -> Tensor<Element>? {
    variable.node.flatMap { gradients[$0] }
  }

  func nextDropout() -> Int {
    defer { dropouts += 1 }
    return dropouts
  }

  private func add(_ source: Source) -> Int {
    sources.append(source)
    gradients.append(nil)
    return sources.count - 1
  }

  fileprivate func begin(node: Int, shape: [Int]) -> PartialGradient<Element> {
    if case .parameter(let parameter) = sources[node] { return parameter.beginGradient() }
    if let gradient = gradients[node].take() { return PartialGradient(tensor: gradient, accumulates: true) }
    return PartialGradient(tensor: Tensor(uninitialized: shape), accumulates: false)
  }

  fileprivate func accumulate(node: Int, _ contribution: consuming Tensor<Element>) {
    if case .parameter(let parameter) = sources[node] {
      parameter.addToGradient(contribution)
    } else if var gradient = gradients[node].take() {
      gradient += contribution
      gradients[node] = gradient
    } else {
      gradients[node] = contribution
    }
  }
}

/// A gradient that an operation is writing: added to what is there, or over memory not yet defined.
public struct PartialGradient<Element: Scalar> {
  public var tensor: Tensor<Element>
  public let accumulates: Bool

  /// The factor of what is there in a matrix product that writes here: 1 or 0.
  public var beta: Element { accumulates ? 1 : 0 }
}

/// Where an operation leaves the gradients of its inputs.
public struct GradientSlots<Element: Scalar> {
  fileprivate let tape: Tape<Element>
  fileprivate let inputs: [Int?]

  /// Whether the gradient with respect to this input is wanted.
  public func isNeeded(_ input: Int) -> Bool { inputs[input] != nil }

  /// Adds a contribution, all of it at once.
  public func add(_ input: Int, _ contribution: consuming Tensor<Element>) {
    guard let node = inputs[input] else { return }
    tape.accumulate(node: node, contribution)
  }

  /// Takes out the gradient of an input, to be written in place and handed back by ``end(_:_:)``; nil where it is
  /// not wanted.
  public func begin(_ input: Int, shape: [Int]) -> PartialGradient<Element>? {
    inputs[input].map { tape.begin(node: $0, shape: shape) }
  }

  public func end(_ input: Int, _ gradient: consuming PartialGradient<Element>?) {
    guard let gradient else { return }
    add(input, gradient.tensor)
  }
}
