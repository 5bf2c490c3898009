// Implicit-explicit Runge–Kutta methods as pairs of tableaux.

/// A method for u' = Lu + N(u) that takes L implicitly, diagonally so, and N explicitly:
///
///     U_i = u_n + h Σ_{j<i} â_ij N(U_j) + h Σ_{j≤i} a_ij L U_j,
///
/// the first stage being u_n itself and the last row the end of the step, which may be implicit too.
public struct ImplicitExplicitTableau: Sendable {
  /// A stage after the first, or the end of the step.
  public struct Row: Sendable {
    /// â_ij for the stages before.
    public var explicit: [Double]
    /// a_ij for the stages before, and a_ii.
    public var implicit: [Double]

    public init(_ explicit: [Double], _ implicit: [Double]) {
      self.explicit = explicit
      self.implicit = implicit
    }
  }

  public let name: String
  public let order: Int
  public let rows: [Row]

  public init(name: String, order: Int, rows: [Row]) {
    for (index, row) in rows.enumerated() {
      precondition(
        row.explicit.count == index + 1 && row.implicit.count == index + 2, "row \(index) has another length")
    }
    self.name = name
    self.order = order
    self.rows = rows
  }

  /// The method that the tables describe: U_i solved for, with L a number.
  public var method: SemilinearMethod {
    let rows = rows
    var terms: [[Int]] = []
    for (index, row) in rows.enumerated() {
      terms.append(
        (0...index).filter { stage in
          row.explicit[stage] != 0
            || (0..<index).contains { row.implicit[$0 + 1] != 0 && terms[$0].contains(stage) }
        })
    }
    let nodes = [0] + rows.dropLast().map { $0.explicit.reduce(0, +) }
    return SemilinearMethod(name: name, order: order, nodes: nodes, terms: terms) { [terms] z in
      // Of every stage: the weight of u_n, then those of all N.
      var solved = [[1.0] + [Double](repeating: 0, count: rows.count)]
      var values: [Double] = []
      for (index, row) in rows.enumerated() {
        var weights = [1.0] + row.explicit + [Double](repeating: 0, count: rows.count - row.explicit.count)
        for stage in 0...index where row.implicit[stage] != 0 {
          for column in weights.indices { weights[column] += z * row.implicit[stage] * solved[stage][column] }
        }
        let pivot = 1 - z * row.implicit[index + 1]
        for column in weights.indices { weights[column] /= pivot }
        values.append(weights[0])
        values += terms[index].map { weights[$0 + 1] }
        solved.append(weights)
      }
      return values
    }
  }
}

extension ImplicitExplicitTableau {
  /// Crank–Nicolson and forward Euler, the scheme of the script released with Li et al. (2021).
  public static let crankNicolsonEuler = ImplicitExplicitTableau(
    name: "CN-Euler", order: 1, rows: [Row([1], [0.5, 0.5])])

  /// Crank–Nicolson and Heun's method.
  public static let crankNicolsonHeun = ImplicitExplicitTableau(
    name: "CN-Heun", order: 2, rows: [Row([1], [0.5, 0.5]), Row([0.5, 0.5], [0.5, 0, 0.5])])

  /// ARS(4,4,3) of Ascher, Ruuth and Spiteri, Appl. Numer. Math. 25 (1997) 151, section 2.8; L-stable.
  public static let ars443 = ImplicitExplicitTableau(
    name: "IMEX-RK3", order: 3,
    rows: [
      Row([1.0 / 2], [0, 1.0 / 2]), Row([11.0 / 18, 1.0 / 18], [0, 1.0 / 6, 1.0 / 2]),
      Row([5.0 / 6, -5.0 / 6, 1.0 / 2], [0, -1.0 / 2, 1.0 / 2, 1.0 / 2]),
      Row([1.0 / 4, 7.0 / 4, 3.0 / 4, -7.0 / 4], [0, 3.0 / 2, -3.0 / 2, 1.0 / 2, 1.0 / 2]),
    ])

  /// ARK4(3)6L[2]SA of Kennedy and Carpenter, Appl. Numer. Math. 44 (2003) 139; L-stable.
  public static let ark436: ImplicitExplicitTableau = {
    let end = [82889.0 / 524892, 0, 15625.0 / 83664, 69875.0 / 102672, -2260.0 / 8211, 1.0 / 4]
    return ImplicitExplicitTableau(
      name: "IMEX-RK4", order: 4,
      rows: [
        Row([1.0 / 2], [1.0 / 4, 1.0 / 4]),
        Row([13861.0 / 62500, 6889.0 / 62500], [8611.0 / 62500, -1743.0 / 31250, 1.0 / 4]),
        Row(
          [
            -116_923_316_275 / 2_393_684_061_468, -2_731_218_467_317 / 15_368_042_101_831,
            9_408_046_702_089 / 11_113_171_139_209,
          ],
          [5_012_029.0 / 34_652_500, -654441.0 / 2_922_500, 174375.0 / 388108, 1.0 / 4]),
        Row(
          [
            -451_086_348_788 / 2_902_428_689_909, -2_682_348_792_572 / 7_519_795_681_897,
            12_662_868_775_082 / 11_960_479_115_383, 3_355_817_975_965 / 11_060_851_509_271,
          ],
          [
            15_267_082_809 / 155_376_265_600, -71_443_401.0 / 120_774_400, 730_878_875.0 / 902_184_768,
            2_285_395.0 / 8_070_912, 1.0 / 4,
          ]),
        Row(
          [
            647_845_179_188 / 3_216_320_057_751, 73_281_519_250 / 8_382_639_484_533,
            552_539_513_391 / 3_454_668_386_233, 3_354_512_671_639 / 8_306_763_924_573, 4040.0 / 17871,
          ], end),
        Row(end, end + [0]),
      ])
  }()
}

extension SemilinearMethod {
  public static let crankNicolsonEuler = ImplicitExplicitTableau.crankNicolsonEuler.method
  public static let crankNicolsonHeun = ImplicitExplicitTableau.crankNicolsonHeun.method
  public static let imexRK3 = ImplicitExplicitTableau.ars443.method
  public static let imexRK4 = ImplicitExplicitTableau.ark436.method

  static let implicitExplicit = [imexRK4, imexRK3, crankNicolsonHeun, crankNicolsonEuler]
}
