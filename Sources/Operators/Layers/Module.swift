// What every layer and model is: something with parameters that are visited in one order.

import Autodiff
import Tensors

/// Something with parameters.
///
/// `forEachParameter` visits every parameter once, in an order that depends on the configuration alone. That order
/// drives optimizers, checkpoints, counting and sums over processes.
public protocol Module<Element> {
  associatedtype Element: Scalar

  /// Calls `body` with the path of each parameter (components joined by dots, `path` in front) and the parameter.
  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows
}

extension Module {
  /// Every parameter with its path from this module.
  public var parameters: [(path: String, parameter: Parameter<Element>)] {
    var result: [(path: String, parameter: Parameter<Element>)] = []
    forEachParameter("") { result.append(($0, $1)) }
    return result
  }

  /// Real numbers in all parameters that are trained; a complex one counts as two.
  public var parameterCount: Int {
    var count = 0
    forEachParameter("") { count += $1.isTrainable ? $1.count : 0 }
    return count
  }

  /// Forgets all gradients; keeps their memory unless that is to be `releasing`.
  public func clearGradients(releasing: Bool = false) {
    forEachParameter("") { $1.clearGradient(releasing: releasing) }
  }
}

/// The path of a part: `path.name`, or the name alone at the root.
func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

/// A map from functions to functions, both sampled at points; on the same grid unless the operator says otherwise.
public protocol NeuralOperator<Element>: Module, AnyObject {
  /// - Parameters:
  ///   - input: `[batch, channel, …grid]`, any number of points an axis.
  ///   - positions: Where the points are.
  /// - Returns: `[batch, channel, …grid]` on the same grid.
  func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element>

  /// The output at `queries`, points other than those of the input; `[batch, channel] + queries.shape`. An operator
  /// that gives its output where its input is needs none of its own.
  func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, queries: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element>

  /// Whether the operator can be applied to functions sampled at `positions`, with its output at `queries`.
  func fitting(at positions: GridPositions, queries: GridPositions) -> OperatorFitting

  /// Takes from the training samples what the operator is built on besides its parameters' initial values: places, a
  /// basis. Called once, before training, never with other samples than those trained on.
  func prepare(from training: any BatchSource<Element>, outputNormalizer: Normalizer) throws
}

extension NeuralOperator {
  public func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, queries: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    precondition(queries == positions, "this operator's output is where its input is")
    return self(input, at: positions, on: tape)
  }

  public func fitting(at positions: GridPositions, queries: GridPositions) -> OperatorFitting {
    queries == positions
      ? .exact : .refused("gives its output at the points of its input, not at others")
  }

  public func prepare(from training: any BatchSource<Element>, outputNormalizer: Normalizer) throws {}
}

/// How an operator meets points that it may not have been trained at.
public enum OperatorFitting: Error, Equatable, CustomStringConvertible {
  case exact
  /// It can be applied, but something is interpolated; what.
  case adapted(String)
  /// It cannot; why.
  case refused(String)

  public var description: String {
    switch self {
    case .exact: "the points are the model's own"
    case .adapted(let what): what
    case .refused(let reason): "the model \(reason)"
    }
  }
}
