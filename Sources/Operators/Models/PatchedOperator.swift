// Any operator, applied patch by patch.

import Autodiff
import Spectral
import Tensors

/// An operator on patches of a domain (multi-grid domain decomposition): it takes a patch with coarser pictures of its
/// surroundings as further channels and gives the patch's output; outputs are put side by side without their margins.
/// With ``MultigridConfiguration/coarseSolve`` it is first applied to the coarsest picture of the whole, without a guess;
/// its output there, interpolated, is the guess that patches see and correct.
///
/// One patch (of all samples of the batch) is worked on at a time, in training as well, where it is computed again on
/// the way back: memory follows the patch, the loss and its gradient are those of the whole field. Parameters are those
/// of the operator inside, under their own names.
public final class PatchedOperator<Element: SpectralScalar>: NeuralOperator {
  public let configuration: MultigridConfiguration
  /// The operator on patches, of ``MultigridConfiguration/patchChannels(inputs:outputs:)`` inputs.
  public let base: any NeuralOperator<Element>
  private let outChannels: Int

  /// - Parameter outChannels: Of the operator.
  public init(_ base: any NeuralOperator<Element>, outChannels: Int, _ configuration: MultigridConfiguration)
  {
    self.base = base
    self.outChannels = outChannels
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
    let guess =
      configuration.coarseSolve ? coarseSolution(pyramid, patching, at: positions, on: tape) : nil
    let parameters = base.parameters.map(\.parameter)
    let base = base
    let outputs = (0..<patching.patchCount).map { index in
      let places = patching.positions(index, positions)
      return tape.recomputed(
        patching.patch(index, of: pyramid, guess: guess, on: tape), parameters: parameters
      ) { patch, tape in base(patch, at: places, on: tape) }
    }
    let correction = patching.stitched(outputs, on: tape)
    guard let guess else { return correction }
    return tape.sum(correction, patching.cropped(guess, on: tape))
  }

  /// The operator's output on the whole domain at the points of the coarsest level, interpolated to those of the
  /// finest. The whole has no wider surroundings: every level shows the same.
  private func coarseSolution(
    _ pyramid: [Variable<Element>], _ patching: MultigridPatching, at positions: GridPositions,
    on tape: Tape<Element>
  ) -> Variable<Element> {
    let levels = pyramid.count
    let picture = patching.coarsePicture(of: pyramid, on: tape)
    let places = patching.coarsePositions(positions)
    let (base, outChannels) = (base, outChannels)
    let solution = tape.recomputed(picture, parameters: base.parameters.map(\.parameter)) {
      picture, tape in
      let shape = [picture.shape[0], outChannels] + picture.shape[2...]
      let noGuess = Variable(constant: Tensor<Element>.zeros(shape))
      let channels = tape.concatenateChannels(Array(repeating: picture, count: levels) + [noGuess])
      return base(channels, at: places, on: tape)
    }
    return patching.prolonged(solution, on: tape)
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    try base.forEachParameter(path, body)
  }
}
