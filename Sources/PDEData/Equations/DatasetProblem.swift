// What a generator of datasets sees of an equation with its parameters, grid and solver.

import Tensors

/// A field that a problem gives for every sample.
public struct FieldDescription: Sendable, Hashable {
  public var name: String
  public var hasTime: Bool
  /// Else one number, or one for every time.
  public var isOnGrid: Bool
  public var longName: String
  public var units: String

  public init(
    _ name: String, hasTime: Bool = false, isOnGrid: Bool = true, longName: String, units: String = "1"
  ) {
    self.name = name
    self.hasTime = hasTime
    self.isOnGrid = isOnGrid
    self.longName = longName
    self.units = units
  }
}

/// A number that a problem gives for every sample.
public struct ScalarDescription: Sendable, Hashable {
  public var name: String
  public var longName: String
  public var units: String

  public init(_ name: String, longName: String, units: String = "1") {
    self.name = name
    self.longName = longName
    self.units = units
  }
}

/// The values of one sample.
public struct SampleSolution: Sendable {
  /// By field, `[time, …grid]` or `[…grid]`; where the solver failed, those that are known nevertheless.
  public var fields: [String: Tensor<Double>]
  public var scalars: [String: Double]
  public var isSolved: Bool
  /// What the user should know though the sample was computed as asked.
  public var warning: String?

  public init(fields: [String: Tensor<Double>], scalars: [String: Double] = [:], isSolved: Bool = true) {
    self.fields = fields
    self.scalars = scalars
    self.isSolved = isSolved
  }
}

/// A kind of samples: an equation with its parameters, on a grid, with a solver and a source of inputs.
///
/// A sample is a function of its number alone: it is the same whichever thread computes it, in whatever order.
public protocol DatasetProblem: Sendable {
  /// Of the stored fields.
  var grid: Grid { get }
  /// Of the axes (by name) whose points are not evenly spaced, where they are.
  var coordinates: [String: [Double]] { get }
  /// Of the saved states; nil for problems without time.
  var times: [Double]? { get }
  var fields: [FieldDescription] { get }
  var scalars: [ScalarDescription] { get }
  /// Everything that tells these samples from others: the equation with its parameters, the random field, boundary
  /// conditions, solver, tolerances, and what is input and output of an operator.
  var attributes: [Attribute] { get }

  /// The sample of this number; throws where its input cannot be read.
  func solve(sample: Int) throws(DatasetError) -> SampleSolution

  /// The same samples, solved with half the step on half the grid spacing and given at the same points: what their
  /// difference from this problem's tells is its discretization error. Inputs are the same functions: interpolated
  /// where smooth, refined piece by piece where piecewise constant, never drawn anew.
  func refined() throws -> any DatasetProblem
}

extension DatasetProblem {
  var coordinates: [String: [Double]] { [:] }

  /// The largest relative L² difference of this problem's fields (at any saved time) from those of a refined
  /// solution; nil where either failed.
  func discretizationError(of solution: SampleSolution, refined: SampleSolution) -> Double? {
    guard solution.isSolved, refined.isSolved else { return nil }
    var worst = 0.0
    for field in fields where field.isOnGrid {
      guard let coarse = solution.fields[field.name], let fine = refined.fields[field.name],
        coarse.count == fine.count
      else { return nil }
      let points = grid.pointCount
      coarse.withUnsafeBuffer { coarse in
        fine.withUnsafeBuffer { fine in
          for start in stride(from: 0, to: fine.count, by: points) {
            var (difference, norm) = (0.0, 0.0)
            for index in start..<start + points {
              difference += (coarse[index] - fine[index]) * (coarse[index] - fine[index])
              norm += fine[index] * fine[index]
            }
            if difference > 0 { worst = max(worst, (difference / norm).squareRoot()) }
          }
        }
      }
    }
    return worst
  }
}
