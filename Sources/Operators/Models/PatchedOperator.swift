// Any operator, applied patch by patch.

import Autodiff
import Spectral
import Tensors

/// An operator on patches of a domain (multi-grid domain decomposition): it takes a patch with coarser pictures of its
/// surroundings as further channels and gives the patch's output; outputs are put side by side without their margins.
///
/// One patch (of all samples of the batch) is worked on at a time, in training as well, where it is computed again on
/// the way back: memory follows the patch, the loss and its gradient are those of the whole field. Parameters are those
/// of the operator inside, under their own names.
public final class PatchedOperator<Element: SpectralScalar>: NeuralOperator {
  public let configuration: MultigridConfiguration
  /// The operator on patches: of `channels·(levels + 1)` inputs.
  public let base: any NeuralOperator<Element>

  public init(_ base: any NeuralOperator<Element>, _ configuration: MultigridConfiguration) {
    self.base = base
    self.configuration = configuration
  }

  public func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    let shape = Array(input.shape[2...])
    guard configuration.levels > 0 else { return base(input, at: positions, on: tape) }
    if let problem = MultigridPatching.problem(shape: shape, configuration) { preconditionFailure(problem) }
    let patching = MultigridPatching(configuration, shape: shape)
    let pyramid = patching.pyramid(input, on: tape)
    let parameters = base.parameters.map(\.parameter)
    let base = base
    let outputs = (0..<patching.patchCount).map { index in
      let places = patching.positions(index, positions)
      return tape.recomputed(patching.patch(index, of: pyramid, on: tape), parameters: parameters) {
        patch, tape in base(patch, at: places, on: tape)
      }
    }
    return patching.stitched(outputs, on: tape)
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    try base.forEachParameter(path, body)
  }
}
