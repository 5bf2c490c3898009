// OpenBLAS by its CBLAS interface, and what the processor offers to it.
#pragma once
#include <stddef.h>
#include <cblas.h>

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
