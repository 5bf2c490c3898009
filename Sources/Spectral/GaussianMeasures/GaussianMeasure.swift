// Gaussian random fields by the covariance operator that the field's data sets are drawn with.

import Tensors

/// What is wrong with a measure, its formula, or the grid it is to be sampled on.
public struct GaussianMeasureError: Error, CustomStringConvertible, Equatable {
  public let description: String
}

/// The Gaussian measure N(0, c (−Δ + s)^−α) of mean-zero random fields on a box in 1, 2 or 3 dimensions.
///
/// Its samples are u(x) = Σ_k √λ_k ξ_k e_k(x): e_k the eigenfunctions of −Δ, normalized in L² of the box with
/// lengths L_j, ω² the eigenvalues, ξ_k independent standard normal numbers (complex for periodic fields, with
/// ξ_−k = ξ̄_k), and
///
///     λ_k = c (|ω_k|² + s)^−α,   ω_k,j = 2πk_j/L_j periodic,  πk_j/L_j Neumann (cosines) and Dirichlet (sines).
///
/// Published scripts and papers differ in the constant c (often written σ² or τ^(2α−d)); it is always part of the
/// measure here. The field is cut off at |k_j| ≤ ``maximumWavenumber``, and a random number belongs to its
/// wavevector (``randomIndex(of:)``), not to a place in an array: on every grid that resolves the cutoff it is the
/// same field. On a coarser grid the modes that it does not resolve are left out; nothing is aliased.
public struct GaussianMeasure: Sendable, Hashable, Codable {
  /// What the fields do at the ends of every axis.
  public enum Boundary: String, Sendable, Hashable, Codable, CaseIterable {
    case periodic
    /// The normal derivative vanishes.
    case neumann
    /// The field vanishes.
    case dirichlet
  }

  /// c in c (−Δ + s)^−α.
  public var constant: Double
  /// s in c (−Δ + s)^−α, often written τ².
  public var shift: Double
  /// α in c (−Δ + s)^−α.
  public var power: Double
  public var boundary: Boundary
  /// The cutoff: modes with |k_j| up to it along every axis.
  public var maximumWavenumber: Int
  /// Whether the constant mode k = 0 is drawn too. Without it every sample's mean over the box is zero. (Dirichlet
  /// fields have no such mode.)
  public var includesZeroMode: Bool

  public init(
    constant: Double, shift: Double, power: Double, boundary: Boundary, maximumWavenumber: Int,
    includesZeroMode: Bool = false
  ) {
    self.constant = constant
    self.shift = shift
    self.power = power
    self.boundary = boundary
    self.maximumWavenumber = maximumWavenumber
    self.includesZeroMode = includesZeroMode
  }

  /// Above this a wavevector has no random number of its own.
  public static let largestWavenumber = 1 << 19

  /// Throws where the parameters make no measure.
  public func validate() throws(GaussianMeasureError) {
    func check(_ holds: Bool, _ message: String) throws(GaussianMeasureError) {
      if !holds { throw GaussianMeasureError(description: "random field \(formula): \(message)") }
    }
    try check(constant > 0 && constant.isFinite, "the constant must be positive")
    try check(shift >= 0 && shift.isFinite, "the shift must not be negative")
    try check(power > 0 && power.isFinite, "the power must be negative, (…)^-a with a > 0")
    try check(
      (1...Self.largestWavenumber).contains(maximumWavenumber),
      "the cutoff must be between 1 and \(Self.largestWavenumber), not \(maximumWavenumber)")
    let hasZeroMode = includesZeroMode && boundary != .dirichlet
    try check(shift > 0 || !hasZeroMode, "the zero mode has an infinite variance")
  }

  /// λ_k = c (|ω_k|² + s)^−α for an integer wavevector in a box with these lengths.
  public func eigenvalue(of wavevector: [Int], lengths: [Double]) -> Double {
    precondition(wavevector.count == lengths.count, "a wavenumber for every axis")
    let unit = boundary == .periodic ? 2 * Double.pi : Double.pi
    let square = zip(wavevector, lengths).reduce(0.0) { sum, axis in
      let frequency = unit * Double(axis.0) / axis.1
      return sum + frequency * frequency
    }
    return eigenvalue(squaredFrequency: square)
  }

  func eigenvalue(squaredFrequency: Double) -> Double {
    constant * Double.pow(squaredFrequency + shift, -power)
  }

  /// The fields' standard deviation: the root of the variance's mean over the box (periodic fields have the same
  /// variance everywhere), Σ λ_k / ΠL_j over the modes up to the cutoff.
  public func standardDeviation(lengths: [Double]) -> Double {
    var wavevector = [Int](repeating: boundary == .dirichlet ? 1 : 0, count: lengths.count)
    let lowest = wavevector
    var sum = 0.0
    var axis = lengths.count
    repeat {
      let isZero = wavevector.allSatisfy { $0 == 0 }
      if !isZero || includesZeroMode {
        let copies = boundary == .periodic ? wavevector.reduce(1.0) { $1 == 0 ? $0 : 2 * $0 } : 1
        sum += copies * eigenvalue(of: wavevector, lengths: lengths)
      }
      axis = lengths.count - 1
      while axis >= 0, wavevector[axis] == maximumWavenumber {
        wavevector[axis] = lowest[axis]
        axis -= 1
      }
      if axis >= 0 { wavevector[axis] += 1 }
    } while axis >= 0
    return (sum / lengths.reduce(1, *)).squareRoot()
  }

  /// Where the random number of a wavevector (slowest axis first) is found in its stream: the real number ξ_k of a
  /// cosine or sine mode at this index; of a periodic mode the real and imaginary parts of √2·ξ_k at twice the
  /// index and the one after. Of k and −k, the one whose last component that is not zero is positive has it. The
  /// zero mode takes the real part, without the √2.
  public static func randomIndex(of wavevector: [Int]) -> UInt64 {
    precondition((1...3).contains(wavevector.count), "one to three dimensions")
    precondition(
      wavevector.allSatisfy { $0.magnitude <= largestWavenumber } && wavevector.last ?? 0 >= 0,
      "no random number for the wavevector \(wavevector)")
    // Twenty-one bits an axis; the last axis, whose wavenumbers are not negative, is contiguous.
    return wavevector.dropLast().reduce(UInt64(0)) { ($0 << 21) + UInt64($1 + largestWavenumber) } << 21
      + UInt64(wavevector.last ?? 0)
  }

  /// What the random numbers of fields are for where nothing else is said.
  public static let purpose: RandomPurpose = "gaussian measure"

  /// The stream that holds the random numbers of one sample.
  public static func stream(seed: UInt64, sample: UInt64) -> RandomStream {
    RandomStream(seed: seed, purpose: purpose, sample: sample)
  }

  /// A sample on a grid; for many samples make a ``GaussianSampler``.
  public func sample(
    on grid: Grid, seed: UInt64, sample: UInt64
  ) throws(GaussianMeasureError) -> Tensor<Double> {
    try GaussianSampler(self, grid: grid).sample(seed: seed, sample: sample)
  }
}
