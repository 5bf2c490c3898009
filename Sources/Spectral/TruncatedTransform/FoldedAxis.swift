// The sums of one axis's transform after its symmetries have been used: what to fold, and which tables remain.
//
// A transform of n points is split by reflection, e_j = x_j + x_{n−j} for the cosines and o_j = x_j − x_{n−j} for
// the sines. While the length N (first n) is even, it is split again by the parity of the wavenumber: with H = N/2,
// cos and sin of an even k repeat at H − j with the signs (+, −), of an odd k with (−, +). So
//
//     E_j ← E_j + E_{H−j} for even k,  E_{H−j} ← E_j − E_{H−j} for odd k,
//     O_j ← O_j − O_{H−j} for even k,  O_{H−j} ← O_j + O_{H−j} for odd k,     j < H/2,
//
// in place; the odd wavenumbers are done with half the terms, and the even ones go on with N ← H. What remains are
// dense sums ("classes"), each over a contiguous range of rows: small matrix products.

import Tensors

/// A dense matrix product that remains for some wavenumbers `firstMode, firstMode + modeStep, …`.
struct ModeClass<Element: SpectralScalar>: BitwiseCopyable, Sendable {
  /// The rows of the folded array that the sums run over.
  var firstRow: Int
  var rowCount: Int
  var firstMode: Int
  var modeStep: Int
  var modeCount: Int
  /// cos or sin of 2πkj/n in blocks of modes, for sums over rows, and in blocks of rows, for sums over modes;
  /// see ``multiplyLanes(_:rows:inner:x:xStride:y:yStride:width:as:)``.
  nonisolated(unsafe) var analysisTable: UnsafePointer<Element>
  nonisolated(unsafe) var synthesisTable: UnsafePointer<Element>
}

/// The folding and the tables of one axis, for wavenumbers of magnitudes 0…`largest`.
final class FoldedAxis<Element: SpectralScalar>: Sendable {
  /// What kernels read; valid as long as its owner.
  struct Layout: BitwiseCopyable, Sendable {
    /// Points along the axis.
    var points: Int
    /// How often the length is halved by parity after the reflection.
    var halvings: Int
    /// The largest magnitude of a wavenumber, and the largest that has a sine (n/2 has none).
    var largest: Int
    var largestSine: Int
    nonisolated(unsafe) var cosines: UnsafePointer<ModeClass<Element>>
    nonisolated(unsafe) var sines: UnsafePointer<ModeClass<Element>>
    var cosineCount: Int
    var sineCount: Int
  }

  let layout: Layout
  private let classes: AlignedMemory<ModeClass<Element>>
  private let tables: AlignedMemory<Element>

  /// `sineSign` is the sign with which sines enter the sums.
  init(points: Int, largest: Int, sineSign: Element) {
    let largestSine = min(largest, (points - 1) / 2)
    let halvings = Self.halvings(points: points, largest: largest)
    var cosines: [Members] = []
    var sines: [Members] = []
    var length = points
    for level in 0..<halvings {
      let (step, half) = (1 << level, length / 2)
      cosines.append(
        Members(
          rows: half / 2 + 1..<half + 1, terms: { half - $0 },
          modes: Array(stride(from: step, through: largest, by: 2 * step))))
      sines.append(
        Members(
          rows: points - half + 1..<points - (half + 1) / 2 + 1, terms: { half - (points - $0) },
          modes: Array(stride(from: step, through: largestSine, by: 2 * step))))
      length = half
    }
    let step = 1 << halvings
    cosines.append(
      Members(
        rows: 0..<length / 2 + 1, terms: { $0 }, modes: Array(stride(from: 0, through: largest, by: step))))
    sines.append(
      Members(
        rows: points - (length + 1) / 2 + 1..<points, terms: { points - $0 },
        modes: Array(stride(from: step, through: largestSine, by: step))))
    cosines.removeAll { $0.modes.isEmpty || $0.rows.isEmpty }
    sines.removeAll { $0.modes.isEmpty || $0.rows.isEmpty }

    let count = (cosines + sines).reduce(0) { $0 + 2 * $1.rows.count * $1.modes.count }
    tables = AlignedMemory(count: count)
    classes = AlignedMemory(count: cosines.count + sines.count)
    var next = tables.pointer
    for (index, members) in (cosines + sines).enumerated() {
      let isCosine = index < cosines.count
      let rows = Array(members.rows)
      func entry(row: Int, mode: Int) -> Element {
        let root = Self.unitRoot(members.modes[mode] * members.terms(rows[row]), points)
        return Element(isCosine ? root.cosine : Double(sineSign) * root.sine)
      }
      let (analysisTable, synthesisTable) = (next, next + rows.count * members.modes.count)
      packTable(rows: members.modes.count, inner: rows.count, largest: largestBlock, into: analysisTable) {
        entry(row: $1, mode: $0)
      }
      packTable(rows: rows.count, inner: members.modes.count, largest: largestBlock, into: synthesisTable) {
        entry(row: $0, mode: $1)
      }
      next += 2 * rows.count * members.modes.count
      (classes.pointer + index).initialize(
        to: ModeClass(
          firstRow: members.rows.lowerBound, rowCount: rows.count, firstMode: members.modes[0],
          modeStep: members.modes.count > 1 ? members.modes[1] - members.modes[0] : 1,
          modeCount: members.modes.count, analysisTable: analysisTable, synthesisTable: synthesisTable))
    }
    layout = Layout(
      points: points, halvings: halvings, largest: largest, largestSine: largestSine,
      cosines: classes.pointer, sines: classes.pointer + cosines.count, cosineCount: cosines.count,
      sineCount: sines.count)
  }

  private struct Members {
    var rows: Range<Int>
    /// The index j of the sum's term that a row holds.
    var terms: (Int) -> Int
    var modes: [Int]
  }

  /// A halving costs a pass over the rows that are left and saves half of their products: it pays from some four
  /// wavenumbers on.
  private static func halvings(points: Int, largest: Int) -> Int {
    var (count, length) = (0, points)
    while length.isMultiple(of: 2), length >= 8, largest >> count >= 3 {
      count += 1
      length /= 2
    }
    return count
  }

  /// cos and sin of 2πm/n, exact where they are simple: the angle is first reduced to an eighth of a turn.
  private static func unitRoot(_ m: Int, _ n: Int) -> (cosine: Double, sine: Double) {
    var m = 8 * (m % n)  // in units of 1/8n of a turn
    let octant = m / n
    m -= octant * n
    let isOdd = !octant.isMultiple(of: 2)
    let angle = Double.pi / 4 * Double(isOdd ? n - m : m) / Double(n)
    var (c, s) = (Double.cos(angle), Double.sin(angle))
    if octant % 4 == 1 || octant % 4 == 2 { (c, s) = (s, c) }
    if (2...5).contains(octant) { c = -c }
    if octant >= 4 { s = -s }
    return (c, s)
  }
}
