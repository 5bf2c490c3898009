// Group normalization, of which instance normalization is the case of one channel a group.

import RealModule
import Tensors

/// `y = γ_c (x − μ)/√(σ² + ε) + β_c` with mean μ and variance σ² over the channels of a group and all points, for
/// each sample by itself (Wu & He 2018). γ and β `[channel]` are both present or both absent.
struct GroupNormalization<Element: Scalar>: DifferentiableOperation {
  let groups: Int
  let epsilon: Element
  let isAffine: Bool

  private var saved: Saved?

  private struct Saved {
    let input: Tensor<Element>
    let scale: Tensor<Element>?
    /// For each sample and group the mean and 1/√(σ² + ε).
    let statistics: Tensor<Double>
  }

  init(groups: Int, epsilon: Element, isAffine: Bool) {
    self.groups = groups
    self.epsilon = epsilon
    self.isAffine = isAffine
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let input = inputs[0]
    let (scale, shift) = isAffine ? (inputs[1], inputs[2]) : (nil, nil)
    let rows = ChannelRows(input.shape)
    precondition(rows.channels % groups == 0, "the groups divide the channels")
    let (points, perGroup) = (rows.points, rows.channels / groups)
    var output = Tensor<Element>(uninitialized: input.shape)
    var statistics = Tensor<Double>(uninitialized: [rows.batch, groups, 2])
    let (x, y, s) = (input.unsafePointer, output.unsafeMutablePointer(), statistics.unsafeMutablePointer())
    let (gamma, beta) = (scale?.unsafePointer, shift?.unsafePointer)
    let (groups, epsilon) = (groups, epsilon)
    WorkerPool.shared.run(tasks: rows.batch * groups) { block in
      let count = perGroup * points
      let source = x + block * count
      let mean = Reductions.mean(source, count: count)
      let variance = Reductions.sumOfSquaredDeviations(source, from: mean, count: count) / Double(count)
      let inverse = 1 / (variance + Double(epsilon)).squareRoot()
      s[2 * block] = mean
      s[2 * block + 1] = inverse
      for member in 0..<perGroup {
        let channel = block % groups * perGroup + member
        let factor = inverse * Double(gamma?[channel] ?? 1)
        Pointwise.affine(
          source + member * points, factor: Element(factor),
          shift: Element(Double(beta?[channel] ?? 0) - mean * factor),
          into: y + block * count + member * points, count: points)
      }
    }
    withExtendedLifetime((input, scale, shift)) {}
    if recording { saved = Saved(input: input, scale: scale, statistics: statistics) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let saved else { return }
    let rows = ChannelRows(saved.input.shape)
    let (points, channels, perGroup) = (rows.points, rows.channels, rows.channels / groups)
    // For each sample and channel Σ ∂y and Σ ∂y x̂: what γ, β and the group's sums are made of.
    var moments = Tensor<Double>(uninitialized: [rows.batch, channels, 2])
    let (x, dy, s) = (saved.input.unsafePointer, gradient.unsafePointer, saved.statistics.unsafePointer)
    let (gamma, m) = (saved.scale?.unsafePointer, moments.unsafeMutablePointer())
    var inputGradient = slots.begin(0, shape: saved.input.shape)
    let (dx, accumulates) = (
      inputGradient?.tensor.unsafeMutablePointer(), inputGradient?.accumulates ?? false
    )
    let groups = groups
    WorkerPool.shared.run(tasks: rows.batch * groups) { block in
      let count = perGroup * points
      let (mean, inverse) = (s[2 * block], s[2 * block + 1])
      var (sum, product) = (0.0, 0.0)
      for member in 0..<perGroup {
        let row = block * perGroup + member
        let total = Reductions.sum(dy + row * points, count: points)
        let projected = Reductions.dot(dy + row * points, x + row * points, count: points)
        m[2 * row] = total
        m[2 * row + 1] = (projected - mean * total) * inverse
        // The factor as it is rounded below, so that what cancels in the sum of ∂x does cancel.
        sum += total * Double(Element(inverse * Double(gamma?[row % channels] ?? 1)))
        product += Double(gamma?[row % channels] ?? 1) * m[2 * row + 1]
      }
      guard let dx else { return }
      // ∂x = (γ ∂y − mean(γ ∂y) − x̂ mean(γ ∂y x̂)) / √(σ² + ε)
      let slope = Element(-inverse * inverse * product / Double(count))
      let constant = -sum / Double(count) - Double(slope) * mean
      for member in 0..<perGroup {
        let row = block * perGroup + member
        combine(
          dy + row * points, x + row * points, factor: Element(inverse * Double(gamma?[row % channels] ?? 1)),
          slope: slope, constant: Element(constant), rest: Element(constant - Double(Element(constant))),
          into: dx + row * points, accumulate: accumulates, count: points)
      }
    }
    withExtendedLifetime((saved, gradient)) {}
    slots.end(0, inputGradient)
    if isAffine {
      for part in 0..<2 {
        var total = Tensor<Element>.zeros([channels])
        for sample in 0..<rows.batch {
          for channel in 0..<channels { total[channel] += Element(moments[sample, channel, part]) }
        }
        slots.add(part == 0 ? 2 : 1, total)
      }
    }
  }
}

/// `z = factor·a + slope·b + constant + rest`, added to what is there on request; `rest` is what rounding took from
/// the constant.
@specialized(where E == Float)
@specialized(where E == Double)
private func combine<E: Scalar>(
  _ a: UnsafePointer<E>, _ b: UnsafePointer<E>, factor: E, slope: E, constant: E, rest: E,
  into z: UnsafeMutablePointer<E>, accumulate: Bool, count: Int
) {
  for i in 0..<count {
    let value = Relaxed.multiplyAdd(factor, a[i], Relaxed.multiplyAdd(slope, b[i], constant)) + rest
    z[i] = accumulate ? z[i] + value : value
  }
}

extension Tape {
  /// Normalizes each sample's groups of channels to mean 0 and variance 1, then scales and shifts each channel.
  ///
  /// - Parameters:
  ///   - input: `[batch, channel, …grid]`.
  ///   - groups: Divides the number of channels; as many as channels is instance normalization.
  ///   - scaleAndShift: γ and β, `[channel]` each.
  public func groupNormalization(
    _ input: Variable<Element>, groups: Int, epsilon: Element = 1e-5,
    scaleAndShift: (scale: Variable<Element>, shift: Variable<Element>)? = nil
  ) -> Variable<Element> {
    apply(
      GroupNormalization<Element>(groups: groups, epsilon: epsilon, isAffine: scaleAndShift != nil),
      [input] + (scaleAndShift.map { [$0.scale, $0.shift] } ?? []))
  }
}
