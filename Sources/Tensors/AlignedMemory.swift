// Owned, aligned, uninitialized memory: the one place where tensors' bytes come from and go back to.

/// Owned memory for `count` elements, aligned to a cache line (to a huge page when large), taken from and
/// returned to the ``BufferPool``. Its contents are undefined until written.
public struct AlignedMemory<Element: BitwiseCopyable>: ~Copyable {
  public let pointer: UnsafeMutablePointer<Element>
  public let count: Int
  private let block: BufferPool.Block

  public init(count: Int) {
    precondition(count >= 0, "a negative number of elements")
    block = BufferPool.shared.take(bytes: count * MemoryLayout<Element>.stride)
    pointer = block.address.bindMemory(to: Element.self, capacity: count)
    self.count = count
  }

  deinit {
    BufferPool.shared.giveBack(block)
  }

  public var buffer: UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(start: pointer, count: count)
  }
}

extension AlignedMemory: @unchecked Sendable where Element: Sendable {}
