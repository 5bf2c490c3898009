// Which step to take: the one asked for, or the largest that reaches a tolerance.

import RealModule

/// How the step of a time stepper is chosen.
public enum StepControl: Sendable, Hashable {
  /// Steps of at most this size, dividing the time between two saved states evenly. No error is estimated.
  case fixed(Double)
  /// All steps are halved until the states of two runs, one with half the steps of the other, tell an error of the
  /// finer one of at most this: per saved state, in the L² norm, relative to the state's.
  case tolerance(Double)
  /// Steps of at most this Courant number Δt·max Σ_i |u_i|/Δx_i, as the state goes. No error is estimated.
  case courant(Double)
}

extension StepControl {
  /// So many refinements without gain: roundoff, or a solution that is sensitive beyond computing.
  private static var mostStalls: Int { 4 }

  /// Before the steps are short compared with everything that happens in them (those of a graded mesh near a rough
  /// initial state are the last to be), the finer of two runs gains less than the order promises: the true error was
  /// up to 2.2 times the estimate for steps of the basic mesh, 1.6 times for half of them, 1.3 times for a quarter.
  private static func caution(_ refinement: Int) -> Double { 1 + 1.5 / Double(refinement) }

  /// More refinement than this and the tolerance is taken to be out of reach.
  static var mostRefinement: Int { 1 << 20 }

  /// Runs an integration until the tolerance is met; nil where it cannot be, or where states cease to be finite.
  ///
  /// The error of the finer of two runs is estimated by `difference/(2^order − 1)` (Richardson), times a factor of
  /// caution that tends to one with refinement. All decisions follow from the sample alone.
  /// - Parameters:
  ///   - run: integrates with every step of a basic mesh cut into so many; nil where values ceased to be finite.
  ///   - difference: the largest relative difference between two runs.
  /// - Returns: the finest run, its refinement and its estimated error.
  static func refine<States>(
    to tolerance: Double, order: Int, run: (_ refinement: Int) -> States?,
    difference: (_ coarse: States, _ fine: States) -> Double
  ) -> (states: States, refinement: Int, error: Double)? {
    let gain = Double(1 << order)
    var refinement = 1
    var coarse = run(refinement)
    var (best, stalls) = (Double.infinity, 0)
    while refinement <= mostRefinement / 2 {
      guard let known = coarse else {
        // The steps were beyond stability.
        refinement *= 2
        coarse = run(refinement)
        continue
      }
      let fine = run(2 * refinement)
      let error = fine.map { difference(known, $0) / (gain - 1) * caution(refinement) } ?? .infinity
      if error <= tolerance, let fine { return (fine, 2 * refinement, error) }
      stalls = error < best || !error.isFinite ? 0 : stalls + 1
      if stalls == mostStalls { return nil }
      best = min(best, error)
      // The finer run is the coarser one of the next pair, unless the error tells that it is far off.
      let needed = error.isFinite ? Double.log2(error / tolerance) / Double(order) : 1
      let doublings = min(6, max(1, Int(needed)))
      refinement <<= doublings
      coarse = doublings == 1 ? fine : run(refinement)
    }
    return nil
  }
}
