// Norms of fields on a grid: against sums written out, exact waves, and gradients against differences.

import Autodiff
import Foundation
import Tensors
import Testing

private func grid(_ shape: [Int], _ placements: [Grid.Placement], lengths: [Double]) -> Grid {
  Grid(
    axes: shape.indices.map {
      Grid.Axis(
        name: "\($0)", lowerBound: 0, upperBound: lengths[$0], count: shape[$0], placement: placements[$0])
    })
}

private let placements: [[Grid.Placement]] = [
  [.periodic, .periodic], [.nodes, .cells], [.cells, .periodic], [.nodes, .nodes],
]

@Suite struct NormTests {
  @Test(arguments: placements)
  func gradientsOfRelativeDistances(placements: [Grid.Placement]) {
    let grid = grid([5, 4], placements, lengths: [1.5, 0.5])
    let target = scattered([3, 2, 5, 4], seed: 1)
    let prediction = scattered([3, 2, 5, 4], seed: 2)
    let norms: [any FieldNorm<Double>] = [
      DifferenceNorm<Double>(grid), SobolevNorm<Double>(grid, order: 1), SobolevNorm<Double>(grid, order: -1),
      SobolevNorm<Double>(grid, order: -0.5),
    ]
    for norm in norms {
      expectGradients(of: [prediction]) { tape, inputs in
        tape.relativeDistance(inputs[0], target, in: norm)
      }
    }
  }

  /// `⟨u, M v⟩ = ⟨M u, v⟩` and `⟨u, M u⟩ = ‖u‖²`.
  @Test(arguments: placements)
  func imagesBelongToTheirSquares(placements: [Grid.Placement]) throws {
    let grid = grid([6, 5], placements, lengths: [2, 1])
    let (u, v) = (scattered([1, 1, 6, 5], seed: 3), scattered([1, 1, 6, 5], seed: 4))
    let norms: [any FieldNorm<Double>] = [
      DifferenceNorm<Double>(grid), SobolevNorm<Double>(grid, order: 1.5),
      SobolevNorm<Double>(grid, order: -1),
    ]
    for norm in norms {
      let (squares, image) = norm.measure(u, imageWanted: true)
      let ofU = try #require(image)
      let ofV = try #require(norm.measure(v, imageWanted: true).image)
      #expect(abs(squares[0] - u.dot(ofU)) <= 1e-13 * squares[0])
      #expect(abs(v.dot(ofU) - u.dot(ofV)) <= 1e-13 * squares[0])
    }
  }

  /// A wave of one wavenumber has `‖u‖²_s = (1 + |κ|²)^s ‖u‖²`; waves of a periodic axis, cosines of the others.
  @Test(arguments: [-1.0, -0.5, 1, 2])
  func singleWaves(order: Double) {
    let shapes: [(Grid.Placement, (Double) -> Double, Double)] = [
      (.periodic, { sin(2 * .pi * 3 * $0 / 2) }, 2 * .pi * 3 / 2),
      (.cells, { cos(.pi * 3 * $0 / 2) }, .pi * 3 / 2), (.nodes, { cos(.pi * 3 * $0 / 2) }, .pi * 3 / 2),
    ]
    for (placement, wave, wavenumber) in shapes {
      for count in [16, 17] {
        let grid = grid([count], [placement], lengths: [2])
        let u = Tensor(grid.axes[0].coordinates.map(wave), shape: [1, 1, count])
        let plain = SobolevNorm<Double>(grid, order: 0).squares(u)[0]
        let weighted = SobolevNorm<Double>(grid, order: order).squares(u)[0]
        let factor = pow(1 + wavenumber * wavenumber, order)
        #expect(abs(weighted / (factor * plain) - 1) <= 1e-12, "\(placement) \(count)")
        if placement != .nodes { #expect(abs(plain - u.sumOfSquares()) <= 1e-12 * plain) }
      }
    }
  }

  /// `D u` of a line is its slope everywhere, ends included; of a periodic wave it is sin(κh)/h instead of κ.
  @Test func differences() {
    for placement in [Grid.Placement.nodes, .cells] {
      let grid = grid([9], [placement], lengths: [4])
      let u = Tensor(grid.axes[0].coordinates.map { 3 * $0 }, shape: [1, 1, 9])
      let square = DifferenceNorm<Double>(grid).squares(u)[0]
      #expect(abs(square - (u.sumOfSquares() + 9 * 9)) <= 1e-12 * square)
    }
    let periodic = grid([12], [.periodic], lengths: [1])
    let u = Tensor(periodic.axes[0].coordinates.map { sin(2 * .pi * $0) }, shape: [1, 1, 12])
    let slope = 12 * sin(2 * Double.pi / 12)
    let square = DifferenceNorm<Double>(periodic).squares(u)[0]
    #expect(abs(square - 6 * (1 + slope * slope)) <= 1e-12 * square)
  }

  @Test func weightedSums() {
    let target = scattered([2, 1, 6], seed: 5)
    let norm = DifferenceNorm<Double>(grid([6], [.periodic], lengths: [1]))
    expectGradients(of: [scattered([2, 1, 6], seed: 6)]) { tape, inputs in
      tape.weightedSum(
        [tape.relativeL2(inputs[0], target), tape.relativeDistance(inputs[0], target, in: norm)],
        weights: [0.25, 2])
    }
  }

  @Test func selectedPlaces() {
    for axis in 0..<3 {
      expectGradients(of: [scattered([3, 4, 2], seed: 7)]) { tape, inputs in
        tape.sum(
          tape.select(inputs[0], axis: axis, index: 1), tape.select(inputs[0], axis: axis, index: 0))
      }
    }
  }
}
