import Foundation
import PDEData
import Tensors
import Testing

private typealias FD = FiniteDifference

/// The lid-driven cavity at a Reynolds number, its flow become steady.
private struct SteadyCavity {
  let nodes: Int
  let vorticity: Tensor<Double>
  let streamfunction: Tensor<Double>

  /// From the flow on half as many intervals, or from rest, until ψ (which is of the order of 0.1) changes by less than a
  /// rate in a unit of time.
  init(nodes n: Int, reynolds: Double, startingFrom coarse: SteadyCavity?, rate: Double = 1e-7) {
    nodes = n
    let h = 1 / Double(n - 1)
    let term = VorticityDifferences<Double>(
      grid: FD.grid([n, n], [.nodes, .nodes]), surroundings: .walls(.lid()))
    // Below the limits of the Courant number and of the vorticity on walls.
    let step = min(h, 0.8 * VorticitySolver<Double>.wallStepLimit(spacing: h, viscosity: 1 / reynolds))
    let solver = VorticitySolver(term, viscosity: 1 / reynolds, step: step)
    var history = VorticitySolver<Double>.History()
    var omega = coarse.map { Self.interpolate($0.vorticity, nodes: n) } ?? .zeros([n, n])
    var psi = term.streamfunction(omega)
    let steps = Int((1 / step).rounded(.up))
    for interval in 0..<400 {
      solver.advance(&omega, from: Double(interval * steps) * step, steps: steps, history: &history)
      let next = term.streamfunction(omega)
      let change = FD.maximumError(next, psi)
      psi = next
      guard change > rate, change.isFinite else { break }
    }
    vorticity = omega
    streamfunction = psi
  }

  private static func interpolate(_ coarse: Tensor<Double>, nodes n: Int) -> Tensor<Double> {
    var result = Tensor<Double>.zeros([n, n])
    for row in 0..<n {
      for column in 0..<n {
        let (south, north, west, east) = (row / 2, (row + 1) / 2, column / 2, (column + 1) / 2)
        let below: Double = coarse[south, west] + coarse[south, east]
        let above: Double = coarse[north, west] + coarse[north, east]
        result[row, column] = (below + above) / 4
      }
    }
    return result
  }

  /// u along x = ½ from the bottom to the lid, by central differences of ψ.
  var horizontalVelocity: [Double] {
    let middle = nodes / 2
    let inside = (1..<nodes - 1).map { row -> Double in
      let difference: Double = streamfunction[row + 1, middle] - streamfunction[row - 1, middle]
      return Double(nodes - 1) / 2 * difference
    }
    return [0] + inside + [1]
  }

  /// v along y = ½ from left to right.
  var verticalVelocity: [Double] {
    let middle = nodes / 2
    let inside = (1..<nodes - 1).map { column -> Double in
      let difference: Double = streamfunction[middle, column - 1] - streamfunction[middle, column + 1]
      return Double(nodes - 1) / 2 * difference
    }
    return [0] + inside + [0]
  }

  /// The polynomial through five neighbouring values, `s` from the middle one.
  static func interpolate(_ values: [Double], around middle: Int, _ s: Double) -> Double {
    (-2...2).reduce(0.0) { sum, node in
      let weight = (-2...2).reduce(1.0) { other, k in
        k == node ? other : other * (s - Double(k)) / Double(node - k)
      }
      return sum + weight * values[middle + node]
    }
  }

  static func maximum(_ values: [Double]) -> Double {
    // The ends are walls: with the lid's speed, the largest of all.
    let inside = values.indices.dropFirst(2).dropLast(3)
    let peak = inside.max { values[$0] < values[$1] } ?? 2
    return (-100...100).reduce(-Double.infinity) {
      max($0, interpolate(values, around: peak, Double($1) / 100))
    }
  }

  static func minimum(_ values: [Double]) -> Double { -maximum(values.map { -$0 }) }

  /// The largest |ψ|, of the parabola through its neighbours along both axes.
  var strongestCirculation: Double {
    let (n, psi) = (nodes, streamfunction.values.map(abs))
    let peak = psi.indices.max { psi[$0] < psi[$1] } ?? 0
    return [1, n].reduce(psi[peak]) { sum, stride in
      let (slope, curvature) = (
        (psi[peak + stride] - psi[peak - stride]) / 2,
        psi[peak + stride] - 2 * psi[peak] + psi[peak - stride]
      )
      return sum - slope * slope / (2 * curvature)
    }
  }
}

/// Of two flows, one on half the spacing: what is left when the error of second order is taken out (Richardson).
private struct CavityPair {
  let coarse: SteadyCavity
  let fine: SteadyCavity

  init(nodes: [Int], reynolds: Double) {
    let flows = nodes.reduce(into: [SteadyCavity]()) {
      $0.append(SteadyCavity(nodes: $1, reynolds: reynolds, startingFrom: $0.last))
    }
    (coarse, fine) = (flows[flows.count - 2], flows[flows.count - 1])
  }

  func value(_ quantity: (SteadyCavity) -> Double) -> Double { (4 * quantity(fine) - quantity(coarse)) / 3 }

  /// u_min on x = ½, v_max and v_min on y = ½.
  var extrema: [Double] {
    [
      value { SteadyCavity.minimum($0.horizontalVelocity) },
      value { SteadyCavity.maximum($0.verticalVelocity) },
      value { SteadyCavity.minimum($0.verticalVelocity) },
    ]
  }

  /// The largest deviation of a profile from a table of positions and values.
  func deviation(_ table: [(Double, Double)], _ profile: (SteadyCavity) -> [Double]) -> Double {
    let (first, second) = (profile(coarse), profile(fine))
    return table.reduce(0) { largest, row in
      func interpolated(_ values: [Double]) -> Double {
        let position = row.0 * Double(values.count - 1)
        let middle = min(max(Int(position.rounded()), 2), values.count - 3)
        return SteadyCavity.interpolate(values, around: middle, position - Double(middle))
      }
      return max(largest, abs((4 * interpolated(second) - interpolated(first)) / 3 - row.1))
    }
  }
}

@Suite struct CavityTests {
  private static let isValidation = ProcessInfo.processInfo.environment["OPERATORS_VALIDATION"] != nil

  /// Extrema at Re 100: C. H. Marchi, R. Suero and L. K. Araki, J. Braz. Soc. Mech. Sci. Eng. 31 (2009) 186.
  private static let marchi = [-0.21404, 0.179573, -0.253803]

  /// From 33² and 65² nodes: Richardson leaves errors of fourth order in the inside and of the singular corners, which
  /// are five times smaller on 65² and 129².
  @Test func extremaAtReynolds100() {
    let pair = CavityPair(nodes: [17, 33, 65], reynolds: 100)
    #expect(zip(pair.extrema, Self.marchi).allSatisfy { abs($0 - $1) <= 5e-4 }, "\(pair.extrema)")
  }

  /// The same and Re 1000 from 129² and 257² nodes: minutes, run by `make validate`.
  @Test(.enabled(if: isValidation)) func extremaAtReynolds100OnFineGrids() {
    let pair = CavityPair(nodes: [33, 65, 129, 257], reynolds: 100)
    print("cavity, Re 100: extrema off by", zip(pair.extrema, Self.marchi).map { $0 - $1 })
    #expect(zip(pair.extrema, Self.marchi).allSatisfy { abs($0 - $1) <= 5e-4 }, "\(pair.extrema)")
  }

  /// O. Botella and R. Peyret, Computers & Fluids 27 (1998) 421, tables 9 and 10, by a Chebyshev method (signs for a lid that
  /// moves to the right).
  @Test(.enabled(if: isValidation)) func profilesAtReynolds1000() {
    let pair = CavityPair(nodes: [33, 65, 129, 257], reynolds: 1000)
    let horizontal = [
      (0.0547, -0.1812881), (0.0625, -0.2023300), (0.0703, -0.2228955), (0.1016, -0.3004561),
      (0.1719, -0.3885691), (0.2813, -0.2803696), (0.4531, -0.1081999), (0.5, -0.0620561),
      (0.6172, 0.0570178), (0.7344, 0.1886747), (0.8516, 0.3372212), (0.9531, 0.4723329),
      (0.9609, 0.5169277), (0.9688, 0.5808359), (0.9766, 0.6644227),
    ]
    let vertical = [
      (0.0625, 0.2807056), (0.0703, 0.2962703), (0.0781, 0.3099097), (0.0938, 0.3330442),
      (0.1563, 0.3769189), (0.2266, 0.3339924), (0.2344, 0.3253592), (0.5, 0.0257995),
      (0.8047, -0.3202137), (0.8594, -0.4264545), (0.9063, -0.5264392), (0.9453, -0.4103754),
      (0.9531, -0.3553213), (0.9609, -0.2936869), (0.9688, -0.2279225),
    ]
    let profiles = [
      pair.deviation(horizontal) { $0.horizontalVelocity }, pair.deviation(vertical) { $0.verticalVelocity },
    ]
    let expected = [-0.3885698, 0.3769447, -0.5270771, 0.1189366]
    let found = pair.extrema + [pair.value { $0.strongestCirculation }]
    print("cavity, Re 1000: profiles u, v within", profiles)
    print("cavity, Re 1000: extrema and |psi| off by", zip(found, expected).map { $0 - $1 })
    #expect(profiles.allSatisfy { $0 <= 5e-4 })
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 5e-4 }, "\(found)")
  }
}
