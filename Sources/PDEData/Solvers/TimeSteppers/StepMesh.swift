// The basic mesh of time steps that error control refines.

/// Steps between saved states: equal ones, the first one of all graded towards the initial state.
///
/// Rough initial states smooth out at the rate of their fastest modes, and while they do, a high-order method with a
/// step longer than that is of low order. So the first step h is cut into h/2, h/4, …, the last two pieces being at
/// most the reciprocal of the fastest rate.
struct StepMesh: Sendable {
  /// The length of the equal steps.
  let step: Double
  /// Pieces of the first interval in the order of time: how many steps of which length.
  let first: [(steps: Int, step: Double)]
  /// Those of all further intervals.
  let others: [(steps: Int, step: Double)]

  private static let mostHalvings = 20

  /// - Parameter rate: of the fastest mode; zero: no grading.
  init(interval: Double, steps: Int, gradedTo rate: Double = 0) {
    step = interval / Double(steps)
    others = [(steps, step)]
    var halvings = 0
    while halvings < Self.mostHalvings, step * rate > Double(1 << halvings) { halvings += 1 }
    var pieces: [(steps: Int, step: Double)] = []
    if halvings > 0 { pieces.append((1, step / Double(1 << halvings))) }
    for halving in stride(from: halvings, to: 0, by: -1) { pieces.append((1, step / Double(1 << halving))) }
    let rest = steps - (halvings > 0 ? 1 : 0)
    first = pieces + (rest > 0 ? [(rest, step)] : [])
  }

  /// How many steps of at most `step` an interval takes; round-off does not count.
  static func steps(of step: Double, in interval: Double) -> Int {
    max(1, Int(min(interval / step * (1 - 1e-12), 1e15).rounded(.up)))
  }

  /// At least `wanted`, of the form 2^k or 3·2^k, so that samples share the weights of their steps.
  static func roundedSteps(_ wanted: Double) -> Int {
    let wanted = min(wanted, 1e5)
    var steps = 1
    while Double(steps) < wanted { steps *= 2 }
    return steps >= 4 && Double(steps / 4 * 3) >= wanted ? steps / 4 * 3 : steps
  }
}
