// The loops of the vorticity equation between coefficients, rows and panels of columns.

import RealModule
import Spectral
import Tensors

/// Rows hold z = u + iv for one k_y each, first by k_x and then, transformed, by x. With w = ω̂/|k|² the velocity's
/// coefficients are ẑ(k) = (k_x + ik_y)w(k). The row of −k_y is kept as its complex conjugate, whose coefficients at k_x
/// are (−k_x + ik_y)w(k) at the same k: nothing has to be reversed.
struct VorticityKernels<Element: SpectralScalar>: Sendable {
  /// Columns that are transformed together: one cache line.
  static var panelWidth: Int { 32 / MemoryLayout<Element>.stride }

  private let points: (y: Int, x: Int)
  private let cutoffs: (y: Int, x: Int)
  private let spacings: (y: Double, x: Double)
  /// Real numbers from row to row.
  private let rowStride: Int
  /// k_x in the order of the state, and k_y ≥ 0.
  private let kx: [Element]
  private let ky: [Element]
  /// 1/|k|² of every kept mode, 0 for k = 0.
  private let inverseSquares: [Element]

  init(_ box: PeriodicBox<Element>, lengths: [Double]) {
    points = (box.shape[0], box.shape[1])
    cutoffs = (box.cutoffs[0], box.cutoffs[1])
    spacings = (lengths[0] / Double(points.y), lengths[1] / Double(points.x))
    rowStride = (2 * points.x + 15) / 16 * 16
    let y = box.wavenumbers[0].map { 2 * Double.pi * Double($0) / lengths[0] }
    let x = box.wavenumbers[1].map { 2 * Double.pi * Double($0) / lengths[1] }
    ky = y.map { Element($0) }
    kx = x.map { Element($0) }
    inverseSquares = y.flatMap { y in
      x.map { x in x == 0 && y == 0 ? 0 : Element(1 / (x * x + y * y)) }
    }
  }

  /// Real numbers in all rows.
  var rowsCount: Int { 2 * (cutoffs.y + 1) * rowStride }
  /// Real numbers in a panel.
  var panelCount: Int { 2 * points.y * Self.panelWidth }

  func plusRow(_ ky: Int) -> Int { ky * rowStride }
  /// The row of −k_y, conjugated; for k_y = 0 the conjugate of row 0, on the way back only.
  func minusRow(_ ky: Int) -> Int { (cutoffs.y + 1 + ky) * rowStride }

  /// The coefficients of the velocity's rows ±k_y.
  func velocity(
    _ state: UnsafePointer<Element>, ky row: Int, _ plus: UnsafeMutablePointer<Element>,
    _ minus: UnsafeMutablePointer<Element>
  ) {
    let modes = kx.count
    let (low, padding) = (cutoffs.x + 1, points.x - modes)
    kx.withUnsafeBufferPointer { kx in
      inverseSquares.withUnsafeBufferPointer { squares in
        guard let kx = kx.baseAddress, let squares = squares.baseAddress else { return }
        func fill(_ modes: Range<Int>, at column: Int) {
          let first = modes.lowerBound
          VorticityLoops.velocity(
            state + 2 * (row * self.kx.count + first), squares + row * self.kx.count + first, kx + first,
            ky[row], plus + 2 * column, minus + 2 * column, count: modes.count)
        }
        fill(0..<low, at: 0)
        (plus + 2 * low).update(repeating: 0, count: 2 * padding)
        (minus + 2 * low).update(repeating: 0, count: 2 * padding)
        fill(low..<modes, at: low + padding)
      }
    }
  }

  /// Columns of the rows by k_y, in the order of the transform along y.
  func load(
    _ rows: UnsafePointer<Element>, column: Int, into panel: UnsafeMutablePointer<Element>
  ) {
    let width = 2 * Self.panelWidth
    let used = 2 * min(Self.panelWidth, points.x - column)
    let last = cutoffs.y
    if used < width { panel.update(repeating: 0, count: panelCount) }
    VorticityLoops.copyRows(
      rows + 2 * column, rowStride, panel, width, rows: last + 1, count: used, conjugated: false)
    (panel + width * (last + 1)).update(repeating: 0, count: width * (points.y - 2 * last - 1))
    VorticityLoops.copyRows(
      rows + minusRow(1) + 2 * column, rowStride, panel + width * (points.y - 1), -width, rows: last,
      count: used, conjugated: true)
  }

  /// z²/n of a panel of z.
  func square(_ panel: UnsafeMutablePointer<Element>) {
    VorticityLoops.square(
      panel, scale: 1 / Element(points.x * points.y), count: points.y * Self.panelWidth)
  }

  /// The rows of a panel that are kept, back to where they came from.
  func store(
    _ panel: UnsafePointer<Element>, column: Int, into rows: UnsafeMutablePointer<Element>
  ) {
    let width = 2 * Self.panelWidth
    let used = 2 * min(Self.panelWidth, points.x - column)
    let last = cutoffs.y
    VorticityLoops.copyRows(
      panel, width, rows + 2 * column, rowStride, rows: last + 1, count: used, conjugated: false)
    VorticityLoops.copyRows(
      panel, width, rows + minusRow(0) + 2 * column, rowStride, rows: 1, count: used, conjugated: true)
    VorticityLoops.copyRows(
      panel + width * (points.y - 1), -width, rows + minusRow(1) + 2 * column, rowStride, rows: last,
      count: used, conjugated: true)
  }

  /// max |u|/Δx + |v|/Δy of a panel.
  func courantRate(_ panel: UnsafePointer<Element>) -> Double {
    VorticityLoops.largestSum(
      panel, 1 / spacings.x, 1 / spacings.y, count: points.y * Self.panelWidth)
  }

  /// The transport of the modes of ±k_y from the coefficients of z².
  func transport(
    _ plus: UnsafePointer<Element>, _ minus: UnsafePointer<Element>, ky row: Int,
    into result: UnsafeMutablePointer<Element>
  ) {
    let modes = kx.count
    let (low, padding) = (cutoffs.x + 1, points.x - modes)
    kx.withUnsafeBufferPointer { kx in
      guard let kx = kx.baseAddress else { return }
      let target = result + 2 * row * modes
      VorticityLoops.transport(plus, minus, kx, ky[row], target, count: low)
      let offset = 2 * (low + padding)
      VorticityLoops.transport(
        plus + offset, minus + offset, kx + low, ky[row], target + 2 * low, count: modes - low)
    }
  }
}

enum VorticityLoops {
  /// `(k_x + ik_y)·s·ω` and `(−k_x + ik_y)·s·ω`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func velocity<E: Scalar>(
    _ vorticity: UnsafePointer<E>, _ s: UnsafePointer<E>, _ kx: UnsafePointer<E>, _ ky: E,
    _ plus: UnsafeMutablePointer<E>, _ minus: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count {
      let (real, imaginary) = (vorticity[2 * i] * s[i], vorticity[2 * i + 1] * s[i])
      let (alongX, alongXi) = (kx[i] * real, kx[i] * imaginary)
      let (alongY, alongYi) = (-ky * imaginary, ky * real)
      plus[2 * i] = alongY + alongX
      plus[2 * i + 1] = alongYi + alongXi
      minus[2 * i] = alongY - alongX
      minus[2 * i + 1] = alongYi - alongXi
    }
  }

  /// Rows of `count` numbers, as they are or with their imaginary parts negated.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func copyRows<E: Scalar>(
    _ source: UnsafePointer<E>, _ sourceStride: Int, _ target: UnsafeMutablePointer<E>, _ targetStride: Int,
    rows: Int, count: Int, conjugated: Bool
  ) {
    let sign: E = conjugated ? -1 : 1
    for row in 0..<rows {
      let x = source + row * sourceStride
      let y = target + row * targetStride
      var i = 0
      while i < count {
        y[i] = x[i]
        y[i + 1] = sign * x[i + 1]
        i += 2
      }
    }
  }

  /// `z ← scale·z²`.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func square<E: Scalar>(_ z: UnsafeMutablePointer<E>, scale: E, count: Int) {
    let double = 2 * scale
    for i in 0..<count {
      let (u, v) = (z[2 * i], z[2 * i + 1])
      z[2 * i] = scale * ((u - v) * (u + v))
      z[2 * i + 1] = double * (u * v)
    }
  }

  /// The largest a|u| + b|v|; not a number once one of them is not.
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func largestSum<E: Scalar>(_ z: UnsafePointer<E>, _ a: Double, _ b: Double, count: Int) -> Double {
    var largest = 0.0
    for i in 0..<count {
      let value = a * abs(Double(z[2 * i])) + b * abs(Double(z[2 * i + 1]))
      if !(value <= largest) { largest = value }
    }
    return largest
  }

  /// With Z of z² and Y the conjugate of Z at −k, the transport is ¼[−i(k_x² − k_y²)(Z − Y) − 2k_x k_y(Z + Y)].
  @specialized(where E == Float)
  @specialized(where E == Double)
  static func transport<E: Scalar>(
    _ z: UnsafePointer<E>, _ y: UnsafePointer<E>, _ kx: UnsafePointer<E>, _ ky: E,
    _ result: UnsafeMutablePointer<E>, count: Int
  ) {
    for i in 0..<count {
      let a = (kx[i] - ky) * (kx[i] + ky) / 4
      let b = kx[i] * ky / 2
      result[2 * i] = a * (z[2 * i + 1] - y[2 * i + 1]) - b * (z[2 * i] + y[2 * i])
      result[2 * i + 1] = -a * (z[2 * i] - y[2 * i]) - b * (z[2 * i + 1] + y[2 * i + 1])
    }
  }
}
