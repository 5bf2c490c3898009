// Products of the columns of complex factors.

import Tensors

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
  /// `Z[p, q, r] = X[p, r] Y[q, r]`: `[2, …p, r]` and `[2, …q, r]` to `[2, p, q, r]`, complex and planar.
  public func khatriRaoProduct(_ x: Variable<Element>, _ y: Variable<Element>) -> Variable<Element> {
    apply(KhatriRaoProduct<Element>(), [x, y])
  }
}
