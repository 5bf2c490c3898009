// Which ranks a budget of numbers is spent on best, read off the singular values.

import Tensors

/// Chooses ranks for a budget: from full rank down, always by the step that loses the least square of the tensor for a
/// number saved; or in proportion to the axes. The better of the two, after single steps that still fit and exchanges
/// of ranks between two places have been tried, is taken.
enum RankSelection {
  /// Tucker ranks for several tensors of one shape, each counted by its share of its own square. The core of the full
  /// HOSVD gives the square that a truncation keeps exactly: the sum over the block that remains.
  static func tucker(_ forms: [TuckerForm], shape: [Int], budget: Int) -> [Int] {
    let full = forms.first?.core.shape ?? shape
    var squares = [Double](repeating: 0, count: full.reduce(1, *))
    for form in forms {
      let total = max(form.core.sumOfSquares, .leastNormalMagnitude)
      for place in squares.indices {
        let (re, im) = (form.core.values[2 * place], form.core.values[2 * place + 1])
        squares[place] += (re * re + im * im) / total
      }
    }
    let strides = Tensor<Double>.strides(of: full)
    // What the slice `index` of an axis holds within the block `0..<ranks` along the others.
    func slice(_ axis: Int, _ index: Int, _ ranks: [Int]) -> Double {
      func sum(_ other: Int, _ offset: Int) -> Double {
        guard other < full.count else { return squares[offset] }
        if other == axis { return sum(other + 1, offset + index * strides[other]) }
        return (0..<ranks[other]).reduce(0) { $0 + sum(other + 1, offset + $1 * strides[other]) }
      }
      return sum(0, 0)
    }
    // All but what is in the block.
    func lost(_ ranks: [Int]) -> Double {
      (0..<ranks[0]).reduce(Double(forms.count)) { $0 - slice(0, $1, ranks) }
    }
    return Search(
      full: full, places: Array(full.indices), budget: budget,
      count: { TensorRank.count($0, .tucker, shape) }, square: slice, lost: lost
    ).best(or: proportional(.tucker, shape, budget, full))
  }

  /// Ranks of a tensor train from the singular values of the unfoldings between the axes, squared, of several tensors of
  /// one shape. A truncation at every place is taken to keep the product of the parts that the single ones keep: the sum
  /// of what they lose, a bound for TT-SVD, counts the same numbers several times where much is left out.
  static func train(_ arrays: [ComplexArray], shape: [Int], budget: Int) throws -> [Int] {
    let places = Array(1..<shape.count)
    // For every place the part that so many singular values keep.
    var kept = [[Double]](repeating: [], count: shape.count + 1)
    for place in places {
      for array in arrays {
        let values = try array.matrix(rowAxes: place).singularValues().values.map { $0 * $0 }
        let total = max(values.reduce(0, +), .leastNormalMagnitude) * Double(arrays.count)
        if kept[place].isEmpty { kept[place] = [Double](repeating: 0, count: values.count + 1) }
        var sum = 0.0
        for index in values.indices {
          sum += values[index] / total
          kept[place][index + 1] += sum
        }
      }
    }
    let full = (0...shape.count).map { max(kept[$0].count - 1, 1) }
    func product(_ ranks: [Int], except excluded: Int? = nil) -> Double {
      places.reduce(1) { $1 == excluded ? $0 : $0 * kept[$1][ranks[$1]] }
    }
    return Search(
      full: full, places: places, budget: budget, count: { TensorRank.count($0, .tt, shape) },
      square: { place, index, ranks in
        (kept[place][index + 1] - kept[place][index]) * product(ranks, except: place)
      },
      lost: { 1 - product($0) }
    ).best(or: proportional(.tt, shape, budget, full))
  }

  /// The ranks that a budget allows in proportion to the axes.
  private static func proportional(
    _ factorization: Factorization, _ shape: [Int], _ budget: Int, _ full: [Int]
  ) -> [Int]? {
    let ranks = try? TensorRank.parameters(2 * budget).ranks(for: factorization, shape: shape)
    return ranks.map { zip($0, full).map(min) }
  }
}

/// The search for ranks of the least loss within a budget.
private struct Search {
  /// The largest ranks, and the places where a rank may be less.
  let full: [Int]
  let places: [Int]
  let budget: Int
  let count: ([Int]) -> Int
  /// What is lost (relative square) with the last of `index + 1` at a place, the other ranks given.
  let square: (_ place: Int, _ index: Int, _ ranks: [Int]) -> Double
  let lost: ([Int]) -> Double
  /// Less than this is roundoff of single-precision weights: not worth a number.
  let nothing = 1e-14

  func best(or other: [Int]?) -> [Int] {
    let candidates = ([descended()] + [other].compactMap(\.self)).map { exchanged(filled($0)) }
    return candidates.min { lost($0) < lost($1) } ?? full
  }

  private func changed(_ ranks: [Int], _ place: Int, by step: Int) -> [Int] {
    var result = ranks
    result[place] += step
    return result
  }

  /// Down from full rank.
  private func descended() -> [Int] {
    var ranks = full
    while let place = places.first(where: {
      ranks[$0] > 1 && square($0, ranks[$0] - 1, ranks) <= nothing
    }) {
      ranks[place] -= 1
    }
    while count(ranks) > budget {
      let total = count(ranks)
      let steps = places.filter { ranks[$0] > 1 }.map { place in
        let saved = Double(total - count(changed(ranks, place, by: -1)))
        return (place: place, price: square(place, ranks[place] - 1, ranks) / saved)
      }
      guard let best = steps.min(by: { $0.price < $1.price }) else { break }
      ranks[best.place] -= 1
    }
    return ranks
  }

  /// Up by single steps that fit, the most gainful first; `fixed` stays as it is.
  private func filled(_ start: [Int], except fixed: Int? = nil) -> [Int] {
    var ranks = start
    while true {
      let steps = places.filter {
        $0 != fixed && ranks[$0] < full[$0] && count(changed(ranks, $0, by: 1)) <= budget
      }
      let gains = steps.map { (place: $0, gain: square($0, ranks[$0], ranks)) }
      guard let best = gains.max(by: { $0.gain < $1.gain }), best.gain > nothing else { return ranks }
      ranks[best.place] += 1
    }
  }

  /// Less at one place and more at others, while that loses less.
  private func exchanged(_ start: [Int]) -> [Int] {
    var (ranks, loss) = (start, lost(start))
    while true {
      let trials = places.flatMap { place in
        [1, 2, 4, 8].filter { ranks[place] > $0 }.map { step in
          filled(changed(ranks, place, by: -step), except: place)
        }
      }
      let losses = trials.map { (ranks: $0, loss: lost($0)) }
      guard let best = losses.min(by: { $0.loss < $1.loss }), best.loss < loss * (1 - 1e-9) else {
        return ranks
      }
      (ranks, loss) = (best.ranks, best.loss)
    }
  }
}
