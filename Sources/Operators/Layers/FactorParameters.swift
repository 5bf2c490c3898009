// The trained factors of a tensor in Tucker, CP or tensor-train form.

import Autodiff
import Spectral
import Tensors

/// The factors of one complex tensor, under the names of tensorly-torch.
///
/// They begin as there: normal, such that the full tensor has the standard deviation asked for.
struct FactorParameters<Element: SpectralScalar> {
  let factorization: Factorization
  /// Tucker: the core, then a factor an axis. CP: the weights, then a factor an axis. TT: a core an axis.
  private let parameters: [(name: String, parameter: Parameter<Element>)]

  /// - Parameter ranks: As ``TensorRank`` gives them for the factorization and the shape.
  init(
    shape: [Int], factorization: Factorization, ranks: [Int], standardDeviation: Element,
    _ initializer: inout Initializer
  ) {
    self.factorization = factorization
    let order = Element(shape.count)
    func draw(_ shape: [Int], _ deviation: Element) -> Parameter<Element> {
      initializer.normal(shape: shape, layout: .planarComplex, standardDeviation: deviation)
    }
    switch factorization {
    case .dense:
      preconditionFailure("a dense weight has no factors")
    case .tucker:
      let product = ranks.reduce(Element(1)) { $0 * Element($1).squareRoot() }
      let deviation = Element.pow(standardDeviation / product, 1 / (order + 1))
      parameters =
        [("core", draw(ranks, deviation))]
        + shape.indices.map { ("factors.factor_\($0)", draw([shape[$0], ranks[$0]], deviation)) }
    case .cp:
      let deviation = Element.pow(standardDeviation / Element(ranks[0]).squareRoot(), 1 / order)
      let weights = Parameter<Element>(shape: [ranks[0]], layout: .planarComplex)
      weights.setCanonicalValues((0..<2 * ranks[0]).map { $0 % 2 == 0 ? 1 : 0 })
      parameters =
        [("weights", weights)]
        + shape.indices.map { ("factors.factor_\($0)", draw([shape[$0], ranks[0]], deviation)) }
    case .tt:
      let product = ranks.reduce(Element(1)) { $0 * Element($1) }
      let deviation = Element.pow(standardDeviation / product, 1 / order)
      parameters = shape.indices.map {
        ("factors.factor_\($0)", draw([ranks[$0], shape[$0], ranks[$0 + 1]], deviation))
      }
    }
  }

  /// One of the parameters, which no other factors have.
  var leading: Parameter<Element> { parameters[0].parameter }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    for (name, parameter) in parameters { try body(join(path, name), parameter) }
  }

  /// The factors, planar: `[2, …]`.
  func variables(on tape: Tape<Element>) -> [Variable<Element>] {
    parameters.map { tape.variable($0.parameter) }
  }

  /// The factors of the part of the tensor at `index` of its first axis: of a tensor with one axis less.
  func variables(at index: Int, on tape: Tape<Element>) -> [Variable<Element>] {
    let all = variables(on: tape)
    switch factorization {
    case .dense:
      preconditionFailure("a dense weight has no factors")
    case .tucker:
      let row = tape.select(all[1], axis: 1, index: index)
      return [contracted(all[0], row, leading: [2], on: tape)] + all[2...]
    case .cp:
      let rank = all[0].value.count / 2
      let row = tape.select(all[1], axis: 1, index: index)
      let weights = tape.khatriRaoProduct(tape.reshaped(all[0], [2, 1, rank]), row)
      return [tape.reshaped(weights, [2, rank])] + all[2...]
    case .tt:
      let first = tape.select(all[0], axis: 2, index: index)
      let row = tape.reshaped(first, [2, 1, first.value.count / 2])
      return [contracted(all[1], row, leading: [2, 1], on: tape)] + all[2...]
    }
  }

  /// A planar tensor `[2, n, …]` times the row `[2, 1, n]`, with `leading` in the place of its first two axes.
  private func contracted(
    _ tensor: Variable<Element>, _ row: Variable<Element>, leading: [Int], on tape: Tape<Element>
  ) -> Variable<Element> {
    let rest = tensor.shape[2...]
    return tape.reshaped(
      tape.modeExpansion(tensor, by: row, columns: rest.reduce(1, *)), leading + rest)
  }

  /// Sets to zero what belongs to places of an axis (of the tensor) that are not `active`.
  func clear(axis: Int, except active: [Bool]) {
    let parameter = parameters[factorization == .tt ? axis : axis + 1].parameter
    // `[…, place, …]`: a factor is a matrix with a row a place, a core of a train has them in the middle.
    let inner = parameter.shape[(factorization == .tt ? 2 : 1)...].reduce(1, *)
    var value = parameter.value
    let values = value.unsafeMutablePointer()
    for row in 0..<parameter.count / inner where !active[row % active.count] {
      (values + row * inner).update(repeating: 0, count: inner)
    }
    parameter.value = value
  }
}
