// Products of complex tensors with matrices along one axis: what factorized weights are put together with.

import Tensors

/// `Y[a, j, b] = Σ_i U[j, i] X[a, i, b]`, complex and planar: X `[2, …a, n, …b]`, U `[2, …m, n]` (its leading axes
/// taken as one of m), Y `[2, …a, m, …b]`; the n-axis of X is `axis` (the axis of real and imaginary part not
/// counted).
struct ModeProduct<Element: Scalar>: DifferentiableOperation {
  let axis: Int
  private var saved: (tensor: Tensor<Element>, matrix: Tensor<Element>)?

  init(axis: Int) { self.axis = axis }

  private struct Sizes {
    let outer: Int
    let n: Int
    let m: Int
    let inner: Int
    let shape: [Int]

    init(_ tensor: [Int], _ matrix: [Int], axis: Int) {
      outer = tensor[1..<(axis + 1)].reduce(1, *)
      n = tensor[axis + 1]
      inner = tensor[(axis + 2)...].reduce(1, *)
      m = matrix.dropFirst().dropLast().reduce(1, *)
      precondition(matrix.last == n, "a matrix with \(n) columns")
      shape = Array(tensor[...axis]) + [m] + tensor[(axis + 2)...]
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (tensor, matrix) = (inputs[0], inputs[1])
    let sizes = Sizes(tensor.shape, matrix.shape, axis: axis)
    let (n, m, inner) = (sizes.n, sizes.m, sizes.inner)
    var output = Tensor<Element>(uninitialized: sizes.shape)
    let (x, u, y) = (tensor.unsafePointer, matrix.unsafePointer, output.unsafeMutablePointer())
    let (xPart, uPart, yPart) = (tensor.count / 2, matrix.count / 2, output.count / 2)
    forEachPanel(sizes) { first, count, column, width in
      for (part, terms) in [(0, [(0, 0, 1), (1, 1, -1)]), (1, [(0, 1, 1), (1, 0, 1)])] {
        for (index, (xIndex, uIndex, sign)) in terms.enumerated() {
          let (source, factor) = (x + xIndex * xPart, u + uIndex * uPart)
          let target = y + part * yPart
          if inner == 1 {
            gemm(
              false, true, m: count, n: m, k: n, alpha: Element(sign), a: source + first * n, lda: n,
              b: factor,
              ldb: n, beta: Element(index), c: target + first * m, ldc: m)
          } else {
            gemm(
              m: m, n: width, k: n, alpha: Element(sign), a: factor, lda: n,
              b: source + first * n * inner + column, ldb: inner, beta: Element(index),
              c: target + first * m * inner + column, ldc: inner)
          }
        }
      }
    }
    withExtendedLifetime((tensor, matrix)) {}
    if recording { saved = (tensor, matrix) }
    return output
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (tensor, matrix) = saved else { return }
    let sizes = Sizes(tensor.shape, matrix.shape, axis: axis)
    let (n, m, inner) = (sizes.n, sizes.m, sizes.inner)
    let (x, u, dy) = (tensor.unsafePointer, matrix.unsafePointer, gradient.unsafePointer)
    let (xPart, uPart, yPart) = (tensor.count / 2, matrix.count / 2, gradient.count / 2)
    if var result = slots.begin(0, shape: tensor.shape) {
      // ∂X = U^H ∂Y
      let (dx, beta) = (result.tensor.unsafeMutablePointer(), result.beta)
      forEachPanel(sizes) { first, count, column, width in
        for (part, terms) in [(0, [(0, 0, 1), (1, 1, 1)]), (1, [(1, 0, 1), (0, 1, -1)])] {
          for (index, (yIndex, uIndex, sign)) in terms.enumerated() {
            let (source, factor) = (dy + yIndex * yPart, u + uIndex * uPart)
            let target = dx + part * xPart
            if inner == 1 {
              gemm(
                m: count, n: n, k: m, alpha: Element(sign), a: source + first * m, lda: m, b: factor, ldb: n,
                beta: index == 0 ? beta : 1, c: target + first * n, ldc: n)
            } else {
              gemm(
                true, false, m: n, n: width, k: m, alpha: Element(sign), a: factor, lda: n,
                b: source + first * m * inner + column, ldb: inner, beta: index == 0 ? beta : 1,
                c: target + first * n * inner + column, ldc: inner)
            }
          }
        }
      }
      slots.end(0, result)
    }
    if var result = slots.begin(1, shape: matrix.shape) {
      // ∂U = ∂Y X^H: each part of the gradient is one task.
      let (du, firstBeta) = (result.tensor.unsafeMutablePointer(), result.beta)
      WorkerPool.shared.run(tasks: 2) { part in
        let terms = part == 0 ? [(0, 0, 1), (1, 1, 1)] : [(1, 0, 1), (0, 1, -1)]
        var beta = firstBeta
        for (yIndex, xIndex, sign) in terms {
          let (g, source) = (dy + yIndex * yPart, x + xIndex * xPart)
          if inner == 1 {
            gemm(
              true, false, m: m, n: n, k: sizes.outer, alpha: Element(sign), a: g, lda: m, b: source, ldb: n,
              beta: beta, c: du + part * uPart, ldc: n)
            beta = 1
          } else {
            for a in 0..<sizes.outer {
              gemm(
                false, true, m: m, n: n, k: inner, alpha: Element(sign), a: g + a * m * inner, lda: inner,
                b: source + a * n * inner, ldb: inner, beta: beta, c: du + part * uPart, ldc: n)
              beta = 1
            }
          }
        }
      }
      slots.end(1, result)
    }
    withExtendedLifetime((tensor, matrix, gradient)) {}
  }

  /// Cuts the product: along `a` where b is a single number (`count` rows from `first` on), otherwise one `a` at a
  /// time and columns of b (`width` from `column` on).
  private func forEachPanel(
    _ sizes: Sizes, _ body: (_ first: Int, _ count: Int, _ column: Int, _ width: Int) -> Void
  ) {
    if sizes.inner == 1 {
      WorkerPool.shared.forEachRange(count: sizes.outer, grain: 64) { body($0.lowerBound, $0.count, 0, 1) }
    } else {
      let width = WorkerPool.rangeSize(count: sizes.inner, grain: 256, limit: 32)
      let panels = (sizes.inner + width - 1) / width
      WorkerPool.shared.run(tasks: sizes.outer * panels) { task in
        let column = task % panels * width
        body(task / panels, 1, column, min(width, sizes.inner - column))
      }
    }
  }
}

/// `[…outer, a, b, …inner]` to `[…outer, b, a, …inner]`, at the place `axis` of a.
struct SwapAxes<Element: Scalar>: DifferentiableOperation {
  let outer: Int
  let a: Int
  let b: Int
  let inner: Int
  let inputShape: [Int]
  let outputShape: [Int]

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    Self.swapped(inputs[0], outer, a, b, inner).reshaped(outputShape)
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    slots.add(0, Self.swapped(gradient, outer, b, a, inner).reshaped(inputShape))
  }

  private static func swapped(_ x: Tensor<Element>, _ outer: Int, _ a: Int, _ b: Int, _ inner: Int) -> Tensor<
    Element
  > {
    var y = Tensor<Element>(uninitialized: x.shape)
    let (source, target) = (x.unsafePointer, y.unsafeMutablePointer())
    let block = 32
    let blocks = (b + block - 1) / block
    WorkerPool.shared.forEachRange(count: outer * blocks, grain: max(1, 16384 / max(1, a * block * inner))) {
      tasks in
      for task in tasks {
        let first = task % blocks * block
        let offset = task / blocks * a * b * inner
        swapBlock(
          source + offset, target + offset, a: a, b: b, columns: first..<min(b, first + block), inner: inner)
      }
    }
    withExtendedLifetime(x) {}
    return y
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func swapBlock<E: Scalar>(
  _ x: UnsafePointer<E>, _ y: UnsafeMutablePointer<E>, a: Int, b: Int, columns: Range<Int>, inner: Int
) {
  for row in 0..<a {
    for column in columns {
      let (from, to) = (x + (row * b + column) * inner, y + (column * a + row) * inner)
      for i in 0..<inner { to[i] = from[i] }
    }
  }
}

/// `Z[p, q, r] = X[p, r] Y[q, r]`, complex and planar: X `[2, …p, r]`, Y `[2, …q, r]`, Z `[2, p, q, r]` (the
/// columnwise Khatri–Rao product).
struct KhatriRaoProduct<Element: Scalar>: DifferentiableOperation {
  private var saved: (x: Tensor<Element>, y: Tensor<Element>)?

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  mutating func forward(_ inputs: consuming [Tensor<Element>], recording: Bool) -> Tensor<Element> {
    let (x, y) = (inputs[0], inputs[1])
    let rank = x.shape.last ?? 1
    precondition(y.shape.last == rank, "factors of one rank")
    let (p, q) = (x.count / 2 / rank, y.count / 2 / rank)
    var z = Tensor<Element>.zeros([2, p, q, rank])
    let (target, px, py) = (z.unsafeMutablePointer(), x.unsafePointer, y.unsafePointer)
    let (xPart, yPart) = (x.count / 2, y.count / 2)
    WorkerPool.shared.forEachRange(count: p * q, grain: max(1, 4096 / rank)) { range in
      for row in range {
        addComplexProduct(
          px + row / q * rank, xPart, py + row % q * rank, yPart, conjugate: false, to: target + row * rank,
          p * q * rank, count: rank)
      }
    }
    withExtendedLifetime((x, y)) {}
    if recording { saved = (x, y) }
    return z
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  consuming func backward(_ gradient: consuming Tensor<Element>, into slots: GradientSlots<Element>) {
    guard let (x, y) = saved else { return }
    let rank = x.shape.last ?? 1
    let (p, q) = (x.count / 2 / rank, y.count / 2 / rank)
    var (dx, dy) = (Tensor<Element>.zeros(x.shape), Tensor<Element>.zeros(y.shape))
    let (px, py) = (dx.unsafeMutablePointer(), dy.unsafeMutablePointer())
    let (xs, ys, g) = (x.unsafePointer, y.unsafePointer, gradient.unsafePointer)
    // Rows of x, then those of y, each with what it met.
    WorkerPool.shared.run(tasks: p + q) { task in
      if task < p {
        for j in 0..<q {
          addComplexProduct(
            g + (task * q + j) * rank, p * q * rank, ys + j * rank, q * rank, conjugate: true,
            to: px + task * rank, p * rank, count: rank)
        }
      } else {
        for i in 0..<p {
          addComplexProduct(
            g + (i * q + task - p) * rank, p * q * rank, xs + i * rank, p * rank, conjugate: true,
            to: py + (task - p) * rank, q * rank, count: rank)
        }
      }
    }
    withExtendedLifetime((x, y, gradient)) {}
    slots.add(0, dx)
    slots.add(1, dy)
  }
}

/// `z += x ⊙ y`, y conjugated on request; each is a real row and, at a distance, an imaginary one.
@specialized(where E == Float)
@specialized(where E == Double)
private func addComplexProduct<E: Scalar>(
  _ x: UnsafePointer<E>, _ xImaginary: Int, _ y: UnsafePointer<E>, _ yImaginary: Int, conjugate: Bool,
  to z: UnsafeMutablePointer<E>, _ zImaginary: Int, count: Int
) {
  let sign: E = conjugate ? -1 : 1
  for i in 0..<count {
    let (xr, xi, yr, yi) = (x[i], x[i + xImaginary], y[i], sign * y[i + yImaginary])
    z[i] += xr * yr - xi * yi
    z[i + zImaginary] += xr * yi + xi * yr
  }
}

extension Tape {
  /// The complex, planar `tensor` `[2, …]` with its axis `axis` (the planar one not counted) multiplied by the
  /// complex `matrix` `[2, …rows, columns]`.
  public func modeProduct(
    _ tensor: Variable<Element>, axis: Int, matrix: Variable<Element>
  ) -> Variable<Element> {
    apply(ModeProduct<Element>(axis: axis), [tensor, matrix])
  }

  /// The tensor with axes `[…outer, a, b, …inner]`, a product of extents each, in the order `[…outer, b, a, …inner]`
  /// and the shape `shape`.
  public func swapAxes(
    _ tensor: Variable<Element>, outer: Int = 1, _ a: Int, _ b: Int, inner: Int = 1, shape: [Int]
  ) -> Variable<Element> {
    precondition(outer * a * b * inner == tensor.value.count, "axes that make up the tensor")
    return apply(
      SwapAxes<Element>(
        outer: outer, a: a, b: b, inner: inner, inputShape: tensor.shape, outputShape: shape), [tensor])
  }

  /// `Z[p, q, r] = X[p, r] Y[q, r]`: `[2, …p, r]` and `[2, …q, r]` to `[2, p, q, r]`, complex and planar.
  public func khatriRaoProduct(_ x: Variable<Element>, _ y: Variable<Element>) -> Variable<Element> {
    apply(KhatriRaoProduct<Element>(), [x, y])
  }
}
