// The basis of a POD-DeepONet: what the training outputs have in common.

import Autodiff
import Tensors

/// The mean and the leading singular vectors of normalized training outputs, all channels of a sample one vector.
///
/// With the centred outputs `Y = U S Vᵀ`, one sample a row, the i-th function is `v_i s_i/√samples`: the coefficients
/// of the training outputs have mean 0 and variance 1 then, and so has what the branch must learn.
final class PODBasis<Element: Scalar> {
  /// `[channel, point]`.
  private let mean: Parameter<Element>
  /// `[mode, channel, point]`.
  private let modes: Parameter<Element>
  private let places: [Parameter<Element>]
  private let isScattered: Bool
  private let shape: [Int]
  // At the points last asked for: the mean `[channel, point]`, the functions `[channel·point, mode]`.
  private var sampled: (queries: GridPositions, mean: Tensor<Element>, basis: Tensor<Element>)?

  init(_ configuration: DeepONetConfiguration) {
    shape = configuration.queryShape
    isScattered = configuration.queriesAreScattered
    let points = shape.reduce(1, *)
    let count = configuration.branch.last ?? 0
    mean = Parameter(shape: [configuration.outChannels, points])
    modes = Parameter(shape: [count, configuration.outChannels, points])
    places =
      isScattered
      ? (0..<configuration.queryDimensions).map { _ in Parameter(shape: [points]) }
      : shape.map { Parameter(shape: [$0]) }
    for parameter in [mean, modes] + places { parameter.isTrainable = false }
    place(at: GridPositions(uniform: shape))
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    try body(join(path, "mean"), mean)
    try body(join(path, "modes"), modes)
    for (index, parameter) in places.enumerated() { try body(join(path, "positions.\(index)"), parameter) }
  }

  private func place(at positions: GridPositions) {
    for (parameter, points) in zip(places, positions.scattered ?? positions.axes)
    where parameter.count == points.count {
      parameter.setCanonicalValues(points.map { Element($0) })
    }
  }

  private var positions: GridPositions {
    let values = places.map { $0.canonicalValues.map { Double($0) } }
    return isScattered ? GridPositions(scattered: values) : GridPositions(axes: values)
  }

  func isGiven(at queries: GridPositions) -> Bool { positions.agrees(with: queries) }

  /// Why the basis cannot be had at some points; nil where it can.
  func problem(at queries: GridPositions) -> String? {
    if isGiven(at: queries) { return nil }
    guard !isScattered, queries.scattered == nil, queries.axes.count == shape.count else {
      return "has a POD basis at points of its own, which cannot be interpolated to these"
    }
    return nil
  }

  /// `[batch, mode]` to `[batch, channel, …queries]`.
  func callAsFunction(
    _ coefficients: Variable<Element>, at queries: GridPositions, outputs: Int, on tape: Tape<Element>
  ) -> Variable<Element> {
    let (mean, basis) = sample(at: queries)
    let sum = tape.cartesianProduct(
      coefficients: coefficients, basis: Variable(constant: basis), terms: modes.shape[0])
    let shaped = tape.reshaped(sum, [coefficients.shape[0], outputs] + queries.shape)
    return tape.affine(shaped, factor: Tensor(repeating: 1, shape: mean.shape), shift: mean)
  }

  private func sample(at queries: GridPositions) -> (mean: Tensor<Element>, basis: Tensor<Element>) {
    if let sampled, sampled.queries == queries { return (sampled.mean, sampled.basis) }
    let (count, channels) = (modes.shape[0], mean.shape[0])
    var fields = Tensor(
      (mean.canonicalValues + modes.canonicalValues).map { Double($0) },
      shape: [(count + 1) * channels] + shape)
    if !isGiven(at: queries) { fields = interpolate(fields, from: positions, to: queries) }
    let size = channels * queries.pointCount
    let values = fields.values.map { Element($0) }
    let center = Tensor(values[..<size], shape: [channels, queries.pointCount])
    var basis = Tensor<Element>(uninitialized: [size, count])
    basis.withUnsafeMutableBuffer { target in
      for mode in 0..<count {
        for place in 0..<size { target[place * count + mode] = values[(mode + 1) * size + place] }
      }
    }
    sampled = (queries, center, basis)
    return (center, basis)
  }

  /// Finds mean and modes of the training outputs, normalized as the model gives them.
  ///
  /// - Throws: ``ConfigurationError`` where there are fewer samples than modes; what the source throws.
  func find(from training: any BatchSource<Element>, outputNormalizer: Normalizer) throws {
    let (count, samples, size) = (modes.shape[0], training.sampleCount, mean.count)
    guard count <= min(samples, size) else {
      throw ConfigurationError(
        key: "branch",
        reason: "a POD basis of \(count) modes needs as many samples and values of an output; there are "
          + "\(samples) training samples of \(size) values")
    }
    let map: NormalizingMap<Element> = try outputNormalizer.map(at: training.targetPositions)
    var matrix = Tensor<Double>(uninitialized: [samples, size])
    let reader = BatchReader(training, batches: (0..<samples).map { [$0] })
    var row = 0
    while let batch = try reader.next() {
      let values = map.encode(batch.target).values
      matrix.withUnsafeMutableBuffer { target in
        for (index, value) in values.enumerated() { target[row * size + index] = Double(value) }
      }
      row += 1
    }
    var center = [Double](repeating: 0, count: size)
    matrix.withUnsafeMutableBuffer { target in
      for row in 0..<samples {
        for index in 0..<size { center[index] += target[row * size + index] / Double(samples) }
      }
      for row in 0..<samples {
        for index in 0..<size { target[row * size + index] -= center[index] }
      }
    }
    guard let decomposition = SingularValueDecomposition(matrix) else {
      throw ConfigurationError(
        key: "branch", reason: "the training outputs have no singular value decomposition")
    }
    mean.setCanonicalValues(center.map { Element($0) })
    let scale = Double(samples).squareRoot()
    let functions = decomposition.right.values
    var basis: [Element] = []
    basis.reserveCapacity(count * size)
    for mode in 0..<count {
      // A singular vector is known but for its sign: the largest value is made positive.
      let vector = functions[mode * size..<(mode + 1) * size]
      let largest = vector.max { abs($0) < abs($1) } ?? 1
      let factor = (largest < 0 ? -1 : 1) * decomposition.values[mode] / scale
      basis += vector.map { Element($0 * factor) }
    }
    modes.setCanonicalValues(basis)
    place(at: training.targetPositions)
    sampled = nil
  }
}
