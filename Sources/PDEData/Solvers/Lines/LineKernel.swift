// What is done along lines, whichever way they lie in memory.

import Tensors

/// Where a kernel reads: the right-hand sides, and the matrices where every line has its own. Points of a line are
/// a stride apart, lines are neighbours.
struct LineInput<Element: Scalar>: BitwiseCopyable {
  var right: UnsafePointer<Element>
  var lower: UnsafePointer<Element>?
  var diagonal: UnsafePointer<Element>?
  var upper: UnsafePointer<Element>?
  /// One number for every line.
  var shifts: UnsafePointer<Element>?
}

/// A solver of one system a line, for a block of neighbouring lines at a time.
protocol LineKernel: Sendable {
  associatedtype Element: Scalar
  /// Points of a line.
  var count: Int { get }
  /// Rows of scratch for every point.
  var workRows: Int { get }

  /// Solves `B.width` lines. `target` may be one of the inputs, with the same stride; `work` holds
  /// `workRows · count · B.width` numbers, and may be the input where its stride is that width and `workRows` is 1.
  func solve<B: LaneBlock>(
    _ block: B.Type, _ input: LineInput<Element>, stride: Int, work: UnsafeMutablePointer<Element>,
    target: UnsafeMutablePointer<Element>, targetStride: Int
  ) where B.Element == Element
}

/// One matrix for all lines, eliminated beforehand.
struct ConstantKernel<Element: Scalar>: LineKernel {
  let count: Int
  let isCyclic: Bool
  private let fillEnd: Int
  private let firstRowThird: Element
  private let lastRowThird: Element
  /// `[factor, point]`: lower, pivot, upper, last row, last column of the elimination.
  private let factors: Tensor<Element>

  init(_ matrix: TridiagonalMatrix) {
    let elimination = TridiagonalElimination(matrix)
    count = matrix.count
    isCyclic = matrix.isCyclic
    fillEnd = elimination.fillEnd
    firstRowThird = Element(elimination.firstRowThird)
    lastRowThird = Element(elimination.lastRowThird)
    let rows =
      [elimination.lower, elimination.pivot, elimination.upper]
      + (isCyclic ? [elimination.lastRow, elimination.lastColumn] : [])
    factors = Tensor(rows.joined().map { Element($0) }, shape: [rows.count, count])
  }

  var workRows: Int { 1 }

  @inline(never)
  func solve<B: LaneBlock>(
    _ block: B.Type, _ input: LineInput<Element>, stride: Int, work: UnsafeMutablePointer<Element>,
    target: UnsafeMutablePointer<Element>, targetStride: Int
  ) where B.Element == Element {
    if isCyclic {
      solveCyclic(block, input.right, stride, work, target, targetStride)
    } else {
      solvePlain(block, input.right, stride, work, target, targetStride)
    }
    withExtendedLifetime(factors) {}
  }

  @inline(__always)
  private func solvePlain<B: LaneBlock>(
    _ block: B.Type, _ right: UnsafePointer<Element>, _ stride: Int, _ work: UnsafeMutablePointer<Element>,
    _ target: UnsafeMutablePointer<Element>, _ targetStride: Int
  ) where B.Element == Element {
    let (n, width) = (count, B.width)
    let lower = factors.unsafePointer
    let (pivot, upper) = (lower + n, lower + 2 * n)
    var y = B.load(right)
    y.store(work)
    for i in 1..<max(n, 1) {
      y = y.multiplyAdd(lower[i], B.load(right + i * stride))
      y.store(work + i * width)
    }
    if lastRowThird != 0 { y = B.load(work + (n - 3) * width).multiplyAdd(lastRowThird, y) }
    var x = y.scaled(by: pivot[n - 1])
    x.store(target + (n - 1) * targetStride)
    var i = n - 2
    while i >= 0 {
      x = x.multiplyAdd(upper[i], B.load(work + i * width).scaled(by: pivot[i]))
      x.store(target + i * targetStride)
      i -= 1
    }
    if firstRowThird != 0 {
      B.load(target + 2 * targetStride).multiplyAdd(firstRowThird, B.load(target)).store(target)
    }
  }

  @inline(__always)
  private func solveCyclic<B: LaneBlock>(
    _ block: B.Type, _ right: UnsafePointer<Element>, _ stride: Int, _ work: UnsafeMutablePointer<Element>,
    _ target: UnsafeMutablePointer<Element>, _ targetStride: Int
  ) where B.Element == Element {
    let (n, width, fillEnd) = (count, B.width, fillEnd)
    let lower = factors.unsafePointer
    let (pivot, upper, lastRow, lastColumn) = (lower + n, lower + 2 * n, lower + 3 * n, lower + 4 * n)
    var last = B.load(right + (n - 1) * stride)
    var y = B.zero
    for i in 0..<n - 1 {
      y = y.multiplyAdd(lower[i], B.load(right + i * stride))
      y.store(work + i * width)
      if i < fillEnd || i == n - 2 { last = y.multiplyAdd(lastRow[i], last) }
    }
    last = last.scaled(by: pivot[n - 1])
    last.store(target + (n - 1) * targetStride)
    var x = B.zero
    var i = n - 2
    while i >= 0 {
      x = x.multiplyAdd(upper[i], B.load(work + i * width).scaled(by: pivot[i]))
      if i < fillEnd || i == n - 2 { x = last.multiplyAdd(lastColumn[i], x) }
      x.store(target + i * targetStride)
      i -= 1
    }
  }
}
