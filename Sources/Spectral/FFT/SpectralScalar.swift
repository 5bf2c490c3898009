// FFTW in both precisions behind one protocol.

import CFFTW
import Tensors

/// A real number type with an FFTW library: `Float` (fftwf) or `Double` (fftw).
///
/// The requirements forward to the C library and are for ``FFTPlan`` and ``FFTPlanner`` alone, which hold the lock
/// that FFTW's planner needs; everything else goes through those.
public protocol SpectralScalar: Scalar {
  /// Plans a transform between two arrays, which a measuring plan overwrites. Under the planner's lock.
  static func makePlan(
    _ kind: TransformKind, _ geometry: TransformGeometry, _ input: UnsafeMutablePointer<Self>,
    _ output: UnsafeMutablePointer<Self>, flags: UInt32
  ) -> OpaquePointer?

  /// Executes a plan on arrays laid out as those it was planned for. From any thread.
  static func executePlan(
    _ plan: OpaquePointer, _ kind: TransformKind, _ input: UnsafeMutablePointer<Self>,
    _ output: UnsafeMutablePointer<Self>)

  /// Under the planner's lock.
  static func destroyPlan(_ plan: OpaquePointer)

  /// The distance of an address from the alignment that FFTW's vector code wants.
  static func misalignment(_ pointer: UnsafePointer<Self>) -> Int

  /// Merges wisdom into what is known; false where the text is not wisdom of this library. Under the planner's
  /// lock.
  static func importWisdom(_ text: String) -> Bool

  /// Under the planner's lock.
  static func exportWisdom() -> String

  /// Under the planner's lock.
  static func forgetWisdom()
}

extension TransformGeometry.Axis {
  fileprivate var dimension: fftw_iodim64 { fftw_iodim64(n: count, is: inputStride, os: outputStride) }
}

extension TrigonometricTransform {
  fileprivate var kind: fftw_r2r_kind {
    switch self {
    case .cosineI: FFTW_REDFT00
    case .cosineII: FFTW_REDFT10
    case .cosineIII: FFTW_REDFT01
    case .cosineIV: FFTW_REDFT11
    case .sineI: FFTW_RODFT00
    case .sineII: FFTW_RODFT10
    case .sineIII: FFTW_RODFT01
    case .sineIV: FFTW_RODFT11
    case .halfComplex: FFTW_R2HC
    case .fromHalfComplex: FFTW_HC2R
    }
  }
}

extension UnsafeMutablePointer {
  /// The same memory as an array of C's complex numbers, which are pairs.
  fileprivate func complex<Complex>() -> UnsafeMutablePointer<Complex> {
    UnsafeMutableRawPointer(self).assumingMemoryBound(to: Complex.self)
  }
}

extension Double: SpectralScalar {

  public static func makePlan(
    _ kind: TransformKind, _ geometry: TransformGeometry, _ input: UnsafeMutablePointer<Double>,
    _ output: UnsafeMutablePointer<Double>, flags: UInt32
  ) -> OpaquePointer? {
    let axes = geometry.axes.map(\.dimension)
    let batch = geometry.batch.map(\.dimension)
    let (rank, batchRank) = (Int32(axes.count), Int32(batch.count))
    switch kind {
    case .realToComplex:
      return fftw_plan_guru64_dft_r2c(rank, axes, batchRank, batch, input, output.complex(), flags)
    case .complexToReal:
      return fftw_plan_guru64_dft_c2r(rank, axes, batchRank, batch, input.complex(), output, flags)
    case .complexForward:
      return fftw_plan_guru64_dft(
        rank, axes, batchRank, batch, input.complex(), output.complex(), FFTW_FORWARD, flags)
    case .complexBackward:
      return fftw_plan_guru64_dft(
        rank, axes, batchRank, batch, input.complex(), output.complex(), FFTW_BACKWARD, flags)
    case .realToReal(let transforms):
      return fftw_plan_guru64_r2r(
        rank, axes, batchRank, batch, input, output, transforms.map(\.kind), flags)
    }
  }

  public static func executePlan(
    _ plan: OpaquePointer, _ kind: TransformKind, _ input: UnsafeMutablePointer<Double>,
    _ output: UnsafeMutablePointer<Double>
  ) {
    switch kind {
    case .realToComplex: fftw_execute_dft_r2c(plan, input, output.complex())
    case .complexToReal: fftw_execute_dft_c2r(plan, input.complex(), output)
    case .complexForward, .complexBackward: fftw_execute_dft(plan, input.complex(), output.complex())
    case .realToReal: fftw_execute_r2r(plan, input, output)
    }
  }

  public static func destroyPlan(_ plan: OpaquePointer) { fftw_destroy_plan(plan) }

  public static func misalignment(_ pointer: UnsafePointer<Double>) -> Int {
    Int(fftw_alignment_of(UnsafeMutablePointer(mutating: pointer)))
  }

  public static func importWisdom(_ text: String) -> Bool { fftw_import_wisdom_from_string(text) != 0 }

  public static func exportWisdom() -> String {
    guard let text = fftw_export_wisdom_to_string() else { return "" }
    defer { fftw_free(text) }
    return String(cString: text)
  }

  public static func forgetWisdom() { fftw_forget_wisdom() }
}

extension Float: SpectralScalar {

  public static func makePlan(
    _ kind: TransformKind, _ geometry: TransformGeometry, _ input: UnsafeMutablePointer<Float>,
    _ output: UnsafeMutablePointer<Float>, flags: UInt32
  ) -> OpaquePointer? {
    let axes = geometry.axes.map(\.dimension)
    let batch = geometry.batch.map(\.dimension)
    let (rank, batchRank) = (Int32(axes.count), Int32(batch.count))
    switch kind {
    case .realToComplex:
      return fftwf_plan_guru64_dft_r2c(rank, axes, batchRank, batch, input, output.complex(), flags)
    case .complexToReal:
      return fftwf_plan_guru64_dft_c2r(rank, axes, batchRank, batch, input.complex(), output, flags)
    case .complexForward:
      return fftwf_plan_guru64_dft(
        rank, axes, batchRank, batch, input.complex(), output.complex(), FFTW_FORWARD, flags)
    case .complexBackward:
      return fftwf_plan_guru64_dft(
        rank, axes, batchRank, batch, input.complex(), output.complex(), FFTW_BACKWARD, flags)
    case .realToReal(let transforms):
      return fftwf_plan_guru64_r2r(
        rank, axes, batchRank, batch, input, output, transforms.map(\.kind), flags)
    }
  }

  public static func executePlan(
    _ plan: OpaquePointer, _ kind: TransformKind, _ input: UnsafeMutablePointer<Float>,
    _ output: UnsafeMutablePointer<Float>
  ) {
    switch kind {
    case .realToComplex: fftwf_execute_dft_r2c(plan, input, output.complex())
    case .complexToReal: fftwf_execute_dft_c2r(plan, input.complex(), output)
    case .complexForward, .complexBackward: fftwf_execute_dft(plan, input.complex(), output.complex())
    case .realToReal: fftwf_execute_r2r(plan, input, output)
    }
  }

  public static func destroyPlan(_ plan: OpaquePointer) { fftwf_destroy_plan(plan) }

  public static func misalignment(_ pointer: UnsafePointer<Float>) -> Int {
    Int(fftwf_alignment_of(UnsafeMutablePointer(mutating: pointer)))
  }

  public static func importWisdom(_ text: String) -> Bool { fftwf_import_wisdom_from_string(text) != 0 }

  public static func exportWisdom() -> String {
    guard let text = fftwf_export_wisdom_to_string() else { return "" }
    defer { fftwf_free(text) }
    return String(cString: text)
  }

  public static func forgetWisdom() { fftwf_forget_wisdom() }
}
