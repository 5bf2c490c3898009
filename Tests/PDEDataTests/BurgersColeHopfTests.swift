import Foundation
import PDEData
import Spectral
import Tensors
import Testing

/// u0 = −sin πx on [−1, 1], u = 0 at both ends.
@Suite struct BurgersColeHopfTests {
  static let positions = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]

  /// At these positions, at t = 1/4, 1/2 and 1: Cole and Hopf's formula by Gauss–Hermite quadrature, 16 digits.
  static let table: [Double: [[Double]]] = [
    0.01 / .pi: [
      [
        -0.5315978594388195, -0.7949743591331288, -0.9920815616225221, -0.8031984208406326,
        -0.430516264181566, -0.175009500165957, -0.0876985097849345,
      ],
      [
        -0.9789821783950711, -0.9581595534189057, -0.8473545244509306, -0.5927695344020511,
        -0.3028427083473501, -0.121789426903233, -0.0609402068151413,
      ],
      [
        -0.7000270808793589, -0.6654815676639962, -0.5591962931027227, -0.3761813957481221,
        -0.1889980953079479, -0.0756959444861376, -0.03785479770938817,
      ],
    ],
    0.1: [
      [
        -0.2066987332050154, -0.392588728050857, -0.7253718362012287, -0.7000062295883722,
        -0.3911215218394143, -0.160260450324904, -0.08039114149135332,
      ],
      [
        -0.1637183830699216, -0.3093456531948311, -0.5541106930174552, -0.5027893788520401,
        -0.2707900716942695, -0.1099162110644819, -0.05506507612919616,
      ],
      [
        -0.07581315566179726, -0.1460652489702393, -0.287474405916976, -0.2919159571258355,
        -0.1625648571106705, -0.06631576954166643, -0.03324160938216249,
      ],
    ],
    0.05: [
      [
        -0.2939968874096087, -0.5365297029846268, -0.8633419247386215, -0.756447227894504,
        -0.4124596307584421, -0.1682247002431028, -0.08433530698597734,
      ],
      [
        -0.3352668054596577, -0.5721295202840851, -0.746056528243859, -0.5598807655703474,
        -0.2898828056911589, -0.1168864410609986, -0.05850744189086664,
      ],
      [
        -0.1940622791374457, -0.344277071104431, -0.4848388511712635, -0.3589297324723224,
        -0.1821454525184854, -0.07306829006533112, -0.03654832259175787,
      ],
    ],
  ]

  /// The saved states, one after another.
  private static func solve(
    _ points: Int, _ placement: Grid.Placement, viscosity: Double, options: [String: String]
  ) throws -> [Double] {
    let folder = try TemporaryFolder()
    try InitialStates.write(
      folder.path("input.nc"), points: points, lower: -1, upper: 1, states: [{ -sin(.pi * $0) }],
      placement: placement)
    let asked = ["viscosity": "\(viscosity)", "boundary": placement == .nodes ? "dirichlet" : "periodic"]
    let summary = try DatasetGenerator(
      equation: BurgersEquation(), options: options.merging(asked) { $1 },
      input: .dataset(try DatasetReader(path: folder.path("input.nc"))), samples: 0..<1, store: .float64
    ).run(to: folder.path("F.nc"))
    #expect(summary.failed.isEmpty)
    return try InitialStates.values(DatasetReader(path: folder.path("F.nc")), "u")
  }

  /// The largest error in the table; the positions are points of the grid: twenty of a half or multiples.
  static func error(
    _ points: Int, _ placement: Grid.Placement, viscosity: Double, options: [String: String]
  ) throws -> Double {
    let u = try solve(
      points, placement, viscosity: viscosity, options: options.merging(["save-every": "0.25"]) { $1 })
    let intervals = placement == .nodes ? points - 1 : points
    var worst = 0.0
    for (saved, expected) in zip([0, 1, 3], table[viscosity] ?? []) {
      for (x, value) in zip(positions, expected) {
        let place = Int(((x + 1) / 2 * Double(intervals)).rounded())
        worst = max(worst, abs(u[saved * points + place] - value))
      }
    }
    return worst
  }

  @Test(arguments: [(0.1, 321), (0.05, 481)])
  func spectralSolutionsAreExact(viscosity: Double, nodes: Int) throws {
    let options = ["tolerance": "1e-11"]
    #expect(try Self.error(nodes, .nodes, viscosity: viscosity, options: options) < 1e-10)
    #expect(try Self.error(nodes - 1, .periodic, viscosity: viscosity, options: options) < 1e-10)
  }

  @Test func spectralSolutionOfTheSteepCase() throws {
    // Bar: 1e-6. The front is 0.01 wide; 1600 intervals leave 1e-8 in the highest modes.
    #expect(
      try Self.error(1601, .nodes, viscosity: 0.01 / .pi, options: ["tolerance": "1e-9"]) < 1e-7)
  }

  @Test(arguments: [
    ("differences-central", Grid.Placement.nodes, 4001, 1e-5), ("differences-central", .periodic, 4000, 1e-5),
    ("differences-limited", .nodes, 2001, 1e-5), ("differences-weno", .nodes, 1001, 1e-5),
  ])
  func differencesOfTheSteepCase(
    method: String, placement: Grid.Placement, points: Int, bound: Double
  ) throws {
    // The bar is 1e-5 with 4096 points by second-order differences; h²u_xxx/6 is a few times less at the table's points,
    // and of steps at a Courant number of 1.25 the error is 3e-7.
    let error = try Self.error(
      points, placement, viscosity: 0.01 / .pi, options: ["method": method, "dt": "6.25e-4"])
    #expect(error < bound, "\(error)")
  }

  @Test func theSteepestSlope() throws {
    // −152.00516 at t = 1.6037/π, x = 0 (Basdevant et al., Comput. Fluids 14 (1986) 23), to seven digits there.
    let nodes = 2049
    let u = try Self.solve(
      nodes, .nodes, viscosity: 0.01 / .pi,
      options: ["final-time": "\(1.6037 / .pi)", "tolerance": "1e-8"])
    let odd = u + u[1..<nodes - 1].reversed().map { -$0 }
    let slope = SpectralDerivative.derivative(of: Tensor(odd, shape: [odd.count]), axis: 0, length: 4)
    #expect(abs((slope.values.min() ?? 0) / -152.00516 - 1) < 1e-5)
  }

  @Test func smoothFieldsOnNodesAreTheSameOnMorePoints() throws {
    // u0 is one sine wave: interpolated exactly, so that coarse input is solved to the fine grid's accuracy.
    #expect(
      try Self.error(41, .nodes, viscosity: 0.1, options: ["solve-resolution": "321", "tolerance": "1e-11"])
        < 1e-10)
  }
}
