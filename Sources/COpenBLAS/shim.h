// OpenBLAS by its CBLAS interface, LAPACK by its Fortran names, and what the processor offers to them.
#pragma once
#include <cblas.h>
#include <stddef.h>

// LAPACK as gfortran compiles it: everything by reference, lengths of character arguments at the end; complex numbers
// are pairs of doubles.
void dpbtrf_(const char *uplo, const blasint *n, const blasint *kd, double *ab, const blasint *ldab, blasint *info,
             size_t uplo_length);
void dpbtrs_(const char *uplo, const blasint *n, const blasint *kd, const blasint *nrhs, const double *ab,
             const blasint *ldab, double *b, const blasint *ldb, blasint *info, size_t uplo_length);
void zgesdd_(const char *jobz, const blasint *m, const blasint *n, double *a, const blasint *lda, double *s,
             double *u, const blasint *ldu, double *vt, const blasint *ldvt, double *work, const blasint *lwork,
             double *rwork, blasint *iwork, blasint *info, size_t jobz_length);
void zposv_(const char *uplo, const blasint *n, const blasint *nrhs, double *a, const blasint *lda, double *b,
            const blasint *ldb, blasint *info, size_t uplo_length);
void dgesdd_(const char *jobz, const blasint *m, const blasint *n, double *a, const blasint *lda, double *s, double *u,
             const blasint *ldu, double *vt, const blasint *ldvt, double *work, const blasint *lwork, blasint *iwork,
             blasint *info, size_t jobz_length);

// Whether the processor and the operating system offer the AVX-512 subset that OpenBLAS's SKYLAKEX kernels use.
static inline int operators_cpu_has_avx512(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
      && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
  return 0;
#endif
}

// Whether this is compiled for a processor with 32 vector registers of 512 bits, which Swift itself cannot ask.
static inline int operators_built_for_avx512(void) {
#if defined(__AVX512F__)
  return 1;
#else
  return 0;
#endif
}

// Asks for a cache line ahead of its use, in the second-level cache or for writing; Swift has no word for it. An
// address outside of memory does no harm.
static inline void operators_prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }
static inline void operators_prefetch_to_write(const void *address) { __builtin_prefetch(address, 1); }
