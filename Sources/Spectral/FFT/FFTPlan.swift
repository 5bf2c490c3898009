// A transform planned once and executed many times, on any thread: the low-level interface, over pointers.

import CFFTW
import Tensors

/// What a plan asks of the arrays it is executed on.
public struct PlanRequirements: OptionSet, Sendable, Hashable {
  public let rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// Input and output begin at addresses aligned for vector code (16 bytes; tensors' memory is). Without it,
  /// any address will do, at some loss of speed.
  public static let aligned = PlanRequirements(rawValue: 1)
  /// Output is input: the same address.
  public static let inPlace = PlanRequirements(rawValue: 2)
  /// A complex-to-real transform along one axis leaves its input as it was. (All others always do.)
  public static let preservedInput = PlanRequirements(rawValue: 4)
}

/// A planned transform between arrays of one geometry.
///
/// Plans are made through ``FFTPlanner`` and shared; executing one is safe from many threads at once, on
/// different arrays. Complex arrays are pointers to their real parts: pairs (real, imaginary).
///
/// ```swift
/// let row = FFTPlan<Float>.shared(
///   .realToComplex, TransformGeometry(axes: [.init(count: 64, inputStride: 1, outputStride: 1)]))
/// row.execute(values, spectrum)  // 64 numbers to 33 pairs
/// ```
public final class FFTPlan<Element: SpectralScalar>: @unchecked Sendable {
  public let kind: TransformKind
  public let geometry: TransformGeometry
  /// What is asked of the arrays given to ``execute(_:_:)``.
  public let requirements: PlanRequirements
  private let plan: OpaquePointer

  /// The plan for this transform from the process-wide cache, made now if it is not there; see
  /// ``FFTPlanner/effort``.
  public static func shared(
    _ kind: TransformKind, _ geometry: TransformGeometry, requirements: PlanRequirements = .aligned
  ) -> FFTPlan {
    FFTPlanner.plan(kind, geometry, requirements)
  }

  /// Under the planner's lock.
  init(
    _ kind: TransformKind, _ geometry: TransformGeometry, _ requirements: PlanRequirements,
    effort: FFTPlanner.Effort
  ) {
    if case .realToReal(let transforms) = kind {
      precondition(transforms.count == geometry.axes.count, "one trigonometric transform for every axis")
      precondition(
        zip(transforms, geometry.axes).allSatisfy { $0 != .cosineI || $1.count >= 2 },
        "DCT-I needs at least two points")
    }
    self.kind = kind
    self.geometry = geometry
    self.requirements = requirements
    var flags = effort.flag
    if !requirements.contains(.aligned) { flags |= FFTW_UNALIGNED }
    if requirements.contains(.preservedInput) { flags |= FFTW_PRESERVE_INPUT }
    let extents = geometry.extents(kind)
    let isInPlace = requirements.contains(.inPlace)
    let input = AlignedMemory<Element>(count: isInPlace ? max(extents.input, extents.output) : extents.input)
    let output = AlignedMemory<Element>(count: isInPlace ? 0 : extents.output)
    // Measuring computes on these arrays: zeros, lest denormal or invalid numbers disturb the clock.
    if effort != .estimate {
      input.buffer.initialize(repeating: 0)
      output.buffer.initialize(repeating: 0)
    }
    let made = Element.makePlan(
      kind, geometry, input.pointer, isInPlace ? input.pointer : output.pointer, flags: flags)
    guard let made else {
      preconditionFailure("FFTW has no plan for \(kind) with \(geometry) and \(requirements)")
    }
    plan = made
  }

  deinit {
    FFTPlanner.withPlanner { Element.destroyPlan(plan) }
  }

  /// Transforms `input` to `output`, different arrays (a plan with ``PlanRequirements/inPlace`` wants the same twice).
  @inline(__always)
  public func execute(_ input: UnsafePointer<Element>, _ output: UnsafeMutablePointer<Element>) {
    let input = UnsafeMutablePointer(mutating: input)
    precondition((input == output) == requirements.contains(.inPlace), "planned for another kind of place")
    precondition(
      !requirements.contains(.aligned)
        || (Element.misalignment(input) == 0 && Element.misalignment(output) == 0),
      "the plan wants aligned arrays")
    Element.executePlan(plan, kind, input, output)
  }
}
