// OpenBLAS by its CBLAS interface, what of LAPACK is used, and what the processor offers to it.
#pragma once
#include <stddef.h>
#include <cblas.h>
#include <stddef.h>

// LAPACK's own interface: Debian's OpenBLAS has the routines, but not LAPACKE's declarations. The last argument is the
// length of `jobz`, which Fortran passes unseen.
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u,
             const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info,
             size_t jobz_length);

// Whether the processor and the operating system offer the AVX-512 subset that OpenBLAS's SKYLAKEX kernels use.
static inline int operators_cpu_has_avx512(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
      && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
  return 0;
#endif
}

// LAPACK by its Fortran names, which this library carries; complex numbers are pairs of doubles.
void zgesdd_(const char *jobz, const blasint *m, const blasint *n, double *a, const blasint *lda, double *s,
             double *u, const blasint *ldu, double *vt, const blasint *ldvt, double *work, const blasint *lwork,
             double *rwork, blasint *iwork, blasint *info, size_t jobz_length);
void zposv_(const char *uplo, const blasint *n, const blasint *nrhs, double *a, const blasint *lda, double *b,
            const blasint *ldb, blasint *info, size_t uplo_length);

// The thin singular value decomposition.
static inline void operators_zgesdd(const blasint *m, const blasint *n, double *a, const blasint *lda, double *s,
                                    double *u, const blasint *ldu, double *vt, const blasint *ldvt, double *work,
                                    const blasint *lwork, double *rwork, blasint *iwork, blasint *info) {
  zgesdd_("S", m, n, a, lda, s, u, ldu, vt, ldvt, work, lwork, rwork, iwork, info, 1);
}

// A X = B with A Hermitian and positive.
static inline void operators_zposv(const blasint *n, const blasint *nrhs, double *a, const blasint *lda, double *b,
                                   const blasint *ldb, blasint *info) {
  zposv_("U", n, nrhs, a, lda, b, ldb, info, 1);
}
