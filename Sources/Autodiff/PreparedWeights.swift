// What inference computes from parameters alone, once for many batches.

import Tensors

/// Values that follow from parameters, kept for as long as these do not change: over a pass of inference.
///
/// For one pass on one thread at a time.
public final class PreparedWeights<Element: Scalar> {
  /// What a value belongs to: a parameter it is computed from, and the part of a model that uses it.
  public struct Key: Hashable {
    private let parameter: ObjectIdentifier
    private let part: Int

    public init(_ parameter: Parameter<Element>, part: Int = 0) {
      self.parameter = ObjectIdentifier(parameter)
      self.part = part
    }
  }

  /// How many batches the pass has, as far as is known.
  public let batches: Int
  // Nil: not worth it.
  private var values: [Key: Tensor<Element>?] = [:]
  private var remainingBytes: Int

  /// - Parameters:
  ///   - batches: Of the pass.
  ///   - capacity: The most that is kept, in bytes.
  public init(batches: Int, capacity: Int = 1 << 30) {
    self.batches = batches
    remainingBytes = capacity
  }

  /// The value of a key; `make` is asked for it once.
  ///
  /// - Parameters:
  ///   - count: Numbers in the value. One that the capacity has no room for is not made.
  ///   - make: The value, or nil where it is not worth its while.
  public func value(for key: Key, count: Int, _ make: () -> Tensor<Element>?) -> Tensor<Element>? {
    if let known = values[key] { return known }
    let bytes = count * MemoryLayout<Element>.stride
    let value = bytes <= remainingBytes ? make() : nil
    if value != nil { remainingBytes -= bytes }
    values[key] = .some(value)
    return value
  }
}
