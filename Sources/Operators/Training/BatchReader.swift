// Reads the next batch while the present one is worked on.

import Foundation
import Tensors

/// The batches of one pass over a source, one after the other; the next one is read by a thread of its own.
///
/// One batch ahead, no more: at any time at most two batches are in memory.
public final class BatchReader<Element: Scalar> {
  private let channel: Channel
  private var handedOut = 0

  /// What reader and thread share, under the condition's lock.
  private final class Channel: @unchecked Sendable {
    let source: any BatchSource<Element>
    let batches: [[Int]]
    let condition = NSCondition()
    var ready: Result<Batch<Element>, any Error>?
    var isCancelled = false

    init(source: any BatchSource<Element>, batches: [[Int]]) {
      self.source = source
      self.batches = batches
    }

    func readAll() {
      for indices in batches {
        condition.lock()
        while ready != nil && !isCancelled { condition.wait() }
        let goesOn = !isCancelled
        condition.unlock()
        guard goesOn else { return }
        let result = Result { try source.batch(indices) }
        condition.lock()
        ready = result
        condition.signal()
        condition.unlock()
        guard case .success = result else { return }
      }
    }

    func take() -> Result<Batch<Element>, any Error> {
      condition.lock()
      defer { condition.unlock() }
      while true {
        if let result = ready.take() {
          condition.signal()
          return result
        }
        condition.wait()
      }
    }

    func cancel() {
      condition.lock()
      isCancelled = true
      ready = nil
      condition.signal()
      condition.unlock()
    }
  }

  /// Begins to read.
  ///
  /// - Parameter batches: The sample numbers of every batch.
  public init(_ source: any BatchSource<Element>, batches: [[Int]]) {
    let channel = Channel(source: source, batches: batches)
    self.channel = channel
    guard !batches.isEmpty else { return }
    let thread = Thread { channel.readAll() }
    thread.name = "batch reader"
    thread.stackSize = 8 << 20
    thread.start()
  }

  deinit { channel.cancel() }

  /// The next batch; nil after the last.
  public func next() throws -> Batch<Element>? {
    guard handedOut < channel.batches.count else { return nil }
    handedOut += 1
    return try channel.take().get()
  }
}
