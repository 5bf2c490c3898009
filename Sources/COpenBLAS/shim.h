// OpenBLAS by its CBLAS interface, LAPACK by its Fortran names, and what the processor offers to them.
#pragma once
#include <cblas.h>
#include <stddef.h>

// LAPACK as gfortran compiles it: everything by reference, lengths of character arguments at the end.
void dpbtrf_(const char *uplo, const blasint *n, const blasint *kd, double *ab, const blasint *ldab, blasint *info,
             size_t uplo_length);
void dpbtrs_(const char *uplo, const blasint *n, const blasint *kd, const blasint *nrhs, const double *ab,
             const blasint *ldab, double *b, const blasint *ldb, blasint *info, size_t uplo_length);

// Whether the processor and the operating system offer the AVX-512 subset that OpenBLAS's SKYLAKEX kernels use.
static inline int operators_cpu_has_avx512(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
      && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
  return 0;
#endif
}
