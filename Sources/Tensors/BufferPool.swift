// Recycles memory, so that a training step in its steady state asks the system for none.

import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Keeps released memory by size and hands it out again.
///
/// Sizes are rounded up to one of sixteen steps between powers of two (at most 6.25 % waste), so that a repeated
/// computation finds its buffers from the second time on. ``statistics`` says whether it did.
public final class BufferPool: Sendable {
  public static let shared = BufferPool()

  struct Block: @unchecked Sendable {
    let address: UnsafeMutableRawPointer
    let bytes: Int
  }

  /// What the pool has done so far; bytes are of 8 bits.
  public struct Statistics: Sendable {
    /// Requests that had to go to the system.
    public var systemAllocations = 0
    /// Bytes now handed out.
    public var bytesInUse = 0
    /// Bytes now kept for later.
    public var bytesCached = 0
    /// The most that was ever handed out at once.
    public var peakBytesInUse = 0
  }

  private struct State {
    var free: [Int: [Block]] = [:]
    var cacheLimit = Int.max
    var statistics = Statistics()
  }

  private let state = Mutex(State())

  public var statistics: Statistics { state.withLock { $0.statistics } }

  /// Gives everything that is kept for later back to the system.
  public func trim() {
    let blocks = state.withLock { state in
      let blocks = state.free.values.flatMap(\.self)
      state.free.removeAll()
      state.statistics.bytesCached = 0
      return blocks
    }
    for block in blocks { free(block.address) }
  }

  func take(bytes: Int) -> Block {
    let size = Self.roundedUp(bytes)
    let recycled: Block? = state.withLock { state in
      state.statistics.bytesInUse += size
      state.statistics.peakBytesInUse = max(state.statistics.peakBytesInUse, state.statistics.bytesInUse)
      guard let block = state.free[size]?.popLast() else {
        state.statistics.systemAllocations += 1
        return nil
      }
      state.statistics.bytesCached -= size
      return block
    }
    return recycled ?? Self.allocate(size)
  }

  /// From now on no more than `bytes` are kept for later; what is released beyond that goes back to the system, and
  /// asking for it again takes time.
  public func limitCache(to bytes: Int) {
    state.withLock { $0.cacheLimit = bytes }
    trim()
  }

  func giveBack(_ block: Block) {
    let isKept = state.withLock { state in
      state.statistics.bytesInUse -= block.bytes
      guard state.statistics.bytesCached + block.bytes <= state.cacheLimit else { return false }
      state.statistics.bytesCached += block.bytes
      state.free[block.bytes, default: []].append(block)
      return true
    }
    if !isKept { free(block.address) }
  }

  static func roundedUp(_ bytes: Int) -> Int {
    let bytes = max(bytes, 64)
    let exponent = Int.bitWidth - 1 - bytes.leadingZeroBitCount
    let step = max(64, 1 << (exponent - 4))
    return (bytes + step - 1) / step * step
  }

  private static let hugePage = 2 << 20

  private static func allocate(_ size: Int) -> Block {
    let isLarge = size >= 2 * hugePage
    var address: UnsafeMutableRawPointer?
    let status = posix_memalign(&address, isLarge ? hugePage : 64, size)
    guard status == 0, let address else {
      // Where the system has no memory left, nothing that needs memory (an error's message, say) can follow.
      let message = "error: out of memory: the system refused \(size) bytes\n"
      _ = message.withCString { write(STDERR_FILENO, $0, strlen($0)) }
      exit(70)
    }
    #if os(Linux)
      if isLarge { madvise(address, size, MADV_HUGEPAGE) }
    #endif
    return Block(address: address, bytes: size)
  }
}
