// Options that describe a deep operator network.

import ArgumentParser
import Experiments

struct DeepONetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Layers of the branch, the last its coefficients (deeponet).", valueName: "128x128"))
  var branch: Sizes?

  @Option(help: ArgumentHelp("Layers of the trunk (deeponet).", valueName: "128x128"))
  var trunk: Sizes?

  @Option(help: ArgumentHelp("tanh (deeponet's default), gelu, relu, silu, sine.", valueName: "kind"))
  var activation: String?

  @Option(
    help: ArgumentHelp(
      "What several outputs share: independent, split_both, split_branch (default), split_trunk.",
      valueName: "strategy"))
  var multiOutput: String?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Channels of convolutions before the branch's layers.", valueName: "n"))
  var convolutions: [Int] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Cosines and sines that stand for each coordinate, 0 for itself.", valueName: "n"))
  var harmonics: [Int] = []

  @Option(help: ArgumentHelp("Random Fourier features of the coordinates.", valueName: "n"))
  var fourierFeatures: Int?

  @Option(help: ArgumentHelp("The standard deviation of their wavenumbers.", valueName: "k"))
  var fourierScale: Double?

  @Option(
    help: ArgumentHelp("Inputs at other sensors than the model's: interpolate, refuse.", valueName: "kind"))
  var otherSensors: String?

  func apply(to document: inout ConfigurationDocument) throws {
    func set(_ key: String, _ value: (some Encodable)?, _ option: String) throws {
      if let value { try document.set("model.\(key)", to: value, origin: "--\(option)") }
    }
    try set("branch", branch?.values, "branch")
    try set("trunk", trunk?.values, "trunk")
    try set("activation", activation, "activation")
    try set("multi_output", multiOutput, "multi-output")
    try set("convolutions", convolutions.isEmpty ? nil : convolutions, "convolutions")
    try set("harmonics", harmonics.isEmpty ? nil : harmonics, "harmonics")
    try set("fourier_features", fourierFeatures, "fourier-features")
    try set("fourier_scale", fourierScale, "fourier-scale")
    try set("other_sensors", otherSensors, "other-sensors")
  }
}
