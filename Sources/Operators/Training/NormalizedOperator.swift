// A model between its normalizers: raw fields in, raw fields out.

import Autodiff
import Spectral
import Tensors

/// What is trained, kept in checkpoints and applied: a model together with what its fields were normalized by.
public final class NormalizedOperator<Element: Scalar> {
  public let model: any NeuralOperator<Element>
  public let inputNormalizer: Normalizer
  public let outputNormalizer: Normalizer
  public let earlier: Earlier
  // The normalizers on the points they were last applied to.
  private var prepared: Prepared?

  /// What the operator does with a prediction that it corrects: the last channels of its input, as many as it has
  /// outputs, raw.
  public enum Earlier: Sendable {
    /// There is none.
    case none
    /// It is added to the output.
    case added
    /// It is added to the output, and the model sees it.
    case addedAndSeen
  }

  private struct Prepared {
    let positions: GridPositions
    let queries: GridPositions
    let input: NormalizingMap<Element>
    let output: NormalizingMap<Element>
  }

  public init(
    _ model: any NeuralOperator<Element>, inputNormalizer: Normalizer, outputNormalizer: Normalizer,
    earlier: Earlier = .none
  ) {
    self.model = model
    self.inputNormalizer = inputNormalizer
    self.outputNormalizer = outputNormalizer
    self.earlier = earlier
  }

  /// The output for raw fields `[batch, channel, …grid]`, as a raw field on the tape.
  ///
  /// - Parameter queries: Where the output is wanted; nil: where the input is.
  /// - Throws: ``NormalizerError``, ``OperatorFitting`` where the model is not for these points.
  public func callAsFunction(
    _ input: consuming Tensor<Element>, at positions: GridPositions, queries: GridPositions? = nil,
    on tape: Tape<Element>
  ) throws -> Variable<Element> {
    let queries = queries ?? positions
    let maps = try prepare(positions, queries)
    guard earlier != .none else {
      let encoded = Variable(constant: maps.input.encode(input))
      return maps.output.decode(model(encoded, at: positions, queries: queries, on: tape), on: tape)
    }
    let (own, prediction) = splitChannels(input, at: input.shape[1] - outputNormalizer.channels)
    let encoded = Variable(constant: maps.input.encode(earlier == .added ? own : input))
    let correction = maps.output.decode(model(encoded, at: positions, queries: queries, on: tape), on: tape)
    return tape.sum(correction, Variable(constant: prediction))
  }

  /// The output for raw fields `[batch, channel, …grid]`; nothing is recorded.
  ///
  /// - Parameter prepared: What was computed from the parameters for the batches before.
  /// - Throws: ``NormalizerError``, ``OperatorFitting``.
  public func predict(
    _ input: consuming Tensor<Element>, at positions: GridPositions, queries: GridPositions? = nil,
    reusing prepared: PreparedValues<Element>? = nil
  ) throws -> Tensor<Element> {
    try self(input, at: positions, queries: queries, on: Tape(reusing: prepared)).value
  }

  private func prepare(_ positions: GridPositions, _ queries: GridPositions) throws -> Prepared {
    if let prepared, prepared.positions == positions, prepared.queries == queries { return prepared }
    let fitting = model.fitting(at: positions, queries: queries)
    if case .refused = fitting { throw fitting }
    let maps = Prepared(
      positions: positions, queries: queries, input: try inputNormalizer.map(at: positions),
      output: try outputNormalizer.map(at: queries))
    prepared = maps
    return maps
  }
}

/// The channels before and from `place` on, of `[batch, channel, …grid]`.
private func splitChannels<Element: Scalar>(
  _ fields: Tensor<Element>, at place: Int
) -> (Tensor<Element>, Tensor<Element>) {
  let (shape, points) = (fields.shape, fields.shape[2...].reduce(1, *))
  func part(_ channels: Range<Int>) -> Tensor<Element> {
    var result = Tensor<Element>(uninitialized: [shape[0], channels.count] + shape[2...])
    let (source, target, size) = (
      fields.unsafePointer, result.unsafeMutablePointer(), channels.count * points
    )
    for sample in 0..<shape[0] {
      (target + sample * size).update(
        from: source + (sample * shape[1] + channels.lowerBound) * points, count: size)
    }
    withExtendedLifetime(fields) {}
    return result
  }
  return (part(0..<place), part(place..<shape[1]))
}

/// The predictions for one batch of a source.
public struct BatchPrediction<Element: Scalar> {
  /// The samples' numbers in the source.
  public let indices: Range<Int>
  public let batch: Batch<Element>
  /// `[batch, channel, …grid]`, raw.
  public let output: Tensor<Element>
  /// What the forward pass took, normalization included, reading left out.
  public let seconds: Double
  /// What the pass has computed without its input so far; nil where it keeps nothing (a single batch).
  public let prepared: PreparedValues<Element>?
}

extension NormalizedOperator {
  /// Predicts all samples of a source in their order, batch by batch; the next is read meanwhile.
  ///
  /// - Parameter savesMemory: Compute everything for each batch anew, rather than keep what does not depend on the input.
  /// - Throws: What the source and `body` throw, and ``NormalizerError``.
  public func forEachPrediction(
    over source: any BatchSource<Element>, batchSize: Int, savesMemory: Bool = false,
    _ body: (BatchPrediction<Element>) throws -> Void
  ) throws {
    let ranges = stride(from: 0, to: source.sampleCount, by: batchSize).map {
      $0..<min($0 + batchSize, source.sampleCount)
    }
    let reader = BatchReader(source, batches: ranges.map(Array.init))
    let prepared = savesMemory || ranges.count < 2 ? nil : PreparedValues<Element>(batches: ranges.count)
    for range in ranges {
      guard let batch = try reader.next() else { return }
      let clock = ContinuousClock()
      let start = clock.now
      let output = try predict(
        batch.input, at: source.positions, queries: source.targetPositions, reusing: prepared)
      let seconds = (clock.now - start).inSeconds
      try body(
        BatchPrediction(indices: range, batch: batch, output: output, seconds: seconds, prepared: prepared))
    }
  }
}

extension NormalizedOperator where Element: SpectralScalar {
  /// The mean over all samples of a source, accumulated in double precision.
  public func meanLoss(
    _ loss: Loss, over source: any BatchSource<Element>, batchSize: Int
  ) throws -> Double {
    let function = LossFunction<Element>(loss, on: source.grid)
    var sum = 0.0
    try forEachPrediction(over: source, batchSize: batchSize) { prediction in
      for value in function.perSample(prediction.output, prediction.batch.target) { sum += value }
    }
    return sum / Double(max(source.sampleCount, 1))
  }
}

extension Normalizer {
  /// Fits normalizers of inputs and outputs to all samples of a source, in one pass.
  ///
  /// - Throws: What the source throws, and ``TrainingError/noSamples``.
  public static func fit<Element: Scalar>(
    input: Kind, output: Kind, to source: any BatchSource<Element>, batchSize: Int = 32
  ) throws -> (input: Normalizer, output: Normalizer) {
    let indices = Array(0..<source.sampleCount)
    let batches = stride(from: 0, to: indices.count, by: batchSize).map {
      Array(indices[$0..<min($0 + batchSize, indices.count)])
    }
    let reader = BatchReader(source, batches: batches)
    var fits: (input: NormalizerFit<Element>, output: NormalizerFit<Element>)?
    while let batch = try reader.next() {
      if fits == nil {
        fits = (
          NormalizerFit(input, channels: batch.input.shape[1], positions: source.positions),
          NormalizerFit(output, channels: batch.target.shape[1], positions: source.targetPositions)
        )
      }
      fits?.input.add(batch.input)
      fits?.output.add(batch.target)
    }
    guard let fits else { throw TrainingError.noSamples }
    return (fits.input.normalizer(), fits.output.normalizer())
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
