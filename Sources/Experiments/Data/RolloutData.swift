// Which times of a dataset a rollout steps through.

import Operators
import PDEData

extension RolloutLayout {
  /// Finds the states whose outputs continue the times of inputs: `w[0:10]` in, `w[10:50]` out.
  ///
  /// - Throws: ``ExperimentError`` where the outputs are not the times that follow those of the inputs.
  init(_ data: OperatorData) throws {
    func fail(_ reason: String) -> ExperimentError {
      ExperimentError(.invalidData, "\(data.reader.path): training.rollout: \(reason)")
    }
    guard data.mapping.timeAs == .channels, let outputs = data.outputs else {
      throw fail("expected times as channels (data.time_as: channels), which a rollout steps through")
    }
    struct Component: Hashable {
      let variable: String
      let entry: Int?
    }
    var components: [Component] = []
    var channels: [Component: (history: [(time: Int, channel: Int)], outputs: [(time: Int, channel: Int)])] =
      [:]
    for (index, channel) in outputs.channels.enumerated() {
      guard let time = channel.timeIndex else {
        throw fail("expected outputs that are times of a variable, \(channel.name) is none")
      }
      let component = Component(variable: channel.variable, entry: channel.channelIndex)
      if channels[component] == nil { components.append(component) }
      channels[component, default: ([], [])].outputs.append((time, index))
    }
    for (index, channel) in data.inputs.channels.enumerated() {
      let component = Component(variable: channel.variable, entry: channel.channelIndex)
      guard let time = channel.timeIndex, channels[component] != nil else { continue }
      channels[component]?.history.append((time, index))
    }
    var histories: [[Int]] = []
    var continuations: [[Int]] = []
    for component in components {
      let found = channels[component] ?? ([], [])
      let times = (found.history + found.outputs).map(\.time)
      let gaps = Set(zip(times, times.dropFirst()).map { $1 - $0 })
      guard !found.history.isEmpty, gaps.count == 1, (gaps.first ?? 0) > 0 else {
        throw fail(
          "expected inputs and outputs that are times of \(component.variable) one after the other, "
            + "such as inputs \(component.variable)[0:10], outputs \(component.variable)[10:50]")
      }
      histories.append(found.history.map(\.channel))
      continuations.append(found.outputs.map(\.channel))
    }
    guard Set(histories.map(\.count)).count == 1, Set(continuations.map(\.count)).count == 1 else {
      throw fail("expected as many times of every variable")
    }
    self.init(inChannels: data.inputs.channelCount, history: histories, outputs: continuations)
  }
}
