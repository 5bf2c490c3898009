// What is shown while a command works: a bar on a terminal, plain lines elsewhere.

import Experiments

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The progress of a pass over samples. Off a terminal, nothing: such a pass is short.
struct ProgressDisplay {
  private let title: String

  init(_ title: String) { self.title = title }

  var watch: Watch {
    let title = title
    return Watch(stop: Interruption.stop) { done, total in
      Console.progress("\(title) \(bar(done, total)) \(done)/\(total)")
    }
  }
}

/// `[=====>    ]`.
func bar(_ done: Int, _ total: Int, width: Int = 24) -> String {
  let filled = total > 0 ? min(width, done * width / total) : width
  let head = filled < width ? ">" : ""
  return "[" + String(repeating: "=", count: filled) + head
    + String(repeating: " ", count: max(0, width - filled - head.count)) + "]"
}

/// A run's epochs: on a terminal a bar with the losses, the speed and the time left; elsewhere a line an epoch.
final class TrainingDisplay {
  private var last = ContinuousClock.now - .seconds(1)

  func show(_ event: TrainingEvent) {
    switch event {
    case .step(let progress):
      // Some ten times a second is all that anybody sees.
      guard Console.isTerminal, ContinuousClock.now - last > .milliseconds(100) else { return }
      last = .now
      Console.progress(line(progress))
    case .epoch(let record, let epochs, let isBest):
      Console.log.info("\(line(record, of: epochs, isBest: isBest))")
    case .note(let text):
      Console.log.info("\(text)")
    case .warning(let text):
      Console.log.warning("\(text)")
    case .checkpoint: break
    case .modes(let modes):
      Console.log.info("modes in use: \(modes.map(String.init).joined(separator: "x"))")
    }
  }

  private func line(_ progress: TrainingProgress) -> String {
    var parts = [
      "epoch \(progress.epoch)/\(progress.epochs)", bar(progress.step, progress.stepsPerEpoch, width: 8),
    ]
    parts.append("loss \(progress.meanLoss.shown(4))")
    if let loss = progress.validationLoss { parts.append("validation \(loss.shown(4))") }
    parts.append("\(Self.rate(progress.samplesPerSecond))")
    parts.append("\(Self.duration(progress.secondsRemaining)) left")
    return parts.joined(separator: "  ")
  }

  private func line(_ record: EpochRecord, of epochs: Int, isBest: Bool) -> String {
    var parts = ["epoch \(record.epoch)/\(epochs)", "training \(record.trainingLoss.shown(5))"]
    if let loss = record.validationLoss {
      parts.append("validation \(loss.shown(5))\(isBest ? " *" : "")")
    }
    parts.append("\(Self.rate(record.samplesPerSecond))")
    return parts.joined(separator: "  ")
  }

  func summary(of result: TrainingJob.Result, in run: Run) -> String {
    var text = "\(run.folder): \(result.epochs.count) epochs, \(result.parameterCount) parameters"
    if let last = result.epochs.last { text += ", training loss \(last.trainingLoss.shown(5))" }
    if let best = result.best, let loss = best.validationLoss {
      text += ", best validation loss \(loss.shown(5)) in epoch \(best.epoch)"
    }
    return text
  }

  static func rate(_ value: Double) -> String {
    (value < 1000 ? value.shown(3) : "\(Int(min(value, 1e15)))") + " samples/s"
  }

  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e7 else { return "?" }
    let whole = Int(seconds.rounded())
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    if hours > 0 { return "\(hours)h\(minutes < 10 ? "0" : "")\(minutes)m" }
    return whole >= 60 ? "\(minutes)m\(whole % 60 < 10 ? "0" : "")\(whole % 60)s" : "\(whole)s"
  }
}

extension Double {
  /// With so many significant digits.
  func shown(_ digits: Int = 6) -> String {
    var buffer = [CChar](repeating: 0, count: 40)
    let count = withVaList([Int32(digits), self]) { vsnprintf(&buffer, buffer.count, "%.*g", $0) }
    return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
