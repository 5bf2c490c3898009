// One step of diffusion by alternating directions: a Crank–Nicolson step whose matrix is replaced by a product of
// one-dimensional ones.

import RealModule
import Tensors

/// How a step of diffusion is split into directions. All are of second order in time and unconditionally stable, and
/// with A_k = θΔ_k a plane wave is amplified alike by the three in two dimensions,
/// (1 − a)(1 − b)/((1 + a)(1 + b)).
public enum DirectionalSplitting: String, Sendable, Hashable, Codable, CaseIterable {
  /// `Π(1 − A_k) δ = 2ΣA_k u`, u ← u + δ (Douglas & Gunn 1964). In three dimensions a wave is amplified by
  /// 1 − 2(a + b + c)/((1 + a)(1 + b)(1 + c)).
  case douglasGunn
  /// `Π(1 − A_k) u⁺ = Π(1 + A_k) u` (D'Yakonov 1962).
  case dyakonov
  /// `(1 − A_1) u* = (1 + A_2) u`, `(1 − A_2) u⁺ = (1 + A_1) u*` (Peaceman & Rachford 1955): two dimensions.
  case peacemanRachford
}

/// Steps of `u_t = ν Δu + f` by alternating directions.
///
/// Data that depend on time keep the second order because intermediate states get the boundary values that their own
/// equations give them (`u* = (1 − A_2)u⁺` on the faces of the first axis, and so on; Fairweather & Mitchell 1967), not
/// those of the nearest time.
public struct AlternatingDirections<Element: Scalar>: Sendable {
  public let laplacian: DifferenceLaplacian<Element>
  public let splitting: DirectionalSplitting
  /// θ = ν Δt/2.
  public let theta: Double
  /// M_k − θD_k, to be solved with and to be applied on faces; M_k + θD_k.
  private let solvers: [LineSolver<Element>]
  private let implicits: [LineProduct<Element>]
  private let explicits: [LineProduct<Element>]
  private let masses: [LineProduct<Element>]

  /// - Parameter theta: ν Δt/2.
  public init(
    _ laplacian: DifferenceLaplacian<Element>, theta: Double, splitting: DirectionalSplitting = .douglasGunn
  ) {
    precondition(theta >= 0 && theta.isFinite, "a step that is not negative")
    precondition(
      splitting != .peacemanRachford || laplacian.axes.count == 2, "Peaceman–Rachford is for two dimensions")
    self.laplacian = laplacian
    self.splitting = splitting
    self.theta = theta
    let matrices = laplacian.axes.map { $0.implicitMatrix(theta) }
    solvers = matrices.map { LineSolver($0) }
    implicits = matrices.map { LineProduct($0) }
    explicits = laplacian.axes.map { LineProduct($0.implicitMatrix(-theta)) }
    masses = laplacian.axes.map { LineProduct($0.mass) }
  }

  /// Advances u from one time to the next.
  ///
  /// - Parameters:
  ///   - u: The state; at given nodes it holds the values at the first time.
  ///   - forcing: Δt·f at the middle of the step, at every point; it is overwritten.
  ///   - before: The boundary's data at the first time; nil: zero.
  ///   - after: The boundary's data at the second time.
  func advance(
    _ u: UnsafeMutablePointer<Element>, forcing: UnsafeMutablePointer<Element>?,
    before: BoundaryFaces<Element>?, after: BoundaryFaces<Element>?
  ) {
    if let forcing { laplacian.applyMass(forcing) }
    switch splitting {
    case .douglasGunn: advanceDouglasGunn(u, forcing, before, after)
    case .dyakonov: advanceDyakonov(u, forcing, before, after)
    case .peacemanRachford: advancePeacemanRachford(u, forcing, before, after)
    }
    for axis in laplacian.axes.indices { laplacian.setFixedEnds(axis, after, of: u) }
  }

  /// `Π(M_k − θD_k) δ = r`, in place; `increments` are the changes of the boundary's data.
  func solve(_ r: UnsafeMutablePointer<Element>, increments: BoundaryFaces<Element>?) {
    for axis in laplacian.axes.indices { sweep(axis, r, increments) }
  }

  private func advanceDouglasGunn(
    _ u: UnsafeMutablePointer<Element>, _ forcing: UnsafeMutablePointer<Element>?,
    _ before: BoundaryFaces<Element>?, _ after: BoundaryFaces<Element>?
  ) {
    let count = laplacian.count
    let change = AlignedMemory<Element>(count: count)
    laplacian.apply(u, faces: before, into: change.pointer)
    nonisolated(unsafe) let (u, delta, forcing) = (u, change.pointer, forcing)
    WorkerPool.shared.forEachPiece(count: count) { [theta] offset, count in
      Pointwise.scale(delta + offset, by: Element(2 * theta), count: count)
      if let forcing { Pointwise.add(forcing + offset, to: delta + offset, count: count) }
    }
    var increments: BoundaryFaces<Element>?
    if let before, let after { increments = after.difference(from: before) }
    solve(delta, increments: increments)
    WorkerPool.shared.forEachPiece(count: count) { Pointwise.add(delta + $0, to: u + $0, count: $1) }
  }

  private func advanceDyakonov(
    _ u: UnsafeMutablePointer<Element>, _ forcing: UnsafeMutablePointer<Element>?,
    _ before: BoundaryFaces<Element>?, _ after: BoundaryFaces<Element>?
  ) {
    let (count, shape) = (laplacian.count, laplacian.shape)
    let scratch = AlignedMemory<Element>(count: count)
    var (from, to) = (u, scratch.pointer)
    for axis in laplacian.axes.indices.reversed() {
      explicits[axis].apply(from, into: to, shape: shape, axis: axis)
      laplacian.addBoundaryData(axis, before, scale: theta, to: to) { _, face in
        transformed(face, of: axis, explicits, sign: 1)
      }
      swap(&from, &to)
    }
    if let forcing { Pointwise.add(forcing, to: from, count: count) }
    for axis in laplacian.axes.indices { sweep(axis, from, after) }
    if from != u { u.update(from: from, count: count) }
  }

  private func advancePeacemanRachford(
    _ u: UnsafeMutablePointer<Element>, _ forcing: UnsafeMutablePointer<Element>?,
    _ before: BoundaryFaces<Element>?, _ after: BoundaryFaces<Element>?
  ) {
    let (count, shape) = (laplacian.count, laplacian.shape)
    let scratch = AlignedMemory<Element>(count: 2 * count)
    // s = (M_2 + θD_2) u; w = M_2 u* of (M_1 − θD_1) w = M_1 s + forcing/2; (M_2 − θD_2) u⁺ = 2w − s, since
    // (1 + A_1) u* = 2u* − (1 − A_1) u*.
    let (s, w) = (scratch.pointer, scratch.pointer + count)
    explicits[1].apply(u, into: s, shape: shape, axis: 1)
    laplacian.addBoundaryData(1, before, scale: theta, to: s) { $1 }
    if laplacian.isLumped {
      w.update(from: s, count: count)
    } else {
      masses[0].apply(s, into: w, shape: shape, axis: 0)
    }
    if let forcing { Pointwise.addScaled(forcing, by: 0.5, to: w, count: count) }
    // On the faces of the first axis w is the mean of what the two equations give it.
    var mean: BoundaryFaces<Element>?
    if let before, let after {
      mean = before
      for end in before.values[0].indices {
        guard let first = before.values[0][end], let second = after.values[0][end] else { continue }
        var sum = laplacian.alongFace(1, of: 0, first, explicits[1], closure: theta)
        sum += laplacian.alongFace(1, of: 0, second, implicits[1], closure: -theta)
        sum *= 0.5
        mean?.values[0][end] = sum
      }
    }
    laplacian.setFixedEnds(0, mean, of: w)
    laplacian.addBoundaryData(0, mean, scale: theta, to: w) { $1 }
    solvers[0].solve(w, shape: shape, axis: 0)
    for point in 0..<count { u[point] = Relaxed.multiplyAdd(2, w[point], -s[point]) }
    sweep(1, u, after)
  }

  /// Solves with M_k − θD_k along axis k, the unknown being `Π_{j>k}(M_j − θD_j)` of what has the given data.
  private func sweep(_ axis: Int, _ r: UnsafeMutablePointer<Element>, _ data: BoundaryFaces<Element>?) {
    let transform = { (_: Int, face: Tensor<Element>) in transformed(face, of: axis, implicits, sign: -1) }
    laplacian.setFixedEnds(axis, data, of: r, transform: transform)
    laplacian.addBoundaryData(axis, data, scale: theta, to: r, transform: transform)
    solvers[axis].solve(r, shape: laplacian.shape, axis: axis)
  }

  /// `Π_{j>k}(M_j ± θD_j)` of the data of a face of axis k.
  private func transformed(
    _ face: Tensor<Element>, of axis: Int, _ products: [LineProduct<Element>], sign: Double
  ) -> Tensor<Element> {
    laplacian.axes.indices.filter { $0 > axis }.reversed().reduce(face) {
      laplacian.alongFace($1, of: axis, $0, products[$1], closure: sign * theta)
    }
  }
}
