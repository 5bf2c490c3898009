// One persistent set of threads that share the work inside an operation.

import COpenBLAS
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A persistent pool of threads.
///
/// An operation cuts its work into tasks whose number and extent follow from the problem alone, never from the
/// number of threads, and combines what they return in the order of the tasks: results do not depend on
/// ``threadCount``. A call from inside a task runs its own tasks in place.
public final class WorkerPool: Sendable {
  public static let shared = WorkerPool()

  /// Processors this process may run on.
  public static var availableProcessors: Int { max(1, Int(openblas_get_num_procs())) }

  private struct State {
    var body: UnsafePointer<(Int) -> Void>?
    var isOpen = false
    var limit = WorkerPool.availableProcessors
    var workers = 0
    var sleeping = 0
  }

  // The mutex and conditions of pthreads rather than `Mutex`: workers sleep on them.
  private nonisolated(unsafe) let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private nonisolated(unsafe) let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private nonisolated(unsafe) var state = State()  // guarded by `lock`
  private let generation = Atomic<Int>(0)
  private let active = Atomic<Int>(0)
  // How many tasks were taken: from the front in the lower 32 bits, from the end in the upper ones.
  private let taken = Atomic<Int>(0)
  private let taskCount = Atomic<Int>(0)

  private init() {
    lock.initialize(to: pthread_mutex_t())
    wake.initialize(to: pthread_cond_t())
    pthread_mutex_init(lock, nil)
    pthread_cond_init(wake, nil)
  }

  /// Threads that share the work, the caller among them; at least one.
  public var threadCount: Int {
    get { withLock { state.limit } }
    set {
      precondition(newValue >= 1, "at least one thread")
      withLock { state.limit = newValue }
    }
  }

  /// Runs `body(0)`, …, `body(tasks − 1)`, each once, in any order and on any thread; returns when all are done.
  public func run(tasks: Int, _ body: (Int) -> Void) {
    guard tasks > 0 else { return }
    guard tasks > 1, !Self.isInsideTask, threadCount > 1 else {
      for task in 0..<tasks { body(task) }
      return
    }
    // By its address: a reference held a moment too long by a worker would count as an escape.
    withoutActuallyEscaping(body) { body in withUnsafePointer(to: body) { share(tasks, $0) } }
  }

  /// Cuts `0..<count` into at most `limit` ranges of some `grain` elements or more, and runs `body` on each.
  public func forEachRange(count: Int, grain: Int, limit: Int = 64, _ body: (Range<Int>) -> Void) {
    let size = Self.rangeSize(count: count, grain: grain, limit: limit)
    run(tasks: (count + size - 1) / size) { task in
      body(task * size..<min(count, (task + 1) * size))
    }
  }

  /// Cuts `0..<count` into `groups` ranges as equal as they can be, and runs `body` on each with its number.
  public func forEachGroup(_ groups: Int, of count: Int, _ body: (Int, Range<Int>) -> Void) {
    run(tasks: groups) { group in body(group, count * group / groups..<count * (group + 1) / groups) }
  }

  /// The length of the ranges that ``forEachRange(count:grain:limit:_:)`` makes, but for the last: a multiple of 16 where
  /// they are long; short ones are as equal as they can be.
  private static func rangeSize(count: Int, grain: Int, limit: Int) -> Int {
    let least = max(grain, (count + limit - 1) / limit, 1)
    guard least < 64 else { return (least + 15) / 16 * 16 }
    let ranges = max(1, (count + least - 1) / least)
    return max(1, (count + ranges - 1) / ranges)
  }

  private func share(_ tasks: Int, _ body: UnsafePointer<(Int) -> Void>) {
    pthread_mutex_lock(lock)
    // Another thread's work has the pool: do this work here.
    guard !state.isOpen, active.load(ordering: .acquiring) == 0 else {
      pthread_mutex_unlock(lock)
      for task in 0..<tasks { body.pointee(task) }
      return
    }
    while state.workers < state.limit - 1 {
      guard startWorker(index: state.workers) else { break }
      state.workers += 1
    }
    state.body = body
    state.isOpen = true
    taken.store(0, ordering: .relaxed)
    taskCount.store(tasks, ordering: .relaxed)
    generation.add(1, ordering: .releasing)
    if state.sleeping > 0 { pthread_cond_broadcast(wake) }
    pthread_mutex_unlock(lock)

    perform(body, fromEnd: false)

    pthread_mutex_lock(lock)
    state.isOpen = false
    pthread_mutex_unlock(lock)
    var turns = 0
    while active.load(ordering: .acquiring) > 0 {
      turns += 1
      if turns > 2000 { sched_yield() }
    }
  }

  /// The caller works from the first task on, its first worker from the last one back, others at either end: what one
  /// operation leaves in a processor's own cache is there for the next one's tasks on the same samples.
  @inline(never)
  private func perform(_ body: UnsafePointer<(Int) -> Void>, fromEnd: Bool) {
    Self.setInsideTask(true)
    defer { Self.setInsideTask(false) }
    let count = taskCount.load(ordering: .relaxed)
    while let task = nextTask(of: count, fromEnd: fromEnd) { body.pointee(task) }
  }

  private func nextTask(of count: Int, fromEnd: Bool) -> Int? {
    var known = taken.load(ordering: .relaxed)
    while true {
      let (first, last) = (known & 0xffff_ffff, known >> 32)
      guard first + last < count else { return nil }
      let (isTaken, original) = taken.weakCompareExchange(
        expected: known, desired: known + (fromEnd ? 1 << 32 : 1), ordering: .relaxed)
      if isTaken { return fromEnd ? count - 1 - last : first }
      known = original
    }
  }

  /// Waits awake for a while. A thread that sleeps is woken within some ten microseconds, on a virtual machine whose
  /// processor has been given back within many more: too long between the operations of a step. Others who want the
  /// processor get it.
  private func waitForWork(after seen: Int) {
    var turns = 0
    while generation.load(ordering: .acquiring) == seen, turns < 20_000 { turns += 1 }
    guard generation.load(ordering: .acquiring) == seen else { return }
    let clock = ContinuousClock()
    let end = clock.now + .milliseconds(2)
    while generation.load(ordering: .acquiring) == seen, clock.now < end { sched_yield() }
  }

  private func work(index: Int) {
    var seen = 0
    while true {
      waitForWork(after: seen)
      pthread_mutex_lock(lock)
      while generation.load(ordering: .acquiring) == seen {
        state.sleeping += 1
        pthread_cond_wait(wake, lock)
        state.sleeping -= 1
      }
      seen = generation.load(ordering: .acquiring)
      var body: UnsafePointer<(Int) -> Void>?
      if state.isOpen, index < state.limit - 1 {
        body = state.body
        active.add(1, ordering: .acquiringAndReleasing)
      }
      pthread_mutex_unlock(lock)
      if let body {
        perform(body, fromEnd: index.isMultiple(of: 2))
        active.subtract(1, ordering: .acquiringAndReleasing)
      }
    }
  }

  private func startWorker(index: Int) -> Bool {
    var thread = pthread_t()
    let argument = Unmanaged.passRetained(WorkerStart(pool: self, index: index))
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<WorkerStart>.fromOpaque(argument).takeRetainedValue()
        start.pool.work(index: start.index)
        return nil
      }, argument.toOpaque())
    guard status == 0 else {
      argument.release()
      return false
    }
    pthread_detach(thread)
    return true
  }

  private func withLock<R>(_ body: () -> R) -> R {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return body()
  }

  // A thread-local flag, by the address it holds: Swift has no thread-local variables of its own.
  private static let insideKey: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  private static var isInsideTask: Bool { pthread_getspecific(insideKey) != nil }

  private static func setInsideTask(_ inside: Bool) {
    pthread_setspecific(insideKey, inside ? UnsafeRawPointer(bitPattern: 1) : nil)
  }
}

private final class WorkerStart: Sendable {
  let pool: WorkerPool
  let index: Int

  init(pool: WorkerPool, index: Int) {
    self.pool = pool
    self.index = index
  }
}
