// What a program has to know and to set of the toolkit as a whole.

import Operators
import PDEData
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

// What programs on this floor see of the floors below.
public typealias StopSignal = Operators.StopSignal
public typealias TrainingEvent = Operators.TrainingEvent
public typealias TrainingProgress = Operators.TrainingProgress
public typealias EpochRecord = Operators.EpochRecord
public typealias GenerationProgress = PDEData.GenerationProgress
public typealias GenerationSummary = PDEData.GenerationSummary
public typealias ExistingOutput = PDEData.ExistingOutput

/// The toolkit's name and version.
public enum Toolkit {
  public static let version = "0.1.0"

  /// The time in UTC and the command line, as `history` in a dataset tells where it is from.
  public static func historyLine(arguments: [String] = CommandLine.arguments) -> String {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    var buffer = [CChar](repeating: 0, count: 32)
    let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    let stamp = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let words = arguments.enumerated().map { index, word in
      if index == 0 { return word.split(separator: "/").last.map(String.init) ?? word }
      let isPlain = !word.isEmpty && !word.contains { " '\"$*?[]();&|<>".contains($0) }
      return isPlain
        ? word
        : "'\(word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
    }
    return "\(stamp): \(words.joined(separator: " "))"
  }
}

/// Settings of the whole process.
public enum Compute {
  /// Threads that share the work of every operation. Results do not depend on it.
  public static var threadCount: Int {
    get { WorkerPool.shared.threadCount }
    set { WorkerPool.shared.threadCount = newValue }
  }
}
