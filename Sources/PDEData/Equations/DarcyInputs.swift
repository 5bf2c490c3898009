// Coefficients and sources of Darcy's equation, sample by sample.

import RealModule
import Spectral
import Tensors

/// Where coefficients come from.
enum DarcyCoefficient: Sendable {
  case constant(Double)
  /// `above` where a Gaussian field is not negative, `below` elsewhere.
  case threshold(InputField, above: Double, below: Double)
  /// exp(scale · g) of a Gaussian field g.
  case logNormal(InputField, scale: Double)
  case given(InputField)

  /// Smooth functions; else constant around every point.
  var isSmooth: Bool { if case .logNormal = self { true } else { false } }

  func values(sample: Int, shape: [Int]) throws(DatasetError) -> Tensor<Double> {
    var values: Tensor<Double>
    switch self {
    case .constant(let value): return Tensor(repeating: value, shape: shape)
    case .given(let field):
      values = try field.values(sample: sample)
      let smallest = values.withUnsafeBuffer { $0.reduce(.infinity) { min($0, $1) } }
      if !(smallest > 0), case .dataset(let reader, let variable) = field {
        throw DatasetError(
          .invalidData, path: reader.path, variable: variable.name,
          "sample \(sample) has the value \(smallest); a coefficient is positive")
      }
    case .threshold(let field, let above, let below):
      values = try field.values(sample: sample)
      values.withUnsafeMutableBuffer { buffer in
        for index in buffer.indices { buffer[index] = buffer[index] >= 0 ? above : below }
      }
    case .logNormal(let field, let scale):
      values = try field.values(sample: sample)
      values.withUnsafeMutableBuffer { buffer in
        for index in buffer.indices { buffer[index] = .exp(scale * buffer[index]) }
      }
    }
    return values
  }
}

/// Where sources come from.
enum DarcySource: Sendable {
  case constant(Double)
  case random(GaussianSampler, seed: UInt64)
  case given(InputField)

  /// Differs from sample to sample, and belongs to the inputs.
  var isField: Bool { if case .constant = self { false } else { true } }

  func values(sample: Int, shape: [Int]) throws(DatasetError) -> Tensor<Double> {
    switch self {
    case .constant(let value): Tensor(repeating: value, shape: shape)
    case .random(let sampler, let seed):
      sampler.sample(seed: seed, sample: UInt64(sample), purpose: "darcy source")
    case .given(let field): try field.values(sample: sample)
    }
  }
}

/// The same medium and source on half the spacing, and the solution there brought back.
///
/// A coefficient that is constant around every point stays so: a cell becomes 2^d cells; the dual cell of a node, which ends
/// halfway to its neighbours, becomes the boxes between the new nodes that lie in it. A smooth one is interpolated in
/// its Gaussian field by the cosines that it is made of.
struct DarcyRefinement: Sendable {
  let coarse: Grid
  let fine: Grid
  private let isNodes: Bool

  init(_ grid: Grid) {
    coarse = grid
    let isNodes = grid.axes[0].placement == .nodes
    self.isNodes = isNodes
    fine = Grid(
      axes: grid.axes.map { axis in
        var axis = axis
        axis.count = isNodes ? 2 * axis.count - 1 : 2 * axis.count
        return axis
      })
  }

  func medium(_ coefficient: Tensor<Double>, isSmooth: Bool) -> DarcyMedium {
    if isSmooth {
      var logarithm = coefficient
      logarithm.withUnsafeMutableBuffer { for i in $0.indices { $0[i] = .log($0[i]) } }
      var values = interpolated(logarithm)
      values.withUnsafeMutableBuffer { for i in $0.indices { $0[i] = .exp($0[i]) } }
      return .points(values)
    }
    if isNodes {
      return .elements(
        resampled(coefficient) { axis in (0..<2 * axis.count - 2).map { [(($0 + 1) / 2, 1)] } })
    }
    return .points(resampled(coefficient) { axis in (0..<2 * axis.count).map { [($0 / 2, 1)] } })
  }

  func source(_ source: Tensor<Double>, isSmooth: Bool) -> Tensor<Double> {
    if isSmooth { return interpolated(source) }
    guard isNodes else { return resampled(source) { axis in (0..<2 * axis.count).map { [($0 / 2, 1)] } } }
    return resampled(source) { axis in
      (0..<2 * axis.count - 1).map {
        $0.isMultiple(of: 2) ? [($0 / 2, 1)] : [($0 / 2, 0.5), ($0 / 2 + 1, 0.5)]
      }
    }
  }

  /// The solution at the coarse points. Cells have no points in common: within a cell of a constant coefficient u is
  /// smooth, and its value in the middle is the mean of the 2^d values around it less Σ (h_k/4)²/2 ∂_k²u, with a ∂_k²u
  /// from the flows through the cell's faces; where the coefficient is smooth a cubic through four cells gives it.
  func restricted(
    _ solution: Tensor<Double>, coefficient: Tensor<Double>, isSmooth: Bool,
    flows: () -> [Tensor<Double>]
  ) -> Tensor<Double> {
    if isNodes { return resampled(solution) { axis in (0..<axis.count).map { [(2 * $0, 1)] } } }
    if isSmooth {
      return resampled(solution) { axis in
        let n = 2 * axis.count
        return (0..<axis.count).map { cell in
          let first = max(0, min(2 * cell - 1, n - 4))
          let points = Array(first..<min(first + 4, n))
          // In units of the fine spacing, the fine centres are at k + ½ and the coarse one at 2·cell + 1.
          let weights = InterpolationWeights.weights(
            at: Double(2 * cell + 1), points.map { Double($0) + 0.5 }, derivative: 0)
          return Array(zip(points, weights))
        }
      }
    }
    func mean(_ values: Tensor<Double>) -> Tensor<Double> {
      resampled(values) { axis in (0..<axis.count).map { [(2 * $0, 0.5), (2 * $0 + 1, 0.5)] } }
    }
    var result = mean(solution)
    for (axis, flow) in zip(coarse.axes, flows()) {
      let (outflow, factor) = (mean(flow), axis.spacing * axis.spacing / 32)
      result.withUnsafeMutableBuffer { u in
        outflow.withUnsafeBuffer { outflow in
          coefficient.withUnsafeBuffer { a in
            for i in u.indices { u[i] += factor * outflow[i] / a[i] }
          }
        }
      }
    }
    return result
  }

  /// Sums of weighted values along every axis.
  private func resampled(
    _ values: Tensor<Double>, _ rows: (Grid.Axis) -> [[(Int, Double)]]
  ) -> Tensor<Double> {
    var values = values
    for (position, axis) in coarse.axes.enumerated() {
      let rows = rows(axis)
      var shape = values.shape
      let (inner, length) = (shape[(position + 1)...].reduce(1, *), shape[position])
      shape[position] = rows.count
      var result = Tensor<Double>.zeros(shape)
      result.withUnsafeMutableBuffer { target in
        values.withUnsafeBuffer { source in
          guard let target = target.baseAddress, let source = source.baseAddress else { return }
          for outer in 0..<shape[..<position].reduce(1, *) {
            for (row, terms) in rows.enumerated() {
              for (index, weight) in terms {
                Pointwise.addScaled(
                  source + (outer * length + index) * inner, by: weight,
                  to: target + (outer * rows.count + row) * inner, count: inner)
              }
            }
          }
        }
      }
      values = result
    }
    return values
  }

  /// Interpolation by the cosines that the coarse points resolve.
  private func interpolated(_ values: Tensor<Double>) -> Tensor<Double> {
    let rank = coarse.axes.count
    let kind: TrigonometricTransform = isNodes ? .cosineI : .cosineII
    let kinds = [TrigonometricTransform](repeating: kind, count: rank)
    let axes = Array(0..<rank)
    let scale = coarse.shape.reduce(1.0) { $0 / Double(kind.logicalSize($1)) }
    let coefficients = FFT.realToReal(values, axes: axes, kinds: kinds)
    var wide = Tensor<Double>.zeros(fine.shape)
    let (strides, wideStrides) = (coefficients.strides, wide.strides)
    let shape = coarse.shape
    wide.withUnsafeMutableBuffer { target in
      coefficients.withUnsafeBuffer { source in
        for index in source.indices {
          var (place, factor) = (0, scale)
          for axis in axes {
            let k = index / strides[axis] % shape[axis]
            place += k * wideStrides[axis]
            // The last cosine of nodes stands once in its own transform, and twice in a longer one.
            if isNodes, k == shape[axis] - 1 { factor /= 2 }
          }
          target[place] = factor * source[index]
        }
      }
    }
    return FFT.realToReal(wide, axes: axes, kinds: kinds.map(\.inverse))
  }
}
