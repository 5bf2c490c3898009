// Parameters and normalizers as tensors of a file.

import Autodiff
import Tensors

extension SafetensorsFile {
  /// The numbers of a parameter, or of something of its size, in the order of ``Parameter/canonicalValues``.
  ///
  /// A complex parameter may be stored as `C64` or with a last axis of length 2.
  ///
  /// - Throws: ``CheckpointError`` where it is missing or has another shape.
  public func values<Element: Scalar>(
    for parameter: Parameter<Element>, named name: String
  ) throws -> [Element] {
    try values(of: stored(for: parameter, named: name))
  }

  /// Sets every parameter of a module from the tensor under its path; the file must hold these tensors, in these
  /// shapes, and no others but those that are `ignored`.
  ///
  /// - Throws: ``CheckpointError``; the module is then as it was.
  public func restoreParameters(
    of module: some Module, ignoring isIgnored: (String) -> Bool = { _ in false }
  ) throws {
    var known: Set<String> = []
    try module.forEachParameter("") { name, parameter in
      known.insert(name)
      _ = try stored(for: parameter, named: name)
    }
    if let name = tensors.lazy.map(\.name).first(where: { !known.contains($0) && !isIgnored($0) }) {
      throw CheckpointError.unexpectedParameter(file: path, parameter: name)
    }
    try module.forEachParameter("") { name, parameter in
      parameter.setCanonicalValues(try values(for: parameter, named: name))
    }
  }

  private func stored<Element: Scalar>(
    for parameter: Parameter<Element>, named name: String
  ) throws -> StoredTensor {
    guard let stored = self[name] else { throw CheckpointError.missingParameter(file: path, parameter: name) }
    let isComplex = stored.type == .complex64
    let realShape = stored.shape + (isComplex ? [2] : [])
    guard realShape == parameter.shape + (parameter.isComplex ? [2] : []) else {
      throw CheckpointError.misshapenParameter(
        file: path, parameter: name, found: Self.words(stored.shape, isComplex: isComplex),
        expected: Self.words(parameter.shape, isComplex: parameter.isComplex))
    }
    return stored
  }

  private static func words(_ shape: [Int], isComplex: Bool) -> String {
    (isComplex ? "complex " : "real ") + shape.description
  }
}

/// What the metadata say of a normalizer.
struct NormalizerDescription: Codable {
  var kind: Normalizer.Kind
  var channels: Int

  init(_ normalizer: Normalizer) {
    kind = normalizer.kind
    channels = normalizer.channels
  }
}

extension Normalizer {
  /// Under what names ``center`` and ``spread`` are kept.
  private static func names(_ kind: Kind) -> (center: String, spread: String)? {
    switch kind {
    case .none: nil
    case .gaussian, .pointwiseGaussian: ("mean", "standard_deviation")
    case .minMax: ("minimum", "range")
    }
  }

  func add(role: String, to contents: inout SafetensorsContents) {
    let prefix = "\(CheckpointFormat.normalizerPrefix)\(role)."
    guard let names = Self.names(kind) else { return }
    contents.add(prefix + names.center, center)
    contents.add(prefix + names.spread, spread)
    let (name, places) = positions?.scattered.map { ("points", $0) } ?? ("positions", positions?.axes ?? [])
    for (axis, points) in places.enumerated() {
      contents.add("\(prefix)\(name).\(axis)", Tensor(points, shape: [points.count]))
    }
  }

  init(_ description: NormalizerDescription, role: String, in file: SafetensorsFile) throws {
    let (kind, prefix) = (description.kind, "\(CheckpointFormat.normalizerPrefix)\(role).")
    guard let names = Self.names(kind) else {
      self = .identity(channels: max(description.channels, 0))
      return
    }
    let center: Tensor<Double> = try file.tensor(prefix + names.center)
    let spread: Tensor<Double> = try file.tensor(prefix + names.spread)
    guard center.shape == spread.shape, kind == .pointwiseGaussian ? center.rank > 1 : center.rank == 1 else {
      throw CheckpointError.misshapenParameter(
        file: file.path, parameter: prefix + names.spread, found: "\(spread.shape)",
        expected: "\(center.shape)")
    }
    guard kind == .pointwiseGaussian else {
      self.init(kind, center: center, spread: spread)
      return
    }
    let isScattered = file["\(prefix)points.0"] != nil
    let word = isScattered ? "points" : "positions"
    let count =
      isScattered
      ? (0...).prefix { file["\(prefix)points.\($0)"] != nil }.count : center.rank - 1
    var axes: [[Double]] = []
    for axis in 0..<count {
      let name = "\(prefix)\(word).\(axis)"
      let points: Tensor<Double> = try file.tensor(name)
      let expected = center.shape[isScattered ? 1 : axis + 1]
      guard points.shape == [expected] else {
        throw CheckpointError.misshapenParameter(
          file: file.path, parameter: name, found: "\(points.shape)", expected: "[\(expected)]")
      }
      axes.append(points.values)
    }
    self.init(
      kind, center: center, spread: spread,
      positions: isScattered ? GridPositions(scattered: axes) : GridPositions(axes: axes))
  }
}
