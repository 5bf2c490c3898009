// How a transform of a dense array is cut into plans and tasks.

import Tensors

/// A transform of dense row-major arrays along some of their axes, cut into tasks by its size alone.
///
/// The longest batch axis is cut where there is one; a large transform with next to no batch goes axis by axis,
/// each time with the other axes as batch. Plan it once, execute it many times.
public struct BatchedTransform<Element: SpectralScalar>: Sendable {
  /// One pass over the whole array: a plan for every task but the last, one for what remains.
  private struct Pass: Sendable {
    var plan: FFTPlan<Element>
    var lastPlan: FFTPlan<Element>
    var tasks: Int
    /// Real numbers from one task to the next.
    var inputStep: Int
    var outputStep: Int

    func execute(_ input: UnsafePointer<Element>, _ output: UnsafeMutablePointer<Element>) {
      nonisolated(unsafe) let (input, output) = (input, output)
      WorkerPool.shared.run(tasks: tasks) { task in
        (task == tasks - 1 ? lastPlan : plan)
          .execute(input + task * inputStep, output + task * outputStep)
      }
    }
  }

  private enum Stage: Sendable {
    case inputToOutput(Pass)
    case output(Pass)
    /// Complex passes on a copy of the input (their target, pairs), then the last pass from there.
    case copy([Pass], count: Int, last: Pass)
  }

  private let stages: [Stage]
  public let kind: TransformKind

  /// Below so many points a transform is one task, and is not worth the passes of an axis-by-axis one.
  private static var smallestShare: Int { 1 << 13 }

  /// A transform of the real array's (for complex transforms, the complex array's) `shape` along `axes`, the last
  /// of which is the halved one. `isInPlace` (complex-to-complex and real-to-real only): input and output are the
  /// same array. `isAligned`: both begin at addresses aligned as tensors' memory is.
  public init(
    _ kind: TransformKind, shape: [Int], axes: [Int], isInPlace: Bool = false, isAligned: Bool = true
  ) {
    self.kind = kind
    let points = shape.reduce(1, *)
    let batchCount = axes.reduce(points) { $0 / shape[$1] }
    let arrays = Arrays(kind, shape: shape, halved: axes[axes.count - 1])
    let goesAxisByAxis = axes.count > 1 && batchCount < 4 && points >= 4 * Self.smallestShare
    switch kind {
    case .realToComplex, .complexForward, .complexBackward, .realToReal:
      precondition(!isInPlace || kind != .realToComplex, "a real-to-complex transform changes the layout")
      let first = Self.pass(
        kind, arrays, axes: goesAxisByAxis ? [axes[axes.count - 1]] : axes, axes, isInPlace, isAligned)
      var stages = [isInPlace ? Stage.output(first) : .inputToOutput(first)]
      if goesAxisByAxis {
        let complexKind = kind == .realToComplex ? .complexForward : kind
        let output = Arrays(complexKind, shape: arrays.output, halved: axes[axes.count - 1])
        stages += axes.dropLast().reversed().map {
          .output(Self.pass(complexKind, output, axes: [$0], axes, true, isAligned))
        }
      }
      self.stages = stages
    case .complexToReal:
      precondition(!isInPlace, "a complex-to-real transform changes the layout")
      guard axes.count > 1 else {
        stages = [.inputToOutput(Self.pass(kind, arrays, axes: axes, axes, false, isAligned))]
        return
      }
      let input = Arrays(.complexBackward, shape: arrays.input, halved: axes[axes.count - 1])
      let passes =
        goesAxisByAxis
        ? axes.dropLast().map {
          Self.pass(.complexBackward, input, axes: [$0], axes, true, isAligned)
        } : []
      let last = Self.pass(
        kind, arrays, axes: goesAxisByAxis ? [axes[axes.count - 1]] : axes, axes, false, isAligned)
      stages = [.copy(passes, count: 2 * arrays.input.reduce(1, *), last: last)]
    }
  }

  /// Transforms a dense array to a dense array. The input is left as it was,
  /// unless it is the output.
  public func execute(_ input: UnsafePointer<Element>, _ output: UnsafeMutablePointer<Element>) {
    for stage in stages {
      switch stage {
      case .inputToOutput(let pass): pass.execute(input, output)
      case .output(let pass): pass.execute(output, output)
      case .copy(let passes, let count, let last):
        let copy = AlignedMemory<Element>(count: count)
        copy.pointer.update(from: input, count: count)
        for pass in passes { pass.execute(copy.pointer, copy.pointer) }
        last.execute(copy.pointer, output)
      }
    }
  }

  /// The shapes of both arrays of a transform.
  private struct Arrays {
    var kind: TransformKind
    var logical: [Int]
    var input: [Int]
    var output: [Int]

    init(_ kind: TransformKind, shape: [Int], halved: Int) {
      self.kind = kind
      logical = shape
      var half = shape
      half[halved] = shape[halved] / 2 + 1
      input = kind == .complexToReal ? half : shape
      output = kind == .realToComplex ? half : shape
    }
  }

  /// `allAxes` are those of the whole transform, by whose order a trigonometric kind is found.
  private static func pass(
    _ kind: TransformKind, _ arrays: Arrays, axes: [Int], _ allAxes: [Int], _ isInPlace: Bool,
    _ isAligned: Bool
  ) -> Pass {
    let inputStrides = Tensor<Element>.strides(of: arrays.input)
    let outputStrides = Tensor<Element>.strides(of: arrays.output)
    func axis(_ index: Int) -> TransformGeometry.Axis {
      .init(
        count: arrays.logical[index], inputStride: inputStrides[index], outputStride: outputStrides[index])
    }
    var kind = kind
    if case .realToReal(let transforms) = kind {
      kind = .realToReal(
        axes.map { axis in
          transforms[zip(allAxes, transforms.indices).first { $0.0 == axis }?.1 ?? 0]
        })
    }
    var batch = merged(arrays.logical.indices.filter { !axes.contains($0) }.map(axis))
    let transformed = axes.map(axis)
    let batchCount = batch.reduce(1) { $0 * $1.count }
    let pointsPerTransform = transformed.reduce(1) { $0 * $1.count }
    var tasks = 1
    var requirements: PlanRequirements = isAligned ? .aligned : []
    if isInPlace { requirements.insert(.inPlace) }
    if kind == .complexToReal, axes.count == 1, allAxes.count == 1 { requirements.insert(.preservedInput) }
    guard batchCount * pointsPerTransform >= 2 * smallestShare,
      let cut = batch.indices.max(by: { batch[$0].count < batch[$1].count }), batch[cut].count > 1
    else {
      let plan = FFTPlan<Element>.shared(
        kind, TransformGeometry(axes: transformed, batch: batch), requirements: requirements)
      return Pass(plan: plan, lastPlan: plan, tasks: tasks, inputStep: 0, outputStep: 0)
    }
    let count = batch[cut].count
    let pointsPerSlice = batchCount / count * pointsPerTransform
    var share = max((count + 63) / 64, (smallestShare + pointsPerSlice - 1) / pointsPerSlice)
    // Neighbours in memory: whole cache lines a task.
    if batch[cut].outputStride == 1 { share = (share + 15) / 16 * 16 }
    share = min(share, count)
    tasks = (count + share - 1) / share
    let inputStep = share * batch[cut].inputStride * (kind.hasComplexInput ? 2 : 1)
    let outputStep = share * batch[cut].outputStride * (kind.hasComplexOutput ? 2 : 1)
    let alignment = 16 / MemoryLayout<Element>.stride
    if !inputStep.isMultiple(of: alignment) || !outputStep.isMultiple(of: alignment) {
      requirements.remove(.aligned)
    }
    batch[cut].count = share
    let plan = FFTPlan<Element>.shared(
      kind, TransformGeometry(axes: transformed, batch: batch), requirements: requirements)
    batch[cut].count = count - (tasks - 1) * share
    let lastPlan = FFTPlan<Element>.shared(
      kind, TransformGeometry(axes: transformed, batch: batch), requirements: requirements)
    return Pass(
      plan: plan, lastPlan: lastPlan, tasks: tasks, inputStep: inputStep, outputStep: outputStep)
  }

  /// Neighbouring axes that are one longer axis in memory, in both arrays, made one; axes of length 1 left out.
  private static func merged(_ axes: [TransformGeometry.Axis]) -> [TransformGeometry.Axis] {
    var result: [TransformGeometry.Axis] = []
    for axis in axes where axis.count > 1 {
      if let outer = result.last, outer.inputStride == axis.count * axis.inputStride,
        outer.outputStride == axis.count * axis.outputStride
      {
        result[result.count - 1] = .init(
          count: outer.count * axis.count, inputStride: axis.inputStride, outputStride: axis.outputStride)
      } else {
        result.append(axis)
      }
    }
    return result
  }
}
