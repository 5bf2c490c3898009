// A measure's covariance as text, for attributes, configurations and the command line.

extension GaussianMeasure: CustomStringConvertible {
  /// The covariance with its constant: `625 (-Δ + 25)^-2`.
  public var formula: String {
    "\(Self.text(constant)) (-Δ + \(Self.text(shift)))^-\(Self.text(power))"
  }

  /// Everything that tells this measure from others: `N(0, 625 (-Δ + 25)^-2), periodic, |k| <= 511 along every axis,
  /// without the zero mode`.
  public var description: String {
    let zeroMode =
      boundary == .dirichlet ? "" : (includesZeroMode ? ", with" : ", without") + " the zero mode"
    return "N(0, \(formula)), \(boundary.rawValue), |k| <= \(maximumWavenumber) along every axis\(zeroMode)"
  }

  /// A measure from its covariance as ``formula`` writes it. The constant may be a power, `7^1.5 (-Δ + 49)^-2.5`;
  /// spaces and `*` do not matter, and the operator may be written `-laplacian`.
  public init(
    formula: String, boundary: Boundary, maximumWavenumber: Int, includesZeroMode: Bool = false
  ) throws(GaussianMeasureError) {
    var text = String(formula.lowercased().filter { !$0.isWhitespace && $0 != "*" })
    for (written, meant) in [("−", "-"), ("laplacian", "Δ"), ("δ", "Δ")] {
      text = text.split(separator: written, omittingEmptySubsequences: false).joined(separator: meant)
    }
    let parts = text.split(separator: "(-Δ+", omittingEmptySubsequences: false)
    let operands = parts.last.map { $0.split(separator: ")^-", omittingEmptySubsequences: false) } ?? []
    guard parts.count == 2, operands.count == 2, let constant = Self.constant(parts[0]),
      let shift = Double(operands[0]), let power = Double(operands[1])
    else {
      throw GaussianMeasureError(
        description: "a covariance is written like '625 (-Δ + 25)^-2', not '\(formula)'")
    }
    self.init(
      constant: constant, shift: shift, power: power, boundary: boundary,
      maximumWavenumber: maximumWavenumber, includesZeroMode: includesZeroMode)
    try validate()
  }

  private static func constant(_ text: Substring) -> Double? {
    let factors = text.split(separator: "^", omittingEmptySubsequences: false).map { Double($0) }
    switch factors.count {
    case 1: return text.isEmpty ? 1 : factors[0]
    case 2:
      guard let base = factors[0], let exponent = factors[1], base > 0 else { return nil }
      return Double.pow(base, exponent)
    default: return nil
    }
  }

  private static func text(_ number: Double) -> String {
    let text = number.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
