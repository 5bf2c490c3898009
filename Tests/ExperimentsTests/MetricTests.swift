import Experiments
import Foundation
import Tensors
import Testing

@Suite struct MetricTests {
  private let twoPi = 2 * Double.pi

  /// A field on a grid of [0, 1)², one sample and channel.
  private func field(_ shape: [Int], _ value: (Double, Double) -> Double) -> Tensor<Float> {
    var values: [Float] = []
    for i in 0..<shape[0] {
      for j in 0..<shape[1] {
        values.append(Float(value(Double(i) / Double(shape[0]), Double(j) / Double(shape[1]))))
      }
    }
    return Tensor(values, shape: [1, 1] + shape)
  }

  private func grid(_ shape: [Int], _ placement: Grid.Placement) -> MetricGrid {
    MetricGrid(
      Grid(axes: zip(["y", "x"], shape).map { Grid.Axis(name: $0, count: $1, placement: placement) }))
  }

  private func metrics(
    _ prediction: Tensor<Float>, _ target: Tensor<Float>, on grid: MetricGrid,
    _ convention: MetricConvention = .standard
  ) -> MetricValues {
    var collector = MetricCollector(grid: grid, channels: target.shape[1], convention: convention)
    collector.add(prediction: prediction, target: target)
    return collector.values
  }

  /// An error of one Fourier mode: everything is known. Single precision of values of size 1 leaves 1e-6.
  @Test(arguments: [(3, 0), (3, 2), (5, 6), (0, 12), (9, 13)])
  func aSineErrorIsKnownInEveryFigure(k: (Int, Int)) throws {
    let shape = [48, 64]
    let target = field(shape) { y, x in 2 + cos(twoPi * x) }
    let amplitude = 0.125
    let error = field(shape) { y, x in amplitude * sin(twoPi * (Double(k.0) * y + Double(k.1) * x)) }
    let prediction = Tensor(zip(target.values, error.values).map { $0 + $1 }, shape: target.shape)
    let values = metrics(prediction, target, on: grid(shape, .periodic))

    let rmse = amplitude / 2.0.squareRoot()
    let targetRMS = (4 + 0.5).squareRoot()
    #expect(abs(try #require(values.rmse) - rmse) < 1e-6)
    #expect(abs(try #require(values.nrmse) - rmse / targetRMS) < 1e-6)
    #expect(abs(try #require(values.relativeL2) - rmse / targetRMS) < 1e-6)
    #expect(try #require(values.conservedRMSE) < 1e-6)
    #expect(values.boundaryRMSE == nil)
    #expect(try #require(values.maxError) <= amplitude + 1e-6)

    // Central differences see the derivative of sin 2πkx as sin(2πk h)/h.
    func seen(_ k: Int, _ n: Int) -> Double { sin(twoPi * Double(k) / Double(n)) * Double(n) }
    let errorH1 = rmse * (1 + pow(seen(k.0, 48), 2) + pow(seen(k.1, 64), 2)).squareRoot()
    let targetH1 = (4.5 + pow(seen(1, 64), 2) / 2).squareRoot()
    #expect(abs(try #require(values.relativeH1) / (errorH1 / targetH1) - 1) < 1e-5)

    let radius = Double(k.0 * k.0 + k.1 * k.1).squareRoot()
    let bands = [values.fourierRMSELow, values.fourierRMSEMid, values.fourierRMSEHigh].map { $0 ?? -1 }
    let expected = radius < 4 ? 0 : radius < 12 ? 1 : 2
    for band in 0..<3 { #expect(abs(bands[band] - (band == expected ? rmse : 0)) < 1e-6) }
  }

  @Test(arguments: [[16, 16], [15, 21], [1, 30]])
  func squaresOfFourierBandsAddUpToThatOfTheWhole(shape: [Int]) throws {
    var generator = Generator(state: 7)
    let count = 5 * 2 * shape.reduce(1, *)
    let prediction = Tensor((0..<count).map { _ in generator.next() }, shape: [5, 2] + shape)
    let target = Tensor((0..<count).map { _ in generator.next() }, shape: [5, 2] + shape)
    let values = metrics(prediction, target, on: grid(shape, .nodes))
    let bands = [values.fourierRMSELow, values.fourierRMSEMid, values.fourierRMSEHigh].compactMap(\.self)
    let sum = bands.reduce(0) { $0 + $1 * $1 }
    let rmse = try #require(values.rmse)
    #expect(bands.count == 3 && abs(sum / (rmse * rmse) - 1) < 1e-12)
  }

  @Test func errorsAtTheBoundaryAreSeenThereOnly() throws {
    // One axis of nodes of length 5, three points each side of the middle; the error is 3 at one end.
    let target = Tensor<Float>([1, 1, 1, 1, 1], shape: [1, 1, 5])
    let prediction = Tensor<Float>([4, 1, 1, 1, 1], shape: [1, 1, 5])
    let axis = Grid.Axis(name: "x", lowerBound: 0, upperBound: 4, count: 5, placement: .nodes)
    let values = metrics(prediction, target, on: MetricGrid(Grid(axes: [axis])))
    #expect(values.boundaryRMSE == (9.0 / 2).squareRoot())
    #expect(values.rmse == (9.0 / 5).squareRoot())
    #expect(values.maxError == 3)
    #expect(values.conservedRMSE == 3.0 / 5)
    // ∂e = (0 − 3)/1 at the end, (0 − 3)/2 beside it, 0 elsewhere; ∂t = 0.
    #expect(values.relativeH1 == ((9 + 9 + 2.25) / 5).squareRoot())
  }

  @Test func differencesFollowTheCoordinatesOfTheFile() throws {
    // Linear functions have exact differences on any points.
    let x = [0.0, 0.1, 0.5, 0.6, 2.0]
    let grid = MetricGrid(axes: [.init(coordinates: x, isPeriodic: false, length: 2)])
    let target = Tensor(x.map { Float(4 * $0) }, shape: [1, 1, 5])
    let prediction = Tensor(x.map { Float(7 * $0) }, shape: [1, 1, 5])
    let values = metrics(prediction, target, on: grid)
    #expect(abs(try #require(values.relativeH1) - 0.75) < 1e-6)
  }

  @Test func meansAreOverSamplesAndSquaresWithinThem() throws {
    // Two samples, errors 1 and 3 of targets 2 and 4, everywhere.
    let target = Tensor<Float>([2, 2, 2, 2, 4, 4, 4, 4], shape: [2, 1, 4])
    let prediction = Tensor<Float>([3, 3, 3, 3, 7, 7, 7, 7], shape: [2, 1, 4])
    let grid = MetricGrid(Grid(axes: [.init(name: "x", count: 4, placement: .periodic)]))
    let values = metrics(prediction, target, on: grid)
    #expect(values.relativeL2 == (0.5 + 0.75) / 2)
    #expect(values.rmse == 2)
    #expect(values.nrmse == (0.5 + 0.75) / 2)
    #expect(values.conservedRMSE == (Double(1 + 9) / 2).squareRoot())
    #expect(values.maxError == 3)
  }

  @Test func aVanishingTargetHasNoRelativeError() {
    let grid = MetricGrid(Grid(axes: [.init(name: "x", count: 4, placement: .periodic)]))
    let values = metrics(
      Tensor<Float>([1, 1, 1, 1], shape: [1, 1, 4]), Tensor<Float>.zeros([1, 1, 4]), on: grid)
    #expect(values.relativeL2 == nil && values.relativeH1 == nil && values.nrmse == nil)
    #expect(values.rmse == 1)
  }

  /// PDEBench's `metric_func` on e = sin 2π(3y + 2x) of 16 × 12 points with the sides 2 and 3: in the positive
  /// quadrant there is no coefficient of it but (3, 2), of size ½ · N; its bin ⌊√13⌋ = 3 is one of four low ones.
  @Test func pdebenchAveragesBinsOfTheQuadrant() throws {
    let shape = [16, 12]
    let error = field(shape) { y, x in cos(twoPi * (3 * y + 2 * x)) }
    let target = Tensor<Float>(repeating: 1, shape: error.shape)
    let prediction = Tensor(error.values.map { $0 + 1 }, shape: error.shape)
    let grid = MetricGrid(
      Grid(axes: [
        .init(name: "y", upperBound: 2, count: 16, placement: .periodic),
        .init(name: "x", upperBound: 3, count: 12, placement: .periodic),
      ]))
    let values = metrics(prediction, target, on: grid, .pdebench)
    #expect(abs(try #require(values.fourierRMSELow) - 0.5 * 6 / 4) < 1e-6)
    #expect(try #require(values.fourierRMSEMid) < 1e-6)
    #expect(values.fourierRMSEHigh == nil)  // there are 6 bins
    var sum = 0.0
    for i in 0..<16 { sum += pow(Double(error[0, 0, i, 0]), 2) + pow(Double(error[0, 0, i, 11]), 2) }
    for j in 0..<12 { sum += pow(Double(error[0, 0, 0, j]), 2) + pow(Double(error[0, 0, 15, j]), 2) }
    #expect(abs(try #require(values.boundaryRMSE) - (sum / 56).squareRoot()) < 1e-6)
  }
}

/// A small generator of values in [−½, ½): good enough for fields that only have to be irregular.
struct Generator {
  var state: UInt64

  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(state >> 40) / Float(1 << 24) - 0.5
  }
}
