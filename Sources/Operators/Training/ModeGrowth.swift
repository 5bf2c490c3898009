// When a model's modes come into use.

/// Training that begins with few modes and takes in more of them as it goes on, in every layer.
public struct ModeGrowth: Codable, Sendable, Hashable {
  public enum Rule: String, Codable, Sendable, CaseIterable {
    /// More modes after every ``ModeGrowth/every`` epochs.
    case schedule
    /// More modes along an axis where those inside the outermost ``ModeGrowth/buffer`` wavenumbers explain less than
    /// ``ModeGrowth/ratio`` of the weights' squares, looked at every ``ModeGrowth/every`` epochs (George et al. 2024).
    case explainedRatio = "explained_ratio"
  }

  /// The modes along each axis to begin with, both signs counted.
  public var start: [Int]
  public var rule = Rule.explainedRatio
  /// Modes that are added to an axis at once.
  public var step = 2
  public var every = 1
  public var ratio = 0.99
  public var buffer = 1

  public init(start: [Int], rule: Rule = .explainedRatio) {
    self.start = start
    self.rule = rule
  }

  public enum CodingKeys: String, CodingKey, CaseIterable {
    case start, rule, step, every, ratio, buffer
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    start = try values.decode([Int].self, forKey: .start)
    rule = try values.decodeIfPresent(Rule.self, forKey: .rule) ?? rule
    step = try values.decodeIfPresent(Int.self, forKey: .step) ?? step
    every = try values.decodeIfPresent(Int.self, forKey: .every) ?? every
    ratio = try values.decodeIfPresent(Double.self, forKey: .ratio) ?? ratio
    buffer = try values.decodeIfPresent(Int.self, forKey: .buffer) ?? buffer
  }

  /// What is wrong; nil where nothing is.
  var problem: ConfigurationError? {
    func fail(_ reason: String) -> ConfigurationError {
      ConfigurationError(key: "incremental_modes", reason: reason)
    }
    if start.isEmpty || start.contains(where: { $0 < 1 }) {
      return fail("a start of at least 1 mode along each axis, not \(start)")
    }
    if step < 1 { return fail("a step of at least 1, not \(step)") }
    if every < 1 { return fail("every 1 epoch or more, not \(every)") }
    if !(ratio > 0 && ratio <= 1) { return fail("a ratio above 0 and up to 1, not \(ratio)") }
    if buffer < 1 { return fail("a buffer of at least 1 wavenumber, not \(buffer)") }
    return nil
  }

  /// What is wrong with it for a model of these modes.
  public func problem(modes: [Int]) -> ConfigurationError? {
    guard start.count == modes.count, zip(start, modes).allSatisfy({ $0 <= $1 }) else {
      return ConfigurationError(
        key: "incremental_modes",
        reason: "a start of at most the model's modes \(modes) along each axis, not \(start)")
    }
    return nil
  }

  /// The modes in use after `epochs` whole epochs, where `active` were before.
  ///
  /// - Parameter strengths: See ``GrowingModes/modeStrengths()``.
  func modes(after epochs: Int, active: [Int], of modes: [Int], strengths: () -> [[Double]]) -> [Int] {
    guard epochs.isMultiple(of: every), active != modes else { return active }
    let grown = zip(active, modes).map { min($0 + step, $1) }
    guard rule == .explainedRatio else { return grown }
    return zip(zip(active, grown), strengths()).map { sizes, strengths in
      // Wavenumbers up to half the modes are in use.
      let used = strengths.prefix(sizes.0 / 2 + 1)
      let total = used.reduce(0, +)
      let explained = used.dropLast(min(buffer, used.count - 1)).reduce(0, +)
      return total > 0 && explained < ratio * total ? sizes.1 : sizes.0
    }
  }
}
