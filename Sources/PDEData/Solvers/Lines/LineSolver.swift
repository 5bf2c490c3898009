// Many tridiagonal systems at once, along any axis of an array.

import Tensors

/// Solves `A x = d` along every line of an axis, with one tridiagonal or cyclic tridiagonal matrix A that is
/// eliminated once, without pivoting: diagonally dominant matrices are safe.
///
/// Two passes over each line (Thomas 1949), no divisions; the lines are lanes of vector code and are shared out
/// over the ``WorkerPool`` in blocks that stay in the cache. Results do not depend on the number of threads.
///
/// ```swift
/// let solver = LineSolver<Double>(TridiagonalMatrix(count: 256, lower: -r, diagonal: 1 + 2 * r, upper: -r))
/// solver.solve(&field, axis: 0)
/// ```
public struct LineSolver<Element: Scalar>: Sendable {
  private let kernel: ConstantKernel<Element>

  public init(_ matrix: TridiagonalMatrix) {
    kernel = ConstantKernel(matrix)
  }

  /// The order of the matrix.
  public var count: Int { kernel.count }

  /// Replaces the right-hand sides by the solutions.
  public func solve(_ values: inout Tensor<Element>, axis: Int) {
    let shape = values.shape
    values.withUnsafeMutableBuffer { buffer in
      guard let address = buffer.baseAddress else { return }
      solve(address, shape: shape, axis: axis)
    }
  }

  /// Replaces the right-hand sides, a dense row-major array, by the solutions.
  public func solve(_ values: UnsafeMutablePointer<Element>, shape: [Int], axis: Int) {
    let geometry = LineGeometry(shape: shape, axis: axis)
    precondition(geometry.count == count, "\(geometry.count) points for a matrix of order \(count)")
    sweepConstantLines(kernel, geometry, values)
  }
}

/// Tridiagonal systems of which every line has its own.
public enum VariableLines {
  /// Solves `lower_i x_{i−1} + diagonal_i x_i + upper_i x_{i+1} = values_i` along every line of an axis, in place; the
  /// coefficients are arrays of the same shape. In a cyclic system the first point's `lower` belongs to the
  /// last unknown and the last point's `upper` to the first; otherwise these two have no effect. No pivoting.
  public static func solve<Element: Scalar>(
    _ values: inout Tensor<Element>, lower: Tensor<Element>, diagonal: Tensor<Element>,
    upper: Tensor<Element>, axis: Int, isCyclic: Bool = false
  ) {
    let shape = values.shape
    precondition(
      lower.shape == shape && diagonal.shape == shape && upper.shape == shape, "arrays of one shape")
    let geometry = LineGeometry(shape: shape, axis: axis)
    let kernel = VariableKernel<Element>(count: geometry.count, isCyclic: isCyclic)
    values.withUnsafeMutableBuffer { buffer in
      guard let address = buffer.baseAddress else { return }
      sweepVariableLines(
        kernel, geometry,
        LineInput(
          right: address, lower: lower.unsafePointer, diagonal: diagonal.unsafePointer,
          upper: upper.unsafePointer), address)
    }
    withExtendedLifetime((lower, diagonal, upper)) {}
  }

  /// Solves `(A + shift_ℓ B) x = values` along every line ℓ of an axis, in place; lines are counted in row-major
  /// order of the other axes, whose points `shifts` has. Neither matrix is cyclic. No pivoting.
  public static func solve<Element: Scalar>(
    _ values: inout Tensor<Element>, _ a: TridiagonalMatrix, plus b: TridiagonalMatrix,
    times shifts: Tensor<Element>, axis: Int
  ) {
    let shape = values.shape
    values.withUnsafeMutableBuffer { buffer in
      guard let address = buffer.baseAddress else { return }
      solve(address, shape: shape, ShiftedKernel(a, b), shifts: shifts, axis: axis)
    }
  }

  static func solve<Element: Scalar>(
    _ values: UnsafeMutablePointer<Element>, shape: [Int], _ kernel: ShiftedKernel<Element>,
    shifts: Tensor<Element>, axis: Int
  ) {
    let geometry = LineGeometry(shape: shape, axis: axis)
    precondition(
      geometry.count == kernel.count && shifts.count == geometry.lines, "one shift for every line")
    sweepShiftedLines(
      kernel, geometry, LineInput(right: values, shifts: shifts.unsafePointer), values)
    withExtendedLifetime(shifts) {}
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func sweepConstantLines<E: Scalar>(
  _ kernel: ConstantKernel<E>, _ geometry: LineGeometry, _ values: UnsafeMutablePointer<E>
) {
  sweepLines(kernel, geometry, LineInput(right: values), target: values)
}

@specialized(where E == Float)
@specialized(where E == Double)
private func sweepVariableLines<E: Scalar>(
  _ kernel: VariableKernel<E>, _ geometry: LineGeometry, _ input: LineInput<E>,
  _ values: UnsafeMutablePointer<E>
) {
  sweepLines(kernel, geometry, input, target: values)
}

@specialized(where E == Float)
@specialized(where E == Double)
private func sweepShiftedLines<E: Scalar>(
  _ kernel: ShiftedKernel<E>, _ geometry: LineGeometry, _ input: LineInput<E>,
  _ values: UnsafeMutablePointer<E>
) {
  sweepLines(kernel, geometry, input, target: values)
}
