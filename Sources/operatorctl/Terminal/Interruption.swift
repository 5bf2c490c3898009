// Signals: a clean, resumable stop at the first request, the end at the second.

import Experiments
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

enum Interruption {
  /// Requested by SIGINT or SIGTERM.
  static let stop = StopSignal()

  private static let count = Atomic<Int>(0)
  private static let patience = Atomic<UInt32>(0)

  /// Ends the program so many seconds after a stop was requested, should what it is at take longer: for work that
  /// loses nothing by it, as the making of datasets, whose files can be continued at any moment.
  static func limitPatience(seconds: UInt32) { patience.store(seconds, ordering: .relaxed) }

  /// Takes over the signals that end a process without a word.
  static func prepare() {
    // Made here, not in a signal handler.
    _ = (stop, count.load(ordering: .relaxed), patience.load(ordering: .relaxed))
    var action = sigaction()
    sigemptyset(&action.sa_mask)
    action.sa_flags = SA_RESTART
    let handler: @convention(c) (Int32) -> Void = { _ in
      if Interruption.count.add(1, ordering: .relaxed).oldValue > 0 { _exit(130) }
      Interruption.stop.request()
      let seconds = Interruption.patience.load(ordering: .relaxed)
      if seconds > 0 { alarm(seconds) }
    }
    #if canImport(Glibc)
      action.__sigaction_handler.sa_handler = handler
    #else
      action.__sigaction_u.__sa_handler = handler
    #endif
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
    signal(SIGALRM) { _ in
      let line: StaticString = "operatorctl: error: interrupted within a sample; go on with --resume\n"
      _ = write(STDERR_FILENO, line.utf8Start, line.utf8CodeUnitCount)
      _exit(130)
    }
    // Whoever started the program may have had them blocked, and a child inherits that.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    // Writing to a closed pipe or beyond the limit of file sizes is an error of that write, not the end.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }
}
