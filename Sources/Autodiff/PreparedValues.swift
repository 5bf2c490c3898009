// What inference computes without its input, once for many batches.

import Tensors

/// Values that follow from parameters, kept for as long as these do not change: over a pass of inference. Full weights
/// that factors stand for; a trunk's functions at the query points.
///
/// For one pass on one thread at a time.
public final class PreparedValues<Element: Scalar> {
  /// What a value follows from: the parameters of a part of the model, for which one of them stands, and what else it
  /// depends on.
  public struct Key: Hashable {
    private let parameter: ObjectIdentifier
    private let rest: AnyHashable

    public init(_ parameter: Parameter<Element>, _ rest: some Hashable) {
      self.parameter = ObjectIdentifier(parameter)
      self.rest = AnyHashable(rest)
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
