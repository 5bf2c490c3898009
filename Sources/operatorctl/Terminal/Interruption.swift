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

  /// Takes over the signals that end a process without a word.
  static func prepare() {
    _ = (stop, count.load(ordering: .relaxed))  // made here, not in a signal handler
    var action = sigaction()
    sigemptyset(&action.sa_mask)
    action.sa_flags = SA_RESTART
    let handler: @convention(c) (Int32) -> Void = { _ in
      if Interruption.count.add(1, ordering: .relaxed).oldValue > 0 { _exit(130) }
      Interruption.stop.request()
    }
    #if canImport(Glibc)
      action.__sigaction_handler.sa_handler = handler
    #else
      action.__sigaction_u.__sa_handler = handler
    #endif
    sigaction(SIGINT, &action, nil)
    sigaction(SIGTERM, &action, nil)
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
