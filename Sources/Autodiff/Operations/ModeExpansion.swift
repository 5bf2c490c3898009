// Complex matrices times complex tensors: how the matrices of all modes come from factors.

import Tensors

/// `C[b, k, j] = Σ_i M[k, i] N[b, i, j]`, complex: M planar `[2, k, i]`, N `[b, 2, i, j]`, C `[b, k, 2, j]`, each of
/// whose axes may stand for several.
///
/// With M as the real matrix that it is to real and imaginary parts, `[k, 2]` rows by `[2, i]` columns, this is one
/// real product for each b, and what it gives lies as the next one wants it.
struct ModeExpansion<Element: Scalar>: DifferentiableOperation {
  let columns: Int
  private var saved: (tensor: Tensor<Element>, matrix: Tensor<Element>, blocks: Tensor<Element>)?

  init(columns: Int) { self.columns = columns }

  struct Sizes {
    let batch: Int
    let rows: Int
    let terms: Int
    let columns: Int

    init(_ tensor: Tensor<Element>, _ matrix: Tensor<Element>, columns: Int) {
      terms = matrix.shape[matrix.shape.count - 1]
      rows = matrix.count / 2 / terms
      batch = tensor.count / (2 * terms * columns)
      self.columns = columns
      precondition(tensor.count == batch * 2 * terms * columns, "a tensor with \(terms) terms")
    }

    /// Numbers of one b in N and in C.
    var inputCount: Int { 2 * terms * columns }
    var outputCount: Int { rows * 2 * columns }
    /// Columns that one task takes where there are few b: many, since a product first packs all of M.
    var panel: Int { batch >= 16 ? columns : Self.panel(of: columns) }

    static func panel(of count: Int) -> Int {
      WorkerPool.rangeSize(count: count, grain: min(512, max(32, count / 4)), limit: 64)
    }

    var panels: Int { (columns + panel - 1) / panel }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (tensor, matrix) = (inputs[0], inputs[1])
    let sizes = Sizes(tensor, matrix, columns: columns)
    let (rows, terms, columns) = (sizes.rows, sizes.terms, sizes.columns)
    let blocks = Self.realBlocks(matrix, sizes)
    var output = Tensor<Element>(uninitialized: [sizes.batch * rows, 2, columns])
    let (n, m, c) = (tensor.unsafePointer, blocks.unsafePointer, output.unsafeMutablePointer())
    WorkerPool.shared.run(tasks: sizes.batch * sizes.panels) { task in
      let (b, first) = (task / sizes.panels, task % sizes.panels * sizes.panel)
      gemm(
        m: 2 * rows, n: min(sizes.panel, columns - first), k: 2 * terms, a: m, lda: 2 * terms,
        b: n + b * sizes.inputCount + first, ldb: columns, c: c + b * sizes.outputCount + first, ldc: columns)
    }
    withExtendedLifetime((tensor, blocks)) {}
    if recording { saved = (tensor, matrix, blocks) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (tensor, matrix, blocks) = saved else { return }
    let sizes = Sizes(tensor, matrix, columns: columns)
    let (rows, terms, columns) = (sizes.rows, sizes.terms, sizes.columns)
    let (n, m, dc) = (tensor.unsafePointer, blocks.unsafePointer, gradient.unsafePointer)
    if var result = slots.begin(0, shape: tensor.shape) {
      let (dn, beta) = (result.tensor.unsafeMutablePointer(), result.beta)
      WorkerPool.shared.run(tasks: sizes.batch * sizes.panels) { task in
        let (b, first) = (task / sizes.panels, task % sizes.panels * sizes.panel)
        gemm(
          true, false, m: 2 * terms, n: min(sizes.panel, columns - first), k: 2 * rows, a: m, lda: 2 * terms,
          b: dc + b * sizes.outputCount + first, ldb: columns, beta: beta,
          c: dn + b * sizes.inputCount + first, ldc: columns)
      }
      slots.end(0, result)
    }
    if var result = slots.begin(1, shape: matrix.shape) {
      // Partial sums by groups of b; where there are few b, rows are shared out as well.
      let groups = min(sizes.batch, 16)
      let panel = groups >= 16 ? 2 * rows : Sizes.panel(of: 2 * rows)
      let panels = (2 * rows + panel - 1) / panel
      var partials = Tensor<Element>(uninitialized: [groups, 2 * rows, 2 * terms])
      let sums = partials.unsafeMutablePointer()
      WorkerPool.shared.run(tasks: groups * panels) { task in
        let (group, first) = (task / panels, task % panels * panel)
        let range = sizes.batch * group / groups..<sizes.batch * (group + 1) / groups
        for b in range {
          gemm(
            false, true, m: min(panel, 2 * rows - first), n: 2 * terms, k: columns,
            a: dc + b * sizes.outputCount + first * columns, lda: columns, b: n + b * sizes.inputCount,
            ldb: columns, beta: b == range.lowerBound ? 0 : 1,
            c: sums + (group * 2 * rows + first) * 2 * terms,
            ldc: 2 * terms)
        }
      }
      Self.addPlanar(partials, sizes, to: &result)
      slots.end(1, result)
    }
    withExtendedLifetime((tensor, blocks, gradient)) {}
  }

  /// `[[re, −im], [im, re]]`, the two rows of each k side by side.
  static func realBlocks(_ matrix: Tensor<Element>, _ sizes: Sizes) -> Tensor<Element> {
    let (rows, terms) = (sizes.rows, sizes.terms)
    var result = Tensor<Element>(uninitialized: [2 * rows, 2 * terms])
    let (real, blocks) = (matrix.unsafePointer, result.unsafeMutablePointer())
    let imaginary = real + rows * terms
    for row in 0..<rows {
      let (top, bottom) = (blocks + 4 * row * terms, blocks + (4 * row + 2) * terms)
      for i in 0..<terms {
        let (x, y) = (real[row * terms + i], imaginary[row * terms + i])
        (top[i], top[terms + i], bottom[i], bottom[terms + i]) = (x, -y, y, x)
      }
    }
    withExtendedLifetime(matrix) {}
    return result
  }

  /// The adjoint of ``realBlocks(_:_:)``, summed over groups.
  private static func addPlanar(
    _ partials: Tensor<Element>, _ sizes: Sizes, to gradient: inout PartialGradient<Element>
  ) {
    let (rows, terms) = (sizes.rows, sizes.terms)
    let (sums, real) = (partials.unsafePointer, gradient.tensor.unsafeMutablePointer())
    let imaginary = real + rows * terms
    if !gradient.accumulates { real.update(repeating: 0, count: 2 * rows * terms) }
    for group in 0..<partials.shape[0] {
      for row in 0..<rows {
        let top = sums + (group * rows + row) * 4 * terms
        let bottom = top + 2 * terms
        for i in 0..<terms {
          real[row * terms + i] += top[i] + bottom[terms + i]
          imaginary[row * terms + i] += bottom[i] - top[terms + i]
        }
      }
    }
    withExtendedLifetime(partials) {}
  }
}

extension Tape {
  /// `C[b, k, j] = Σ_i M[k, i] N[b, i, j]`: the complex planar `matrix` `[2, …k, i]` by a complex `tensor`
  /// `[…b, 2, i, …j]` with `columns` j, as `[b·k, 2, j]`.
  public func modeExpansion(
    _ tensor: Variable<Element>, by matrix: Variable<Element>, columns: Int
  ) -> Variable<Element> {
    apply(ModeExpansion<Element>(columns: columns), [tensor, matrix])
  }
}
