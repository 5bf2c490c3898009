// Medians, and what is told of them.

import Foundation

/// The median of the milliseconds that some runs of `work` take, after one that is not counted.
func medianMilliseconds(repeats: Int, _ work: () -> Void) -> Double {
  work()
  let clock = ContinuousClock()
  let times = (0..<max(repeats, 1)).map { _ in clock.measure(work) / .milliseconds(1) }.sorted()
  return times[times.count / 2]
}

/// One line of JSON on standard output.
func report(_ name: String, _ numbers: [String: Double]) throws {
  var object: [String: Any] = ["benchmark": name]
  for (key, value) in numbers { object[key] = Double(Float(value).description) ?? value }
  let data = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
  FileHandle.standardOutput.write(data + Data("\n".utf8))
}
