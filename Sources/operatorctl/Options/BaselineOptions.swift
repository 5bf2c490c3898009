// Options that describe a U-Net or a factorized FNO.

import ArgumentParser
import Experiments

struct BaselineOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How often the grid is halved (unet, default: 4).", valueName: "n"))
  var levels: Int?

  @Option(help: ArgumentHelp("Points of a kernel along an axis (unet, default: 3).", valueName: "n"))
  var kernel: Int?

  @Option(
    help: ArgumentHelp("Beyond the ends: zeros (default), periodic, reflect (unet).", valueName: "kind"))
  var padding: String?

  @Option(
    help: ArgumentHelp("Hidden channels of a layer over the width (ffno, default: 4).", valueName: "ratio"))
  var expansion: Double?

  @Flag(inversion: .prefixedNo, help: "One set of spectral weights for all layers (ffno).")
  var sharedWeights: Bool?

  func apply(to document: inout ConfigurationDocument) throws {
    func set(_ key: String, _ value: (some Encodable)?, _ option: String) throws {
      if let value { try document.set("model.\(key)", to: value, origin: "--\(option)") }
    }
    try set("levels", levels, "levels")
    try set("kernel", kernel, "kernel")
    try set("padding", padding, "padding")
    try set("expansion", expansion, "expansion")
    try set("shared_weights", sharedWeights, "shared-weights")
  }
}
