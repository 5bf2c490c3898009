// Linear maps along one axis with few terms a point: gathering, subsampling, restriction to coarser grids.

import Tensors

/// `y_j = Σ_t weights[j, t] · x[indices[j, t]]` for the points of one axis.
public struct AxisTable: Sendable, Hashable {
  /// Points of x and of y.
  public let inputCount: Int
  public let outputCount: Int
  /// `[j, t]`, the same number of terms for every j.
  let indices: [Int]
  let weights: [Double]
  let terms: Int

  /// - Parameter rows: For every j its terms; a row's length is the same for all.
  public init(inputCount: Int, rows: [[(index: Int, weight: Double)]]) {
    self.inputCount = inputCount
    outputCount = rows.count
    let terms = rows.first?.count ?? 0
    precondition(rows.allSatisfy { $0.count == terms }, "as many terms for every point")
    self.terms = terms
    let indices = rows.flatMap { $0.map(\.index) }
    precondition(indices.allSatisfy { (0..<inputCount).contains($0) }, "points of the axis")
    self.indices = indices
    weights = rows.flatMap { $0.map(\.weight) }
  }

  /// Plain copies: `y_j = x[indices[j]]`.
  public init(inputCount: Int, gathering indices: [Int]) {
    self.init(inputCount: inputCount, rows: indices.map { [($0, 1)] })
  }

  var isIdentity: Bool {
    terms == 1 && inputCount == outputCount && indices == Array(0..<inputCount)
      && weights.allSatisfy { $0 == 1 }
  }
}

struct AxisMap<Element: Scalar>: DifferentiableOperation {
  let table: AxisTable
  let axis: Int

  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let input = inputs[0]
    precondition(input.shape[axis] == table.inputCount, "an axis of \(table.inputCount) points")
    var shape = input.shape
    shape[axis] = table.outputCount
    var output = Tensor<Element>(uninitialized: shape)
    let (inner, outer) = (shape[(axis + 1)...].reduce(1, *), shape[..<axis].reduce(1, *))
    let (x, y) = (input.unsafePointer, output.unsafeMutablePointer())
    WorkerPool.shared.forEachRange(count: outer, grain: grain(inner)) { range in
      for block in range {
        gather(
          x + block * table.inputCount * inner, into: y + block * table.outputCount * inner, table,
          inner: inner)
      }
    }
    withExtendedLifetime(input) {}
    return output
  }

  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard slots.isNeeded(0) else { return }
    var shape = gradient.shape
    let (inner, outer) = (shape[(axis + 1)...].reduce(1, *), shape[..<axis].reduce(1, *))
    shape[axis] = table.inputCount
    var result = Tensor<Element>.zeros(shape)
    let (dy, dx) = (gradient.unsafePointer, result.unsafeMutablePointer())
    let table = table
    WorkerPool.shared.forEachRange(count: outer, grain: grain(inner)) { range in
      for block in range {
        scatter(
          dy + block * table.outputCount * inner, to: dx + block * table.inputCount * inner, table,
          inner: inner)
      }
    }
    withExtendedLifetime(gradient) {}
    slots.add(0, result)
  }

  private func grain(_ inner: Int) -> Int {
    max(1, 16384 / max(1, inner * max(table.outputCount, table.inputCount)))
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func gather<E: Scalar>(
  _ x: UnsafePointer<E>, into y: UnsafeMutablePointer<E>, _ table: AxisTable, inner: Int
) {
  for j in 0..<table.outputCount {
    let target = y + j * inner
    for t in 0..<table.terms {
      let (index, weight) = (table.indices[j * table.terms + t], E(table.weights[j * table.terms + t]))
      let source = x + index * inner
      if t == 0 {
        for i in 0..<inner { target[i] = weight * source[i] }
      } else {
        for i in 0..<inner { target[i] += weight * source[i] }
      }
    }
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func scatter<E: Scalar>(
  _ y: UnsafePointer<E>, to x: UnsafeMutablePointer<E>, _ table: AxisTable, inner: Int
) {
  for j in 0..<table.outputCount {
    let source = y + j * inner
    for t in 0..<table.terms {
      let (index, weight) = (table.indices[j * table.terms + t], E(table.weights[j * table.terms + t]))
      let target = x + index * inner
      for i in 0..<inner { target[i] += weight * source[i] }
    }
  }
}

extension Tape {
  /// `input` with the points of an axis mapped by a table.
  public func mapAxis(_ input: Variable<Element>, axis: Int, by table: AxisTable) -> Variable<Element> {
    table.isIdentity ? input : apply(AxisMap<Element>(table: table, axis: axis), [input])
  }
}
