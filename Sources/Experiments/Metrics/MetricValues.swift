// The figures of an evaluation, by the names under which they are printed.

/// What an evaluation measures, on de-normalized fields. A figure that does not apply is nil: a boundary on a
/// periodic grid, a relative error where the target vanishes.
public struct MetricValues: Sendable, Codable, Equatable {
  /// Mean over samples of ‖p − t‖₂/‖t‖₂, norms over all channels and points.
  public var relativeL2: Double?
  /// The same with √(‖e‖² + Σ_j ‖∂_j e‖²).
  public var relativeH1: Double?
  /// The root mean square over points of each sample and channel; its mean.
  public var rmse: Double?
  /// The same, each divided by the target's root mean square.
  public var nrmse: Double?
  /// The largest difference anywhere.
  public var maxError: Double?
  /// The root mean square over samples of the difference of the spatial means; its mean over channels.
  public var conservedRMSE: Double?
  /// ``rmse`` over the boundary points of the axes that are not periodic.
  public var boundaryRMSE: Double?
  /// The parts of the error with radial wavenumber k < 4, 4 ≤ k < 12 and k ≥ 12.
  public var fourierRMSELow: Double?
  public var fourierRMSEMid: Double?
  public var fourierRMSEHigh: Double?

  public init() {}

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case relativeL2 = "relative_l2"
    case relativeH1 = "relative_h1"
    case rmse, nrmse
    case maxError = "max_error"
    case conservedRMSE = "conserved_rmse"
    case boundaryRMSE = "boundary_rmse"
    case fourierRMSELow = "fourier_rmse_low"
    case fourierRMSEMid = "fourier_rmse_mid"
    case fourierRMSEHigh = "fourier_rmse_high"
  }

  /// All figures with their names, in the order of printing.
  public var named: [(name: String, value: Double?)] {
    [
      (.relativeL2, relativeL2), (.relativeH1, relativeH1), (.rmse, rmse), (.nrmse, nrmse),
      (.maxError, maxError), (.conservedRMSE, conservedRMSE), (.boundaryRMSE, boundaryRMSE),
      (.fourierRMSELow, fourierRMSELow), (.fourierRMSEMid, fourierRMSEMid),
      (.fourierRMSEHigh, fourierRMSEHigh),
    ].map { (key: CodingKeys, value) in (key.rawValue, value) }
  }
}

/// Whose definitions the figures follow where they differ.
public enum MetricConvention: String, Sendable, CaseIterable {
  /// This toolkit's: see ``MetricValues``.
  case standard
  /// PDEBench's `metric_func` (Takamoto et al. 2022): conserved quantities and extrema a channel, the boundary of
  /// every axis, Fourier errors summed over the positive quadrant and averaged over wavenumbers. Relative L2 and H1,
  /// which PDEBench does not have, stay the toolkit's.
  case pdebench
}

extension Double {
  /// Nil where the figure is no finite number: JSON has no other, and nobody can use one.
  var finite: Double? { isFinite ? self : nil }
}
