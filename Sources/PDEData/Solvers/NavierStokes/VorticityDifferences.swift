// Vorticity carried by its own flow, by finite differences.

import RealModule
import Spectral
import Tensors

/// `N(ω) = J(ψ, ω) − μω + f` of `ω_t + u·∇ω = νΔω − μω + f`, u = (∂_y ψ, −∂_x ψ), −Δψ = ω, on a grid `[y, x]`: Arakawa's Jacobian
/// and the five-point Laplacian, both of second order.
public struct VorticityDifferences<Element: SpectralScalar>: ExplicitTerm {
  /// What surrounds the fluid.
  public enum Surroundings: Sendable {
    /// Nothing: both axes are periodic.
    case periodic
    /// Walls, the grid being nodes with the walls among them; each moves along itself at a speed (along x or y), as
    /// the lid of a driven cavity does.
    case walls(WallSpeeds)
  }

  /// The tangential velocities of the walls: v at x's lower and upper end, u at y's.
  public struct WallSpeeds: Sendable, Hashable {
    public var left: Double
    public var right: Double
    public var bottom: Double
    public var top: Double
    /// u of the top at each of its nodes, in place of one for all.
    public var topProfile: [Double]?

    public init(left: Double = 0, right: Double = 0, bottom: Double = 0, top: Double = 0) {
      self.left = left
      self.right = right
      self.bottom = bottom
      self.top = top
    }

    /// A cavity with a lid that moves at a speed of its own at each node, as if it were elastic.
    public static func lid(_ profile: [Double]) -> WallSpeeds {
      var speeds = WallSpeeds(top: profile.reduce(0) { abs($1) > abs($0) ? $1 : $0 })
      speeds.topProfile = profile
      return speeds
    }

    /// A cavity whose upper wall, the lid, moves to the right.
    public static func lid(_ speed: Double = 1) -> WallSpeeds { WallSpeeds(top: speed) }
  }

  public let grid: Grid
  public internal(set) var surroundings: Surroundings
  public let drag: Double
  private let forcing: VorticityForcingFunction?
  private let steadyForcing: Tensor<Element>?
  private let jacobian: ArakawaJacobian<Element>
  private let poisson: PoissonSolver<Element>

  /// f at a point and time, of two axes: `[y, x]`.
  public typealias VorticityForcingFunction = PointFunction

  /// - Parameters:
  ///   - drag: μ.
  ///   - forcing: f as a function of time.
  ///   - steadyForcing: a part of f that does not change in time, on the grid.
  public init(
    grid: Grid, surroundings: Surroundings = .periodic, drag: Double = 0,
    forcing: VorticityForcingFunction? = nil, steadyForcing: Tensor<Double>? = nil
  ) {
    precondition(steadyForcing.map { $0.shape == grid.shape } ?? true, "a force on the grid")
    self.grid = grid
    self.surroundings = surroundings
    self.drag = drag
    self.forcing = forcing
    self.steadyForcing = steadyForcing.map { Tensor($0.values.map { Element($0) }, shape: $0.shape) }
    jacobian = ArakawaJacobian(grid: grid)
    let boundary: AxisBoundary =
      switch surroundings {
      case .periodic: .periodic
      case .walls: .dirichlet
      }
    if case .walls = surroundings {
      precondition(
        grid.axes.allSatisfy { $0.placement == .nodes && $0.count >= 5 }, "five nodes between walls")
    }
    poisson = PoissonSolver(grid: grid, boundary: [boundary, boundary])
  }

  public var componentCount: Int { 1 }

  /// ψ of −Δψ = ω, its mean (or its value on the walls) zero.
  public func streamfunction(_ vorticity: Tensor<Element>) -> Tensor<Element> { poisson.solve(vorticity) }

  public func rates(
    _ state: UnsafeMutablePointer<Element>, time: Double, into rates: UnsafeMutablePointer<Element>
  ) {
    let count = grid.pointCount
    let psi = AlignedMemory<Element>(count: count)
    solveStreamfunction(state, into: psi.pointer)
    if case .walls(let speeds) = surroundings { setWallVorticity(state, psi.pointer, speeds) }
    // J(ψ, ω) = ψ_x ω_y − ψ_y ω_x = −u·∇ω.
    jacobian.apply(psi.pointer, state, into: rates)
    if drag != 0 { Pointwise.addScaled(state, by: Element(-drag), to: rates, count: count) }
    if let steadyForcing {
      Pointwise.add(steadyForcing.unsafePointer, to: rates, count: count)
      withExtendedLifetime(steadyForcing) {}
    }
    if let forcing { addForcing(forcing, time, to: rates) }
  }

  /// Sets the vorticity on the walls to what follows from that inside.
  func setWalls(_ state: UnsafeMutablePointer<Element>) {
    guard case .walls(let speeds) = surroundings else { return }
    let psi = AlignedMemory<Element>(count: grid.pointCount)
    solveStreamfunction(state, into: psi.pointer)
    setWallVorticity(state, psi.pointer, speeds)
  }

  /// What the root mean square of a periodic flow's vorticity cannot exceed at a time; infinite where no bound is known.
  func normBound(at time: Double, from norm: Double) -> Double {
    guard case .periodic = surroundings, forcing == nil else { return .infinity }
    let force = steadyForcing.map { ($0.sumOfSquares() / Double($0.count)).squareRoot() } ?? 0
    return norm + time * force
  }

  func solveStreamfunction(_ vorticity: UnsafePointer<Element>, into psi: UnsafeMutablePointer<Element>) {
    if case .walls = surroundings { Pointwise.fill(psi, with: 0, count: grid.pointCount) }
    poisson.solveHomogeneous(vorticity, into: psi)
  }

  public func courantRate(_ state: UnsafePointer<Element>) -> Double {
    let (rows, columns) = (grid.shape[0], grid.shape[1])
    let psi = AlignedMemory<Element>(count: grid.pointCount)
    solveStreamfunction(state, into: psi.pointer)
    let (hy, hx) = (grid.axes[0].spacing, grid.axes[1].spacing)
    // |u|/h_x + |v|/h_y with both by central differences of ψ.
    var largest = 0.0
    for row in 0..<rows {
      let (south, north) = ((row + rows - 1) % rows * columns, (row + 1) % rows * columns)
      if case .walls = surroundings, row == 0 || row == rows - 1 { continue }
      for column in 0..<columns {
        if case .walls = surroundings, column == 0 || column == columns - 1 { continue }
        let (west, east) = ((column + columns - 1) % columns, (column + 1) % columns)
        let u = psi.pointer[north + column] - psi.pointer[south + column]
        let v = psi.pointer[row * columns + east] - psi.pointer[row * columns + west]
        largest = max(largest, (abs(Double(u)) + abs(Double(v))) / (2 * hx * hy))
      }
    }
    if case .walls(let speeds) = surroundings {
      largest = max(largest, max(abs(speeds.top), abs(speeds.bottom)) / hx)
      largest = max(largest, max(abs(speeds.left), abs(speeds.right)) / hy)
    }
    return largest
  }

  private func addForcing(
    _ forcing: VorticityForcingFunction, _ time: Double, to rates: UnsafeMutablePointer<Element>
  ) {
    let (y, x) = (grid.axes[0].coordinates, grid.axes[1].coordinates)
    nonisolated(unsafe) let rates = rates
    WorkerPool.shared.forEachRange(count: y.count, grain: max(1, 1024 / x.count)) { rows in
      var point = [0.0, 0.0]
      for row in rows {
        point[0] = y[row]
        for column in x.indices {
          point[1] = x[column]
          rates[row * x.count + column] += Element(forcing(point, time))
        }
      }
    }
  }

  /// Thom's formula: with ψ = 0 on a wall and its first two neighbours' distance h, −ψ_nn = ω gives
  /// `ω_w = −2ψ_1/h² ∓ 2U/h` (Thom 1933); the method as a whole is of second order (E & Liu 1996).
  private func setWallVorticity(
    _ omega: UnsafeMutablePointer<Element>, _ psi: UnsafePointer<Element>, _ speeds: WallSpeeds
  ) {
    let (rows, columns) = (grid.shape[0], grid.shape[1])
    let (hy, hx) = (grid.axes[0].spacing, grid.axes[1].spacing)
    // u = ψ_y: at the bottom ψ_1 = h u + h²/2 ψ_yy, at the top ψ_1 = −h u + h²/2 ψ_yy; v = −ψ_x.
    wall(omega, psi, 0, neighbour: columns, step: 1, columns, hy, slope: speeds.bottom)
    let lid = (rows - 1) * columns
    wall(omega, psi, lid, neighbour: -columns, step: 1, columns, hy, slope: -speeds.top)
    if let profile = speeds.topProfile {
      precondition(profile.count == columns, "a speed for every node of the lid")
      for index in 1..<columns - 1 {
        omega[lid + index] += Element(2 * (speeds.top - profile[index]) / hy)
      }
    }
    wall(omega, psi, 0, neighbour: 1, step: columns, rows, hx, slope: -speeds.left)
    wall(omega, psi, columns - 1, neighbour: -1, step: columns, rows, hx, slope: speeds.right)
  }

  /// `slope` is the derivative of ψ into the fluid.
  private func wall(
    _ omega: UnsafeMutablePointer<Element>, _ psi: UnsafePointer<Element>, _ first: Int, neighbour: Int,
    step: Int, _ count: Int, _ h: Double, slope: Double
  ) {
    let (factor, motion) = (Element(-2 / (h * h)), Element(2 * slope / h))
    for index in 1..<count - 1 {
      let point = first + index * step
      omega[point] = factor * psi[point + neighbour] + motion
    }
  }
}
