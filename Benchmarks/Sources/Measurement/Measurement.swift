// Medians, and what is told of them.

import Foundation

/// The median of the milliseconds that some runs of `work` take, after one that is not counted.
public func medianMilliseconds(repeats: Int, _ work: () -> Void) -> Double {
  medianMilliseconds(repeats: repeats, prepare: {}, { _ in work() })
}

/// The same where each run wants something made first, which is not timed.
public func medianMilliseconds<State>(
  repeats: Int, prepare: () -> State, _ work: (consuming State) -> Void
) -> Double {
  work(prepare())
  let clock = ContinuousClock()
  var times: [Double] = []
  for _ in 0..<max(repeats, 1) {
    let state = prepare()
    let start = clock.now
    work(state)
    times.append((clock.now - start) / .milliseconds(1))
  }
  return times.sorted()[times.count / 2]
}

/// One line of JSON on standard output.
public func report(_ name: String, _ numbers: [String: Double]) throws {
  var object: [String: Any] = ["benchmark": name]
  for (key, value) in numbers { object[key] = Double(Float(value).description) ?? value }
  let data = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
  FileHandle.standardOutput.write(data + Data("\n".utf8))
}

/// Runs a program; an error is one line on standard error and a failed exit, 64 for wrong usage.
public func exitOnError(_ program: () throws -> Void) {
  do {
    try program()
  } catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(error is UsageError ? 64 : 1)
  }
}

/// What the user asked for in a way that is not understood.
public struct UsageError: Error, CustomStringConvertible {
  public let description: String
  public init(description: String) { self.description = description }
}
