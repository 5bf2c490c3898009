// What training changes: a value, its gradient, and how both are laid out.

import Tensors

/// A trainable tensor.
///
/// `value` and `gradient` are in the layout that computation wants; ``shape`` and ``canonicalValues`` are what
/// files and people see. The gradient of a complex parameter is ∂L/∂Re + i ∂L/∂Im.
public final class Parameter<Element: Scalar> {
  /// How the numbers lie in memory.
  public enum Layout: Sendable, Equatable {
    /// As in files: row-major, real.
    case real
    /// In files complex `[rows…, modes…]` with the first `leading` axes in front; in memory mode-major and planar,
    /// `[modes, {real, imaginary}, rows…]`, so that each mode holds one real and one imaginary matrix.
    case modeMajorComplex(leading: Int)
    /// In files complex; in memory planar, `[{real, imaginary}, …shape]`.
    case planarComplex
  }

  /// The shape in files; that of a complex parameter counts complex numbers.
  public let shape: [Int]
  public let layout: Layout
  public var value: Tensor<Element>
  public var isTrainable = true

  private var storedGradient: Tensor<Element>?
  private var hasGradient = false

  /// A parameter of zeros.
  public init(shape: [Int], layout: Layout = .real) {
    self.shape = shape
    self.layout = layout
    value = .zeros(Self.memoryShape(shape, layout))
  }

  public var isComplex: Bool { layout != .real }

  /// Real numbers in it: a complex one counts as two.
  public var count: Int { value.count }

  /// The gradient collected since ``clearGradient()``; nil where no walk back reached the parameter.
  public var gradient: Tensor<Element>? { hasGradient ? storedGradient : nil }

  /// Forgets the gradient; keeps its memory unless that is to be `releasing`.
  public func clearGradient(releasing: Bool = false) {
    hasGradient = false
    if releasing { storedGradient = nil }
  }

  /// Replaces the gradient by what `body` makes of it in place (clipping, averaging over ranks).
  public func withGradient(_ body: (inout Tensor<Element>) -> Void) {
    guard hasGradient, var gradient = storedGradient.take() else { return }
    body(&gradient)
    storedGradient = gradient
  }

  func beginGradient() -> PartialGradient<Element> {
    defer { hasGradient = false }
    guard let gradient = storedGradient.take() else {
      return PartialGradient(tensor: Tensor(uninitialized: value.shape), accumulates: false)
    }
    return PartialGradient(tensor: gradient, accumulates: hasGradient)
  }

  func addToGradient(_ contribution: consuming Tensor<Element>) {
    precondition(contribution.count == value.count, "a gradient has the size of its parameter")
    if hasGradient, var gradient = storedGradient.take() {
      gradient += contribution.reshaped(value.shape)
      storedGradient = gradient
    } else {
      storedGradient = contribution.reshaped(value.shape)
      hasGradient = true
    }
  }

  private static func memoryShape(_ shape: [Int], _ layout: Layout) -> [Int] {
    switch layout {
    case .real: shape
    case .modeMajorComplex(let leading):
      [shape[leading...].reduce(1, *), 2] + shape[..<leading]
    case .planarComplex: [2] + shape
    }
  }
}

// MARK: - The layout of files

extension Parameter {
  /// The values row-major in ``shape``; of a complex parameter real and imaginary part in turn.
  public var canonicalValues: [Element] { canonical(value) }

  /// The gradient in the same order.
  public var canonicalGradient: [Element]? { gradient.map(canonical) }

  /// Sets the value from numbers in the order of ``canonicalValues``.
  public func setCanonicalValues(_ values: [Element]) {
    precondition(values.count == count, "\(values.count) numbers for the shape \(shape)")
    value = fromCanonical(values)
  }

  /// A tensor of this parameter's size (an optimizer's moment, say) in the order of files.
  public func canonical(_ tensor: Tensor<Element>) -> [Element] {
    guard let order = complexOrder else { return tensor.values }
    return [Element](unsafeUninitializedCapacity: count) { result, initialized in
      tensor.withUnsafeBuffer { source in
        guard let source = source.baseAddress, let target = result.baseAddress else { return }
        order.forEachTile { copyTile(ofMemory: source, toFile: target, order, rows: $0, modes: $1) }
      }
      initialized = count
    }
  }

  /// The inverse of ``canonical(_:)``.
  public func fromCanonical(_ values: [Element]) -> Tensor<Element> {
    guard let order = complexOrder else { return Tensor(values, shape: shape) }
    var result = Tensor<Element>(uninitialized: value.shape)
    values.withUnsafeBufferPointer { source in
      result.withUnsafeMutableBuffer { target in
        guard let source = source.baseAddress, let target = target.baseAddress else { return }
        order.forEachTile { copyTile(ofFile: source, toMemory: target, order, rows: $0, modes: $1) }
      }
    }
    return result
  }

  private var complexOrder: ComplexOrder? {
    switch layout {
    case .real: nil
    case .planarComplex: ComplexOrder(rows: shape.reduce(1, *), modes: 1)
    case .modeMajorComplex(let leading):
      ComplexOrder(rows: shape[..<leading].reduce(1, *), modes: shape[leading...].reduce(1, *))
    }
  }
}

/// Where the numbers of a complex array `[rows, modes]` lie: in memory `[modes, {real, imaginary}, rows]`, in files
/// `[rows, modes, {real, imaginary}]`.
private struct ComplexOrder {
  let rows: Int
  let modes: Int

  /// Tiles of which both orders fit into the cache.
  func forEachTile(_ body: (_ rows: Range<Int>, _ modes: Range<Int>) -> Void) {
    let tile = 32
    WorkerPool.shared.run(tasks: (rows + tile - 1) / tile) { index in
      let rows = index * tile..<min((index + 1) * tile, rows)
      for first in stride(from: 0, to: modes, by: tile) { body(rows, first..<min(first + tile, modes)) }
    }
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func copyTile<E: Scalar>(
  ofMemory source: UnsafePointer<E>, toFile target: UnsafeMutablePointer<E>, _ order: ComplexOrder,
  rows: Range<Int>, modes: Range<Int>
) {
  for row in rows {
    for mode in modes {
      target[(row * order.modes + mode) * 2] = source[mode * 2 * order.rows + row]
      target[(row * order.modes + mode) * 2 + 1] = source[(mode * 2 + 1) * order.rows + row]
    }
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func copyTile<E: Scalar>(
  ofFile source: UnsafePointer<E>, toMemory target: UnsafeMutablePointer<E>, _ order: ComplexOrder,
  rows: Range<Int>, modes: Range<Int>
) {
  for mode in modes {
    for row in rows {
      target[mode * 2 * order.rows + row] = source[(row * order.modes + mode) * 2]
      target[(mode * 2 + 1) * order.rows + row] = source[(row * order.modes + mode) * 2 + 1]
    }
  }
}
