// What nonlinear terms of several fields are made of: values and derivatives on the grid, and coefficients of products.

import RealModule
import Spectral
import Tensors

/// Fields on a periodic grid while a nonlinear term is computed, in scratch memory; products of two of them are exact by
/// the 2/3 rule.
struct GridProducts<Element: SpectralScalar>: Sendable {
  let box: PeriodicBox<Element>
  let spacings: [Double]
  /// ω of every coefficient along each axis, for each of its two numbers.
  private let frequencies: [[Element]]

  init(shape: [Int], lengths: [Double]) {
    let box = PeriodicBox<Element>(dealiased: shape)
    self.box = box
    spacings = zip(lengths, shape).map { $0 / Double($1) }
    frequencies = shape.indices.map { axis in
      box.forEachNumber { 2 * Double.pi * Double($0[axis]) / lengths[axis] }.map { Element($0) }
    }
  }

  var points: Int { box.shape.reduce(1, *) }
  /// From one field in the scratch memory to the next.
  private var stride: Int { (points + 15) / 16 * 16 }
  private var coefficientStride: Int { (box.coefficientCount + 15) / 16 * 16 }

  func scratchCount(fields: Int) -> Int { fields * stride + coefficientStride + box.scratchCount }

  /// The values of field `index` in the scratch memory of so many.
  func field(_ index: Int, _ scratch: UnsafeMutablePointer<Element>) -> UnsafeMutablePointer<Element> {
    scratch + index * stride
  }

  /// Field `index` from coefficients.
  func synthesize(
    _ coefficients: UnsafePointer<Element>, to index: Int, of fields: Int,
    _ scratch: UnsafeMutablePointer<Element>
  ) {
    box.synthesize(
      coefficients, into: field(index, scratch), scratch: scratch + fields * stride + coefficientStride)
  }

  /// Field `index` ← −∂/∂x_axis of coefficients.
  func synthesizeNegativeDerivative(
    _ coefficients: UnsafePointer<Element>, along axis: Int, to index: Int, of fields: Int,
    _ scratch: UnsafeMutablePointer<Element>
  ) {
    let derivative = scratch + fields * stride
    rotate(coefficients, along: axis, into: derivative)
    synthesize(derivative, to: index, of: fields, scratch)
  }

  /// The coefficients of field `index`.
  func analyze(
    _ index: Int, of fields: Int, into coefficients: UnsafeMutablePointer<Element>,
    _ scratch: UnsafeMutablePointer<Element>
  ) {
    box.analyze(
      field(index, scratch), into: coefficients, scratch: scratch + fields * stride + coefficientStride)
  }

  /// `result −= ∂/∂x_axis` of field `index`.
  func subtractDerivative(
    of index: Int, along axis: Int, of fields: Int, from result: UnsafeMutablePointer<Element>,
    _ scratch: UnsafeMutablePointer<Element>
  ) {
    let coefficients = scratch + fields * stride
    analyze(index, of: fields, into: coefficients, scratch)
    frequencies[axis].withUnsafeBufferPointer { frequencies in
      guard let frequencies = frequencies.baseAddress else { return }
      subtractRotated(coefficients, frequencies, from: result, count: box.coefficientCount)
    }
  }

  private func rotate(
    _ coefficients: UnsafePointer<Element>, along axis: Int, into result: UnsafeMutablePointer<Element>
  ) {
    frequencies[axis].withUnsafeBufferPointer { frequencies in
      guard let frequencies = frequencies.baseAddress else { return }
      CoefficientKernels.rotate(coefficients, by: frequencies, to: result, count: box.coefficientCount)
    }
  }
}

/// `y −= iωx` for complex numbers x, every ω standing twice.
@specialized(where E == Float)
@specialized(where E == Double)
private func subtractRotated<E: Scalar>(
  _ x: UnsafePointer<E>, _ frequencies: UnsafePointer<E>, from y: UnsafeMutablePointer<E>, count: Int
) {
  for i in 0..<count / 2 {
    y[2 * i] = Relaxed.multiplyAdd(frequencies[2 * i], x[2 * i + 1], y[2 * i])
    y[2 * i + 1] = Relaxed.multiplyAdd(-frequencies[2 * i], x[2 * i], y[2 * i + 1])
  }
}

/// `rate = Σ_i |u_i| a_i`, over components that lie `stride` apart, the largest at any point; not a number once one of
/// the values is not.
func largestRate<E: Scalar>(
  _ values: UnsafePointer<E>, stride: Int, factors: [Double], count: Int
) -> Double {
  var largest = 0.0
  for point in 0..<count {
    var sum = 0.0
    for (component, factor) in factors.enumerated() {
      sum += factor * abs(Double(values[component * stride + point]))
    }
    if !(sum <= largest) { largest = sum }
  }
  return largest
}
