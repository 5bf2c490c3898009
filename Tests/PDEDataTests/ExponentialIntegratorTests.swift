import Foundation
import PDEData
import Testing

@Suite struct ExponentialIntegratorTests {
  /// φ_k(z) = Σ_j z^j/(j+k)! in extended precision, by halving: φ(2z) follows from φ(z) without cancellation
  /// (Skaflestad and Wright 2009): φ_0(2z)=φ_0², φ_1=(φ_0φ_1+φ_1)/2, φ_2=(φ_1²+2φ_2)/4, φ_3=(φ_1φ_2+2φ_3+φ_2)/8.
  private static func reference(_ z: Double) -> [Double] {
    var halvings = 0
    while abs(z) / Double(1 << halvings) > 0.25 { halvings += 1 }
    let small = z / Double(1 << halvings)
    var phi = (0...3).map { k -> Double in
      var term = 1.0
      for i in 1...max(k, 1) where k > 0 { term /= Double(i) }
      var sum = 0.0
      for j in 0..<20 {
        sum += term
        term *= small / Double(j + k + 1)
      }
      return sum
    }
    for _ in 0..<halvings {
      phi = [
        phi[0] * phi[0], (phi[0] * phi[1] + phi[1]) / 2, (phi[1] * phi[1] + 2 * phi[2]) / 4,
        (phi[1] * phi[2] + 2 * phi[3] + phi[2]) / 8,
      ]
    }
    return phi
  }

  @Test(arguments: [0, -1e-12, 1e-3, -0.03, -0.9999, -1, -1.0001, 0.7, 1.5, -2, -7, -40, -1e3, -1e7])
  func phiFunctionsAreExactToRoundoff(z: Double) {
    let values = PhiFunctions.values(z)
    // e^z by squaring loses an ulp of relative accuracy for every halving; the others do not.
    for (k, expected) in Self.reference(max(z, -600)).enumerated() where z >= -600 {
      let tolerance = k == 0 ? 1e-15 * max(8, 2 * abs(z)) : 8e-15
      #expect(abs(values[k] - expected) <= tolerance * abs(expected), "φ_\(k)(\(z))")
    }
    if z < -600 {
      #expect(values[0] == 0 && abs(values[1] * -z - 1) < 1e-15)
      #expect(abs(values[2] * -z - (1 + 1 / z)) < 1e-15)
    }
  }

  /// u = 2νκ e^{−νκ²t} sin κx / (b + e^{−νκ²t} cos κx): Cole and Hopf's transform of b + e^{−νκ²t} cos κx.
  static func coleHopf(_ x: Double, _ t: Double, viscosity: Double, wavenumber: Double = 2 * .pi) -> Double {
    let decay = exp(-viscosity * wavenumber * wavenumber * t)
    return 2 * viscosity * wavenumber * decay * sin(wavenumber * x) / (1.25 + decay * cos(wavenumber * x))
  }

  /// The largest error at time 1 of the solver with these options, against the exact solution.
  private static func error(_ options: [String: String], points: Int = 128) throws -> Double {
    let folder = try TemporaryFolder()
    let viscosity = 0.05
    let input = folder.path("input.nc")
    try InitialStates.write(
      input, points: points, states: [{ coleHopf($0, 0, viscosity: viscosity) }])
    let generator = DatasetGenerator(
      equation: BurgersEquation(), options: options.merging(["viscosity": "\(viscosity)"]) { $1 },
      input: .dataset(try DatasetReader(path: input)), samples: 0..<1, store: .float64)
    _ = try generator.run(to: folder.path("F.nc"))
    let reader = try DatasetReader(path: folder.path("F.nc"))
    let u = try InitialStates.values(reader, "u")
    return (0..<points).map { abs(u[$0] - coleHopf(Double($0) / Double(points), 1, viscosity: viscosity)) }
      .max() ?? .nan
  }

  @Test(arguments: SemilinearMethod.all.map(\.name))
  func methodsHaveTheirOrder(name: String) throws {
    let method = try #require(SemilinearMethod.all.first { $0.name == name })
    let errors = try [128, 256, 512].map {
      try Self.error(["method": "spectral-\(name.lowercased())", "dt": "\(1 / Double($0))"])
    }
    for (coarse, fine) in zip(errors, errors.dropFirst()) {
      #expect(abs(log2(coarse / fine) - Double(method.order)) < 0.1, "\(errors)")
    }
  }

  @Test(arguments: [96, 101, 128, 250])
  func errorControlReachesTheTolerance(points: Int) throws {
    // Odd and prime sizes too. The tolerance is relative to the state's norm, at time 1 some 0.03.
    for tolerance in [1e-5, 1e-8, 1e-11] {
      #expect(try Self.error(["tolerance": "\(tolerance)"], points: points) < 0.2 * tolerance)
    }
  }

  @Test func theUsersStatesCanBeSolvedOnMorePoints() throws {
    // The modes of the initial state fall off like 2^−k: 64 points hold them to 2e-10.
    #expect(try Self.error(["solve-resolution": "192", "tolerance": "1e-10"], points: 64) < 1e-9)
  }

  @Test func singlePrecisionIsAsGoodAsItCanBe() throws {
    #expect(try Self.error(["precision": "float32", "tolerance": "1e-5"]) < 1e-5)
  }

  @Test func savedStatesAreThoseOfTheirTimes() throws {
    let folder = try TemporaryFolder()
    let viscosity = 0.02
    try InitialStates.write(
      folder.path("input.nc"), points: 128, states: [{ Self.coleHopf($0, 0, viscosity: viscosity) }])
    _ = try DatasetGenerator(
      equation: BurgersEquation(),
      options: ["viscosity": "0.02", "final-time": "2", "save-every": "0.5", "tolerance": "1e-10"],
      input: .dataset(try DatasetReader(path: folder.path("input.nc"))), samples: 0..<1, store: .float64
    ).run(to: folder.path("F.nc"))
    let reader = try DatasetReader(path: folder.path("F.nc"))
    #expect(try reader.times(of: reader.variable("u")) == [0.5, 1, 1.5, 2])
    let u = try InitialStates.values(reader, "u")
    for (saved, time) in [0.5, 1, 1.5, 2].enumerated() {
      for point in 0..<128 {
        let exact = Self.coleHopf(Double(point) / 128, time, viscosity: viscosity)
        #expect(abs(u[saved * 128 + point] - exact) < 1e-10)
      }
    }
  }

  @Test(arguments: [(0.1, 256), (0.05, 512)])
  func coleHopfTable(viscosity: Double, points: Int) throws {
    // u0 = −sin πx on [−1, 1] at x = 0.05, 0.5, 0.95, t = 1: values by Gauss–Hermite quadrature of Cole and Hopf's
    // formula to 16 digits.
    let table = [
      0.1: [-0.07581315566179726, -0.2919159571258355, -0.03324160938216249],
      0.05: [-0.1940622791374457, -0.3589297324723224, -0.03654832259175787],
    ]
    let folder = try TemporaryFolder()
    // 40 points a unit: the three positions are points of the grid of a multiple of 40.
    let count = points / 40 * 40
    try InitialStates.write(
      folder.path("input.nc"), points: count, lower: -1, upper: 1, states: [{ -sin(.pi * $0) }])
    _ = try DatasetGenerator(
      equation: BurgersEquation(), options: ["viscosity": "\(viscosity)", "tolerance": "1e-11"],
      input: .dataset(try DatasetReader(path: folder.path("input.nc"))), samples: 0..<1, store: .float64
    ).run(to: folder.path("F.nc"))
    let u = try InitialStates.values(DatasetReader(path: folder.path("F.nc")), "u")
    for (x, expected) in zip([0.05, 0.5, 0.95], table[viscosity] ?? []) {
      #expect(abs(u[Int(((x + 1) / 2 * Double(count)).rounded())] - expected) < 1e-10)
    }
  }
}
