// OpenBLAS by its CBLAS interface, and what the processor offers to it.
#pragma once
#include <cblas.h>

// Whether the processor and the operating system offer the AVX-512 subset that OpenBLAS's SKYLAKEX kernels use.
static inline int operators_cpu_has_avx512(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
      && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
  return 0;
#endif
}
