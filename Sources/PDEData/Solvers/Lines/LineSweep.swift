// How the lines along one axis of an array are cut into blocks, and the blocks into tasks.

import Tensors

/// The lines along one axis of a dense row-major array, seen as `[outer, count, inner]`.
struct LineGeometry: Sendable, Hashable {
  var outer: Int
  /// Points of a line.
  var count: Int
  /// Lines that are neighbours in memory; also the distance between the points of a line.
  var inner: Int

  init(shape: [Int], axis: Int) {
    precondition(shape.indices.contains(axis), "axis \(axis) of an array with \(shape.count)")
    outer = shape[..<axis].reduce(1, *)
    count = shape[axis]
    inner = shape[(axis + 1)...].reduce(1, *)
  }

  var lines: Int { outer * inner }

  /// The first point of a line, counted along the inner axis first.
  @inline(__always)
  func start(line: Int) -> Int { inner == 1 ? line * count : line / inner * count * inner + line % inner }
}

/// The most bytes of scratch for a block of lines: to stay in the second-level cache with what streams through it.
private let largestWork = 512 << 10

/// Solves all lines of an array with a kernel. Lines that are neighbours in memory are lanes as they lie; lines along
/// the contiguous axis are transposed, sixteen at a time, in scratch that stays in the cache.
@inline(__always)
func sweepLines<K: LineKernel>(
  _ kernel: K, _ geometry: LineGeometry, _ input: LineInput<K.Element>,
  target: UnsafeMutablePointer<K.Element>
) {
  guard geometry.lines > 0 else { return }
  nonisolated(unsafe) let (input, target) = (input, target)
  let isAcross = geometry.inner >= 16
  // Of one unit's lines all are neighbours.
  let unitLines = isAcross ? 64 : 16
  let unitsPerSlab = isAcross ? (geometry.inner + unitLines - 1) / unitLines : 0
  let units = isAcross ? geometry.outer * unitsPerSlab : (geometry.lines + unitLines - 1) / unitLines
  let unitsPerTask = max(1, (1 << 15) / (unitLines * geometry.count))
  WorkerPool.shared.run(tasks: (units + unitsPerTask - 1) / unitsPerTask) { task in
    let sweep = BlockSweep(kernel: kernel, geometry: geometry, input: input, target: target)
    for unit in task * unitsPerTask..<min(units, (task + 1) * unitsPerTask) {
      if isAcross {
        let (slab, part) = (unit / unitsPerSlab, unit % unitsPerSlab)
        let first = slab * geometry.inner + part * unitLines
        sweep.solveAcross(first, count: min(unitLines, geometry.inner - part * unitLines))
      } else {
        let first = unit * unitLines
        sweep.solveAlong(first, count: min(unitLines, geometry.lines - first))
      }
    }
  }
}

/// One task's blocks, with its scratch.
private struct BlockSweep<K: LineKernel>: ~Copyable {
  typealias Element = K.Element
  let kernel: K
  let geometry: LineGeometry
  let input: LineInput<Element>
  let target: UnsafeMutablePointer<Element>
  private let isWide: Bool
  private let work: AlignedMemory<Element>

  @inline(__always)
  init(
    kernel: K, geometry: LineGeometry, input: LineInput<Element>, target: UnsafeMutablePointer<Element>
  ) {
    self.kernel = kernel
    self.geometry = geometry
    self.input = input
    self.target = target
    let numbers = kernel.workRows * kernel.count
    isWide = 64 * numbers * MemoryLayout<Element>.stride <= largestWork
    // Gathered lines: up to four inputs and the kernel's own work, of sixteen lanes.
    work = AlignedMemory(count: max(isWide ? 64 * numbers : 0, 16 * (4 * kernel.count + numbers) + 16))
  }

  /// Lines that are neighbours in memory.
  @inline(never)
  func solveAcross(_ first: Int, count: Int) {
    var (line, remaining) = (first, count)
    let stride = geometry.inner
    if isWide, remaining == 64 {
      kernel.solve(
        SixtyFourLanes<Element>.self, input.offset(by: geometry.start(line: line), line: line),
        stride: stride, work: work.pointer, target: target + geometry.start(line: line), targetStride: stride)
      return
    }
    while remaining >= 16 {
      kernel.solve(
        SixteenLanes<Element>.self, input.offset(by: geometry.start(line: line), line: line), stride: stride,
        work: work.pointer, target: target + geometry.start(line: line), targetStride: stride)
      line += 16
      remaining -= 16
    }
    if remaining > 0 { solveGathered(line, count: remaining) }
  }

  /// Sixteen lines or less along the contiguous axis, or few lines across.
  @inline(never)
  func solveAlong(_ first: Int, count: Int) {
    guard geometry.inner == 1, count == 16 else {
      solveGathered(first, count: count)
      return
    }
    let (n, start) = (geometry.count, geometry.start(line: first))
    func lanes(_ source: UnsafePointer<Element>, _ index: Int) -> UnsafePointer<Element> {
      let lanes = work.pointer + index * 16 * n
      transposeLines(source + start, rows: 16, columns: n, stride: n, to: lanes, targetStride: 16)
      return UnsafePointer(lanes)
    }
    let values = work.pointer
    let gathered = LineInput(
      right: lanes(input.right, 0), lower: input.lower.map { lanes($0, 1) },
      diagonal: input.diagonal.map { lanes($0, 2) }, upper: input.upper.map { lanes($0, 3) },
      shifts: input.shifts.map { $0 + first })
    kernel.solve(
      SixteenLanes<Element>.self, gathered, stride: 16, work: values + 64 * n, target: values,
      targetStride: 16)
    transposeLines(
      UnsafePointer(values), rows: n, columns: 16, stride: 16, to: target + start, targetStride: n)
  }

  /// Fewer than sixteen lines, or lines that are no neighbours: one by one, or copied to be lanes.
  @inline(never)
  private func solveGathered(_ first: Int, count: Int) {
    let (n, stride) = (geometry.count, geometry.inner)
    guard count > 2 else {
      for line in first..<first + count {
        let start = geometry.start(line: line)
        kernel.solve(
          OneLane<Element>.self, input.offset(by: start, line: line), stride: stride, work: work.pointer,
          target: target + start, targetStride: stride)
      }
      return
    }
    // The lanes that are left over repeat the last line, lest they divide by zero.
    func start(_ lane: Int) -> Int { geometry.start(line: first + min(lane, count - 1)) }
    func lanes(_ source: UnsafePointer<Element>, _ index: Int) -> UnsafePointer<Element> {
      let lanes = work.pointer + index * 16 * n
      for lane in 0..<16 {
        let line = source + start(lane)
        for i in 0..<n { lanes[16 * i + lane] = line[i * stride] }
      }
      return UnsafePointer(lanes)
    }
    let values = work.pointer
    let own = values + 64 * n
    let shifts = own + 16 * n * kernel.workRows
    if let given = input.shifts {
      for lane in 0..<16 { shifts[lane] = given[first + min(lane, count - 1)] }
    }
    let gathered = LineInput(
      right: lanes(input.right, 0), lower: input.lower.map { lanes($0, 1) },
      diagonal: input.diagonal.map { lanes($0, 2) }, upper: input.upper.map { lanes($0, 3) },
      shifts: input.shifts.map { _ in UnsafePointer(shifts) })
    kernel.solve(
      SixteenLanes<Element>.self, gathered, stride: 16, work: own, target: values, targetStride: 16)
    for lane in 0..<count {
      let line = target + start(lane)
      for i in 0..<n { line[i * stride] = values[16 * i + lane] }
    }
  }
}

extension LineInput {
  @inline(__always)
  fileprivate func offset(by points: Int, line: Int) -> LineInput {
    LineInput(
      right: right + points, lower: lower.map { $0 + points }, diagonal: diagonal.map { $0 + points },
      upper: upper.map { $0 + points }, shifts: shifts.map { $0 + line })
  }
}
