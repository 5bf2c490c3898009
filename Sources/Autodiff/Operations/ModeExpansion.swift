// Complex matrices times complex tensors: how the matrices of all modes come from factors.

import Tensors

/// `C[b, k, j] = Σ_i M[k, i] N[b, i, j]`, complex: M planar `[2, k, i]`, N `[b, 2, i, j]`, C `[b, k, 2, j]`, each of
/// whose axes may stand for several: what it gives lies as the next one wants it. Each complex product is three real
/// ones.
struct ModeExpansion<Element: Scalar>: DifferentiableOperation {
  let columns: Int
  private var saved: (tensor: Tensor<Element>, matrix: Tensor<Element>)?

  init(columns: Int) { self.columns = columns }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (tensor, matrix) = (inputs[0], inputs[1])
    let sizes = ExpansionSizes(tensor, matrix, columns: columns)
    let expander = ModeExpander(tensor, matrix, sizes)
    var output = Tensor<Element>(uninitialized: [sizes.batch * sizes.rows, 2, columns])
    let c = output.unsafeMutablePointer()
    WorkerPool.shared.run(tasks: sizes.batch * sizes.panels) { task in
      let (b, panel) = (task / sizes.panels, task % sizes.panels)
      let scratch = AlignedMemory<Element>(count: expander.scratchCount)
      for block in 0..<expander.blockCount {
        let row = b * sizes.rows + expander.rows(block).lowerBound
        expander.expand(
          b, block: block, panel: panel, scratch: scratch.pointer, into: c + row * 2 * sizes.columns)
      }
    }
    if recording { saved = (tensor, matrix) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (tensor, matrix) = saved else { return }
    let sizes = ExpansionSizes(tensor, matrix, columns: columns)
    let (rows, terms, columns) = (sizes.rows, sizes.terms, sizes.columns)
    var tensorGradient = slots.begin(0, shape: tensor.shape)
    // Mᴴ, for the gradient of N.
    let products = ComplexPointProducts(
      real: matrix.unsafePointer, imaginary: matrix.unsafePointer + rows * terms, rows: terms, inner: rows,
      rowStride: 1, termStride: terms, conjugate: true, cut: .terms, size: gradientRowBlock)
    let tasks = sizes.batch * sizes.panels
    let groupSize = (tasks + 15) / 16
    let groups = (tasks + groupSize - 1) / groupSize
    let needsMatrix = slots.isNeeded(1)
    let sums = FactorSums<Element>(groups: needsMatrix ? groups : 0, channels: [terms], rank: rows)
    let (n, dc) = (tensor.unsafePointer, gradient.unsafePointer)
    let dn = tensorGradient?.tensor.unsafeMutablePointer()
    let accumulates = tensorGradient?.accumulates ?? false
    let width = sizes.panelWidth
    WorkerPool.shared.run(tasks: groups) { group in
      let memory = AlignedMemory<Element>(count: 3 * (terms + gradientRowBlock) * width)
      let results = ComplexPlanes(memory.pointer, distance: terms * width, stride: width)
      let gradients = ComplexPlanes(results[3], distance: gradientRowBlock * width, stride: width)
      let tensors = FactorRows<Element>(channels: terms, points: width)
      if needsMatrix { sums.begin(group: group) }
      for task in group * groupSize..<min(tasks, (group + 1) * groupSize) {
        let (b, range) = (task / sizes.panels, sizes.panel(task % sizes.panels))
        let source = n + b * sizes.inputCount + range.lowerBound
        if needsMatrix {
          tensors.setTransposed(
            real: source, imaginary: source + terms * columns, rowStride: columns, count: range.count)
        }
        for block in 0..<products.blockCount {
          let k = products.range(block)
          let first = dc + b * sizes.outputCount + k.lowerBound * 2 * columns + range.lowerBound
          prefetchRows(
            first + k.count * 2 * columns, rows: 2 * k.count, stride: columns, count: range.count)
          gradients.load(
            real: first, imaginary: first + columns, rowStride: 2 * columns, rows: k.count,
            count: range.count)
          if dn != nil {
            products.multiply(block: block, gradients, into: results, count: width, accumulate: block > 0)
          }
          if needsMatrix {
            sums.add(group: group, factor: 0, tensors, gradients, range: k, points: range.count)
          }
        }
        guard let dn else { continue }
        let target = dn + b * sizes.inputCount + range.lowerBound
        results.combine(
          rows: terms, count: range.count, real: target, imaginary: target + terms * columns,
          rowStride: columns, accumulate: accumulates)
      }
    }
    withExtendedLifetime((tensor, matrix, gradient)) {}
    slots.end(0, tensorGradient)
    guard needsMatrix else { return }
    slots.add(1, sums.total(factor: 0, conjugate: true).reshaped(matrix.shape))
  }
}

/// The extents of a ``ModeExpansion``, and the panels of columns that it is cut into.
struct ExpansionSizes {
  let batch: Int
  let rows: Int
  let terms: Int
  let columns: Int

  init<Element: Scalar>(_ tensor: Tensor<Element>, _ matrix: Tensor<Element>, columns: Int) {
    terms = matrix.shape[matrix.shape.count - 1]
    rows = matrix.count / 2 / terms
    batch = tensor.count / (2 * terms * columns)
    self.columns = columns
    precondition(tensor.count == batch * 2 * terms * columns, "a tensor with \(terms) terms")
  }

  /// Numbers of one b in N and in C.
  var inputCount: Int { 2 * terms * columns }
  var outputCount: Int { rows * 2 * columns }

  /// Columns of a panel, with those that pad it: where there are several, three of the widest blocks of a product. That
  /// is few enough for the planes to stay in cache, and rows nine cache lines apart do not displace each other.
  var panelWidth: Int { min(144, (columns + 15) / 16 * 16) }
  var panels: Int { (columns + panelWidth - 1) / panelWidth }

  func panel(_ number: Int) -> Range<Int> {
    number * panelWidth..<min(columns, (number + 1) * panelWidth)
  }
}

/// Rows of a matrix that meet a panel at a time, forward and back.
private let rowBlock = 32
private let gradientRowBlock = 64

/// The products of a ``ModeExpansion``, block of rows by panel of columns.
struct ModeExpander<Element: Scalar>: ~Copyable {
  private let sizes: ExpansionSizes
  private let products: ComplexPointProducts<Element>
  /// `[b, panel, {re, im, sum}, term, column of the panel]`.
  private let planes: AlignedMemory<Element>

  init(_ tensor: Tensor<Element>, _ matrix: Tensor<Element>, _ sizes: ExpansionSizes) {
    self.sizes = sizes
    let (rows, terms, columns, panels) = (sizes.rows, sizes.terms, sizes.columns, sizes.panels)
    let m = matrix.unsafePointer
    products = ComplexPointProducts(
      real: m, imaginary: m + rows * terms, rows: rows, inner: terms, rowStride: terms, termStride: 1,
      cut: .rows, size: rowBlock)
    planes = AlignedMemory(count: sizes.batch * panels * 3 * terms * sizes.panelWidth)
    let (n, planes, width) = (tensor.unsafePointer, planes.pointer, sizes.panelWidth)
    WorkerPool.shared.run(tasks: sizes.batch * panels) { task in
      let range = sizes.panel(task % panels)
      let source = n + task / panels * sizes.inputCount + range.lowerBound
      ComplexPlanes(planes + task * 3 * terms * width, distance: terms * width, stride: width).load(
        real: source, imaginary: source + terms * columns, rowStride: columns, rows: terms,
        count: range.count)
    }
    withExtendedLifetime((tensor, matrix)) {}
  }

  var blockCount: Int { products.blockCount }
  var scratchCount: Int { 3 * rowBlock * sizes.panelWidth }

  /// The rows k of a block.
  func rows(_ block: Int) -> Range<Int> { products.range(block) }

  /// The columns of a panel of the rows of a block, to `c` `[row, 2, column]`.
  func expand(
    _ b: Int, block: Int, panel: Int, scratch: UnsafeMutablePointer<Element>,
    into c: UnsafeMutablePointer<Element>
  ) {
    let (terms, width, columns) = (sizes.terms, sizes.panelWidth, sizes.columns)
    let source = planes.pointer + (b * sizes.panels + panel) * 3 * terms * width
    let results = ComplexPlanes(scratch, distance: rowBlock * width, stride: width)
    let range = sizes.panel(panel)
    let target = c + range.lowerBound
    prefetchRowsToWrite(target, rows: 2 * rows(block).count, stride: columns, count: range.count)
    products.multiply(
      block: block, ComplexPlanes(source, distance: terms * width, stride: width), into: results,
      count: width, accumulate: false)
    results.combine(
      rows: rows(block).count, count: range.count, real: target, imaginary: target + columns,
      rowStride: 2 * columns, accumulate: false)
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
