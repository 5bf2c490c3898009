// What a model is made of, in words.

import Operators

extension ModelConfiguration {
  /// What decides the model's size, in lines for people; none where the kind says it all.
  var composition: [String] {
    switch self {
    case .fno(let configuration): [configuration.composition]
    case .deepONet(let configuration): [configuration.composition]
    case .uNet(let configuration): ["width \(configuration.width), \(configuration.levels) levels"]
    case .factorizedFNO(let configuration):
      ["modes \(list(configuration.modes)), width \(configuration.width), \(configuration.layers) layers"]
    case .ensemble(let configuration):
      configuration.members.enumerated().map { index, member in
        "member \(index + 1): \(([member.model.kind.rawValue] + member.model.composition).joined(separator: ", "))"
      }
    case .multigrid(let multigrid, let base):
      base.composition + [
        "\(1 << multigrid.levels) patches an axis, \(multigrid.boundary.rawValue)"
          + (multigrid.coarseSolve ? ", correcting a coarse solution" : "")
      ]
    }
  }
}

extension FNOConfiguration {
  fileprivate var composition: String {
    let size = "modes \(list(modes)), width \(width), \(layers) layers"
    guard factorization != .dense, let ranks = try? spectralRanks() else { return size }
    return "\(size), \(factorization.rawValue) ranks \(list(ranks))"
      + (jointFactorization ? " of all layers together" : "")
  }
}

extension DeepONetConfiguration {
  fileprivate var composition: String {
    let branch = "\(list(sensors)) sensors, branch \(list(branch))"
    return basis == .pod ? branch : "\(branch), trunk \(list(trunk))"
  }
}

private func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: " ") }
