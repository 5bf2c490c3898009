// Normalizers: the statistics they find, what they do with them, and where they could go wrong.

import Autodiff
import Foundation
import Operators
import Tensors
import Testing

@Suite struct NormalizerTests {
  private let positions = GridPositions(uniform: [4, 6])

  /// Fields `[samples, 3, 4, 6]` of channels of different size: around 0, far from 0, constant.
  private func fields(samples: Int) -> Tensor<Double> {
    let values = (0..<samples).flatMap { sample in
      (0..<3).flatMap { channel in
        (0..<24).map { point -> Double in
          let wave = sin(Double(1 + sample * 24 + point * 7))
          return [wave, 1e6 + 1e-2 * wave, 300][channel]
        }
      }
    }
    return Tensor(values, shape: [samples, 3, 4, 6])
  }

  private func fit(
    _ kind: Normalizer.Kind, _ fields: Tensor<Double>, batch: Int, _ positions: GridPositions? = nil
  ) -> Normalizer {
    let size = fields.shape[1...].reduce(1, *)
    var fit = NormalizerFit<Double>(
      kind, channels: fields.shape[1], positions: positions ?? self.positions)
    for start in stride(from: 0, to: fields.shape[0], by: batch) {
      let end = min(start + batch, fields.shape[0])
      fit.add(
        Tensor(fields.values[start * size..<end * size], shape: [end - start] + fields.shape[1...]))
    }
    return fit.normalizer()
  }

  private func channel(_ fields: Tensor<Double>, _ channel: Int) -> [Double] {
    (0..<fields.shape[0]).flatMap { sample in
      (0..<24).map { fields.values[(sample * 3 + channel) * 24 + $0] }
    }
  }

  @Test func statisticsOfAChannelAreThoseOfAllItsValues() {
    let data = fields(samples: 7)
    let normalizer = fit(.gaussian, data, batch: 3)
    for index in 0..<3 {
      let values = channel(data, index)
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      #expect(abs(normalizer.center.values[index] - mean) <= 1e-14 * max(1, abs(mean)))
      // A difference of squares would have lost all digits in the second channel: 1e-4 of 1e12.
      #expect(abs(normalizer.spread.values[index] - variance.squareRoot()) <= 1e-8 * variance.squareRoot())
    }
  }

  @Test func theCutIntoBatchesDoesNotMatter() {
    let data = fields(samples: 7)
    for kind in [Normalizer.Kind.gaussian, .pointwiseGaussian, .minMax] {
      let (one, two) = (fit(kind, data, batch: 7), fit(kind, data, batch: 2))
      for (a, b) in zip(one.center.values, two.center.values) {
        #expect(abs(a - b) <= 1e-14 * max(1, abs(a)))
      }
      for (a, b) in zip(one.spread.values, two.spread.values) { #expect(abs(a - b) <= 1e-8 * max(1e-6, a)) }
    }
  }

  @Test func normalizedFieldsHaveMeanZeroAndVarianceOne() throws {
    let data = fields(samples: 7)
    let encoded = try fit(.gaussian, data, batch: 2).map(at: positions, as: Double.self).encode(data)
    for index in 0..<2 {
      let values = channel(encoded, index)
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      // The second channel's own values are rounded at 1e-8 of its deviation.
      #expect(abs(mean) <= 1e-7 && abs(variance - 1) <= 1e-7)
    }
  }

  /// A channel whose deviation is only rounding becomes zero; it is not blown up, and nothing is NaN.
  @Test func constantChannelsAreNotBlownUp() throws {
    let rounding = Tensor<Float>(
      (0..<96).map { $0 % 3 == 0 ? Float(300).nextUp : 300 }, shape: [4, 1, 4, 6])
    var fit = NormalizerFit<Float>(.gaussian, channels: 1, positions: positions)
    fit.add(rounding)
    let normalizer = fit.normalizer()
    #expect(normalizer.spread.values[0] > 0)
    #expect(normalizer.scale(for: Float.self).values == [1])
    let encoded = try normalizer.map(at: positions, as: Float.self).encode(rounding)
    #expect(encoded.values.allSatisfy { abs($0) <= 1e-4 })

    for kind in [Normalizer.Kind.gaussian, .pointwiseGaussian, .minMax] {
      let one = Tensor<Double>(repeating: 300, shape: [1, 3, 4, 6])
      let normalizer = self.fit(kind, one, batch: 1)
      #expect(normalizer.spread.values.allSatisfy { $0 == 0 })
      #expect(try normalizer.map(at: positions, as: Double.self).encode(one).values.allSatisfy { $0 == 0 })
    }
  }

  /// Where a field never varies (zero on a boundary) its value is predicted, whatever the model says there: such points
  /// would have the unit of the model, far above that of the field, and the loss would see nothing else.
  @Test func pointsThatNeverVaryArePredictedAsTheyAre() throws {
    let data = Tensor<Double>((0..<48).map { $0 % 6 == 0 ? 7 : 1e-3 * sin(Double($0)) }, shape: [2, 1, 4, 6])
    let map: NormalizingMap<Double> = try fit(.pointwiseGaussian, data, batch: 2).map(at: positions)
    let output = Tensor<Double>((0..<24).map { cos(Double($0)) }, shape: [1, 1, 4, 6])
    let decoded = map.decode(Variable(constant: output), on: Tape(recording: false)).value.values
    #expect(decoded.indices.allSatisfy { ($0 % 6 == 0) == (decoded[$0] == 7) })
  }

  @Test func minimumAndMaximumBecomeZeroAndOne() throws {
    let data = fields(samples: 5)
    let encoded = try fit(.minMax, data, batch: 2).map(at: positions, as: Double.self).encode(data)
    for index in 0..<2 {
      let values = channel(encoded, index)
      #expect(values.min() == 0)
      #expect(abs((values.max() ?? 0) - 1) <= 1e-12)
    }
  }

  @Test func decodingUndoesEncoding() throws {
    let data = fields(samples: 5)
    for kind in Normalizer.Kind.allCases {
      let map: NormalizingMap<Double> = try fit(kind, data, batch: 2).map(at: positions)
      let tape = Tape<Double>(recording: false)
      let decoded = map.decode(Variable(constant: map.encode(data)), on: tape).value
      for (a, b) in zip(decoded.values, data.values) { #expect(abs(a - b) <= 1e-15 * max(10, 4 * abs(b))) }
    }
  }

  /// The loss is measured on raw fields: its gradient goes through the map.
  @Test func decodingIsDifferentiated() throws {
    let normalizer = Normalizer(
      .gaussian, center: Tensor([1, 2, 3], shape: [3]), spread: Tensor([4, 5, 6], shape: [3]))
    let map: NormalizingMap<Double> = try normalizer.map(at: positions)
    let tape = Tape<Double>()
    let output = tape.variable(.zeros([2, 3, 4, 6]))
    let decoded = map.decode(output, on: tape)
    tape.backward(from: decoded, gradient: Tensor(repeating: 1, shape: decoded.shape))
    let gradient = try #require(tape.gradient(of: output))
    #expect(
      gradient.values == (0..<2).flatMap { _ in [4.0, 5, 6].flatMap { [Double](repeating: $0, count: 24) } })
  }

  /// Between its points a pointwise normalizer is linear: a field that is linear along each axis is met exactly.
  @Test func pointwiseStatisticsAreInterpolated() throws {
    let coarse = GridPositions(Grid(axes: [axis("y", 5), axis("x", 3)]))
    let fine = GridPositions(Grid(axes: [axis("y", 9), axis("x", 7)]))
    func plane(_ positions: GridPositions) -> [Double] {
      positions.axes[0].flatMap { y in positions.axes[1].map { x in 2 + 3 * x - y + x * y } }
    }
    let normalizer = Normalizer(
      .pointwiseGaussian, center: Tensor(plane(coarse), shape: [1, 5, 3]),
      spread: Tensor(repeating: 2, shape: [1, 5, 3]), positions: coarse)
    let encoded = try normalizer.map(at: fine, as: Double.self).encode(.zeros([1, 1, 9, 7]))
    for (value, center) in zip(encoded.values, plane(fine)) { #expect(abs(value + center / 2) <= 1e-14) }
  }

  /// On a periodic axis the last point's neighbour is the first.
  @Test func interpolationGoesAroundPeriodicAxes() throws {
    let normalizer = Normalizer(
      .pointwiseGaussian, center: Tensor([0, 1, 2, 4], shape: [1, 4]),
      spread: Tensor(repeating: 1, shape: [1, 4]), positions: GridPositions(uniform: [4]))
    let encoded = try normalizer.map(at: GridPositions(uniform: [8]), as: Double.self).encode(
      .zeros([1, 1, 8]))
    #expect(encoded.values == [0, -0.5, -1, -1.5, -2, -3, -4, -2])
  }

  @Test func pointwiseStatisticsKeepTheirDimension() throws {
    let normalizer = fit(.pointwiseGaussian, fields(samples: 3), batch: 3)
    #expect(throws: NormalizerError.dimensions(fitted: 2, given: 1)) {
      try normalizer.map(at: GridPositions(uniform: [4]), as: Float.self)
    }
  }

  private func axis(_ name: String, _ count: Int) -> Grid.Axis {
    Grid.Axis(name: name, lowerBound: 0, upperBound: 1, count: count, placement: .nodes)
  }
}
