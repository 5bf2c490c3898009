// Steps whose length follows the flow.

/// The steps that an interval is cut into by a Courant number: the interval divided by powers of two, so that there are
/// few different ones and each begins at a multiple of itself.
struct CourantSteps {
  let interval: Double
  let courantNumber: Double
  /// Time within the interval, in units of interval/2^halvings.
  private var done = 0
  private var halvings = 0

  private static let mostHalvings = 40
  /// Steps of one length before the state is asked again.
  private let stepsAtOnce: Int

  init(interval: Double, courantNumber: Double, stepsAtOnce: Int = 8) {
    self.stepsAtOnce = stepsAtOnce
    self.interval = interval
    self.courantNumber = courantNumber
  }

  var isAtEnd: Bool { done >= 1 << halvings }

  /// The next steps for a state's Courant rate, and when they begin, from the interval's beginning; nil where the rate is
  /// no number.
  mutating func next(rate: Double) -> (start: Double, step: Double, count: Int)? {
    guard rate.isFinite else { return nil }
    while halvings < Self.mostHalvings, interval * rate > courantNumber * Double(1 << halvings) {
      halvings += 1
      done *= 2
    }
    while halvings > 0, done.isMultiple(of: 2),
      2 * interval * rate <= courantNumber * Double(1 << halvings)
    {
      halvings -= 1
      done /= 2
    }
    let step = interval / Double(1 << halvings)
    let count = min(stepsAtOnce, 1 << halvings - done)
    defer { done += count }
    return (Double(done) * step, step, count)
  }
}
