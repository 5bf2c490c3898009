// How boundary conditions are spelled on the command line.

import Tensors

/// What holds at both ends of every axis of a box, with zero data: `dirichlet` for all axes, `neumann,dirichlet` axis by axis
/// in the file's order (… y, x), `dirichlet:neumann` for the lower and the upper end of one, or axes by their names:
/// `x=dirichlet,y=neumann`.
struct BoundaryText: Sendable, Hashable {
  static let help =
    "dirichlet (u = 0) or neumann (no flow); axis by axis in the file's order, such as neumann,dirichlet for y and x, "
    + "or by name, x=dirichlet; lower and upper end apart, such as x=dirichlet:neumann"

  let axes: [String]
  /// Lower and upper end of every axis.
  private(set) var ends: [[EndCondition.Kind]]

  init(_ text: String, axes: [String], parameter: String = "boundary") throws(ParameterError) {
    func failure(_ part: Substring) -> ParameterError {
      ParameterError(
        parameter, "\"\(part)\" is not \(Self.help); the axes are \(axes.joined(separator: ", "))")
    }
    self.axes = axes
    ends = axes.map { _ in [.dirichlet, .dirichlet] }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let isNamed = text.contains("=")
    guard isNamed || parts.count == 1 || parts.count == axes.count else {
      throw ParameterError(
        parameter,
        "\"\(text)\" has \(parts.count) conditions for the \(axes.count) axes \(axes.joined(separator: ", "))"
      )
    }
    var seen: Set<Int> = []
    for (position, part) in parts.enumerated() {
      let words = part.split(separator: "=", omittingEmptySubsequences: false)
      guard words.count == (isNamed ? 2 : 1), let condition = words.last else { throw failure(part) }
      let names = condition.split(separator: ":", omittingEmptySubsequences: false)
      let kinds = names.compactMap { EndCondition.Kind(rawValue: String($0)) }
      guard kinds.count == names.count, (1...2).contains(kinds.count) else { throw failure(part) }
      let pair = [kinds[0], kinds[kinds.count - 1]]
      if isNamed {
        guard let axis = axes.firstIndex(of: String(words[0])), seen.insert(axis).inserted else {
          throw failure(part)
        }
        ends[axis] = pair
      } else if parts.count == 1 {
        ends = axes.map { _ in pair }
      } else {
        ends[position] = pair
      }
    }
  }

  var boundary: [AxisBoundary] {
    ends.map { .ends(lower: EndCondition($0[0]), upper: EndCondition($0[1])) }
  }

  /// For `boundary_conditions` of files.
  var summary: String {
    let isDirichlet = ends.allSatisfy { $0.allSatisfy { $0 == .dirichlet } }
    guard !isDirichlet else { return "u = 0" }
    func name(_ kind: EndCondition.Kind) -> String { kind == .dirichlet ? "u = 0" : "no flow" }
    return zip(axes, ends).map { axis, ends in
      ends[0] == ends[1]
        ? "\(axis): \(name(ends[0]))" : "\(axis): \(name(ends[0])) below, \(name(ends[1])) above"
    }.joined(separator: "; ")
  }
}
