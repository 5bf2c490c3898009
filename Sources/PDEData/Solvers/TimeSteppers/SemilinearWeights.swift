// The weights of a method for one step size, one number for every real number of the state.

import Tensors

/// Numbers of which many are equal: the distinct ones, and which of them stands at each place.
struct DistinctValues: Sendable {
  let values: [Double]
  let places: [Int32]

  init(_ all: [Double]) {
    var values: [Double] = []
    var known: [Double: Int32] = [:]
    places = all.map { value in
      if let place = known[value] { return place }
      let place = Int32(values.count)
      known[value] = place
      values.append(value)
      return place
    }
    self.values = values
  }
}

final class SemilinearWeights<Element: Scalar>: Sendable {
  /// One stage, or the step's end: where the weight of the state is, and those of earlier stages.
  struct Row: Sendable {
    var state: Int
    var terms: [(weight: Int, stage: Int)]
  }

  private let memory: AlignedMemory<Element>
  private let stride: Int
  let rows: [Row]

  init(_ method: SemilinearMethod, spectrum: DistinctValues, step: Double) {
    let table = spectrum.values.map { method.weights($0 * step) }
    // Rows often share weights: each is stored once.
    var columns: [[Double]] = []
    func column(_ index: Int, scale: Double) -> Int {
      let values = table.map { $0[index] * scale }
      if let known = columns.firstIndex(of: values) { return known }
      columns.append(values)
      return columns.count - 1
    }
    var rows: [Row] = []
    var index = 0
    for terms in method.terms {
      let state = column(index, scale: 1)
      var row = Row(state: state, terms: [])
      for (offset, stage) in terms.enumerated() {
        row.terms.append((column(index + 1 + offset, scale: step), stage))
      }
      rows.append(row)
      index += 1 + terms.count
    }
    self.rows = rows
    stride = (spectrum.places.count + 15) / 16 * 16
    memory = AlignedMemory(count: stride * columns.count)
    for (index, column) in columns.enumerated() {
      let target = memory.pointer + index * stride
      for (position, place) in spectrum.places.enumerated() { target[position] = Element(column[Int(place)]) }
    }
  }

  /// `result ← r·u + Σ w_j N_j`.
  func combine(
    _ row: Row, _ state: UnsafePointer<Element>, _ stages: UnsafePointer<Element>, _ stageStride: Int,
    into result: UnsafeMutablePointer<Element>, _ count: Int
  ) {
    let factor = UnsafePointer(memory.pointer + row.state * stride)
    func weight(_ index: Int) -> UnsafePointer<Element> {
      UnsafePointer(memory.pointer + row.terms[index].weight * stride)
    }
    func stage(_ index: Int) -> UnsafePointer<Element> { stages + row.terms[index].stage * stageStride }
    // Up to four terms in one pass.
    switch row.terms.count {
    case 1: StageSum.sum(result, factor, state, weight(0), stage(0), count)
    case 2: StageSum.sum(result, factor, state, weight(0), stage(0), weight(1), stage(1), count)
    case 3:
      StageSum.sum(
        result, factor, state, weight(0), stage(0), weight(1), stage(1), weight(2), stage(2), count)
    default:
      StageSum.sum(
        result, factor, state, weight(0), stage(0), weight(1), stage(1), weight(2), stage(2),
        weight(3), stage(3), count)
      for term in 4..<max(4, row.terms.count) { StageSum.add(result, weight(term), stage(term), count) }
    }
  }
}
