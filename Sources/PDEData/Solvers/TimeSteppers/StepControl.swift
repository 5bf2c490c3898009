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

  /// The estimate from a relative difference of two runs. Of long steps it promises too much, by terms that fall with the
  /// square of the step; `caution` is the least with which no random state of the Burgers papers had an error beyond
  /// the tolerance.
  private static func estimate(_ difference: Double, order: Int) -> Double {
    let caution = 12 * Double.pow(difference, 2 / Double(order))
    return difference / (Double(1 << order) - 1) * (1 + min(1, caution))
  }

  /// More refinement than this and the tolerance is taken to be out of reach.
  static var mostRefinement: Int { 1 << 20 }

  /// Runs an integration until the tolerance is met; nil where it cannot be, or where states cease to be finite.
  ///
  /// The error of the finer of two runs is estimated by `difference/(2^order − 1)` (Richardson), with some caution for
  /// long steps. All decisions follow from the sample alone.
  /// - Parameters:
  ///   - run: integrates with every step of a basic mesh cut into so many; nil where values ceased to be finite.
  ///   - difference: the largest relative difference between two runs.
  ///   - improve: what is made of the two last runs, with 1/(2^order − 1); the finer one where nothing is.
  /// - Returns: the finest run, or what was made of it, its refinement and its estimated error.
  static func refine<States>(
    to tolerance: Double, order: Int, run: (_ refinement: Int) -> States?,
    difference: (_ coarse: States, _ fine: States) -> Double,
    improve: (_ coarse: States, _ fine: States, _ weight: Double) -> States = { _, fine, _ in fine }
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
      let error = fine.map { estimate(difference(known, $0), order: order) } ?? .infinity
      if error <= tolerance, let fine {
        return (improve(known, fine, 1 / (gain - 1)), 2 * refinement, error)
      }
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
