// How the planes of a truncated transform are shared out among tasks.

import Tensors

/// The kept modes of all planes. Specialized here, once for all that happens below.
@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
func analyze<V: SIMD & BitwiseCopyable>(_ work: GroupedWork<V>) where V.Scalar: SpectralScalar {
  work.run(.analysis)
}

/// All planes from their kept modes.
@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
func synthesize<V: SIMD & BitwiseCopyable>(_ work: GroupedWork<V>, accumulate: Bool)
where V.Scalar: SpectralScalar {
  work.run(.synthesis(accumulate: accumulate))
}

/// One call's planes and modes. Sixteen neighbouring planes, a group, are the lanes of a task that does all of their
/// transform in its own scratch; where groups are few and planes large, the columns of single planes and then
/// magnitudes of a group's wavenumbers (for a synthesis in turn) are tasks of their own, with the planes of sums between
/// the two halves in memory. The sizes alone decide.
struct GroupedWork<V: SIMD & BitwiseCopyable>: @unchecked Sendable where V.Scalar: SpectralScalar {
  typealias Element = V.Scalar

  private let axes: ModeAxes<Element>
  private let planes: UnsafeMutablePointer<Element>
  private let modes: UnsafeMutablePointer<Element>
  private let count: Int
  private let factors: UnsafePointer<Element>

  /// `count` planes, contiguous; their modes `[K, 2, count]`; a factor for every mode of the halved axis.
  init(
    _ axes: ModeAxes<Element>, planes: UnsafeMutablePointer<Element>, modes: UnsafeMutablePointer<Element>,
    count: Int, factors: UnsafePointer<Element>
  ) {
    self.axes = axes
    self.planes = planes
    self.modes = modes
    self.count = count
    self.factors = factors
  }

  fileprivate enum Direction {
    case analysis
    case synthesis(accumulate: Bool)

    /// The two halves in their order.
    @inline(__always)
    func run(columns: () -> Void, magnitudes: () -> Void) {
      if case .analysis = self { columns() }
      magnitudes()
      if case .synthesis = self { columns() }
    }
  }

  fileprivate func run(_ direction: Direction) {
    guard count > 0 else { return }
    let groups = (count + laneCount - 1) / laneCount
    if axes.isLine {
      runGroups(groups) { group, memory in
        transform(
          direction, 0..<1, of: planeGroup(group, of: planes, stride: axes.pointCount), group,
          axes.scratch(memory))
      }
    } else if let pieces = pieces(groups: groups) {
      run(direction, groups, pieces)
    } else {
      runGroups(groups, more: laneCount * axes.sumCount) { group, memory in
        let scratch = axes.scratch(memory)
        let sums = memory + axes.scratchCount
        let own = planeGroup(group, of: planes, stride: axes.pointCount)
        direction.run(
          columns: {
            for plane in 0..<own.count {
              transform(
                direction, 0..<axes.columnCount, of: own.first + plane * own.stride,
                sums: sums + plane * axes.sumCount, scratch)
            }
          },
          magnitudes: {
            transform(
              direction, 0..<axes.magnitudeCount,
              of: PlaneGroup(first: sums, stride: axes.sumCount, count: own.count), group, scratch)
          })
      }
    }
  }

  /// A task for each group, with scratch and `more` numbers behind it.
  private func runGroups(
    _ groups: Int, more: Int = 0, _ body: (Int, UnsafeMutablePointer<Element>) -> Void
  ) {
    WorkerPool.shared.run(tasks: groups) { group in
      let memory = AlignedMemory<Element>(count: axes.scratchCount + more)
      body(group, memory.pointer)
    }
  }

  private func run(_ direction: Direction, _ groups: Int, _ pieces: Pieces) {
    let memory = AlignedMemory<Element>(count: count * axes.sumCount)
    nonisolated(unsafe) let sums = memory.pointer
    func half(
      _ items: Int, _ count: Int, _ size: Int, _ body: (Int, Range<Int>, ModeScratch<Element>) -> Void
    ) {
      let parts = (count + size - 1) / size
      runGroups(items * parts) { task, memory in
        let (item, part) = (task / parts, task % parts)
        body(item, part * size..<min(count, (part + 1) * size), axes.scratch(memory))
      }
    }
    direction.run(
      columns: {
        half(count, axes.columnCount, pieces.columns) { plane, range, scratch in
          transform(
            direction, range, of: planes + plane * axes.pointCount, sums: sums + plane * axes.sumCount,
            scratch)
        }
      },
      magnitudes: {
        half(groups, axes.magnitudeCount, pieces.magnitudes) { group, range, scratch in
          transform(
            direction, range, of: planeGroup(group, of: sums, stride: axes.sumCount), group, scratch)
        }
      })
  }

  /// Between some columns of a plane and its plane of sums.
  private func transform(
    _ direction: Direction, _ columns: Range<Int>, of plane: UnsafeMutablePointer<Element>,
    sums: UnsafeMutablePointer<Element>, _ scratch: ModeScratch<Element>
  ) {
    switch direction {
    case .analysis: sumColumns(axes, plane, columns, to: sums, scratch: scratch, as: V.self)
    case .synthesis(let accumulate):
      spreadColumns(axes, sums, columns, to: plane, accumulate: accumulate, scratch: scratch, as: V.self)
    }
  }

  /// Between a group's planes of sums, those of some magnitudes of wavenumbers, and its modes.
  private func transform(
    _ direction: Direction, _ magnitudes: Range<Int>, of sums: PlaneGroup<Element>, _ group: Int,
    _ scratch: ModeScratch<Element>
  ) {
    let modes = ModeLanes(
      first: modes + group * laneCount, stride: count, count: sums.count, factors: factors)
    switch direction {
    case .analysis: analyzeModes(axes, sums, magnitudes, to: modes, scratch: scratch, as: V.self)
    case .synthesis(let accumulate):
      synthesizeSums(
        axes, modes, magnitudes, to: sums, accumulate: accumulate && axes.isLine, scratch: scratch, as: V.self
      )
    }
  }

  /// How many columns of a plane, and magnitudes of a group's wavenumbers, are a task.
  private struct Pieces {
    var columns: Int
    var magnitudes: Int
  }

  /// Where a group is more than one task: some sixteen tasks in all, none too small to be worth its start. Columns are
  /// multiples of the blocks that kernels work on.
  private func pieces(groups: Int) -> Pieces? {
    guard groups < 16, axes.pointCount >= 1 << 13 else { return nil }
    let parts = min((16 + count - 1) / count, axes.pointCount >> 12)
    let block = axes.first.block * laneCount
    let columns = (axes.columnCount + parts - 1) / parts
    let groupParts = (16 + groups - 1) / groups
    return Pieces(
      columns: (columns + block - 1) / block * block,
      magnitudes: (axes.magnitudeCount + groupParts - 1) / groupParts)
  }

  private func planeGroup(
    _ group: Int, of planes: UnsafeMutablePointer<Element>, stride: Int
  ) -> PlaneGroup<Element> {
    PlaneGroup(
      first: planes + group * laneCount * stride, stride: stride,
      count: min(laneCount, count - group * laneCount))
  }
}
