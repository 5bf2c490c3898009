// An output must not be one of the inputs: replacing it would lose what is read.

import Foundation

enum DistinctFiles {
  /// - Throws: ``ExperimentError`` (wrong usage) where `output` is the same file as one of `inputs`.
  static func require(output: String, inputs: [String]) throws {
    func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
    guard inputs.contains(where: { resolved($0) == resolved(output) }) else { return }
    throw ExperimentError(.usage, "\(output): is an input too: expected another file for the output")
  }
}
