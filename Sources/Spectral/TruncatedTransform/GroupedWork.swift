// How the planes of a truncated transform are shared out among tasks.

import Tensors

/// The kept modes of all planes. Specialized here, once for all that happens below.
@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
func analyze<V: SIMD & BitwiseCopyable>(_ work: GroupedWork<V>) where V.Scalar: SpectralScalar {
  work.analyze()
}

/// All planes from their kept modes.
@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
func synthesize<V: SIMD & BitwiseCopyable>(_ work: GroupedWork<V>, accumulate: Bool)
where V.Scalar: SpectralScalar {
  work.synthesize(accumulate: accumulate)
}

/// One call's planes and modes. Sixteen neighbouring planes, a group, are the lanes of a task that does all of their
/// transform in its own scratch; where groups are few and planes large, a group's points and then its columns are
/// tasks of their own, with the slabs between the two halves in memory. The sizes alone decide.
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

  fileprivate func analyze() {
    run(
      first: { group, points, slab, scratch in
        analyzePoints(axes, planes(group), points, to: slab, scratch: scratch, as: V.self)
      },
      pointsFirst: true,
      second: { group, columns, slab, scratch in
        analyzeModes(axes, slab, columns, to: modes(group), scratch: scratch, as: V.self)
      })
  }

  fileprivate func synthesize(accumulate: Bool) {
    run(
      first: { group, columns, slab, scratch in
        synthesizeModes(axes, modes(group), columns, to: slab, scratch: scratch, as: V.self)
      },
      pointsFirst: false,
      second: { group, points, slab, scratch in
        synthesizePoints(
          axes, slab, points, to: planes(group), accumulate: accumulate, scratch: scratch, as: V.self)
      })
  }

  private typealias Half = (
    _ group: Int, _ range: Range<Int>, _ slab: UnsafeMutablePointer<Element>, ModeScratch<Element>
  ) -> Void

  private func run(first: Half, pointsFirst: Bool, second: Half) {
    let groups = (count + laneCount - 1) / laneCount
    let slabCount = axes.first.slabCount
    let scratchCount = axes.scratchCount
    let points = axes.first.points
    let columns = axes.first.innerModes
    let (firstCount, secondCount) = pointsFirst ? (points, columns) : (columns, points)
    guard let pieces = pieces(groups: groups) else {
      WorkerPool.shared.run(tasks: groups) { group in
        let memory = AlignedMemory<Element>(count: scratchCount + slabCount)
        let slab = memory.pointer + scratchCount
        let scratch = axes.scratch(memory.pointer)
        first(group, 0..<firstCount, slab, scratch)
        second(group, 0..<secondCount, slab, scratch)
      }
      return
    }
    let slabs = AlignedMemory<Element>(count: groups * slabCount)
    nonisolated(unsafe) let firstSlab = slabs.pointer
    func half(_ body: Half, _ count: Int, _ size: Int) {
      let parts = (count + size - 1) / size
      WorkerPool.shared.run(tasks: groups * parts) { task in
        let (group, part) = (task / parts, task % parts)
        let memory = AlignedMemory<Element>(count: scratchCount)
        body(
          group, part * size..<min(count, (part + 1) * size), firstSlab + group * slabCount,
          axes.scratch(memory.pointer))
      }
    }
    half(first, firstCount, pointsFirst ? pieces.points : pieces.columns)
    half(second, secondCount, pointsFirst ? pieces.columns : pieces.points)
  }

  /// How many points and columns of the first axis are a task where a group is more than one: some sixteen tasks in
  /// all, none too small to be worth its start. Multiples of the blocks that kernels work on.
  private func pieces(groups: Int) -> (points: Int, columns: Int)? {
    let parts = min((16 + groups - 1) / groups, axes.pointCount >> 12)
    guard parts > 1 else { return nil }
    func size(_ count: Int, block: Int) -> Int { ((count + parts - 1) / parts + block - 1) / block * block }
    return (
      size(axes.first.points, block: axes.rowBlock), size(axes.first.innerModes, block: axes.first.block)
    )
  }

  private func planes(_ group: Int) -> PlaneGroup<Element> {
    PlaneGroup(
      first: planes + group * laneCount * axes.pointCount, stride: axes.pointCount,
      count: min(laneCount, count - group * laneCount))
  }

  private func modes(_ group: Int) -> ModeLanes<Element> {
    ModeLanes(
      first: modes + group * laneCount, stride: count, count: min(laneCount, count - group * laneCount),
      factors: factors)
  }
}
