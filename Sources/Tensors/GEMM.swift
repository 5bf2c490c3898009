// Matrix products and transposes by OpenBLAS, one thread a call: the worker pool above shares out the calls.

import COpenBLAS

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Row-major general matrix product `C ← α op(A) op(B) + β C`, with C `m`×`n`, op(A) `m`×`k`, op(B) `k`×`n`;
/// `lda`, `ldb`, `ldc` are the distances between rows as stored. Runs on the calling thread.
public func gemm<Element: Scalar>(
  _ transposeA: Bool = false, _ transposeB: Bool = false, m: Int, n: Int, k: Int, alpha: Element = 1,
  a: UnsafePointer<Element>, lda: Int, b: UnsafePointer<Element>, ldb: Int, beta: Element = 0,
  c: UnsafeMutablePointer<Element>, ldc: Int
) {
  Element.blasGEMM(transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

/// Row-major matrix–vector product `y ← α op(A) x + β y` with A `m`×`n`. Runs on the calling thread.
public func gemv<Element: Scalar>(
  _ transpose: Bool = false, m: Int, n: Int, alpha: Element = 1, a: UnsafePointer<Element>, lda: Int,
  x: UnsafePointer<Element>, beta: Element = 0, y: UnsafeMutablePointer<Element>
) {
  Element.blasGEMV(transpose, m, n, alpha, a, lda, x, beta, y)
}

/// `y[j, i] = x[i, j]` for `rows` rows i of x and `columns` columns j, strides in numbers. Runs on the calling thread.
public func transposedCopy<Element: Scalar>(
  _ x: UnsafePointer<Element>, rows: Int, columns: Int, stride xStride: Int,
  into y: UnsafeMutablePointer<Element>, stride yStride: Int
) {
  Element.blasTransposedCopy(rows, columns, x, xStride, y, yStride)
}

/// What OpenBLAS was told once, before its first use.
public enum BLAS {
  /// The name of the kernels in use, as OpenBLAS names processors.
  public static var kernels: String {
    prepare()
    return openblas_get_corename().map { String(cString: $0) } ?? "unknown"
  }

  /// One thread a call, and the AVX-512 kernels where the processor has them: Debian's 0.3.21 does not know
  /// recent processors and falls back to AVX2, at half the speed. Choosing anew is possible until the first
  /// call; `OPENBLAS_CORETYPE`, where the user set it, is respected.
  @inline(__always)
  static func prepare() { _ = preparation }

  private static let preparation: Void = {
    if operators_cpu_has_avx512() != 0, getenv("OPENBLAS_CORETYPE") == nil,
      let current = openblas_get_corename().map({ String(cString: $0) }),
      current != "SkylakeX", current != "Cooperlake",
      let quit = symbol("gotoblas_dynamic_quit"), let initialize = symbol("gotoblas_dynamic_init")
    {
      setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 1)
      quit()
      initialize()
    }
    openblas_set_num_threads(1)
  }()

  private static func symbol(_ name: String) -> (@convention(c) () -> Void)? {
    guard let address = dlsym(dlopen(nil, RTLD_LAZY), name) else { return nil }
    return unsafeBitCast(address, to: (@convention(c) () -> Void).self)
  }
}

extension Float {
  public static func blasGEMM(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ alpha: Float,
    _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafePointer<Float>, _ ldb: Int, _ beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int
  ) {
    BLAS.prepare()
    cblas_sgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
  }

  public static func blasTransposedCopy(
    _ rows: Int, _ columns: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ b: UnsafeMutablePointer<Float>,
    _ ldb: Int
  ) {
    BLAS.prepare()
    cblas_somatcopy(
      CblasRowMajor, CblasTrans, blasint(rows), blasint(columns), 1, a, blasint(lda), b, blasint(ldb))
  }

  public static func blasGEMV(
    _ transpose: Bool, _ m: Int, _ n: Int, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int,
    _ x: UnsafePointer<Float>, _ beta: Float, _ y: UnsafeMutablePointer<Float>
  ) {
    BLAS.prepare()
    cblas_sgemv(
      CblasRowMajor, transpose ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), alpha, a, blasint(lda),
      x, 1, beta, y, 1)
  }
}

extension Double {
  public static func blasGEMM(
    _ transposeA: Bool, _ transposeB: Bool, _ m: Int, _ n: Int, _ k: Int, _ alpha: Double,
    _ a: UnsafePointer<Double>, _ lda: Int, _ b: UnsafePointer<Double>, _ ldb: Int, _ beta: Double,
    _ c: UnsafeMutablePointer<Double>, _ ldc: Int
  ) {
    BLAS.prepare()
    cblas_dgemm(
      CblasRowMajor, transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans,
      blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b, blasint(ldb), beta, c, blasint(ldc))
  }

  public static func blasTransposedCopy(
    _ rows: Int, _ columns: Int, _ a: UnsafePointer<Double>, _ lda: Int, _ b: UnsafeMutablePointer<Double>,
    _ ldb: Int
  ) {
    BLAS.prepare()
    cblas_domatcopy(
      CblasRowMajor, CblasTrans, blasint(rows), blasint(columns), 1, a, blasint(lda), b, blasint(ldb))
  }

  public static func blasGEMV(
    _ transpose: Bool, _ m: Int, _ n: Int, _ alpha: Double, _ a: UnsafePointer<Double>, _ lda: Int,
    _ x: UnsafePointer<Double>, _ beta: Double, _ y: UnsafeMutablePointer<Double>
  ) {
    BLAS.prepare()
    cblas_dgemv(
      CblasRowMajor, transpose ? CblasTrans : CblasNoTrans, blasint(m), blasint(n), alpha, a, blasint(lda),
      x, 1, beta, y, 1)
  }
}
