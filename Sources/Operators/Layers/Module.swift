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

  /// Real numbers in all parameters; a complex one counts as two.
  public var parameterCount: Int {
    var count = 0
    forEachParameter("") { count += $1.count }
    return count
  }

  public func clearGradients() {
    forEachParameter("") { $1.clearGradient() }
  }
}

/// The path of a part: `path.name`, or the name alone at the root.
func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

/// A map from functions to functions, both sampled on the same grid.
public protocol NeuralOperator<Element>: Module, AnyObject {
  /// - Parameters:
  ///   - input: `[batch, channel, …grid]`, any number of points an axis.
  ///   - positions: Where the points are.
  /// - Returns: `[batch, channel, …grid]` on the same grid.
  func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element>
}

/// The coordinates of a grid's points along each axis, scaled to [0, 1] by the extent of the domain.
public struct GridPositions: Sendable, Equatable {
  /// For each grid axis, slowest first, the position of every point.
  public let axes: [[Double]]

  public init(axes: [[Double]]) { self.axes = axes }

  /// `j/n` along every axis: a periodic grid, and what neuraloperator takes every grid for.
  public init(uniform shape: [Int]) {
    axes = shape.map { count in (0..<count).map { Double($0) / Double(count) } }
  }

  /// Where the points of `grid` are.
  public init(_ grid: Grid) {
    axes = grid.axes.map { axis in axis.coordinates.map { ($0 - axis.lowerBound) / axis.length } }
  }

  public var shape: [Int] { axes.map(\.count) }
}
