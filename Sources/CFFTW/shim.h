// FFTW in both precisions. Without FFTW_NO_Complex its complex type is the C99 one, which Swift cannot import.
#pragma once
#define FFTW_NO_Complex
#include <fftw3.h>

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
