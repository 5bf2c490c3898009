// How a run that goes on is asked to end.

import Synchronization

/// A request to stop, made from any thread and looked at after every step.
public final class StopSignal: Sendable {
  private let flag = Atomic(false)

  public init() {}

  public func request() { flag.store(true, ordering: .relaxed) }

  public var isRequested: Bool { flag.load(ordering: .relaxed) }
}
