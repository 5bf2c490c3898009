// The transforms along all axes but the first, slab by slab, and along the first.

import Spectral
import Tensors

/// Real transforms of an array along some of its axes, in place: what belongs to one index of the first axis is
/// transformed along all the others while it is in the cache.
struct SlabTransform<Element: SpectralScalar>: Sendable {
  private let shape: [Int]
  /// Fast transforms of one slab; nil where no axis has one.
  private let forward: FFTPlan<Element>?
  private let backward: FFTPlan<Element>?
  private let dense: [(axis: Int, transform: DenseTransform<Element>)]
  private let first: First

  private enum First: Sendable {
    case none
    case fast(forward: BatchedTransform<Element>, backward: BatchedTransform<Element>)
    case dense(DenseTransform<Element>)
  }

  /// - Parameter modes: For every axis its transform; nil: none. Fourier transforms are not done here.
  init(shape: [Int], modes: [AxisModes<Element>?]) {
    self.shape = shape
    var (kinds, axes): ([TrigonometricTransform], [TransformGeometry.Axis]) = ([], [])
    var dense: [(axis: Int, transform: DenseTransform<Element>)] = []
    let strides = Tensor<Element>.strides(of: shape)
    for axis in shape.indices.dropFirst() {
      switch modes[axis]?.transform {
      case .fast(let kind):
        kinds.append(kind)
        axes.append(.init(count: shape[axis], inputStride: strides[axis], outputStride: strides[axis]))
      case .dense(let transform): dense.append((axis, transform))
      case .fourier, nil: break
      }
    }
    self.dense = dense
    func plan(_ kinds: [TrigonometricTransform]) -> FFTPlan<Element>? {
      kinds.isEmpty
        ? nil : .shared(.realToReal(kinds), TransformGeometry(axes: axes), requirements: .inPlace)
    }
    forward = plan(kinds)
    backward = plan(kinds.map(\.inverse))
    switch modes.first??.transform {
    case .fast(let kind):
      func transform(_ kind: TrigonometricTransform) -> BatchedTransform<Element> {
        BatchedTransform(.realToReal([kind]), shape: shape, axes: [0], isInPlace: true)
      }
      first = .fast(forward: transform(kind), backward: transform(kind.inverse))
    case .dense(let transform): first = .dense(transform)
    case .fourier, nil: first = .none
    }
  }

  func apply(_ values: UnsafeMutablePointer<Element>, isInverse: Bool) {
    if isInverse { applyAlongFirst(values, isInverse: true) }
    applyWithinSlabs(values, isInverse: isInverse)
    if !isInverse { applyAlongFirst(values, isInverse: false) }
  }

  private func applyWithinSlabs(_ values: UnsafeMutablePointer<Element>, isInverse: Bool) {
    guard forward != nil || !dense.isEmpty else { return }
    let slab = shape.dropFirst().reduce(1, *)
    let slabsPerTask = max(1, (1 << 15) / slab)
    nonisolated(unsafe) let values = values
    WorkerPool.shared.run(tasks: (shape[0] + slabsPerTask - 1) / slabsPerTask) { task in
      let slabs = min(slabsPerTask, shape[0] - task * slabsPerTask)
      let start = values + task * slabsPerTask * slab
      if let plan = isInverse ? backward : forward {
        for index in 0..<slabs { plan.execute(start + index * slab, start + index * slab) }
      }
      for (axis, transform) in dense {
        let inner = shape[(axis + 1)...].reduce(1, *)
        let outer = slabs * shape[1..<axis].reduce(1, *)
        let scratch = AlignedMemory<Element>(
          count: transform.scratchCount(lines: inner == 1 ? outer : inner))
        if inner == 1 {
          transform.apply(rows: outer, at: start, isInverse: isInverse, scratch: scratch.pointer)
        } else {
          for index in 0..<outer {
            transform.apply(
              columns: inner, stride: inner, at: start + index * shape[axis] * inner, isInverse: isInverse,
              scratch: scratch.pointer)
          }
        }
      }
    }
  }

  private func applyAlongFirst(_ values: UnsafeMutablePointer<Element>, isInverse: Bool) {
    switch first {
    case .none: break
    case .fast(let forward, let backward): (isInverse ? backward : forward).execute(values, values)
    case .dense(let transform):
      let inner = shape.dropFirst().reduce(1, *)
      nonisolated(unsafe) let values = values
      WorkerPool.shared.forEachRange(count: inner, grain: 128, limit: 512) { columns in
        let scratch = AlignedMemory<Element>(count: transform.scratchCount(lines: columns.count))
        transform.apply(
          columns: columns.count, stride: inner, at: values + columns.lowerBound, isInverse: isInverse,
          scratch: scratch.pointer)
      }
    }
  }
}
