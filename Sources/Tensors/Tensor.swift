// The n-dimensional array everything else is written in.

/// An n-dimensional array of real numbers: a shape and values in row-major order (the last axis contiguous).
///
/// A value type: copies share memory until one of them is written. Memory comes from the ``BufferPool``.
/// Complex arrays are real tensors with an axis of length 2 (real part, imaginary part) at a place that the
/// owner documents.
public struct Tensor<Element: Scalar>: Sendable {
  /// The extent of every axis, slowest first. A scalar has the shape `[]`.
  public private(set) var shape: [Int]
  private var storage: Storage

  /// Undefined values: to be written before they are read.
  public init(uninitialized shape: [Int]) {
    precondition(shape.allSatisfy { $0 >= 0 }, "a negative extent in \(shape)")
    self.shape = shape
    storage = Storage(count: shape.reduce(1, *))
  }

  public init(repeating value: Element, shape: [Int]) {
    self.init(uninitialized: shape)
    Pointwise.fill(storage.memory.pointer, with: value, count: count)
  }

  public static func zeros(_ shape: [Int]) -> Tensor { Tensor(repeating: 0, shape: shape) }

  /// A tensor of `values` in row-major order; their number must be the product of `shape`.
  public init(_ values: some Collection<Element>, shape: [Int]) {
    self.init(uninitialized: shape)
    precondition(values.count == count, "\(values.count) values for the shape \(shape)")
    _ = storage.memory.buffer.initialize(from: values)
  }

  /// A tensor without axes.
  public init(scalar: Element) { self.init(repeating: scalar, shape: []) }

  public var count: Int { storage.memory.count }
  public var rank: Int { shape.count }

  /// The distance in memory between neighbours along each axis.
  public var strides: [Int] { Self.strides(of: shape) }

  public static func strides(of shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    return strides
  }

  /// The same values in another shape of the same number of elements; shares memory.
  public func reshaped(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, *) == count, "\(self.shape) cannot become \(shape)")
    var result = self
    result.shape = shape
    return result
  }

  public subscript(_ indices: Int...) -> Element {
    get { storage.memory.pointer[offset(indices)] }
    set {
      makeUnique()
      storage.memory.pointer[offset(indices)] = newValue
    }
  }

  /// The value of a tensor with one element.
  public var scalarValue: Element {
    precondition(count == 1, "a scalar was expected, not \(shape)")
    return storage.memory.pointer[0]
  }

  /// All values in row-major order.
  public var values: [Element] { withUnsafeBuffer { Array($0) } }

  private func offset(_ indices: [Int]) -> Int {
    precondition(indices.count == rank, "\(indices.count) indices for \(rank) axes")
    return zip(zip(indices, strides), shape).reduce(0) { sum, item in
      precondition(item.0.0 >= 0 && item.0.0 < item.1, "index \(indices) outside \(shape)")
      return sum + item.0.0 * item.0.1
    }
  }
}

// MARK: - Memory

extension Tensor {
  final class Storage: @unchecked Sendable {
    let memory: AlignedMemory<Element>

    init(count: Int) { memory = AlignedMemory(count: count) }
  }

  /// True where no other tensor shares this one's memory: writing will not copy.
  public var isUniquelyReferenced: Bool {
    mutating get { isKnownUniquelyReferenced(&storage) }
  }

  private mutating func makeUnique() {
    guard !isKnownUniquelyReferenced(&storage) else { return }
    let copy = Storage(count: count)
    copy.memory.pointer.update(from: storage.memory.pointer, count: count)
    storage = copy
  }

  /// The values, row-major; the pointer is valid within `body` only.
  public func withUnsafeBuffer<R, E: Error>(
    _ body: (UnsafeBufferPointer<Element>) throws(E) -> R
  ) throws(E) -> R {
    try withExtendedLifetimeOfStorage { memory throws(E) in
      try body(UnsafeBufferPointer(start: memory, count: count))
    }
  }

  /// The values for writing, row-major; copies first where memory is shared.
  public mutating func withUnsafeMutableBuffer<R, E: Error>(
    _ body: (UnsafeMutableBufferPointer<Element>) throws(E) -> R
  ) throws(E) -> R {
    makeUnique()
    return try withExtendedLifetimeOfStorage { memory throws(E) in
      try body(UnsafeMutableBufferPointer(start: memory, count: count))
    }
  }

  /// The address of the values, for kernels that read many tensors at once. Valid while a copy of this tensor
  /// is alive: end the use with `withExtendedLifetime`.
  package var unsafePointer: UnsafePointer<Element> { UnsafePointer(storage.memory.pointer) }

  /// The address of the values for writing; copies first where memory is shared. Valid as ``unsafePointer`` is.
  package mutating func unsafeMutablePointer() -> UnsafeMutablePointer<Element> {
    makeUnique()
    return storage.memory.pointer
  }

  private func withExtendedLifetimeOfStorage<R, E: Error>(
    _ body: (UnsafeMutablePointer<Element>) throws(E) -> R
  ) throws(E) -> R {
    let storage = storage
    defer { withExtendedLifetime(storage) {} }
    return try body(storage.memory.pointer)
  }
}

extension Tensor: CustomStringConvertible {
  public var description: String {
    let shown = values.prefix(6).map(\.description).joined(separator: ", ")
    return "Tensor<\(Element.name)>\(shape) [\(shown)\(count > 6 ? ", …" : "")]"
  }
}
