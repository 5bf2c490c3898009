// Linear maps of vectors: the layers of perceptrons, and the product of two of them over all pairs of rows.

import RealModule
import Tensors

/// Rows that are a task each: by their number alone, few where there are few, as a product packs its other side for every
/// task and a sum over rows has a part for each.
private struct RowGroups {
  let rows: Int
  let count: Int

  init(_ rows: Int) {
    self.rows = rows
    let size = max(128, min(rows / 4, 256), rows / 16)
    count = (rows + size - 1) / size
  }

  /// Runs `body(group, rows of the group)` over the pool.
  func forEach(_ body: (Int, Range<Int>) -> Void) {
    WorkerPool.shared.forEachGroup(count, of: rows, body)
  }
}

/// `y = σ(x Wᵀ + b)` for every row: x `[rows, in]`, W `[out, in]`, b `[out]`.
struct Dense<Element: Scalar>: DifferentiableOperation {
  let activation: Activation
  private var saved: (input: Tensor<Element>, weight: Tensor<Element>, derivative: Tensor<Element>?)?

  init(_ activation: Activation) { self.activation = activation }

  /// Outputs of a task, where a weight's gradient is divided by outputs.
  private static var outputTile: Int { 64 }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (input, weight, bias) = (inputs[0], inputs[1], inputs[2])
    let (rows, columns, out) = (input.shape[0], input.shape[1], weight.shape[0])
    precondition(weight.shape == [out, columns] && bias.count == out, "a weight [out, in] and a bias [out]")
    var output = Tensor<Element>(uninitialized: [rows, out])
    var slopes: Tensor<Element>? =
      recording && activation != .identity ? Tensor(uninitialized: output.shape) : nil
    let (y, d) = (output.unsafeMutablePointer(), slopes?.unsafeMutablePointer())
    let (x, w, b) = (input.unsafePointer, weight.unsafePointer, bias.unsafePointer)
    let kind = activation
    RowGroups(rows).forEach { _, range in
      let first = range.lowerBound * out
      for row in range { (y + row * out).update(from: b, count: out) }
      gemm(
        false, true, m: range.count, n: out, k: columns, a: x + range.lowerBound * columns, lda: columns,
        b: w, ldb: columns, beta: 1, c: y + first, ldc: out)
      activate(kind, y + first, derivative: d.map { $0 + first }, count: range.count * out)
    }
    withExtendedLifetime((input, weight, bias)) {}
    if recording { saved = (input, weight, slopes) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (input, weight, derivative) = saved else { return }
    let (rows, columns, out) = (input.shape[0], input.shape[1], weight.shape[0])
    let (x, w, d) = (input.unsafePointer, weight.unsafePointer, derivative?.unsafePointer)
    let dy = gradient.unsafeMutablePointer()
    var inputGradient = slots.begin(0, shape: input.shape)
    var weightGradient = slots.begin(1, shape: weight.shape)
    var biasGradient = slots.begin(2, shape: [out])
    let (dx, dxBeta) = (inputGradient?.tensor.unsafeMutablePointer(), inputGradient?.beta ?? 0)
    let groups = RowGroups(rows)
    let (dw, dwBeta) = (weightGradient?.tensor.unsafeMutablePointer(), weightGradient?.beta ?? 0)
    let (db, dbBeta) = (biasGradient?.tensor.unsafeMutablePointer(), biasGradient?.beta ?? 0)
    // Sums over groups of rows, begun while these are in a processor's cache; over all rows at once where there is but
    // one group, or where the weight is larger than the rows.
    let sumsGroups = groups.count > 1 && weight.count < input.count
    let sumCount = (columns + 1) * out
    let partials = Tensor<Element>(uninitialized: sumsGroups ? [groups.count, sumCount] : [0])
    let sums = UnsafeMutablePointer(mutating: partials.unsafePointer)
    groups.forEach { group, range in
      let (first, source) = (range.lowerBound * out, range.lowerBound * columns)
      if let d { Pointwise.multiply(dy + first, by: d + first, count: range.count * out) }
      if let dx {
        gemm(
          m: range.count, n: columns, k: out, a: dy + first, lda: out, b: w, ldb: columns,
          beta: dxBeta, c: dx + source, ldc: columns)
      }
      guard sumsGroups else { return }
      let sum = sums + group * sumCount
      addGradients(
        dy + first, x + source, rows: range.count, columns: columns, outputs: 0..<out, of: out,
        to: dw.map { _ in sum }, beta: 0, bias: db.map { _ in sum + columns * out }, beta: 0)
    }
    slots.end(0, inputGradient.take())
    if sumsGroups {
      sumGroups(partials, offset: 0, into: &weightGradient)
      sumGroups(partials, offset: columns * out, into: &biasGradient)
    } else {
      WorkerPool.shared.forEachRange(count: out, grain: Self.outputTile) { range in
        addGradients(
          dy, x, rows: rows, columns: columns, outputs: range, of: out, to: dw, beta: dwBeta, bias: db,
          beta: dbBeta)
      }
    }
    slots.end(1, weightGradient.take())
    slots.end(2, biasGradient.take())
    withExtendedLifetime((input, weight, gradient)) {}
  }
}

/// `∂W = β∂W + ∂yᵀ x` and `∂b = β∂b + Σ ∂y`, whichever is wanted, of some outputs: ∂y `[rows, out]`, x `[rows, columns]`.
private func addGradients<E: Scalar>(
  _ dy: UnsafePointer<E>, _ x: UnsafePointer<E>, rows: Int, columns: Int, outputs: Range<Int>, of out: Int,
  to dw: UnsafeMutablePointer<E>?, beta weightBeta: E, bias db: UnsafeMutablePointer<E>?, beta biasBeta: E
) {
  let first = outputs.lowerBound
  if let dw {
    gemm(
      true, false, m: outputs.count, n: columns, k: rows, a: dy + first, lda: out, b: x, ldb: columns,
      beta: weightBeta, c: dw + first * columns, ldc: columns)
  }
  if let db {
    if biasBeta == 0 { (db + first).update(repeating: 0, count: outputs.count) }
    for row in 0..<rows { Pointwise.add(dy + (row * out + first), to: db + first, count: outputs.count) }
  }
}

/// The values of `outputs` functions at all points for all samples, from their coefficients and the basis:
/// `y[s, o, q] = b[o] + Σ_i B[s, o·β + i] T[q, o·τ + i]`, i below `terms`.
///
/// B `[samples, …]`, T `[points, …]`, then `outputs` biases of one number each; β and τ are `terms`, or 0 where all
/// outputs share coefficients or basis.
struct CartesianProduct<Element: Scalar>: DifferentiableOperation {
  let outputs: Int
  let terms: Int
  let coefficientStep: Int
  let basisStep: Int
  let hasBias: Bool
  private var saved: (coefficients: Tensor<Element>, basis: Tensor<Element>)?

  init(outputs: Int, terms: Int, coefficientStep: Int, basisStep: Int, hasBias: Bool) {
    self.outputs = outputs
    self.terms = terms
    self.coefficientStep = coefficientStep
    self.basisStep = basisStep
    self.hasBias = hasBias
  }

  private static var sampleTile: Int { 64 }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (coefficients, basis) = (inputs[0], inputs[1])
    let (samples, points) = (coefficients.shape[0], basis.shape[0])
    let (coefficientWidth, basisWidth) = (coefficients.shape[1], basis.shape[1])
    precondition(
      coefficientWidth == (outputs - 1) * coefficientStep + terms
        && basisWidth == (outputs - 1) * basisStep + terms, "coefficients and basis of every output")
    let biases = hasBias ? inputs[2...].map(\.scalarValue) : [Element](repeating: 0, count: outputs)
    var output = Tensor<Element>(uninitialized: [samples, outputs, points])
    let (y, b, t) = (output.unsafeMutablePointer(), coefficients.unsafePointer, basis.unsafePointer)
    let (outputs, terms, coefficientStep, basisStep) = (outputs, terms, coefficientStep, basisStep)
    RowGroups(points).forEach { _, range in
      for index in 0..<outputs {
        for sample in 0..<samples {
          Pointwise.fill(
            y + ((sample * outputs + index) * points + range.lowerBound), with: biases[index],
            count: range.count)
        }
        gemm(
          false, true, m: samples, n: range.count, k: terms, a: b + index * coefficientStep,
          lda: coefficientWidth, b: t + (range.lowerBound * basisWidth + index * basisStep), ldb: basisWidth,
          beta: 1, c: y + (index * points + range.lowerBound), ldc: outputs * points)
      }
    }
    withExtendedLifetime((coefficients, basis)) {}
    if recording { saved = (coefficients, basis) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (coefficients, basis) = saved else { return }
    let (samples, points) = (coefficients.shape[0], basis.shape[0])
    let (coefficientWidth, basisWidth) = (coefficients.shape[1], basis.shape[1])
    let (dy, b, t) = (gradient.unsafePointer, coefficients.unsafePointer, basis.unsafePointer)
    let (outputs, terms, coefficientStep, basisStep) = (outputs, terms, coefficientStep, basisStep)
    if var result = slots.begin(0, shape: coefficients.shape) {
      let (db, beta) = (result.tensor.unsafeMutablePointer(), result.beta)
      WorkerPool.shared.forEachRange(count: samples, grain: Self.sampleTile) { range in
        for index in 0..<outputs {
          gemm(
            m: range.count, n: terms, k: points, a: dy + (range.lowerBound * outputs + index) * points,
            lda: outputs * points, b: t + index * basisStep, ldb: basisWidth,
            // Outputs that share coefficients add up.
            beta: index > 0 && coefficientStep == 0 ? 1 : beta,
            c: db + (range.lowerBound * coefficientWidth + index * coefficientStep), ldc: coefficientWidth)
        }
      }
      slots.end(0, result)
    }
    if var result = slots.begin(1, shape: basis.shape) {
      let (dt, beta) = (result.tensor.unsafeMutablePointer(), result.beta)
      RowGroups(points).forEach { _, range in
        for index in 0..<outputs {
          gemm(
            true, false, m: range.count, n: terms, k: samples, a: dy + (index * points + range.lowerBound),
            lda: outputs * points, b: b + index * coefficientStep, ldb: coefficientWidth,
            beta: index > 0 && basisStep == 0 ? 1 : beta,
            c: dt + (range.lowerBound * basisWidth + index * basisStep), ldc: basisWidth)
        }
      }
      slots.end(1, result)
    }
    guard hasBias else { return }
    for index in 0..<outputs where slots.isNeeded(2 + index) {
      var sum = 0.0
      for sample in 0..<samples {
        sum += Reductions.sum(dy + (sample * outputs + index) * points, count: points)
      }
      slots.add(2 + index, Tensor(scalar: Element(sum)))
    }
    withExtendedLifetime((coefficients, basis, gradient)) {}
  }
}

extension Tape {
  /// `activation(input · weightᵀ + bias)`: `[rows, in]`, `[out, in]` and `[out]` give `[rows, out]`.
  public func dense(
    _ input: Variable<Element>, weight: Variable<Element>, bias: Variable<Element>,
    activation: Activation = .identity
  ) -> Variable<Element> {
    apply(Dense<Element>(activation), [input, weight, bias])
  }

  /// Functions given by coefficients `[samples, …]` in a basis `[points, …]`, at all points for all samples:
  /// `[samples, outputs, points]`, every output a sum of `terms` products and its bias (a number each).
  ///
  /// - Parameters:
  ///   - sharesCoefficients: Whether all outputs have the same coefficients; else each has its own `terms` columns.
  ///   - sharesBasis: The same of the basis.
  public func cartesianProduct(
    coefficients: Variable<Element>, basis: Variable<Element>, biases: [Variable<Element>] = [],
    outputs: Int = 1, terms: Int, sharesCoefficients: Bool = false, sharesBasis: Bool = false
  ) -> Variable<Element> {
    precondition(biases.isEmpty || biases.count == outputs, "a bias an output")
    let operation = CartesianProduct<Element>(
      outputs: outputs, terms: terms, coefficientStep: sharesCoefficients ? 0 : terms,
      basisStep: sharesBasis ? 0 : terms, hasBias: !biases.isEmpty)
    return apply(operation, [coefficients, basis] + biases)
  }
}
