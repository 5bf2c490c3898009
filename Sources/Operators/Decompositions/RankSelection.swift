// Which ranks a budget of numbers is spent on best, read off the singular values.

import Tensors

/// Chooses ranks for a budget greedily: from full rank down, always by the step that loses the least square of the
/// tensor for a number saved, then up again by single steps that still fit.
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
    return greedy(
      full: full, places: Array(full.indices), budget: budget,
      count: { TensorRank.count($0, .tucker, shape) }, square: slice)
  }

  /// Ranks of a tensor train from the singular values of the unfoldings between the axes, squared and divided by their
  /// sum, of several tensors of one shape.
  static func train(_ arrays: [ComplexArray], shape: [Int], budget: Int) throws -> [Int] {
    var squares = [[Double]](repeating: [], count: shape.count + 1)
    for place in 1..<shape.count {
      for array in arrays {
        let values = try array.matrix(rowAxes: place).singularValues().values.map { $0 * $0 }
        let total = max(values.reduce(0, +), .leastNormalMagnitude)
        if squares[place].isEmpty { squares[place] = values.map { _ in 0 } }
        for index in values.indices { squares[place][index] += values[index] / total }
      }
    }
    let full = (0...shape.count).map { max(squares[$0].count, 1) }
    return greedy(
      full: full, places: Array(1..<shape.count), budget: budget,
      count: { TensorRank.count($0, .tt, shape) }, square: { place, index, _ in squares[place][index] })
  }

  /// - Parameters:
  ///   - places: Where a rank may change.
  ///   - square: What is lost (relative square) with the last of `index + 1` at a place, the other ranks given.
  private static func greedy(
    full: [Int], places: [Int], budget: Int, count: ([Int]) -> Int,
    square: (_ place: Int, _ index: Int, _ ranks: [Int]) -> Double
  ) -> [Int] {
    var ranks = full
    func changed(_ place: Int, by step: Int) -> [Int] {
      var result = ranks
      result[place] += step
      return result
    }
    // Less than this is roundoff of single-precision weights: not worth a number.
    let nothing = 1e-14
    while let place = places.first(where: {
      ranks[$0] > 1 && square($0, ranks[$0] - 1, ranks) <= nothing
    }) {
      ranks[place] -= 1
    }
    while count(ranks) > budget {
      let total = count(ranks)
      let steps = places.filter { ranks[$0] > 1 }.map { place in
        let saved = Double(total - count(changed(place, by: -1)))
        return (place: place, price: square(place, ranks[place] - 1, ranks) / saved)
      }
      guard let best = steps.min(by: { $0.price < $1.price }) else { break }
      ranks[best.place] -= 1
    }
    while true {
      let steps = places.filter { ranks[$0] < full[$0] && count(changed($0, by: 1)) <= budget }
      let gains = steps.map { (place: $0, gain: square($0, ranks[$0], ranks)) }
      guard let best = gains.max(by: { $0.gain < $1.gain }), best.gain > nothing else { return ranks }
      ranks[best.place] += 1
    }
  }
}
