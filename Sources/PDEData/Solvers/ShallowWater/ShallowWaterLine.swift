// The fluxes of shallow water through the faces of one line of cells.

import RealModule
import Tensors

struct ShallowWaterLine<Element: Scalar>: Sendable {
  let count: Int
  let isPeriodic: Bool
  let spacing: Double
  let gravity: Double
  let hasTransverse: Bool

  /// Cells beyond each end.
  private static var reach: Int { 2 }
  /// Less water than this does not move.
  static var dryDepth: Element { Element.ulpOfOne.squareRoot() / 1024 }

  private var paddedCount: Int { (count + 2 * Self.reach + 15) / 16 * 16 }

  /// Numbers that ``addRates(_:_:normal:transverse:stride:_:)`` takes.
  var scratchCount: Int { 6 * paddedCount }

  /// Adds the fluxes' differences of a line of h and momenta, `stride` apart; `normal` and `transverse` are the places of the
  /// momenta along and across the line.
  func addRates(
    _ state: UnsafePointer<Element>, _ rates: UnsafeMutablePointer<Element>, normal: Int, transverse: Int?,
    stride: Int, _ scratch: UnsafeMutablePointer<Element>
  ) {
    let values = (0..<3).map { scratch + $0 * paddedCount }
    let fluxes = (3..<6).map { scratch + $0 * paddedCount }
    let across = transverse ?? normal
    gather(
      state, state + normal, state + across, stride, into: values[0] + Self.reach, values[1] + Self.reach,
      values[2] + Self.reach, dry: Self.dryDepth, count: count)
    for j in 1...Self.reach {
      let (before, after) = (Self.reach - j, Self.reach + count - 1 + j)
      // A wall mirrors what is before it.
      let (first, last) =
        isPeriodic
        ? (Self.reach + (count - j % count) % count, Self.reach + (j - 1) % count)
        : (Self.reach + min(j, count) - 1, Self.reach + count - min(j, count))
      for (index, line) in values.enumerated() {
        let sign: Element = index == 1 && !isPeriodic ? -1 : 1
        line[before] = sign * line[first]
        line[after] = sign * line[last]
      }
    }
    faceFluxes(
      values[0], values[1], values[2], fluxes[0], fluxes[1], fluxes[2], Element(gravity), Self.dryDepth,
      count: count + 1)
    let factor = Element(1 / spacing)
    addDifference(fluxes[0], factor, to: rates, stride, count: count)
    addDifference(fluxes[1], factor, to: rates + normal, stride, count: count)
    if let transverse { addDifference(fluxes[2], factor, to: rates + transverse, stride, count: count) }
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func gather<E: Scalar>(
  _ h: UnsafePointer<E>, _ normal: UnsafePointer<E>, _ across: UnsafePointer<E>, _ stride: Int,
  into depth: UnsafeMutablePointer<E>, _ u: UnsafeMutablePointer<E>, _ v: UnsafeMutablePointer<E>, dry: E,
  count: Int
) {
  for i in 0..<count {
    let place = i * stride
    let water = h[place]
    let isWet = water > dry
    let inverse = isWet ? 1 / water : 0
    depth[i] = water > 0 ? water : 0
    u[i] = normal[place] * inverse
    v[i] = across[place] * inverse
  }
}

@inline(__always)
private func halfSlope<E: Scalar>(_ a: E, _ b: E, _ c: E) -> E {
  let (left, right) = (b - a, c - b)
  let product = left * right
  return product > 0 ? product / (left + right) : 0
}

/// Face i lies between the cells 1 + i and 2 + i of lines with two cells more at each end.
@specialized(where E == Float)
@specialized(where E == Double)
private func faceFluxes<E: Scalar>(
  _ h: UnsafePointer<E>, _ u: UnsafePointer<E>, _ v: UnsafePointer<E>, _ mass: UnsafeMutablePointer<E>,
  _ normal: UnsafeMutablePointer<E>, _ across: UnsafeMutablePointer<E>, _ g: E, _ dry: E, count: Int
) {
  for i in 0..<count {
    let hl = h[i + 1] + halfSlope(h[i], h[i + 1], h[i + 2])
    let hr = h[i + 2] - halfSlope(h[i + 1], h[i + 2], h[i + 3])
    let ul = u[i + 1] + halfSlope(u[i], u[i + 1], u[i + 2])
    let ur = u[i + 2] - halfSlope(u[i + 1], u[i + 2], u[i + 3])
    let vl = v[i + 1] + halfSlope(v[i], v[i + 1], v[i + 2])
    let vr = v[i + 2] - halfSlope(v[i + 1], v[i + 2], v[i + 3])
    let (cl, cr) = ((g * hl).squareRoot(), (g * hr).squareRoot())
    // The slowest and fastest wave; into a dry cell, the front's.
    let (slowLeft, slowRight, fastLeft, fastRight) = (ul - cl, ur - cr, ul + cl, ur + cr)
    let slow = hl > dry ? (slowLeft < slowRight ? slowLeft : slowRight) : ur - 2 * cr
    let fast = hr > dry ? (fastLeft > fastRight ? fastLeft : fastRight) : ul + 2 * cl
    let a = slow < 0 ? slow : 0
    let b = fast > 0 ? fast : 0
    let width = b - a
    let scale = width > 0 ? 1 / width : 0
    let (ql, qr) = (hl * ul, hr * ur)
    let (pl, pr) = (ql * ul + g * hl * hl / 2, qr * ur + g * hr * hr / 2)
    let flux = (b * ql - a * qr + a * b * (hr - hl)) * scale
    mass[i] = flux
    // At rest p_l = p_r is to stay as it is, not to be rounded on its way through the quotient.
    normal[i] = pl + (a * (pl - pr) + a * b * (qr - ql)) * scale
    across[i] = flux * (flux > 0 ? vl : vr)
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func addDifference<E: Scalar>(
  _ flux: UnsafePointer<E>, _ factor: E, to rates: UnsafeMutablePointer<E>, _ stride: Int, count: Int
) {
  for i in 0..<count { rates[i * stride] += factor * (flux[i] - flux[i + 1]) }
}
