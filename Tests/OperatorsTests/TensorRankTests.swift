// Ranks: fractions, lists, budgets.

import Foundation
import Operators
import Testing

@Suite struct TensorRankTests {
  private func count(_ ranks: [Int], _ factorization: Factorization, _ shape: [Int]) -> Int {
    switch factorization {
    case .dense: 0
    case .tucker: ranks.reduce(1, *) + zip(ranks, shape).reduce(0) { $0 + $1.0 * $1.1 }
    case .cp: ranks[0] * (1 + shape.reduce(0, +))
    case .tt: shape.indices.reduce(0) { $0 + ranks[$1] * shape[$1] * ranks[$1 + 1] }
    }
  }

  /// tensorly-torch's ranks.
  @Test(arguments: [
    ([8, 8, 8, 5], 0.05, [3, 3, 3, 2], 4, [1, 3, 3, 2, 1]), ([8, 8, 7], 0.3, [4, 4, 3], 6, [1, 3, 3, 1]),
    ([32, 32, 12, 7], 0.05, [14, 14, 5, 3], 52, [1, 13, 9, 4, 1]),
    ([20, 20, 16, 16, 9], 0.1, [13, 13, 10, 10, 6], 1138, [1, 49, 44, 39, 31, 1]),
  ])
  func fractions(shape: [Int], fraction: Double, tucker: [Int], cp: Int, train: [Int]) throws {
    #expect(try TensorRank.fraction(fraction).ranks(for: .tucker, shape: shape) == tucker)
    #expect(try TensorRank.fraction(fraction).ranks(for: .cp, shape: shape) == [cp])
    #expect(try TensorRank.fraction(fraction).ranks(for: .tt, shape: shape) == train)
  }

  /// A budget is kept, and nearly used.
  @Test(arguments: [Factorization.tucker, .cp, .tt])
  func budgets(factorization: Factorization) throws {
    let shape = [32, 32, 12, 7]
    for parameters in [2_000, 20_000, 100_000] {
      let ranks = try TensorRank.parameters(parameters).ranks(for: factorization, shape: shape, copies: 4)
      let used = 2 * 4 * count(ranks, factorization, shape)
      #expect(used <= parameters && used > parameters / 2, "\(ranks) \(used)")
    }
    // More than there can be: the whole.
    let full = try TensorRank.parameters(.max / 4).ranks(for: factorization, shape: shape)
    #expect(full == (factorization == .tucker ? shape : factorization == .cp ? [2688] : [1, 32, 84, 7, 1]))
  }

  @Test(arguments: [
    (Factorization.tucker, TensorRank.ranks([0, 1, 1])), (.tucker, .ranks([9, 8, 7])),
    (.tucker, .ranks([2, 2])),
    (.cp, .ranks([0])), (.cp, .ranks([57])), (.tt, .ranks([1, 9, 2, 1])), (.tt, .ranks([2, 2, 2, 1])),
    (.tucker, .fraction(0)), (.cp, .fraction(1.5)), (.tt, .fraction(.nan)), (.tucker, .parameters(47)),
    (.cp, .parameters(-1)), (.tt, .parameters(0)),
  ])
  func whatCannotBeIsRefused(factorization: Factorization, rank: TensorRank) {
    #expect(throws: ConfigurationError.self) { try rank.ranks(for: factorization, shape: [8, 8, 7]) }
    var configuration = FNOConfiguration(modes: [12], inChannels: 1, outChannels: 1, width: 8)
    configuration.factorization = factorization
    configuration.rank = rank
    #expect(configuration.problem?.hasPrefix("rank: ") == true)
  }

  @Test func checkpointsSayTheSame() throws {
    for rank in [TensorRank.fraction(0.05), .fraction(1), .ranks([3]), .parameters(100)] {
      let data = try JSONEncoder().encode(["rank": rank])
      #expect(try JSONDecoder().decode([String: TensorRank].self, from: data)["rank"] == rank)
    }
  }
}
