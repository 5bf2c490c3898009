// Input fields on a box: random ones, or the user's.

import Spectral
import Tensors

/// An input field: where its values come from, as they are stored and as they are solved with.
struct BoxField: Sendable {
  /// The variable of files: `u0`.
  let name: String
  private let domain: BoxDomain
  private let source: InputField
  /// To the points that are solved on and to those that are stored.
  private let toSolved: GridInterpolation?
  private let toStored: GridInterpolation?
  private let measure: GaussianMeasure?

  /// A field of standard deviation about one, smooth to a tenth of a unit length.
  static let defaultCovariance = "6500 (-Δ + 49)^-2.5"
  private static let cutoff = 128

  static func parameter(_ what: String) -> ParameterDescription {
    CommonParameters.randomField(
      "\(what), with the boundary conditions and up to wavenumber \(cutoff)", defaultCovariance)
  }

  /// - Parameters:
  ///   - name: `u0`; a random field's numbers belong to it unless it is the first.
  ///   - isFirst: Of several fields the first takes the numbers that a single one would.
  init(
    _ name: String, isFirst: Bool = true, on domain: BoxDomain, parameters: ParameterValues,
    input: InputSource
  ) throws {
    switch input {
    case .random(let seed, _):
      guard let boundary = domain.commonKind else {
        throw ParameterError(
          "boundary",
          "random fields have the same condition along every axis; solve takes others, with your own \(name)")
      }
      let formula = parameters.text("random-field")
      let measure: GaussianMeasure
      do throws(GaussianMeasureError) {
        measure = try GaussianMeasure(formula: formula, boundary: boundary, maximumWavenumber: Self.cutoff)
      } catch {
        throw ParameterError("random-field", error.description)
      }
      let sampler = try GaussianSampler(measure, grid: domain.solved)
      self.init(
        name, domain,
        .random(
          sampler, seed: seed, purpose: isFirst ? GaussianMeasure.purpose : RandomPurpose("field \(name)")),
        measure: measure, toSolved: nil)
    case .dataset(let reader):
      guard !parameters.given.contains("random-field") else {
        throw ParameterError("random-field", "is for generated data; \(name) comes from \(reader.path)")
      }
      guard let variable = domain.variables[name] else { preconditionFailure("a file has its variables") }
      self.init(
        name, domain, .dataset(reader, variable), measure: nil, toSolved: domain.interpolation(toSolved: true)
      )
    }
  }

  private init(
    _ name: String, _ domain: BoxDomain, _ source: InputField, measure: GaussianMeasure?,
    toSolved: GridInterpolation?
  ) {
    self.name = name
    self.domain = domain
    self.source = source
    self.measure = measure
    self.toSolved = toSolved
    toStored = measure == nil ? nil : domain.interpolation(toSolved: false)
  }

  /// The same fields on the refined domain.
  func refined(_ finer: BoxDomain) throws -> BoxField {
    guard case .random(_, let seed, let purpose) = source, let measure else {
      return BoxField(name, finer, source, measure: nil, toSolved: finer.interpolation(toSolved: true))
    }
    let sampler = try GaussianSampler(measure, grid: finer.solved, resolvedBy: domain.solved)
    return BoxField(
      name, finer, .random(sampler, seed: seed, purpose: purpose), measure: measure, toSolved: nil)
  }

  /// What files tell of random fields.
  static func attributes(_ fields: [BoxField]) -> [Attribute] {
    let texts = fields.compactMap { field in field.measure.map { "\(field.name) ~ \($0)" } }
    return texts.isEmpty ? [] : [Attribute("random_field", .text(texts.joined(separator: "; ")))]
  }

  func values(sample: Int) throws(DatasetError) -> (solved: Tensor<Double>, stored: Tensor<Double>) {
    let values = try source.values(sample: sample)
    return (toSolved?(values) ?? values, toStored?(values) ?? values)
  }
}
