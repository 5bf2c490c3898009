// Any model on patches of the domain, as a kind of model of its own.

import Operators
import Tensors

/// A model on patches. Its channels are those of the whole field.
struct PatchedArchitecture: Architecture {
  var multigrid: MultigridConfiguration
  var base: ModelConfiguration

  init(multigrid: MultigridConfiguration, base: ModelConfiguration) {
    self.multigrid = multigrid
    self.base = base
  }

  init(from decoder: any Decoder) throws {
    switch try ModelConfiguration(from: decoder) {
    case .multigrid(let multigrid, let base): self.init(multigrid: multigrid, base: base)
    case let base: self.init(multigrid: MultigridConfiguration(levels: 0), base: base)
    }
  }

  func encode(to encoder: any Encoder) throws {
    try ModelConfiguration.multigrid(multigrid, base).encode(to: encoder)
  }

  var inChannels: Int {
    get { base.channels.inputs }
    set { base.channels.inputs = newValue }
  }

  var outChannels: Int {
    get { base.channels.outputs }
    set { base.channels.outputs = newValue }
  }

  var dimensions: Int { base.dimensions }
  var growingModes: [Int]? { base.modes }

  var problem: String? {
    switch base {
    case .deepONet, .ensemble:
      return
        "multigrid: a model that works on grids of any size, which a \(base.kind.rawValue) does not, or null"
    case .fno, .uNet, .factorizedFNO, .multigrid: break
    }
    // What the data have not said yet is not wrong.
    let problem = dimensions == 0 ? nil : multigrid.problem(dimensions: dimensions)
    return problem ?? onPatches.problem
  }

  func makeModel(seed: UInt64?) -> any NeuralOperator<Float> {
    PatchedOperator(onPatches.makeModel(seed: seed), outChannels: outChannels, multigrid)
  }

  /// The model with the channels of all levels of patches.
  private var onPatches: ModelConfiguration {
    var result = base
    result.channels.inputs = multigrid.patchChannels(
      inputs: base.channels.inputs, outputs: base.channels.outputs)
    return result
  }

  mutating func adapt(to data: OperatorData) throws { try base.architecture.adapt(to: data) }

  func problem(grid shape: [Int]) -> String? {
    MultigridPatching.problem(shape: shape, multigrid) ?? base.problem(grid: shape)
  }

  func warning(grid: Grid) -> String? {
    guard multigrid.levels > 0, multigrid.boundary == .periodic,
      let axis = grid.axes.first(where: { !$0.isPeriodic })
    else { return nil }
    return
      "axis \(axis.name) is not periodic, but model.multigrid.boundary is: reflect or replicate may do better"
  }

  func coarseAxes(of grid: Grid) -> [CoarseAxis] {
    base.coarseAxes(of: smallestGrid(grid))
  }

  /// The smallest grid that the model inside works on.
  private func smallestGrid(_ grid: Grid) -> Grid {
    guard multigrid.levels > 0, MultigridPatching.problem(shape: grid.shape, multigrid) == nil else {
      return grid
    }
    let patching = MultigridPatching(multigrid, shape: grid.shape)
    var result = grid
    for axis in grid.axes.indices {
      result.axes[axis].count = patching.smallestShape[axis]
      result.axes[axis].name += " of a patch"
    }
    return result
  }
}
