// How a domain is cut into patches that see the rest of it coarsely.

/// Multi-grid domain decomposition (Kossaifi et al. 2024): 2^L patches along each axis, each with L coarser pictures of
/// its wider surroundings as further channels.
public struct MultigridConfiguration: Codable, Sendable, Hashable {
  /// What lies beyond the ends of the domain.
  public enum Boundary: String, Codable, Sendable, CaseIterable {
    case periodic
    /// The field mirrored about its end points.
    case reflect
    /// The values of the end points.
    case replicate
  }

  /// How a coarser level comes from a finer one.
  public enum Coarsening: String, Codable, Sendable, CaseIterable {
    /// Every second point, as neuraloperator does: what is between them folds into lower wavenumbers.
    case subsample
    /// Every second point of the averages with weights ¼, ½, ¼ along each axis (full weighting).
    case average
  }

  /// L; 0 is the operator itself.
  public var levels: Int
  /// What neighbouring patches share on each side, as a fraction of the whole axis: one for each axis, or one for all.
  public var overlap: [Double] = [0]
  public var boundary = Boundary.periodic
  public var coarsening = Coarsening.subsample
  /// Whether the operator is first applied to the coarsest picture of the whole domain, and the patches correct what it
  /// gives (the coarse space of two-level Schwarz methods): what depends on all of the domain at once, as the pressure of
  /// an elliptic problem does, a patch cannot know from pictures of its surroundings.
  public var coarseSolve = false

  public init(levels: Int) { self.levels = levels }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case levels, overlap, boundary, coarsening
    case coarseSolve = "coarse_solve"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    levels = try values.decode(Int.self, forKey: .levels)
    overlap = try values.decodeIfPresent([Double].self, forKey: .overlap) ?? overlap
    boundary = try values.decodeIfPresent(Boundary.self, forKey: .boundary) ?? boundary
    coarsening = try values.decodeIfPresent(Coarsening.self, forKey: .coarsening) ?? coarsening
    coarseSolve = try values.decodeIfPresent(Bool.self, forKey: .coarseSolve) ?? coarseSolve
  }

  /// Channels that the operator on patches takes for fields of so many, and makes.
  public func patchChannels(inputs: Int, outputs: Int) -> Int {
    inputs * (levels + 1) + (levels > 0 && coarseSolve ? outputs : 0)
  }

  /// What is wrong with it for an operator on `dimensions` axes, beginning with the key; nil where nothing is.
  public func problem(dimensions: Int) -> String? {
    if !(0...6).contains(levels) { return "multigrid.levels: from 0 to 6, not \(levels)" }
    if overlap.count != 1, overlap.count != dimensions {
      return "multigrid.overlap: one fraction, or one for each of \(dimensions) axes, not \(overlap.count)"
    }
    if let bad = overlap.first(where: { !(0...0.5).contains($0) }) {
      return "multigrid.overlap: fractions from 0 to 0.5, not \(bad)"
    }
    return nil
  }
}
