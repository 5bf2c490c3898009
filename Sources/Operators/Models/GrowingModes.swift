// Operators whose modes come into use one after the other.

/// A model that can work with the lowest of its modes only (George et al. 2024, "Incremental Spatial and Spectral
/// Learning of Neural Operators").
///
/// The weights of modes that are not in use are zero and stay zero in training, since their gradients are. A model is
/// therefore the same function with all of its modes in use as with the active ones only; these take less time.
public protocol GrowingModes: AnyObject {
  /// All modes along each axis, both signs counted.
  var modes: [Int] { get }
  /// Those in use, in every layer.
  var activeModes: [Int] { get set }
  /// Sets the weights of modes that are not in use to zero.
  func clearInactiveModes()
  /// For each axis, the sum over layers and weights of |W|² for every magnitude 0, 1, … of the wavenumber along it.
  func modeStrengths() -> [[Double]]
}
