// The shallow-water equations by finite volumes.

import RealModule
import Tensors

/// Solves
///
///     h_t + (hu)_x + (hv)_y = 0,
///     (hu)_t + (hu² + gh²/2)_x + (huv)_y = f hv,   (hv)_t + (huv)_x + (hv² + gh²/2)_y = −f hu
///
/// over a flat bed; states are `[component, …grid]` of h, hu, hv on a grid `[y, x]`, of h, hu on `[x]`. Piecewise linear
/// states of h, u and v with van Leer's limiter, the flux of Harten, Lax and van Leer (momentum along a face is carried
/// with the mass), three stages a step (Shu & Osher 1988): second order in space where the solution is smooth, third in
/// time. Mass is conserved to roundoff, h stays positive for Courant numbers up to ½, water at rest stays so.
public struct ShallowWaterVolumes<Element: Scalar>: DifferenceScheme {
  public struct Plan: Sendable {
    let step: Double
  }

  public let grid: Grid
  public let gravity: Double
  public let coriolis: Double
  private let lines: [ShallowWaterLine<Element>]

  /// - Parameters:
  ///   - grid: one or two axes; periodic ones, or cells between walls.
  ///   - gravity: g > 0.
  ///   - coriolis: f, of two dimensions.
  public init(grid: Grid, gravity: Double, coriolis: Double = 0) {
    precondition((1...2).contains(grid.axes.count), "one or two dimensions")
    precondition(grid.axes.count == 2 || coriolis == 0, "rotation in two dimensions")
    precondition(grid.axes.allSatisfy { $0.placement != .nodes && $0.count >= 2 }, "cells or periodic points")
    precondition(gravity > 0, "a positive gravity")
    self.grid = grid
    self.gravity = gravity
    self.coriolis = coriolis
    lines = grid.axes.map {
      ShallowWaterLine(
        count: $0.count, isPeriodic: $0.isPeriodic, spacing: $0.spacing, gravity: gravity,
        hasTransverse: grid.axes.count == 2)
    }
  }

  private var rank: Int { grid.axes.count }
  private var total: Int { (rank + 1) * grid.pointCount }

  public var stateShape: [Int] { [rank + 1] + grid.shape }
  public var scratchCount: Int { 2 * total + (lines.map(\.scratchCount).max() ?? 0) }
  public var courantLimit: Double { 1 }
  /// Limiters switch as waves pass: the steps' errors fall more slowly than with the third order of smooth flows.
  public static var order: Int { 2 }

  public func plan(step: Double) -> Plan { Plan(step: step) }

  public func advance(
    _ state: UnsafeMutablePointer<Element>, from time: Double, steps: Int, _ plan: Plan,
    scratch: UnsafeMutablePointer<Element>
  ) {
    let (stage, rates, work) = (scratch, scratch + total, scratch + 2 * total)
    let step = Element(plan.step)
    for _ in 0..<steps {
      addRates(state, into: rates, work)
      Pointwise.scale(state, by: 1, into: stage, count: total)
      Pointwise.addScaled(rates, by: step, to: stage, count: total)
      addRates(stage, into: rates, work)
      Pointwise.addScaled(rates, by: step, to: stage, count: total)
      mix(stage, 0.25, state, into: stage)
      addRates(stage, into: rates, work)
      Pointwise.addScaled(rates, by: step, to: stage, count: total)
      mix(stage, Element(2) / 3, state, into: state)
    }
  }

  /// `z = a + w (b − a)`, a the second field: nothing is lost where both are alike.
  private func mix(
    _ b: UnsafePointer<Element>, _ weight: Element, _ a: UnsafePointer<Element>,
    into z: UnsafeMutablePointer<Element>
  ) {
    blend(a, b, weight, into: z, count: total)
  }

  private func addRates(
    _ state: UnsafePointer<Element>, into rates: UnsafeMutablePointer<Element>,
    _ work: UnsafeMutablePointer<Element>
  ) {
    let points = grid.pointCount
    Pointwise.fill(rates, with: 0, count: total)
    let strides = Tensor<Element>.strides(of: grid.shape)
    for axis in 0..<rank {
      // The momentum along axis i, of `rank` axes, is component rank − i.
      let normal = (rank - axis) * points
      let transverse = rank == 2 ? (axis + 1) * points : nil
      let (inner, count) = (strides[axis], grid.shape[axis])
      for line in 0..<points / count {
        let start = line / inner * inner * count + line % inner
        lines[axis].addRates(
          state + start, rates + start, normal: normal, transverse: transverse, stride: inner, work)
      }
    }
    if coriolis != 0 {
      Pointwise.addScaled(state + 2 * points, by: Element(coriolis), to: rates + points, count: points)
      Pointwise.addScaled(state + points, by: Element(-coriolis), to: rates + 2 * points, count: points)
    }
  }

  public func courantRate(_ state: UnsafePointer<Element>) -> Double {
    let points = grid.pointCount
    var largest = abs(coriolis)
    for point in 0..<points {
      let depth = Double(state[point])
      let wave = (gravity * max(depth, 0)).squareRoot()
      var sum = depth.isNaN ? depth : 0
      for axis in 0..<rank {
        let momentum = Double(state[(rank - axis) * points + point])
        let speed = depth > Double(ShallowWaterLine<Element>.dryDepth) ? abs(momentum / depth) : 0
        sum += (speed + wave) / grid.axes[axis].spacing
      }
      if !(sum <= largest) { largest = sum }
    }
    return largest
  }

  /// Finite, and no depth below zero but by roundoff.
  public func isSound(_ state: UnsafePointer<Element>, initialMaximum: Double) -> Bool {
    guard Reductions.nonFinite(state, count: total) == nil else { return false }
    let lowest = -16 * Double(Element.ulpOfOne) * initialMaximum
    for point in 0..<grid.pointCount where Double(state[point]) < lowest { return false }
    return true
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func blend<E: Scalar>(
  _ a: UnsafePointer<E>, _ b: UnsafePointer<E>, _ weight: E, into z: UnsafeMutablePointer<E>, count: Int
) {
  for i in 0..<count { z[i] = Relaxed.multiplyAdd(weight, b[i] - a[i], a[i]) }
}

// MARK: - Depth and velocity

extension ShallowWaterVolumes {
  /// Momenta from velocities, both `[…, component, …grid]`.
  public func conserved(_ values: Tensor<Double>) -> Tensor<Double> { converted(values) { $0 * $1 } }

  /// Velocities from momenta; zero where it is dry.
  public func velocities(_ values: Tensor<Double>) -> Tensor<Double> {
    converted(values) { depth, momentum in
      depth > Double(ShallowWaterLine<Element>.dryDepth) ? momentum / depth : 0
    }
  }

  private func converted(
    _ values: Tensor<Double>, _ convert: (_ depth: Double, _ other: Double) -> Double
  ) -> Tensor<Double> {
    var result = values
    let points = grid.pointCount
    result.withUnsafeMutableBuffer { buffer in
      for start in stride(from: 0, to: buffer.count, by: total) {
        for point in start + points..<start + total {
          buffer[point] = convert(buffer[start + (point - start) % points], buffer[point])
        }
      }
    }
    return result
  }
}
