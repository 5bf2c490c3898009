// What the two ways to apply a factorized weight cost.

/// Complex multiplications of `ŷ_k = x̂_k A C_k Bᵀ` for a batch, with A `[in, p]`, C_k `[p, q]` (or diagonal) and B
/// `[out, q]`, A or B possibly missing.
///
/// Forward products only: on the way back each costs twice what it costs forward (a gradient for either factor), so that
/// a training step costs three times these numbers whichever way is taken (a CP form's factors three and a half times:
/// one product is computed anew), and the comparison is much the same.
struct ContractionCount {
  var batch: Int
  /// Modes of the spectrum, and of the weight: a coarse grid has fewer than the weight.
  var modes: Int
  var weightModes: Int
  var inChannels: Int
  var outChannels: Int
  var p: Int
  var q: Int
  var isDiagonal: Bool
  var hasFirst: Bool
  var hasSecond: Bool

  /// The spectrum times A, times C_k, times Bᵀ.
  private var factorized: Int {
    let first = hasFirst ? inChannels * p : 0
    let second = hasSecond ? outChannels * q : 0
    return batch * modes * (first + (isDiagonal ? p : p * q) + second)
  }

  /// The spectrum times `A C_k Bᵀ`.
  private var product: Int { batch * modes * inChannels * outChannels }

  /// `A C_k Bᵀ` for every mode of the weight.
  private var reconstruction: Int {
    // Σ_r (A[i, r] B[o, r]) C[r, k]: the pairs once, then a product over r for every mode.
    if isDiagonal { return inChannels * outChannels * p * (1 + weightModes) }
    let first = hasFirst ? inChannels * p * q : 0
    let second = hasSecond ? inChannels * q * outChannels : 0
    return weightModes * (first + second)
  }

  /// Whether fewer multiplications are needed for so many batches with the same weights where these are put together
  /// first.
  func prefersReconstruction(batches: Int) -> Bool {
    Double(reconstruction) + Double(batches) * Double(product) < Double(batches) * Double(factorized)
  }
}
